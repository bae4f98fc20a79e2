/** Rooms in a real browser over a fake engine: dialogs, invitations and mentions, by name and by keyboard. */
import assert from "node:assert/strict";
import { browserTest } from "../helpers/browser.ts";
import { withChatPages } from "../helpers/chat_page.ts";
import {
  called,
  details,
  dialog,
  openDetails,
  press,
  scenario,
  startDialog,
} from "../helpers/chat_rooms.ts";
import {
  article,
  complaintsInBothThemes,
  complaintsOf,
  enter,
  field,
  focused,
  list,
  log,
  onPage,
  phone,
} from "../helpers/chat_talk.ts";
import { A_CODE, ANOTHER_CODE } from "../helpers/fake_rooms.ts";

browserTest(
  "axe finds nothing in rooms, their dialogs and their panel, light and dark",
  async () => {
    await withChatPages(async (pages) => {
      for (const size of [{}, phone]) {
        const options = { reducedMotion: "reduce" as const, ...size };
        await onPage(pages, scenario, options, async ({ page }) => {
          await enter(page, "Secret garden");
          await article(page, "I do").waitFor();
          await complaintsInBothThemes(page, "a room");
          await openDetails(page);
          await complaintsInBothThemes(page, "the panel");
          await details(page).getByRole("button", { name: /^Cleo Laurent/ }).click();
          await page.getByText("30641").waitFor();
          await complaintsInBothThemes(page, "a member");
          await press(page, "Share invitation");
          await page.getByRole("img", { name: /QR code/ }).waitFor();
          await complaintsInBothThemes(page, "the share sheet");
          await page.keyboard.press("Escape");
          await press(page, "Room settings");
          await complaintsInBothThemes(page, "the settings");
          await page.keyboard.press("Escape");
          await press(page, "Delete room");
          await complaintsInBothThemes(page, "a question");
          await page.keyboard.press("Escape");
          await press(page, "Add someone");
          await complaintsInBothThemes(page, "adding");
          await page.keyboard.press("Escape");
          await press(page, "Close");
          await field(page).fill("@");
          await page.getByRole("option").first().waitFor();
          await complaintsInBothThemes(page, "mentions");
        });
      }
      await onPage(pages, scenario, { reducedMotion: "reduce" }, async ({ page }) => {
        await startDialog(page, "Create room");
        await complaintsInBothThemes(page, "create");
        await page.getByRole("tab", { name: "Join room" }).click();
        await page.getByRole("textbox", { name: "Room code" }).fill(ANOTHER_CODE);
        await page.getByText("Night readers").waitFor();
        await complaintsInBothThemes(page, "join");
      });
    });
  },
);

browserTest("a room is made by keyboard alone, and it opens", async () => {
  await withChatPages(async (pages) => {
    await onPage(pages, {}, {}, async ({ page }) => {
      await page.getByRole("button", { name: "New conversation" }).first().press("Enter");
      await dialog(page, "New conversation").waitFor();
      await page.keyboard.press("Shift+Tab");
      assert.equal(await focused(page), "Person");
      await page.keyboard.press("ArrowRight");
      assert.equal(await focused(page), "Create room");
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      await page.getByText("What shall the room be called?").waitFor();
      await page.keyboard.type("Kitchen");
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "Kitchen" }).waitFor();
      await log(page).getByText("You made this room.").waitFor();
      await openDetails(page);
      await page.getByText("Only you so far.").waitFor();
    });
  });
});

browserTest(
  "a code shows its room before joining, and a wrong one says only that there is none",
  async () => {
    await withChatPages(async (pages) => {
      await onPage(pages, scenario, {}, async (chat) => {
        const { page } = chat;
        await startDialog(page, "Join room");
        const code = page.getByRole("textbox", { name: "Room code" });
        await code.fill("0000-0000-0000-0000");
        await page.getByText("There is no such room.").waitFor();
        await code.fill(`https://chat.example.org/join#${ANOTHER_CODE.toLowerCase()}`);
        await page.getByText("Night readers").waitFor();
        await page.getByText("5 members").waitFor();
        assert.deepEqual((await called(chat)).filter((call) => call.startsWith("joinRoom")), []);
        await press(page, "Join");
        await page.getByRole("heading", { name: "Night readers" }).waitFor();
      });
    });
  },
);

browserTest("a link shows the room, and nothing happens before somebody says so", async () => {
  await withChatPages(async (pages) => {
    await onPage(pages, scenario, {}, async (chat) => {
      const { page } = chat;
      const visit = async (code: string) => {
        await page.goto("about:blank");
        await page.goto(`${pages.origin}/join#${code}`);
        await page.waitForURL(`${pages.origin}/chat`);
      };
      await visit(ANOTHER_CODE);
      const invited = dialog(page, "You’re invited to a room");
      await invited.getByText("Night readers").waitFor();
      await complaintsOf(page, "an invitation");
      assert.equal(await page.evaluate(() => history.length > 0 && location.hash), "");
      await page.reload();
      await invited.getByText("Night readers").waitFor();
      await press(page, "Not now");
      await invited.waitFor({ state: "hidden" });
      await page.reload();
      await list(page).getByText("Secret garden").waitFor();
      assert.equal(await page.getByRole("dialog").count(), 0);
      assert.deepEqual((await called(chat)).filter((call) => call.startsWith("joinRoom")), []);

      await visit("0000-0000-0000-0000");
      await page.getByText("Ask whoever invited you for the new one.").waitFor();
      await press(page, "Close");
      await visit(A_CODE);
      await invited.getByText("You’re already in this room.").waitFor();
      await press(page, "Open");
      await page.getByRole("heading", { name: "Secret garden" }).waitFor();
      await visit("");
      await page.getByRole("textbox", { name: "Room code" }).waitFor();
      await page.keyboard.press("Escape");

      await visit("AAAA-BBBB-CCCC-DDDD");
      await page.getByRole("button", { name: "Ask to join" }).click();
      await page.getByText("A moderator of the room decides.").waitFor();
      assert.ok(await page.locator("#message").isDisabled());
    });
  });
});

browserTest("members are offered after @, by keyboard, and Enter does not send then", async () => {
  await withChatPages(async (pages) => {
    await onPage(pages, scenario, {}, async (chat) => {
      const { page } = chat;
      await enter(page, "Secret garden");
      await field(page).focus();
      await page.keyboard.type("Dear @");
      await page.getByRole("option").nth(3).waitFor();
      await page.keyboard.press("ArrowDown");
      const active = await field(page).getAttribute("aria-activedescendant");
      assert.match(await page.locator(`#${active}`).innerText(), /Ben Okafor/);
      await page.keyboard.press("Enter");
      assert.equal(await field(page).inputValue(), "Dear @ben ");
      await page.keyboard.type("and @lau");
      await page.getByRole("option", { name: /Cleo/ }).waitFor();
      await page.keyboard.press("Tab");
      assert.equal(await field(page).inputValue(), "Dear @ben and @cleo ");
      await page.keyboard.type("a@mir");
      await page.keyboard.press("Enter");
      await article(page, "Dear @ben and @cleo a@mir").waitFor();
      assert.equal((await called(chat)).filter((call) => call.startsWith("send")).length, 1);
      const marked = article(page, "Dear").locator(".mention");
      assert.deepEqual(await marked.allTextContents(), ["@ben", "@cleo"]);
    });
  });
});

browserTest("names, mentions and counts are there for eyes and for ears", async () => {
  await withChatPages(async (pages) => {
    await onPage(pages, scenario, {}, async ({ page, engine }) => {
      const row = list(page).getByRole("button", { name: /Book club/ });
      assert.match(await row.innerText(), /Ben Okafor: Not finished/);
      await row.getByText("3 unread messages, 1 mention of you").waitFor();
      assert.equal(await page.title(), "(3) Snug");
      await enter(page, "Secret garden");
      await article(page, "corner plot").getByText("Mira Kaplan:").waitFor();
      assert.equal(await log(page).locator(".who").count(), 3);
      await article(page, "drawings").locator(".mention.me").getByText("@ana").waitFor();
      await engine((e) => void e.say("Old choir", "mira", "again"));
      assert.equal(await page.title(), "(3) Snug", "muted: counted in the list only");
    });
  });
});

browserTest(
  "what is behind the buttons comes without a network too, once the page was there",
  async () => {
    await withChatPages(async (pages) => {
      await onPage(pages, scenario, {}, async ({ page }) => {
        await page.evaluate(async () => {
          await navigator.serviceWorker.ready;
          const kept = async () => (await caches.keys()).length > 0 && await caches.match("/chat");
          while (!await kept()) await new Promise((resolve) => requestAnimationFrame(resolve));
        });
        const loaded = () =>
          page.evaluate(() =>
            performance.getEntriesByType("resource").filter(({ name }) => /chat_more/.test(name))
              .length
          );
        assert.equal(await loaded(), 0, "not before it is needed");
        await page.context().setOffline(true);
        await startDialog(page, "Person");
        await page.getByRole("textbox", { name: "Username" }).waitFor();
        assert.equal(await loaded(), 1);
        await page.context().setOffline(false);
      });
    });
  },
);
