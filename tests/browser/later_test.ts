/** Scripts that come later, under the page's real policies: only what the page was built with ever runs. */
import assert from "node:assert/strict";
import { browserTest } from "../helpers/browser.ts";
import { withChatPages } from "../helpers/chat_page.ts";
import { notice } from "../helpers/chat_talk.ts";

browserTest(
  "attack: a script that is not what the page was built with does not run, and that is said",
  async () => {
    await withChatPages(async ({ open }) => {
      // Without the service worker, which would answer from what it has kept.
      const { page, errors } = await open({}, { serviceWorkers: "block" });
      await page.route(/chat_more/, async (route) => {
        const answer = await route.fetch();
        const body = `document.title = "taken over";\n${await answer.text()}`;
        await route.fulfill({ response: answer, body });
      });
      await page.getByRole("button", { name: "New conversation" }).first().click();
      await notice(page, "could not be loaded").waitFor();
      assert.notEqual(await page.title(), "taken over");
      assert.equal(await page.getByRole("dialog").count(), 0);
      assert.ok(errors.some((error) => /integrity/i.test(error)), errors.join("\n"));
    });
  },
);

browserTest("attack: an import without integrity is refused by the page's policy", async () => {
  await withChatPages(async ({ open, origin }) => {
    const { page } = await open({});
    const worker = await page.evaluate(
      async () => (await (await fetch("/service_worker.js")).text()),
    );
    const path = /\/static\/chat_more\.[0-9a-f]{12}\.js/.exec(worker)![0];
    const outcome = await page.evaluate(
      (url) => import(url).then(() => "ran", () => "refused"),
      `${origin}${path}`,
    );
    assert.equal(outcome, "refused");
  });
});

browserTest("attack: the page's Trusted Types policy names no script but its own", async () => {
  await withChatPages(async ({ open }) => {
    const { page } = await open({});
    const outcome = await page.evaluate(() => {
      try {
        document.createElement("script").src = "/static/chat_more.js";
        return "taken";
      } catch (error) {
        return (error as Error).name;
      }
    });
    assert.equal(outcome, "TypeError");
  });
});
