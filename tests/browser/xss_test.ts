/** Hostile texts through every place that shows what people wrote: no dialog, no script, no report (W1). */
import assert from "node:assert/strict";
import { browserTest } from "../helpers/browser.ts";
import { withChatPages } from "../helpers/chat_page.ts";
import type { Scenario } from "../helpers/fake_scenario.ts";

const BREAKERS = ["", '">', "'>", "</textarea>", "</title>", "-->", "]]>", "</script>", "`>"];
const BODIES = [
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "<svg onload=alert(1)>",
  "<svg><script>alert(1)</script></svg>",
  "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
  "<a href=javascript:alert(1) autofocus onfocus=alert(1) tabindex=1>x</a>",
  "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
  "<details open ontoggle=alert(1)>",
  "<video><source onerror=alert(1)></video>",
  "<body onload=alert(1)>",
  "<input autofocus onfocus=alert(1)>",
  "<object data=javascript:alert(1)></object>",
  "<form action=javascript:alert(1)><button>x</button></form>",
  "<base href=//evil.example/>",
  "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
  "<link rel=stylesheet href=//evil.example/x.css>",
  "<style>*{background:url(//evil.example/x)}</style>",
  "<div hx-get=/ hx-trigger=load hx-on::load=alert(1)>",
  "<template><script>alert(1)</script></template>",
  "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
];
const WHOLE = [
  "javascript:alert(1)",
  "JaVaScRiPt:alert(1)",
  "java\nscript:alert(1)",
  "data:text/html,<script>alert(1)</script>",
  'https://example.org/"onmouseover=alert(1)//',
  "https://example.org/'><script>alert(1)</script>",
  "https://javascript:alert(1)@example.org",
  "mailto:a@b.example?body=<script>alert(1)</script>",
  "{{constructor.constructor('alert(1)')()}}",
  "${alert(1)}",
  "__proto__",
  "constructor",
  "\u202e<script>alert(1)</script>",
  "&lt;script&gt;alert(1)&lt;/script&gt;",
  "\u0000<script>alert(1)</script>",
  "<scr\u0000ipt>alert(1)</scr\u0000ipt>",
  "＜script＞alert(1)＜/script＞",
  "%3Cscript%3Ealert(1)%3C/script%3E",
  "\ud800<img src=x onerror=alert(1)>",
  "[x](javascript:alert(1))",
];

const corpus = [
  ...BODIES.flatMap((body) => BREAKERS.map((breaker) => breaker + body)),
  ...WHOLE,
];

const scenario: Scenario = {
  me: { fullName: corpus[0]!, username: corpus[10]! },
  people: corpus.map((text, i) => ({
    username: `${text} ${i}`,
    name: text,
    messages: i === 0
      ? corpus.flatMap((each) => [
        { text: each },
        { text: each, mine: true, state: "not sent" as const, reason: each },
        { text: each, kind: "line" as const, line: "missing" as const },
      ])
      : [{ text }],
  })),
};

const bad = () => ({
  elements:
    document.querySelectorAll("iframe, object, base, style, math, template, [srcdoc]").length,
  pictures: [...document.images].filter(({ src }) => !src.startsWith("blob:")).length,
  links: [...document.links].map(({ protocol }) => protocol)
    .filter((protocol) => !["http:", "https:", "mailto:"].includes(protocol)),
  handlers: [...document.querySelectorAll("*")].flatMap((each) =>
    each.getAttributeNames().filter((name) => name.startsWith("on") || name.startsWith("hx-"))
  ),
});
const NOTHING = { elements: 0, pictures: 0, links: [], handlers: [] };

/** Every text as a room's name, topic and line, as a member's name and username, and as a sender. */
const rooms: Scenario = {
  rooms: corpus.map((text, i) => ({
    name: `${text} ${i}`,
    topic: text,
    role: "owner" as const,
    // Starts as a picture does, and is none.
    picture: btoa("\x89PNG\r\n\x1a\n<script>alert(1)</script>"),
    members: i === corpus.length - 1
      ? corpus.map((each, at) => ({ username: `${each} ${at}`, name: each }))
      : [{ username: text, name: text }],
    waiting: [{ username: `w ${text}`, name: text }],
    messages: [
      { text, sender: text, from: "B5j-nueVYSpUZvusoHZ-DA" as never },
      { text, kind: "line" as const, line: "room" as const },
      { text: `@ana ${text} @ben`, sender: text, mention: true as const },
    ],
  })),
  elsewhere: [
    { name: corpus[3]!, topic: corpus[30]!, members: [{ username: "x", name: corpus[40]! }] },
  ],
};

browserTest(
  "attack: 200 hostile texts as room name, topic, member, line, sender and preview do nothing",
  async () => {
    await withChatPages(async ({ open }) => {
      const { page, errors, engine } = await open(rooms);
      const openRoom = async (at: number) => {
        await page.locator("#list-scroll").evaluate((pane, row) => pane.scrollTop = row * 66, at);
        await page.locator(`#list li[aria-posinset="${at + 1}"] button`).click();
      };
      for (let i = 0; i < corpus.length; i += 23) {
        await openRoom(i);
        await page.getByRole("article").nth(1).waitFor();
        await page.getByRole("button", { name: "Conversation details" }).click();
        await page.getByRole("button", { name: "Leave room" }).waitFor();
        await page.locator(".member-row").first().click();
        await page.getByText("30641").waitFor();
        assert.deepEqual(await page.evaluate(bad), NOTHING, `the text ${i}`);
      }
      await openRoom(corpus.length - 1);
      await page.getByRole("textbox", { name: "Message" }).fill("@");
      await page.getByRole("option").first().waitFor();
      await page.getByRole("textbox", { name: "Message" }).fill("");
      await page.getByRole("button", { name: "Conversation details" }).click();
      await page.locator(".member-row").nth(corpus.length - 1).waitFor();
      await page.getByRole("button", { name: "Room settings" }).click();
      await page.keyboard.press("Escape");
      for (const name of ["Share invitation", "Delete room"]) {
        await page.getByRole("button", { name }).click();
        await page.getByRole("dialog").waitFor();
        await page.keyboard.press("Escape");
      }
      await engine((e) => e.tell({ kind: "room", room: [...e.rooms.all.values()][0]! }));
      await page.getByRole("button", { name: "New conversation" }).click();
      await page.getByRole("tab", { name: "Join room" }).click();
      await page.getByRole("textbox", { name: "Room code" }).fill("K7QF-9XWD-2MVP-8TNC");
      await page.locator(".preview strong").waitFor();
      assert.deepEqual(await page.evaluate(bad), NOTHING);
      // A picture that is none is refused by the browser's own decoder, which says so nowhere.
      assert.deepEqual(errors, []);
    });
  },
);

browserTest(
  "attack: 200 hostile texts as name, username, message, reason and notice do nothing",
  async () => {
    assert.ok(corpus.length >= 200);
    await withChatPages(async ({ open }) => {
      const { page, errors } = await open(scenario);
      await page.getByRole("navigation").getByRole("button").first().click();
      await page.getByRole("article").first().waitFor();
      await page.getByRole("button", { name: "Conversation details" }).click();
      await page.getByText("30641").waitFor();
      await page.locator("#messages").evaluate(async (pane) => {
        for (let i = 0; i < 40 && !pane.querySelector(".beginning"); i++) {
          pane.scrollTop = 0;
          await new Promise((resolve) => requestAnimationFrame(resolve));
        }
      });
      await page.getByText("is encrypted on your devices").waitFor();
      await page.evaluate((texts) => {
        const { engine } = globalThis as unknown as {
          engine: { tell(event: unknown): void };
        };
        for (const words of texts) engine.tell({ kind: "warning", what: "bad-list", words });
      }, corpus);
      assert.ok(await page.getByRole("article").count() >= corpus.length * 2);
      const bad = await page.evaluate(() => ({
        elements:
          document.querySelectorAll("iframe, object, base, style, img, math, template").length,
        // Two of the shell, and what is behind the buttons.
        scripts: document.scripts.length,
        links: [...document.links].map(({ protocol }) => protocol)
          .filter((protocol) => !["http:", "https:", "mailto:"].includes(protocol)),
        handlers: [...document.querySelectorAll("*")].flatMap((each) =>
          each.getAttributeNames().filter((name) => name.startsWith("on") || name.startsWith("hx-"))
        ),
      }));
      assert.deepEqual(bad, { elements: 0, scripts: 3, links: [], handlers: [] });
      assert.deepEqual(errors, []);
    });
  },
);
