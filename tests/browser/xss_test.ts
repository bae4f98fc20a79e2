/** Hostile texts through every place that shows what people wrote: no dialog, no script, no report (W1). */
import assert from "node:assert/strict";
import { browserTest } from "../helpers/browser.ts";
import { withChatPages } from "../helpers/chat_page.ts";
import type { Scenario } from "../helpers/fake_engine.ts";

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
        scripts: document.scripts.length,
        links: [...document.links].map(({ protocol }) => protocol)
          .filter((protocol) => !["http:", "https:", "mailto:"].includes(protocol)),
        handlers: [...document.querySelectorAll("*")].flatMap((each) =>
          each.getAttributeNames().filter((name) => name.startsWith("on") || name.startsWith("hx-"))
        ),
      }));
      assert.deepEqual(bad, { elements: 0, scripts: 2, links: [], handlers: [] });
      assert.deepEqual(errors, []);
    });
  },
);
