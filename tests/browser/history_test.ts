/** "Your history" in the chat page: its switch and its end, copies that go out and come in, and what comes back. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Page } from "playwright-core";
import { openHistory } from "../../client/history_file.ts";
import { stretchHere } from "../../client/stretching.ts";
import { browserTest } from "../helpers/browser.ts";
import { withChatPages } from "../helpers/chat_page.ts";
import { enter, log, onPage, talk } from "../helpers/chat_talk.ts";
import type { Scenario } from "../helpers/fake_scenario.ts";
import { inspect } from "../helpers/inspect.ts";
import { must } from "../helpers/people_world.ts";

const PASSPHRASE = "five words that nobody guesses";

async function openDialog(page: Page) {
  await page.getByRole("button", { name: "Your history" }).press("Enter");
  const dialog = page.getByRole("dialog", { name: "Your history" });
  await dialog.getByRole("button", { name: "Open it" }).waitFor();
  return dialog;
}

/** What the page gives to the browser to be kept. */
async function downloaded(page: Page, press: () => Promise<void>) {
  const [download] = await Promise.all([page.waitForEvent("download"), press()]);
  const bytes = await Deno.readFile(await download.path());
  return { name: download.suggestedFilename(), bytes };
}

/** Remembers what the bars of a page have shown: how far, or null where nobody knew. */
async function watchBars(page: Page): Promise<() => Promise<(number | null)[]>> {
  await page.evaluate(() => {
    const seen: (number | null)[] = [];
    Object.assign(globalThis, { seen });
    new MutationObserver(() => {
      for (const bar of document.querySelectorAll<HTMLProgressElement>("progress.bar")) {
        if (bar.checkVisibility()) seen.push(bar.position < 0 ? null : bar.value);
      }
    }).observe(document.body, { subtree: true, childList: true, attributes: true });
  });
  return () => page.evaluate(() => (globalThis as unknown as { seen: (number | null)[] }).seen);
}

const onTalk = (
  scenario: Scenario,
  work: Parameters<typeof onPage>[3],
) => withChatPages((pages) => onPage(pages, scenario, { acceptDownloads: true }, work));

browserTest(
  "the sealed copy is switched off and on, checked, and erased after a question",
  async () => {
    await onTalk({ ...talk, archive: { missing: 3 } }, async ({ page, engine }) => {
      const dialog = await openDialog(page);
      await dialog.getByText("It is on. 3.2 of 256 MiB are used.").waitFor();
      await inspect(page, "history");
      await dialog.getByRole("button", { name: "Switch it off" }).press("Enter");
      await dialog.getByText("It is off.").waitFor();
      await dialog.getByText("What is there stays until you erase it.").waitFor();
      await dialog.getByRole("button", { name: "Switch it on" }).click();
      await dialog.getByText("It is on.").waitFor();
      await dialog.getByRole("button", { name: "Check it" }).click();
      await dialog.getByText("Your history is incomplete. 3 pieces are missing").waitFor();
      await dialog.getByRole("button", { name: "Erase it" }).press("Enter");
      const question = page.getByRole("dialog", { name: "Erase the sealed copy?" });
      await question.getByText("Your devices keep what they have").waitFor();
      await inspect(page, "history-erase");
      await page.keyboard.press("Escape");
      assert.ok(!(await engine((e) => e.calls)).some((call) => call.startsWith("history.erase")));
      await dialog.getByRole("button", { name: "Erase it" }).press("Enter");
      await question.getByRole("button", { name: "Erase it" }).click();
      await dialog.getByText("Erased.").waitFor();
      await dialog.getByText("0.0 of 256 MiB are used.").waitFor();
    });
  },
);

browserTest("everything goes into one sealed file, and comes in again with a summary", async () => {
  await onTalk(talk, async ({ page, engine }) => {
    const dialog = await openDialog(page);
    const passphrase = dialog.getByLabel("Passphrase for the file");
    await passphrase.fill("too short");
    await passphrase.press("Enter");
    await dialog.getByText("A passphrase has at least 12 characters").waitFor();
    await passphrase.fill(PASSPHRASE);
    const shown = await watchBars(page);
    const { name, bytes } = await downloaded(page, () => passphrase.press("Enter"));
    assert.match(name, /^snug-ana-\d{4}-\d\d-\d\d\.history$/);
    await dialog.getByText(`Saved as ${name}.`).waitFor();
    assert.equal(await passphrase.inputValue(), "");
    const shares = await shown();
    assert.ok(shares.includes(null) && shares.some((share) => share !== null && share > 0));
    assert.equal(await dialog.getByRole("progressbar").count(), 0, "no bar stays when it is done");
    assert.ok(!new TextDecoder("latin1").decode(bytes).includes("I do."), "nothing is in clear");
    const { head, contents } = must(await openHistory(bytes, PASSPHRASE, stretchHere));
    assert.equal(head.username, "ana");
    assert.ok(contents.some(({ messages }) => messages.some(({ text }) => text === "I do.")));

    const file = { name, mimeType: "application/octet-stream", buffer: Buffer.from(bytes) };
    await dialog.getByLabel("File", { exact: true }).setInputFiles(file);
    const its = dialog.getByLabel("Its passphrase");
    await its.fill("five words that somebody guesses");
    await its.press("Enter");
    await dialog.getByText("This passphrase does not open the file.").waitFor();
    await its.fill(PASSPHRASE);
    await its.press("Enter");
    await dialog.getByText(/\d+ messages came in, of \d+ conversations\./).waitFor();
    assert.equal(await engine((e) => e.history.taken.length), contents.length);
  });
});

browserTest("a file of another account asks who is who, and guesses nobody", async () => {
  const other = { ...talk, me: { account: "AAAAAAAAAAAAAAAAAAAAAA" as never } };
  const made: Uint8Array[] = [];
  await onTalk(talk, async ({ page }) => {
    const dialog = await openDialog(page);
    await dialog.getByLabel("Passphrase for the file").fill(PASSPHRASE);
    const press = () => dialog.getByRole("button", { name: "Save one file" }).click();
    made.push((await downloaded(page, press)).bytes);
  });
  await onTalk(other, async ({ page, engine }) => {
    const dialog = await openDialog(page);
    const file = { name: "a.history", mimeType: "text/plain", buffer: Buffer.from(made[0]!) };
    await dialog.getByLabel("File", { exact: true }).setInputFiles(file);
    await dialog.getByLabel("Its passphrase").fill(PASSPHRASE);
    await dialog.getByLabel("Its passphrase").press("Enter");
    await dialog.getByText("This is the history of @ana on https://chat.example.org.").waitFor();
    const who = dialog.getByLabel("Mira Kaplan (@mira there) is here");
    assert.equal(await who.inputValue(), "", "nobody is guessed");
    await inspect(page, "history-who");
    await who.fill("mira");
    await dialog.getByRole("button", { name: "Bring it in" }).click();
    await dialog.getByText(/messages came in/).waitFor();
    const calls = await engine((e) => e.calls);
    assert.ok(calls.some((call) => call.startsWith("startConversation") && call.includes("mira")));
  });
});

browserTest("a conversation becomes one page to read, without a script in it", async () => {
  await onTalk(talk, async ({ page }) => {
    const dialog = await openDialog(page);
    await dialog.getByLabel("Conversation", { exact: true }).selectOption({ label: "Mira Kaplan" });
    const press = () => dialog.getByRole("button", { name: "Save as a page" }).press("Enter");
    const { name, bytes } = await downloaded(page, press);
    assert.match(name, /^snug-mira-kaplan-.*\.html$/);
    const html = new TextDecoder().decode(bytes);
    assert.ok(html.includes("I do.") && !/<script/i.test(html));
  });
});

browserTest("half a history is not saved as a whole one", async () => {
  await onTalk({ ...talk, archive: { cut: true } }, async ({ page }) => {
    const dialog = await openDialog(page);
    await dialog.getByRole("button", { name: "Save as a page" }).click();
    await dialog.getByText("Not all of it could be fetched.").waitFor();
    await dialog.getByLabel("Passphrase for the file").fill(PASSPHRASE);
    await dialog.getByLabel("Passphrase for the file").press("Enter");
    await dialog.getByText("The server does not give all of your history now.").waitFor();
  });
});

browserTest(
  "what is still coming back is said, and so are older messages that take long",
  async () => {
    await onTalk({ ...talk, archive: { restoring: 8 } }, async ({ page }) => {
      await page.getByText("Your earlier conversations are coming back…").waitFor();
      await page.getByRole("progressbar", { name: "Your earlier conversations" }).waitFor();
      await inspect(page, "restoring");
      await page.getByText("Your earlier conversations are coming back…").waitFor({
        state: "hidden",
      });
    });
    const people = [{ username: "mira", name: "Mira Kaplan", history: 200 }];
    await onTalk({ people }, async ({ page, engine }) => {
      await enter(page, "Mira Kaplan");
      await engine((e) => {
        const real = e.messages.bind(e);
        const gate = Promise.withResolvers<void>();
        Reflect.set(globalThis, "letGo", gate.resolve);
        e.messages = async (...args) => {
          await gate.promise;
          return await real(...args);
        };
      });
      await log(page).press("Home");
      const line = page.getByText("Older messages are coming…");
      await line.waitFor();
      await page.evaluate(() => Reflect.get(globalThis, "letGo")());
      await line.waitFor({ state: "hidden" });
    });
  },
);

browserTest(
  "the settings lead to the dialog; its address is no place to come back to",
  async () => {
    await withChatPages(async ({ open, origin }) => {
      const { page } = await open(talk);
      await page.goto("about:blank");
      await page.goto(`${origin}/chat#history`);
      await page.getByRole("dialog", { name: "Your history" }).waitFor();
      assert.equal(page.url(), `${origin}/chat`);
    });
  },
);

browserTest(
  "without a connection nothing says that a conversation ends here; connected again it goes on",
  async () => {
    const people = [{ username: "mira", name: "Mira Kaplan", history: 20 }];
    await onTalk({ people, connection: "offline" }, async ({ page, engine }) => {
      await enter(page, "Mira Kaplan");
      await log(page).getByRole("article").first().waitFor();
      const asked = () =>
        engine((e) => e.calls.filter((call) => call.startsWith("messages")).length);
      const before = await asked();
      await engine((e) => e.tell({ kind: "connection", state: "online" }));
      await log(page).press("Home");
      await page.waitForFunction(
        (count) => {
          const { engine } = globalThis as unknown as { engine: { calls: string[] } };
          return engine.calls.filter((call) => call.startsWith("messages")).length > count;
        },
        before,
      );
    });
  },
);
