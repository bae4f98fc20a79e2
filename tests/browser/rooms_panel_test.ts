/** The panel of a room in a real browser: who may do what, what asks first, what is sent. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { browserTest } from "../helpers/browser.ts";
import { withChatPages } from "../helpers/chat_page.ts";
import { called, details, dialog, openDetails, press, scenario } from "../helpers/chat_rooms.ts";
import { enter, field, focused, log, onPage } from "../helpers/chat_talk.ts";
import { A_CODE, ANOTHER_CODE } from "../helpers/fake_rooms.ts";

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
        const asked = (await called(chat)).filter((call) => call.startsWith("acceptChange"));
        assert.deepEqual(asked.map((call) => call.slice(-60)), ["1".repeat(60)]);
        assert.equal(await page.getByRole("button", { name: "Mark as verified" }).count(), 0);
        await details(page).getByRole("button", { name: "Accept the new key" }).click();
        await page.getByRole("button", { name: "Mark as verified" }).waitFor();
      });
    });
  },
);
