/** Requests, blocked people, names to find and numbers to compare, in a real browser over a fake engine. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Page } from "playwright-core";
import { safetyCode } from "../../client/web/safety_code.ts";
import { browserTest } from "../helpers/browser.ts";
import { type ChatPage, withChatPages } from "../helpers/chat_page.ts";
import { called, details, dialog, members, press } from "../helpers/chat_rooms.ts";
import { complaintsOf, enter, field, list, log, onPage, phone } from "../helpers/chat_talk.ts";
import { fakeId, type Scenario } from "../helpers/fake_scenario.ts";
import { cameraWith, dotsOf, filmOf } from "../helpers/film.ts";

const NUMBER = "306418821047753099265188026497733156024811907845623907420658";

const scenario: Scenario = {
  people: [
    { username: "mira", name: "Mira Kaplan", messages: [{ text: "Hi" }] },
    {
      username: "otto",
      name: "Otto Lang",
      accepted: false,
      unread: 2,
      messages: [{ text: "You do not know me." }, { text: "I have a question." }],
    },
  ],
  rooms: [{
    name: "Secret garden",
    members,
    messages: [
      { from: fakeId("ben"), sender: "Ben Okafor", text: "Hello all" },
      { from: fakeId("cleo"), sender: "Cleo Laurent", text: "Rude words", blocked: true },
      { from: fakeId("cleo"), sender: "Cleo Laurent", text: "More of them", blocked: true },
    ],
  }],
  listed: [
    { username: "jose_m", fullName: "José Müller" },
    { username: "josefine", fullName: "Josefine Roth" },
  ],
};

const asked = async (chat: ChatPage, method: string) =>
  (await called(chat)).filter((call) => call.split(" ")[0] === method);
const fold = (page: Page) => page.getByRole("button", { name: "1 message request" });

for (const options of [{}, { colorScheme: "dark", ...phone }] as const) {
  const where = "colorScheme" in options ? "dark, on a phone" : "on a desk";
  browserTest(
    `a stranger waits apart, is taken up or blocked, and comes back, ${where}`,
    async () => {
      await withChatPages(async (pages) => {
        await onPage(pages, scenario, options, async (chat) => {
          const { page } = chat;
          await fold(page).waitFor();
          assert.equal(await page.title(), "Snug", "a request is no unread message");
          await complaintsOf(page, "a request in the list");
          await fold(page).click();
          assert.equal(await list(page).getByText("Otto Lang").count(), 0);
          await fold(page).press("Enter");
          await enter(page, "Otto Lang");
          await page.getByText("wrote to you first").waitFor();
          await complaintsOf(page, "a request");
          await press(page, "Block");
          await page.getByText("You’ve blocked").waitFor();
          await complaintsOf(page, "somebody blocked");
          assert.ok(await field(page).isDisabled());
          assert.deepEqual(await asked(chat, "block"), [`block ${fakeId<string>("otto")}`]);
          if (options === phone || "isMobile" in options) await press(page, "All conversations");
          await fold(page).waitFor({ state: "hidden" });
          await page.getByRole("button", { name: "New conversation" }).first().click();
          await press(page, "Blocked people (1)");
          const blocked = dialog(page, "Blocked people");
          await blocked.getByRole("button", { name: "Unblock Otto Lang" }).waitFor();
          await complaintsOf(page, "blocked people");
          await blocked.getByRole("button", { name: "Unblock Otto Lang" }).click();
          await blocked.getByText("Otto Lang is not blocked any more.").waitFor();
          await page.keyboard.press("Escape");
          await enter(page, "Otto Lang");
          await press(page, "Accept");
          await page.getByText("wrote to you first").waitFor({ state: "detached" });
          assert.deepEqual(await asked(chat, "accept"), [`accept ${fakeId<string>("otto")}`]);
          await fold(page).waitFor({ state: "hidden" });
        });
      });
    },
  );
}

browserTest("a room that a stranger has added one to waits with the requests", async () => {
  await withChatPages(async (pages) => {
    const added = { name: "Prizes", members, row: { unread: 3, accepted: false } };
    await onPage(pages, { rooms: [added] }, phone, async (chat) => {
      const { page } = chat;
      await fold(page).waitFor();
      assert.equal(await page.title(), "Snug");
      await enter(page, "Prizes");
      await page.getByText("added you to this room").waitFor();
      await complaintsOf(page, "a room as a request");
      await press(page, "Accept");
      await page.getByText("added you to this room").waitFor({ state: "detached" });
      assert.equal((await asked(chat, "acceptRoom")).length, 1);
    });
  });
});

browserTest("what a blocked member said is behind one line, for whoever presses it", async () => {
  await withChatPages(async (pages) => {
    await onPage(pages, scenario, {}, async ({ page }) => {
      await enter(page, "Secret garden");
      const line = log(page).getByText("2 messages of Cleo Laurent, whom you’ve blocked");
      await line.waitFor();
      assert.ok(!await log(page).getByText("Rude words").isVisible());
      await complaintsOf(page, "hidden words");
      await line.click();
      assert.ok(await log(page).getByText("More of them").isVisible());
      await press(page, "Conversation details");
      await details(page).getByRole("button", { name: /Cleo Laurent/ }).click();
      await details(page).getByRole("button", { name: "Block", exact: true }).waitFor();
      await complaintsOf(page, "a member of the room");
    });
  });
});

browserTest("people who want to be found are offered while a name is typed", async () => {
  await withChatPages(async (pages) => {
    await onPage(pages, scenario, {}, async (chat) => {
      const { page } = chat;
      await page.getByRole("button", { name: "New conversation" }).first().click();
      const name = page.getByRole("textbox", { name: "Username" });
      await name.pressSequentially("jos", { delay: 20 });
      const found = page.getByRole("list", { name: "People found" });
      await found.getByText("José Müller").waitFor();
      await complaintsOf(page, "people found");
      assert.deepEqual(
        await asked(chat, "find"),
        ["find jos"],
        "asked once, when the typing rests",
      );
      await found.getByText("Josefine Roth").click();
      await page.getByRole("heading", { name: "josefine" }).waitFor();
      assert.deepEqual(await asked(chat, "startConversation"), ["startConversation josefine"]);
    });
  });
});

/** The code in the panel as a picture file. */
async function pictureOf(page: Page): Promise<{ name: string; mimeType: string; buffer: Buffer }> {
  await page.getByText("Show as a code").click();
  const code = page.getByRole("img", { name: "QR code of the safety number" });
  await code.waitFor();
  return {
    name: "code.png",
    mimeType: "image/png",
    buffer: await code.screenshot({ scale: "css" }),
  };
}

browserTest(
  "a picture of the other's code marks them; another one's code says what it means",
  async () => {
    await withChatPages(async (pages) => {
      await onPage(pages, scenario, {}, async (chat) => {
        const { page, engine } = chat;
        await enter(page, "Mira Kaplan");
        await press(page, "Conversation details");
        await details(page).getByText("30641").waitFor();
        const right = await pictureOf(page);
        await complaintsOf(page, "the code");
        await engine((e) => e.swapKey("mira", "1".repeat(60)));
        await details(page).getByText("11111").first().waitFor();
        const scan = dialog(page, "Compare with Mira Kaplan");
        await press(page, "Compare by camera…");
        await scan.getByText("The camera can’t be used here.").waitFor();
        await complaintsOf(page, "comparing");
        const file = scan.getByLabel("Or choose a picture of their code");
        await file.setInputFiles({
          name: "x.png",
          mimeType: "image/png",
          buffer: Buffer.from("no"),
        });
        await scan.getByText("That file is no picture.").waitFor();
        await file.setInputFiles(right);
        await scan.getByText("The numbers are different").waitFor();
        await complaintsOf(page, "different numbers");
        assert.deepEqual(await asked(chat, "acceptChange"), []);
        assert.deepEqual(await asked(chat, "setVerified"), []);
        await press(page, "Close");

        await engine((e) =>
          e.swapKey("mira", "306418821047753099265188026497733156024811907845623907420658")
        );
        await details(page).getByText("30641").waitFor();
        await press(page, "Compare by camera…");
        await scan.getByText("The camera can’t be used here.").waitFor();
        await file.setInputFiles(right);
        await scan.getByText("The numbers are the same").waitFor();
        const mira = fakeId<string>("mira");
        assert.deepEqual(await asked(chat, "acceptChange"), [`acceptChange ${mira} ${NUMBER}`]);
        assert.deepEqual(await asked(chat, "setVerified"), [`setVerified ${mira} true`]);
        await press(page, "Close");
        await details(page).getByRole("button", { name: "Remove the mark" }).waitFor();
      });
    });
  },
);

browserTest(
  "the help about safety numbers needs no script and has drawings with words",
  async () => {
    await withChatPages(async ({ browser, origin }) => {
      for (const colorScheme of ["light", "dark"] as const) {
        const context = await browser.newContext({ colorScheme, ...phone });
        const page = await context.newPage();
        await page.goto(`${origin}/safety`);
        assert.equal(await page.locator("script").count(), 0);
        assert.equal(await page.getByRole("img").count(), 3);
        const [wide, seen] = await page.evaluate(() => [document.body.scrollWidth, innerWidth]);
        assert.ok(wide! <= seen!, `${wide} of ${seen}`);
        await complaintsOf(page, `help, ${colorScheme}`);
        await context.close();
      }
    });
  },
);

browserTest("the camera reads the other's code, and is off again", async () => {
  const film = await filmOf(dotsOf(safetyCode(NUMBER)));
  await withChatPages(
    async (pages) => {
      await onPage(pages, scenario, {}, async (chat) => {
        const { page } = chat;
        await page.evaluate(() => {
          const { mediaDevices } = navigator;
          const open = mediaDevices.getUserMedia.bind(mediaDevices);
          mediaDevices.getUserMedia = async (wish) => {
            const stream = await open(wish);
            Object.assign(globalThis, { stream });
            return stream;
          };
        });
        await enter(page, "Mira Kaplan");
        await press(page, "Conversation details");
        await details(page).getByText("30641").waitFor();
        await press(page, "Compare by camera…");
        await page.getByText("The numbers are the same").waitFor();
        assert.deepEqual(await asked(chat, "setVerified"), [
          `setVerified ${fakeId<string>("mira")} true`,
        ]);
        const states = await page.evaluate(() => {
          const { stream } = globalThis as unknown as { stream: MediaStream };
          return stream.getTracks().map(({ readyState }) => readyState);
        });
        assert.deepEqual(states, ["ended"]);
      });
    },
    "harness",
    cameraWith(film),
  );
  await Deno.remove(film);
});
