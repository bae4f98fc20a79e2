/** The chat page by keyboard and by finger, in a real browser over a fake engine. */
import assert from "node:assert/strict";
import { browserTest } from "../helpers/browser.ts";
import { withChatPages } from "../helpers/chat_page.ts";
import { article, enter, field, focused, list, onPage, phone, talk } from "../helpers/chat_talk.ts";

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
      assert.match(await focused(page), /Cleo.*Request$/, "a request is first");
      await page.keyboard.press("ArrowDown");
      assert.match(await focused(page), /Mira Kaplan/);
      await page.keyboard.press("ArrowDown");
      assert.match(await focused(page), /Jonas Thal/);
      await page.keyboard.press("End");
      assert.match(await focused(page), /Person 00000/);
      await page.keyboard.press("Home");
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "Jonas Thal" }).waitFor();
      await page.keyboard.press("Escape");
      assert.match(await focused(page), /Jonas Thal/);
      assert.equal(await list(page).locator("button[tabindex='0']").count(), 1);
    });
  });
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
