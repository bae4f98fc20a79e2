/** Long lists, long conversations and what comes in meanwhile, in a real browser over a fake engine. */
import assert from "node:assert/strict";
import { browserTest } from "../helpers/browser.ts";
import { withChatPages } from "../helpers/chat_page.ts";
import { article, enter, inView, list, log, onPage, talk } from "../helpers/chat_talk.ts";

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
          // Behind the request.
          await list(page).getByRole("button").nth(1).textContent() ?? "",
          /Mira Kaplan/,
        );
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
