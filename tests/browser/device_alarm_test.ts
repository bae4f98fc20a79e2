/** A device that was added to one's own account, in the chat page: asked about until it is answered. */
import assert from "node:assert/strict";
import { browserTest } from "../helpers/browser.ts";
import { withChatPages } from "../helpers/chat_page.ts";
import { onPage, talk } from "../helpers/chat_talk.ts";
import { inspect } from "../helpers/inspect.ts";

browserTest("a new device of one's own is asked about: mine, or out with it", async () => {
  await withChatPages(async (pages) => {
    await onPage(pages, talk, {}, async ({ page, engine }) => {
      const alarm = page.getByRole("alert").filter({ hasText: "Your account has a new device" });
      const sound = () =>
        engine((e) => {
          const words = "Your account has a new device, a browser. If that was not you, remove it.";
          const device = "DDDDDDDDDDDDDDDDDDDDDA" as never;
          e.tell({ kind: "warning", what: "own-new-device", words, device });
          e.tell({ kind: "warning", what: "own-new-device", words, device });
        });
      await sound();
      await alarm.waitFor();
      assert.equal(await alarm.count(), 1);
      await inspect(page, "device-alarm");
      await alarm.getByRole("button", { name: "That was me" }).press("Enter");
      await alarm.waitFor({ state: "detached" });
      await sound();
      const left = page.getByRole("alert").filter({ hasText: "is removed again" });
      await engine((e) => {
        const words = "A device, a browser, was added to your account and is removed again. " +
          "If that was not you, change your password.";
        const device = "DDDDDDDDDDDDDDDDDDDDDA" as never;
        e.tell({ kind: "warning", what: "own-device-gone", words, device });
      });
      await left.waitFor();
      assert.equal(await alarm.count(), 0, "it takes the place of the question before");
      await inspect(page, "device-alarm-gone");
      assert.equal(await left.getByRole("button", { name: "Remove it" }).count(), 0);
      await left.getByRole("button", { name: "That was me" }).press("Enter");
      await left.waitFor({ state: "detached" });
      assert.equal(
        (await engine((e) => e.calls)).filter((call) => call.startsWith("acceptDevice")).length,
        2,
      );
      await sound();
      await alarm.getByRole("button", { name: "Remove it" }).press("Enter");
      const question = page.getByRole("dialog", { name: "Remove that device?" });
      await page.keyboard.press("Escape");
      assert.ok(!(await engine((e) => e.calls)).some((call) => call.startsWith("revokeDevice")));
      await alarm.getByRole("button", { name: "Remove it" }).press("Enter");
      await question.getByRole("button", { name: "Remove it" }).click();
      await page.getByText("Whoever added it knows your password").waitFor();
      assert.ok((await engine((e) => e.calls)).some((call) => call.startsWith("revokeDevice")));
    });
  });
});

browserTest(
  "attack: a device is added so that its question covers the warning of a reset: both are read, and answered",
  async () => {
    await withChatPages(async (pages) => {
      for (const width of [1280, 390]) {
        await onPage(pages, { ...talk, connection: "offline" }, {}, async ({ page, engine }) => {
          await page.setViewportSize({ width, height: 844 });
          await engine((e) => {
            for (const device of ["DDDDDDDDDDDDDDDDDDDDDA", "EEEEEEEEEEEEEEEEEEEEEA"]) {
              const words = `Your account has a new device, ${device.slice(0, 1)}.`;
              e.tell({ kind: "warning", what: "own-new-device", words, device: device as never });
            }
          });
          await page.getByText("new device, E").waitFor();
          await page.locator("#reset-banner").evaluate((banner) =>
            banner.removeAttribute("hidden")
          );
          const boxes = await page.locator(".standing:visible").evaluateAll((all) =>
            all.map((each) => each.getBoundingClientRect()).map(({ top, bottom }) => [top, bottom])
          );
          assert.equal(boxes.length, 4);
          for (const [at, [top]] of boxes.entries()) {
            assert.ok(at === 0 || top! >= boxes[at - 1]![1]!, JSON.stringify(boxes));
          }
          await page.getByRole("link", { name: "See and stop it" }).click({ trial: true });
          const mine = page.getByRole("button", { name: "That was me" });
          for (let left = 1; left >= 0; left--) {
            await mine.first().click();
            assert.equal(await mine.count(), left);
          }
        });
      }
    });
  },
);
