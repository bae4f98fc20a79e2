/** Rooms in a real browser over a fake engine: dialogs, panel, mentions and invitations, by name and by keyboard. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Page } from "playwright-core";
import { browserTest } from "../helpers/browser.ts";
import { type ChatPage, withChatPages } from "../helpers/chat_page.ts";
import {
  article,
  complaintsOf,
  enter,
  field,
  focused,
  list,
  log,
  onPage,
  phone,
} from "../helpers/chat_talk.ts";
import { fakeId, type Line, type Scenario } from "../helpers/fake_engine.ts";
import { A_CODE, ANOTHER_CODE, type FakeMember } from "../helpers/fake_rooms.ts";

const members: FakeMember[] = [
  { username: "mira", name: "Mira Kaplan", role: "owner", verification: "verified" },
  { username: "ben", name: "Ben Okafor" },
  { username: "cleo", name: "Cleo Laurent", role: "moderator" },
  { username: "layla", name: "ليلى حسن", verification: "changed" },
];

const said = (username: string, text: string, more: Partial<Line> = {}): Line => ({
  from: fakeId(username),
  device: fakeId(`device of ${username}`),
  sender: members.find((each) => each.username === username)!.name,
  text,
  ...more,
});

const scenario: Scenario = {
  people: [{ username: "mira", name: "Mira Kaplan", messages: [{ text: "Hi" }] }],
  rooms: [
    {
      name: "Secret garden",
      topic: "Plot 14",
      role: "owner",
      members,
      waiting: [{ username: "otto", name: "Otto Lang" }],
      messages: [
        { kind: "line", line: "room", text: "Cleo Laurent joined with the room code.", ago: 9 },
        said("mira", "We get the corner plot.", { ago: 8 }),
        said("cleo", "@ana bring the drawings, @ben the seedlings", { ago: 7, mention: true }),
        said("layla", "مرحبا", { ago: 6 }),
        { text: "I do", mine: true, state: "sent", ago: 5 },
      ],
    },
    {
      name: "Book club",
      code: "BBBB-CCCC-DDDD-EEEE",
      members: members.slice(0, 2),
      unread: 3,
      mentions: 1,
      messages: [said("ben", "Not finished")],
    },
    {
      name: "Old choir",
      code: null,
      role: null,
      stopped: "left",
      muted: true,
      messages: [{ kind: "line", line: "room", text: "Mira Kaplan removed you." }],
    },
  ],
  elsewhere: [
    { name: "Night readers", topic: "Thursdays", code: ANOTHER_CODE, members },
    { name: "Vestry", newcomers: "approve", code: "AAAA-BBBB-CCCC-DDDD", members },
  ],
};

const dialog = (page: Page, name: string) => page.getByRole("dialog", { name });
const press = (page: Page, name: string) =>
  page.getByRole("button", { name, exact: true }).last().click();
const details = (page: Page) => page.getByRole("complementary", { name: "Details" });

async function openDetails(page: Page): Promise<void> {
  await press(page, "Conversation details");
  await details(page).getByRole("button", { name: "Share invitation" }).waitFor();
}

async function startDialog(page: Page, tab: string): Promise<void> {
  await page.getByRole("button", { name: "New conversation" }).first().click();
  await page.getByRole("tab", { name: tab }).click();
}

const called = (chat: ChatPage) => chat.engine((e) => e.calls);

browserTest(
  "axe finds nothing in rooms, their dialogs and their panel, light and dark",
  async () => {
    await withChatPages(async (pages) => {
      for (const colorScheme of ["light", "dark"] as const) {
        for (const size of [{}, phone]) {
          const options = { colorScheme, reducedMotion: "reduce" as const, ...size };
          await onPage(pages, scenario, options, async ({ page }) => {
            await enter(page, "Secret garden");
            await article(page, "I do").waitFor();
            await complaintsOf(page, "a room");
            await openDetails(page);
            await complaintsOf(page, "the panel");
            await details(page).getByRole("button", { name: /^Cleo Laurent/ }).click();
            await page.getByText("30641").waitFor();
            await complaintsOf(page, "a member");
            await press(page, "Share invitation");
            await page.getByRole("img", { name: /QR code/ }).waitFor();
            await complaintsOf(page, "the share sheet");
            await page.keyboard.press("Escape");
            await press(page, "Room settings");
            await complaintsOf(page, "the settings");
            await page.keyboard.press("Escape");
            await press(page, "Delete room");
            await complaintsOf(page, "a question");
            await page.keyboard.press("Escape");
            await press(page, "Add someone");
            await complaintsOf(page, "adding");
            await page.keyboard.press("Escape");
            await press(page, "Close");
            await field(page).fill("@");
            await page.getByRole("option").first().waitFor();
            await complaintsOf(page, "mentions");
          });
        }
        await onPage(
          pages,
          scenario,
          { colorScheme, reducedMotion: "reduce" },
          async ({ page }) => {
            await startDialog(page, "Create room");
            await complaintsOf(page, "create");
            await page.getByRole("tab", { name: "Join room" }).click();
            await page.getByRole("textbox", { name: "Room code" }).fill(ANOTHER_CODE);
            await page.getByText("Night readers").waitFor();
            await complaintsOf(page, "join");
          },
        );
      }
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

browserTest("the panel shows roles and marks, and destructive things ask first", async () => {
  await withChatPages(async (pages) => {
    await onPage(pages, scenario, {}, async (chat) => {
      const { page } = chat;
      await enter(page, "Secret garden");
      await openDetails(page);
      const panel = details(page);
      await panel.getByText("Owner · Verified").waitFor();
      await panel.getByText("Moderator · Not verified").waitFor();
      await panel.getByText("Member · Key changed").waitFor();
      await press(page, "Approve Otto Lang");
      await panel.getByRole("button", { name: /^Otto Lang/ }).waitFor();
      await panel.getByRole("button", { name: /^Ben Okafor/ }).click();
      await press(page, "Remove");
      await dialog(page, "Remove Ben Okafor?").waitFor();
      assert.equal(await focused(page), "Cancel");
      await page.keyboard.press("Enter");
      assert.ok(!(await called(chat)).includes("removeMember ben"));
      await press(page, "Remove");
      await dialog(page, "Remove Ben Okafor?").getByRole("button", { name: "Remove" }).click();
      await log(page).getByText("You removed ben.").waitFor();
      assert.equal(await panel.getByText("Ben Okafor").count(), 0);
      await press(page, "Change the code");
      await dialog(page, "Change the code?").getByRole("button", { name: "Change the code" })
        .click();
      await panel.getByText(ANOTHER_CODE).waitFor();
      await press(page, "Mute");
      await page.getByRole("button", { name: "Unmute" }).waitFor();
      assert.equal(await focused(page), "Unmute");
    });
  });
});

browserTest("a plain member is offered nothing that a plain member may not do", async () => {
  await withChatPages(async (pages) => {
    await onPage(pages, scenario, {}, async ({ page }) => {
      await enter(page, "Book club");
      await openDetails(page);
      await details(page).getByRole("button", { name: /^Ben Okafor/ }).click();
      await page.getByRole("button", { name: "Write to them alone" }).waitFor();
      for (
        const name of ["Remove", "Ban", "Make moderator", "Change the code", "Room settings"]
      ) {
        assert.equal(await page.getByRole("button", { name, exact: true }).count(), 0, name);
      }
      assert.equal(await page.getByRole("button", { name: "Delete room" }).count(), 0);
      await page.getByRole("button", { name: "Leave room" }).waitFor();
    });
  });
});

browserTest("settings send only what changed, and a picture small and drawn anew", async () => {
  await withChatPages(async (pages) => {
    await onPage(pages, scenario, {}, async (chat) => {
      const { page } = chat;
      await enter(page, "Secret garden");
      await openDetails(page);
      await press(page, "Room settings");
      await page.getByRole("textbox", { name: "Topic" }).fill("Plots 14 and 15");
      const picture = await page.evaluate(async () => {
        const canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = [900, 600];
        const pen = canvas.getContext("2d")!;
        for (let i = 0; i < 900; i++) {
          pen.fillStyle = `hsl(${i * 7 % 360} 80% ${30 + i * 13 % 50}%)`;
          pen.fillRect(i * 31 % 900, i * 17 % 600, 60, 40);
        }
        const blob = await new Promise<Blob>((done) => canvas.toBlob((made) => done(made!)));
        return [...new Uint8Array(await blob.arrayBuffer())];
      });
      const chooser = page.getByLabel("Choose a picture");
      const file = (name: string, bytes: readonly number[]) => {
        return { name, mimeType: "image/png", buffer: Buffer.from(bytes) };
      };
      await chooser.setInputFiles(file("note.png", [1, 2, 3]));
      await page.getByText("no picture this browser can read").waitFor();
      await chooser.setInputFiles(file("a.png", picture));
      await page.getByText("This is how small it is sent").waitFor();
      await page.getByRole("radio", { name: /approves/ }).check();
      await press(page, "Save");
      await dialog(page, "Room settings").waitFor({ state: "hidden" });
      const calls = (await called(chat)).filter((call) => /^(set|rename)/.test(call));
      assert.equal(calls.length, 3);
      assert.equal(calls[0], "setTopic Plots 14 and 15");
      const bytes = Number(/^setPicture (\d+)$/.exec(calls[1]!)![1]);
      assert.ok(bytes > 100 && bytes <= 3_072, `${bytes} bytes`);
      assert.equal(calls[2], "setNewcomers approve");
      const shown = page.locator("#talk-avatar img");
      await shown.waitFor();
      assert.ok(await shown.evaluate((each: HTMLImageElement) => each.naturalWidth >= 48));
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
  "who was removed is told politely, and the composer says why it is closed",
  async () => {
    await withChatPages(async (pages) => {
      await onPage(pages, scenario, {}, async ({ page, engine }) => {
        await enter(page, "Book club");
        await field(page).fill("half a sentence");
        await engine((e) => {
          e.rooms.change("Book club", { role: null, stopped: "left" }, "Mira Kaplan removed you.");
        });
        await log(page).getByText("Mira Kaplan removed you.").waitFor();
        await page.getByText("You’re no longer in this room.").waitFor();
        assert.ok(await page.locator("#message").isDisabled());
        await press(page, "Conversation details");
        await details(page).getByText("This room", { exact: true }).waitFor();
        assert.equal(await details(page).getByText(A_CODE).count(), 0);
        assert.equal(await page.getByRole("button", { name: "Leave room" }).count(), 0);
      });
    });
  },
);

browserTest(
  "attack: a second swap of a key behind the panel is not accepted with the first one's digits",
  async () => {
    await withChatPages(async (pages) => {
      await onPage(pages, scenario, {}, async (chat) => {
        const { page, engine } = chat;
        await enter(page, "Mira Kaplan");
        await engine((e) => e.swapKey("mira", "1".repeat(60)));
        await press(page, "Compare");
        await page.getByText("11111").first().waitFor();
        await engine((e) =>
          void e.safetyNumbers.set([...e.safetyNumbers.keys()][0]!, "2".repeat(60))
        );
        await details(page).getByRole("button", { name: "Accept the new key" }).click();
        await page.getByText("The key has changed once more").waitFor();
        await page.getByText("22222").first().waitFor();
        assert.ok(!(await called(chat)).some((call) => call.startsWith("acceptChange")));
        await details(page).getByRole("button", { name: "Accept the new key" }).click();
        await page.getByRole("button", { name: "Mark as verified" }).waitFor();
      });
    });
  },
);

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
