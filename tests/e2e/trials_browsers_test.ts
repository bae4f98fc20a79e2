/**
 * The trials that break others, in real browsers and with the real server: tabs that die, clocks that are off, copies of
 * profiles, a server from yesterday's backup, a device that is removed under a message. Nothing is lost in silence,
 * nothing is shown twice, nothing stays unreadable. tests/scenario has the same, step by step, without a browser.
 */
import assert from "node:assert/strict";
import { copy } from "./copies.ts";
import { browserTest, launchProfile } from "../helpers/browser.ts";
import { hasState, openConversation, person, send, shows } from "./people.ts";
import { signIn, signUp, startChat, textsShown } from "./people.ts";
import { newPage, type Scene, withScene } from "./scene.ts";
import { snugCommand, startServer } from "./server.ts";
import type { Page } from "playwright-core";

const ana = person("ana");
const ben = person("ben");
const SAID = /trial \d+/;
const DAY_MS = 86_400_000;
const numbered = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => `trial ${from + i}`);

/** Two people in two browsers who have met. */
async function talking({ server, browser }: Scene): Promise<[Page, Page]> {
  const [a, b] = [await newPage(browser), await newPage(browser)];
  await signUp(a, server, ana);
  await signUp(b, server, ben);
  await startChat(a, "ben");
  await send(a, "trial 0");
  await openConversation(b, ana.fullName);
  await shows(b, "trial 0");
  // Who answers has taken the request: from now on there are receipts.
  await send(b, "welcome");
  await shows(a, "welcome");
  return [a, b];
}

async function chatOf(context: ReturnType<Page["context"]>, scene: Scene, name: string) {
  const page = await context.newPage();
  await page.goto(`${scene.server.origin}/chat`);
  await openConversation(page, name);
  return page;
}

/** What cannot be read, or never came, is said in words like these. */
async function complaints(page: Page): Promise<string[]> {
  const texts = await page.getByRole("log", { name: "Messages" }).allTextContents();
  return texts.filter((text) => /did not arrive|can’t be read|could not be read/.test(text));
}

async function snug(command: string, ...args: string[]): Promise<void> {
  const child = snugCommand(command, args).spawn();
  await child.stdin.close();
  const { success, stderr } = await child.output();
  assert.ok(success, new TextDecoder().decode(stderr));
}

/** A backup as it is now, and the way back to it, as their owners make them. */
async function backedUp(data: string): Promise<{ restore(): Promise<void> }> {
  const folder = await Deno.makeTempDir({ prefix: "snug-yesterday-" });
  const [file, passphrase] = [`${folder}/backup`, `${folder}/passphrase`];
  await Deno.writeTextFile(passphrase, "twelve small words of yesterday", { mode: 0o600 });
  const flags = ["--data", data, "--passphrase-file", passphrase];
  await snug("backup", file, ...flags);
  return {
    async restore() {
      await Deno.remove(data, { recursive: true });
      await snug("restore", file, ...flags);
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** The same end for all: Ben shows all that Ana sent, once, in order, and both go on. */
async function allThere(a: Page, b: Page, said: readonly string[]): Promise<void> {
  await send(a, "and on");
  await shows(b, "and on");
  assert.deepEqual(await textsShown(b, SAID), said);
  assert.deepEqual(await textsShown(a, SAID), said);
  assert.deepEqual([...await complaints(a), ...await complaints(b)], []);
}

browserTest(
  "tabs killed while they send and while they receive: all there, once, in order",
  () =>
    withScene(async (scene) => {
      let [a, b] = await talking(scene);
      const [anas, bens] = [a.context(), b.context()];
      const said = ["trial 0"];
      // What the tab waits for differs with every round: the click, the local transaction, the frame, the answer.
      for (const [round, wait] of [0, 4, 12, 30].entries()) {
        const text = `trial ${round + 1}`;
        await send(a, text);
        await a.evaluate((ms) => new Promise((done) => setTimeout(done, ms)), wait);
        await Promise.all([a.close(), b.close()]);
        [a, b] = [
          await chatOf(anas, scene, ben.fullName),
          await chatOf(bens, scene, ana.fullName),
        ];
        // Before it was on disk, the words are in the composer, or were never said.
        const box = a.getByRole("textbox", { name: "Message" });
        await hasState(a, said.at(-1)!, ["sent", "delivered", "read"]);
        if (!(await textsShown(a, SAID)).includes(text)) await send(a, text);
        else assert.equal(await box.inputValue(), "", "not both said and waiting to be said");
        said.push(text);
        await hasState(a, text, ["sent", "delivered", "read"]);
      }
      await allThere(a, b, said);
    }),
);

browserTest(
  "clocks a day off on both sides, the other way round: all there, in order",
  () =>
    withScene(async (scene) => {
      const { browser, server } = scene;
      const [a, b] = [await newPage(browser), await newPage(browser)];
      await a.clock.install({ time: Date.now() + DAY_MS });
      await b.clock.install({ time: Date.now() - DAY_MS });
      await signUp(a, server, ana);
      await signUp(b, server, ben);
      await startChat(a, "ben");
      await send(a, "trial 1");
      await openConversation(b, ana.fullName);
      await shows(b, "trial 1");
      await send(b, "trial 2");
      await shows(a, "trial 2");
      await send(a, "trial 3");
      await shows(b, "trial 3");
      assert.equal(await a.getByRole("alert").count(), 0, "no alarm");
      await allThere(a, b, numbered(1, 3));
    }),
);

browserTest(
  "a device removed while a message to it is on its way: the others get it",
  () =>
    withScene(async (scene) => {
      const { browser, server } = scene;
      const [a, b] = await talking(scene);
      const second = await newPage(browser);
      await signIn(second, server, ben);
      await send(a, "trial 1");
      await openConversation(second, ana.fullName);
      await shows(second, "trial 1");
      await second.context().setOffline(true);
      await send(a, "trial 2");
      await shows(b, "trial 2");
      const settings = await b.context().newPage();
      await settings.goto(`${server.origin}/settings/devices`);
      await settings.getByRole("listitem").filter({ hasNotText: "this one" })
        .getByRole("link", { name: "Remove" }).click();
      const removed = settings.getByText("That device is removed.").waitFor();
      await settings.getByRole("button", { name: "Remove it" }).click();
      await send(a, "trial 3");
      await removed;
      await second.context().setOffline(false);
      await second.getByText("Another of your devices removed this browser").waitFor();
      await allThere(a, b, numbered(0, 4));
    }),
);

browserTest(
  "a server from yesterday's backup: what it has lost is sent again or said, and both go on",
  () =>
    withScene(async (scene) => {
      const { data, server } = scene;
      const [a, b] = await talking(scene);
      await hasState(a, "trial 0", ["delivered", "read"]);
      const backup = await backedUp(data);
      for (const text of numbered(1, 3)) await send(a, text);
      await shows(b, "trial 3");
      await send(b, "trial 4");
      await shows(a, "trial 4");
      assert.equal(await server.stop(), 0);
      await backup.restore();
      Object.assign(server, await startServer(server.options));
      await send(b, "trial 5");
      await shows(a, "trial 5");
      await send(a, "trial 6");
      await shows(b, "trial 6");
      await allThere(a, b, numbered(0, 7));
    }),
);

browserTest(
  "a month-old copy of a profile sends nothing: it says so, and becomes a new device",
  () =>
    withScene(async (scene) => {
      const { browser, server } = scene;
      const folder = await Deno.makeTempDir({ prefix: "snug-profile-" });
      const [profile, old] = [`${folder}/profile`, `${folder}/old`];
      try {
        const b = await newPage(browser);
        await signUp(b, server, ben);
        const first = await launchProfile(profile);
        const a = await first.newPage();
        await signUp(a, server, ana);
        await startChat(a, "ben");
        await send(a, "trial 0");
        await openConversation(b, ana.fullName);
        await shows(b, "trial 0");
        await send(b, "welcome");
        await shows(a, "welcome");
        await first.close();
        await copy(profile, old);

        const later = await launchProfile(profile);
        const on = await chatOf(later, scene, ben.fullName);
        let since = Infinity;
        const archived = on.waitForResponse((response) => {
          const request = response.request();
          const isWrite = request.method() === "POST" && response.ok();
          return isWrite && request.timing().startTime >= since &&
            new URL(response.url()).pathname === "/api/archive";
        });
        for (const text of numbered(1, 2)) await send(on, text);
        since = Date.now();
        await shows(b, "trial 2");
        await archived;
        await hasState(on, "trial 2", ["sent", "delivered", "read"]);
        await later.close();

        const past = await launchProfile(old);
        const copied = await chatOf(past, scene, ben.fullName).catch(() => past.pages().at(-1)!);
        await copied.getByText("old copy").first().waitFor();
        await signIn(copied, server, ana);
        await openConversation(copied, ben.fullName);
        await shows(copied, "trial 2");
        await allThere(copied, b, numbered(0, 3));
        await past.close();
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    }),
);
