/** Reporting somebody, in a real browser over a fake engine: what is sent is what was chosen. */
import assert from "node:assert/strict";
import { decode } from "../../protocol/codec.ts";
import { reportRequest } from "../../protocol/reports.ts";
import { browserTest } from "../helpers/browser.ts";
import { withChatPages } from "../helpers/chat_page.ts";
import { complaintsOf, enter, onPage, phone, talk } from "../helpers/chat_talk.ts";

browserTest("a report has the words and the chosen messages in it, and nothing else", async () => {
  await withChatPages(async (pages) => {
    await onPage(pages, talk, {}, async ({ page, errors }) => {
      const sent: Uint8Array[] = [];
      await page.route("**/api/reports", async (route) => {
        sent.push(new Uint8Array(route.request().postDataBuffer()!));
        await route.fulfill({ status: sent.length === 1 ? 429 : 204 });
      });
      await enter(page, "Mira Kaplan");
      await page.getByRole("button", { name: "Conversation details" }).click();
      await page.getByRole("button", { name: "Report…" }).press("Enter");
      const dialog = page.getByRole("dialog", { name: "Report Mira Kaplan" });
      await dialog.getByRole("textbox", { name: "What happened?" }).waitFor();
      await complaintsOf(page, "the report");
      await dialog.getByRole("button", { name: "Send report" }).click();
      await dialog.getByText("Say what happened.").waitFor();
      assert.deepEqual(sent, [], "an empty report goes nowhere");
      await dialog.getByRole("textbox", { name: "What happened?" }).fill("She shouts.");
      await dialog.getByRole("checkbox", { name: "I do." }).check();
      await dialog.getByRole("button", { name: "Send report" }).click();
      await dialog.getByText("You have reported a lot today.").waitFor();
      assert.match(errors.splice(0).join(), /^Failed to load resource: .* 429 [^,]*$/);
      await dialog.getByRole("button", { name: "Send report" }).click();
      await dialog.getByText("Sent. Whoever runs this server").waitFor();
      await complaintsOf(page, "the report is sent");
      const request = decode(reportRequest, sent[1]!);
      assert.equal(request.words, "She shouts.");
      assert.deepEqual(request.messages.map(({ text }) => text), ["I do."]);
      await page.keyboard.press("Escape");
      await dialog.waitFor({ state: "detached" });
    });
    await onPage(pages, talk, { colorScheme: "dark", ...phone }, async ({ page }) => {
      await enter(page, "Mira Kaplan");
      await page.getByRole("button", { name: "Conversation details" }).click();
      await page.getByRole("button", { name: "Report…" }).click();
      await page.getByRole("dialog", { name: "Report Mira Kaplan" }).getByRole("textbox").waitFor();
      await complaintsOf(page, "the report, dark, on a phone");
    });
  });
});
