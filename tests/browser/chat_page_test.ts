/** The chat page in a real browser over a fake engine: states, keyboard, right-to-left, accessibility. */
import assert from "node:assert/strict";
import axe, { type AxeResults } from "axe-core";
import type { Page } from "playwright-core";
import { browserTest } from "../helpers/browser.ts";
import { type ChatPage, type ChatPages, withChatPages } from "../helpers/chat_page.ts";
import { fakeId, type Scenario } from "../helpers/fake_engine.ts";

const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

const talk: Scenario = {
  people: [
    {
      username: "mira",
      name: "Mira Kaplan",
      verification: "verified",
      messages: [
        { text: "Who still has the drawings?", ago: 60 * 26 },
        { text: "I do.", mine: true, state: "read", ago: 60 * 25 },
        { kind: "line", line: "new-device", text: "Mira Kaplan has a new device.", ago: 40 },
        { text: "See https://example.org/plot", ago: 34 },
        { text: "שלום עולם", ago: 30 },
        { text: "On my way", mine: true, state: "sent", ago: 2 },
        {
          text: "Lost",
          mine: true,
          state: "not sent",
          reason: "Mira’s mailbox is full.",
          ago: 0,
        },
      ],
    },
    {
      username: "jonas",
      name: "Jonas Thal",
      unread: 2,
      messages: [{ text: "One" }, { text: "Two" }],
    },
    {
      username: "ben",
      name: "Ben Okafor",
      verification: "changed",
      messages: [{ text: "see you on Sunday" }],
    },
    {
      username: "cleo",
      name: "Cleo ".repeat(16).trim(),
      accepted: false,
      messages: [{ text: "Hi" }],
    },
    { username: "layla", name: "ليلى حسن", messages: [{ text: "مرحبا" }] },
  ],
};

const list = (page: Page) => page.getByRole("navigation", { name: "Conversations" });
const log = (page: Page) => page.getByRole("log", { name: "Messages" });
const field = (page: Page) => page.getByRole("textbox", { name: "Message" });
const article = (page: Page, text: string) =>
  log(page).getByRole("article").filter({ hasText: text });
const notice = (page: Page, text: string | RegExp) =>
  page.locator(".notice").filter({ hasText: text });

async function enter(page: Page, name: string): Promise<void> {
  await list(page).getByText(name).first().click();
  await page.getByRole("heading", { name }).waitFor();
}

async function focused(page: Page): Promise<string> {
  return await page.evaluate(() => {
    const { activeElement: at } = document;
    return at?.getAttribute("aria-label") ?? at?.textContent?.trim() ?? "";
  });
}

/** One page, and nothing that it should not have done. */
async function onPage(
  pages: ChatPages,
  scenario: Scenario,
  options: Parameters<ChatPages["open"]>[1],
  work: (chat: ChatPage) => Promise<void>,
): Promise<void> {
  const chat = await pages.open(scenario, options);
  await work(chat);
  assert.deepEqual(chat.errors, []);
  await chat.page.context().close();
}

browserTest("axe finds nothing, in any state, light and dark, wide and narrow", async () => {
  await withChatPages(async (pages) => {
    for (const colorScheme of ["light", "dark"] as const) {
      await onPage(pages, talk, { colorScheme, reducedMotion: "reduce" }, async ({ page }) => {
        await page.evaluate(axe.source);
        await complaintsOf(page, "the list");
        await enter(page, "Mira Kaplan");
        await article(page, "Lost").waitFor();
        await complaintsOf(page, "a conversation");
        await page.getByRole("button", { name: "Conversation details" }).click();
        await page.getByText("30641").waitFor();
        await complaintsOf(page, "details");
        await enter(page, "Ben Okafor");
        await complaintsOf(page, "a changed key");
        await page.getByRole("button", { name: "New conversation" }).click();
        await complaintsOf(page, "the dialog");
      });
      await onPage(
        pages,
        { connection: "offline" },
        { colorScheme, ...phone },
        async ({ page }) => {
          await page.evaluate(axe.source);
          await complaintsOf(page, "empty and offline");
        },
      );
    }
  });
});

async function complaintsOf(page: Page, state: string): Promise<void> {
  const found = await page.evaluate(async () => {
    const scope = globalThis as unknown as { axe: { run(of: Document): Promise<AxeResults> } };
    const { violations } = await scope.axe.run(document);
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`);
  });
  assert.deepEqual(found, [], state);
}

browserTest("messages, their states in words, days and system lines are shown", async () => {
  await withChatPages(async (pages) => {
    await onPage(pages, talk, {}, async ({ page, engine }) => {
      await enter(page, "Mira Kaplan");
      await article(page, "I do.").filter({ hasText: /\bread\b/ }).waitFor();
      await article(page, "On my way").filter({ hasText: /\bsent\b/ }).waitFor();
      await article(page, "Lost").filter({ hasText: /\bnot sent\b/ }).waitFor();
      assert.equal(await log(page).getByRole("article").count(), 6);
      await log(page).getByText("Mira Kaplan has a new device.").waitFor();
      await log(page).getByText("Today").waitFor();
      await engine((e) => e.setState("mira", "On my way", "delivered"));
      await article(page, "On my way").filter({ hasText: /\bdelivered\b/ }).waitFor();
      await page.getByRole("button", { name: "Try again" }).click();
      await article(page, "Lost").filter({ hasText: /\bsending\b/ }).waitFor();
    });
  });
});

browserTest("Enter sends, Shift+Enter begins a line, and the focus stays", async () => {
  await withChatPages(async (pages) => {
    await onPage(pages, talk, {}, async ({ page, engine }) => {
      await enter(page, "Mira Kaplan");
      await page.keyboard.type("first");
      await page.keyboard.press("Shift+Enter");
      await page.keyboard.type("second");
      await page.keyboard.press("Enter");
      await article(page, "first").filter({ hasText: "second" }).waitFor();
      assert.equal(await field(page).inputValue(), "");
      await page.keyboard.type("and more");
      await page.getByRole("button", { name: "Send" }).click();
      await article(page, "and more").waitFor();
      assert.equal(await article(page, "and more").count(), 1);
      assert.deepEqual(await engine((e) => e.calls.filter((call) => call.startsWith("send"))), [
        "send first\nsecond",
        "send and more",
      ]);
    });
  });
});

browserTest("drafts are kept per conversation and over a reload", async () => {
  await withChatPages(async (pages) => {
    await onPage(pages, talk, {}, async ({ page }) => {
      await enter(page, "Mira Kaplan");
      await field(page).fill("for Mira");
      await enter(page, "Jonas Thal");
      assert.equal(await field(page).inputValue(), "");
      await field(page).fill("for Jonas");
      await page.reload();
      await page.getByRole("heading", { name: "Jonas Thal" }).waitFor();
      assert.equal(await field(page).inputValue(), "for Jonas");
      await enter(page, "Mira Kaplan");
      assert.equal(await field(page).inputValue(), "for Mira");
    });
  });
});

browserTest("a refused message comes back into the field with words", async () => {
  const words = "That was a lot at once. Wait a moment.";
  await withChatPages(async (pages) => {
    await onPage(pages, { ...talk, refuseSend: words }, {}, async ({ page }) => {
      await enter(page, "Mira Kaplan");
      await field(page).fill("too fast");
      await page.keyboard.press("Enter");
      await page.getByText(words).waitFor();
      assert.equal(await field(page).inputValue(), "too fast");
      assert.equal(await article(page, "too fast").count(), 0);
    });
  });
});

browserTest("a message over the limit is not sent and nothing is cut off", async () => {
  await withChatPages(async (pages) => {
    await onPage(pages, talk, {}, async ({ page, engine }) => {
      await enter(page, "Mira Kaplan");
      const text = "ö".repeat(2_100);
      await field(page).fill(text);
      await page.getByText("too long for one message").waitFor();
      await page.keyboard.press("Enter");
      assert.equal(await field(page).inputValue(), text);
      assert.equal(
        await engine((e) => e.calls.filter((call) => call.startsWith("send")).length),
        0,
      );
    });
  });
});

browserTest("a changed key blocks the composer until somebody decides", async () => {
  await withChatPages(async (pages) => {
    await onPage(pages, talk, {}, async ({ page, engine }) => {
      await enter(page, "Mira Kaplan");
      await field(page).fill("half a sentence");
      await engine((e) => e.setVerification("mira", "changed"));
      await page.getByRole("alert").filter({ hasText: "Mira Kaplan’s key has changed" }).waitFor();
      assert.ok(await field(page).isDisabled());
      assert.ok(await page.getByRole("button", { name: "Send" }).isDisabled());
      await page.getByRole("button", { name: "Compare" }).click();
      await page.getByText("30641").waitFor();
      await page.locator("#banner").getByRole("button", { name: "Accept the new key" }).click();
      await page.getByRole("alert").waitFor({ state: "detached" });
      assert.ok(await field(page).isEnabled());
      assert.equal(await field(page).inputValue(), "half a sentence");
    });
  });
});

browserTest("the details show the safety number in groups and take the mark", async () => {
  await withChatPages(async (pages) => {
    await onPage(pages, talk, {}, async ({ page, engine }) => {
      await enter(page, "Jonas Thal");
      await page.getByRole("button", { name: "Conversation details" }).click();
      const number = page.getByLabel("Safety number", { exact: true });
      await number.getByText("30641").waitFor();
      assert.match(await number.textContent() ?? "", /^(\d{5} ){11}\d{5}$/);
      await page.getByRole("button", { name: "Mark as verified" }).click();
      await page.getByRole("button", { name: "Remove the mark" }).waitFor();
      assert.ok(
        (await engine((e) => e.calls)).includes(`setVerified ${fakeId<string>("jonas")} true`),
      );
      await page.keyboard.press("Escape");
      await page.getByRole("complementary").waitFor({ state: "hidden" });
      assert.equal(await focused(page), "Conversation details");
    });
  });
});

browserTest(
  "a conversation is started by username, and refusals are said in the dialog",
  async () => {
    await withChatPages(async (pages) => {
      await onPage(pages, talk, {}, async ({ page }) => {
        await page.getByRole("button", { name: "New conversation" }).click();
        const dialog = page.getByRole("dialog", { name: "New conversation" });
        await dialog.getByRole("tab", { name: "Person" }).waitFor();
        await dialog.getByRole("button", { name: "Start chat" }).click();
        await dialog.getByText("Whom would you like").waitFor();
        await dialog.getByRole("textbox", { name: "Username" }).fill("@Ana");
        await page.keyboard.press("Enter");
        await dialog.getByText("That is you.").waitFor();
        await dialog.getByRole("textbox", { name: "Username" }).fill("nobody");
        await page.keyboard.press("Enter");
        await dialog.getByText("Nobody here is called @nobody.").waitFor();
        await page.keyboard.press("Escape");
        await dialog.waitFor({ state: "hidden" });
        assert.equal(await focused(page), "New conversation");
        await page.keyboard.press("Enter");
        await dialog.getByRole("textbox", { name: "Username" }).fill("olga");
        await page.keyboard.press("Enter");
        await dialog.waitFor({ state: "hidden" });
        await page.getByRole("heading", { name: "olga" }).waitFor();
        assert.equal(await page.evaluate(() => document.activeElement?.id), "message");
      });
    });
  },
);

browserTest("the list is walked with the keyboard alone", async () => {
  await withChatPages(async (pages) => {
    await onPage(pages, { crowd: 300, ...talk }, {}, async ({ page }) => {
      await page.getByRole("searchbox", { name: "Find a person" }).focus();
      await page.keyboard.press("ArrowDown");
      assert.match(await focused(page), /Mira Kaplan/);
      await page.keyboard.press("ArrowDown");
      assert.match(await focused(page), /Jonas Thal/);
      await page.keyboard.press("End");
      assert.match(await focused(page), /Person 00000/);
      await page.keyboard.press("Home");
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "Jonas Thal" }).waitFor();
      await page.keyboard.press("Escape");
      assert.match(await focused(page), /Jonas Thal/);
      assert.equal(await list(page).locator("button[tabindex='0']").count(), 1);
    });
  });
});

browserTest(
  "ten thousand conversations are a few dozen nodes, and any of them is found",
  async () => {
    await withChatPages(async (pages) => {
      await onPage(pages, { crowd: 10_000 }, {}, async ({ page }) => {
        const rows = list(page).getByRole("listitem");
        assert.ok(await rows.count() < 60);
        assert.equal(await rows.first().getAttribute("aria-setsize"), "10000");
        await page.getByRole("searchbox").fill("person_04711");
        await list(page).getByText("Person 04711").waitFor();
        assert.equal(await rows.count(), 1);
        await page.getByRole("searchbox").press("Escape");
        await page.locator("#list-scroll").evaluate((e) => e.scrollTop = e.scrollHeight);
        await list(page).getByText("Person 00000").waitFor();
      });
    });
  },
);

browserTest(
  "older messages come when they are scrolled to, and what was in view stays there",
  async () => {
    const scenario = { people: [{ username: "long", name: "Long Talk", history: 400 }] };
    await withChatPages(async (pages) => {
      await onPage(pages, scenario, {}, async ({ page, engine }) => {
        await enter(page, "Long Talk");
        await article(page, "History 00399").waitFor();
        const before = await page.evaluate(() => {
          const pane = document.querySelector("#messages")!;
          pane.scrollTop = 300;
          const first = [...pane.querySelectorAll("article")].find((each) =>
            each.getBoundingClientRect().top > 100
          )!;
          first.id = "watched";
          return Math.round(first.getBoundingClientRect().top);
        });
        await article(page, "History 00300").waitFor({ state: "attached" });
        const after = await page.locator("#watched").evaluate((e) =>
          Math.round(e.getBoundingClientRect().top)
        );
        assert.ok(Math.abs(after - before) <= 2, `moved from ${before} to ${after}`);
        await engine((e) => e.receive("long", "something new"));
        await page.getByRole("button", { name: "1 new message" }).click();
        await page.getByRole("button", { name: "1 new message" }).waitFor({ state: "hidden" });
        assert.ok(await inView(page, "something new"));
      });
    });
  },
);

async function inView(page: Page, text: string): Promise<boolean> {
  return await article(page, text).evaluate((each) => {
    const { top, bottom } = each.getBoundingClientRect();
    const pane = document.querySelector("#messages")!.getBoundingClientRect();
    return top >= pane.top && bottom <= pane.bottom + 1;
  });
}

browserTest(
  "the end stays in view while messages come, and unread ones are marked read when seen",
  async () => {
    await withChatPages(async (pages) => {
      await onPage(pages, talk, {}, async ({ page, engine }) => {
        await page.waitForFunction(() => document.title === "(2) Snug");
        await enter(page, "Jonas Thal");
        await log(page).getByText("2 new messages").waitFor();
        await page.waitForFunction(() => document.title === "Snug");
        for (let i = 0; i < 30; i++) {
          await page.evaluate(`engine.receive("jonas", "burst ${i}")`);
        }
        await article(page, "burst 29").waitFor();
        assert.ok(await inView(page, "burst 29"));
        await page.waitForFunction(() => document.title === "Snug");
        await engine((e) => e.receive("mira", "elsewhere"));
        await page.waitForFunction(() => document.title === "(1) Snug");
        assert.match(
          await list(page).getByRole("button").first().textContent() ?? "",
          /Mira Kaplan/,
        );
      });
    });
  },
);

browserTest("loading, offline, signed out and lost messages are said in words", async () => {
  await withChatPages(async (pages) => {
    await onPage(pages, { ...talk, silent: ["messages"] }, {}, async ({ page }) => {
      await enter(page, "Mira Kaplan");
      assert.equal(await log(page).getAttribute("aria-busy"), "true");
      assert.ok(await page.locator(".bone-bubble").count() > 0);
    });
    await onPage(pages, { ...talk, connection: "offline" }, {}, async ({ page, engine }) => {
      await page.getByText("You’re offline.").waitFor();
      await engine((e) => e.tell({ kind: "connection", state: "online" }));
      await page.getByText("Connected · chat.example.org").waitFor();
      await engine((e) => e.tell({ kind: "connection", state: "signed-out" }));
      const link = page.getByRole("link", { name: "Sign in" });
      assert.equal(await link.getAttribute("href"), "/sign-in");
      await engine((e) => e.tell({ kind: "gap", count: 3 }));
      await notice(page, "3 messages could not be kept").waitFor();
      await page.getByRole("button", { name: "Dismiss" }).click();
      await notice(page, "3 messages").waitFor({ state: "detached" });
    });
  });
});

browserTest("a browser without a device is led to sign in", async () => {
  await withChatPages(async (pages) => {
    await onPage(pages, {}, {}, async ({ page }) => {
      await page.evaluate(axe.source);
      await page.getByRole("heading", { name: "You’re signed out" }).waitFor();
      const link = page.getByRole("link", { name: "Sign in" });
      assert.equal(await link.getAttribute("href"), "/sign-in");
      await complaintsOf(page, "signed out");
    });
  }, "product");
});

browserTest("an older browser is told at once what it lacks, and nothing else runs", async () => {
  await withChatPages(async ({ browser, origin }) => {
    const page = await browser.newPage();
    await page.addInitScript(() => {
      const { generateKey } = SubtleCrypto.prototype;
      SubtleCrypto.prototype.generateKey = function (this: SubtleCrypto, ...args: unknown[]) {
        const [algorithm] = args as [{ readonly name: string }];
        if (algorithm.name === "X25519") return Promise.reject(new DOMException("unknown"));
        return Reflect.apply(generateKey, this, args);
      } as typeof generateKey;
      Object.defineProperty(Navigator.prototype, "locks", { value: undefined });
    });
    await page.goto(`${origin}/chat`);
    await page.getByRole("heading", { name: "This browser can’t run Snug yet" }).waitFor();
    const items = await page.locator("#gate-list li").allTextContents();
    assert.equal(items.length, 2);
    assert.match(items.join(), /X25519.*Web Locks/);
    assert.match(await page.locator("#gate-words").textContent() ?? "", /Safari 18\.4/);
    assert.deepEqual(await page.evaluate(async () => (await indexedDB.databases()).length), 0);
  }, "product");
});

browserTest("on a phone, one column at a time, with a way back", async () => {
  await withChatPages(async (pages) => {
    await onPage(pages, talk, phone, async ({ page }) => {
      await list(page).getByText("Jonas Thal").tap();
      await field(page).waitFor();
      assert.ok(await list(page).isHidden());
      await page.getByRole("button", { name: "All conversations" }).tap();
      await list(page).waitFor();
      assert.ok(await field(page).isHidden());
      await list(page).getByText("Mira Kaplan").tap();
      await field(page).waitFor();
      await page.getByRole("button", { name: "Conversation details" }).tap();
      await page.getByText("30641").waitFor();
      await page.getByRole("button", { name: "Close" }).tap();
      await page.goBack();
      await list(page).waitFor();
      const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      assert.equal(wide, false, "nothing sticks out to the side");
    });
  });
});

browserTest(
  "right-to-left texts and names run their own way and move nothing around them",
  async () => {
    await withChatPages(async (pages) => {
      await onPage(pages, talk, {}, async ({ page }) => {
        await enter(page, "Mira Kaplan");
        const text = article(page, "שלום").locator(".text");
        assert.equal(await text.evaluate((e) => getComputedStyle(e).direction), "rtl");
        const overlap = await article(page, "שלום").evaluate((each) => {
          const range = document.createRange();
          range.selectNodeContents(each.querySelector(".text")!);
          const words = range.getBoundingClientRect();
          const time = each.querySelector("time")!.getBoundingClientRect();
          return words.left < time.right && time.left < words.right;
        });
        assert.equal(overlap, false, "the time stands beside the text");
        const handle = list(page).getByText("@layla");
        const name = list(page).getByText("ليلى حسن");
        const [from, to] = [await name.boundingBox(), await handle.boundingBox()];
        assert.ok(from!.x < to!.x, "the username stays behind the name");
      });
    });
  },
);

browserTest("the shell opens without a network once the service worker has it", async () => {
  await withChatPages(async (pages) => {
    await onPage(pages, talk, {}, async ({ page }) => {
      await page.evaluate(async () => {
        await navigator.serviceWorker.ready;
        if (!navigator.serviceWorker.controller) {
          await new Promise((resolve) => {
            navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true });
          });
        }
      });
      const kept = await page.evaluate(async () => {
        const [name] = await caches.keys();
        const requests = await (await caches.open(name!)).keys();
        return requests.map(({ url }) => new URL(url).pathname).sort();
      });
      assert.ok(kept.includes("/chat") && kept.every((path) => /^\/(chat|static\/)/.test(path)));
      await page.context().setOffline(true);
      await page.reload();
      await list(page).getByText("Mira Kaplan").waitFor();
      await page.context().setOffline(false);
    });
  });
});
