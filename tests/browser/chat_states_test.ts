/** Every state of the chat page in a real browser over a fake engine: in words, accessible, in both themes. */
import assert from "node:assert/strict";
import { browserTest } from "../helpers/browser.ts";
import { withChatPages } from "../helpers/chat_page.ts";
import {
  article,
  complaintsInBothThemes,
  complaintsOf,
  enter,
  field,
  focused,
  list,
  log,
  notice,
  onPage,
  phone,
  talk,
} from "../helpers/chat_talk.ts";
import { fakeId } from "../helpers/fake_scenario.ts";

browserTest("axe finds nothing, in any state, light and dark, wide and narrow", async () => {
  await withChatPages(async (pages) => {
    await onPage(pages, talk, { reducedMotion: "reduce" }, async ({ page }) => {
      await complaintsInBothThemes(page, "the list");
      await enter(page, "Mira Kaplan");
      await article(page, "Lost").waitFor();
      await complaintsInBothThemes(page, "a conversation");
      await page.getByRole("button", { name: "Conversation details" }).click();
      await page.getByText("30641").waitFor();
      await complaintsInBothThemes(page, "details");
      await enter(page, "Ben Okafor");
      await complaintsInBothThemes(page, "a changed key");
      await page.getByRole("button", { name: "New conversation" }).click();
      await complaintsInBothThemes(page, "the dialog");
    });
    await onPage(pages, { connection: "offline" }, phone, async ({ page }) => {
      await complaintsInBothThemes(page, "empty and offline");
    });
  });
});

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
      await page.getByRole("button", { name: "Accept the new key" }).click();
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
