/**
 * The main job: two people sign up in two browsers and talk, through reloads, absence, a restart and a kill -9;
 * afterwards nothing they said is found in the database, the log, or on the wire.
 */
import assert from "node:assert/strict";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { browserTest, launchBrowser } from "../helpers/browser.ts";
import { filesBelow, findCanaries } from "../helpers/canary.ts";
import { openWireTap, type WireTap } from "../helpers/wire_tap.ts";
import {
  hasState,
  openConversation,
  person,
  send,
  shows,
  signIn,
  signUp,
  startChat,
  textsShown,
} from "./people.ts";
import { codeFor, freePort, type Server, startServer } from "./server.ts";

const ana = person("ana");
const ben = person("ben");
const numbered = (who: string, from: number, count: number) =>
  Array.from({ length: count }, (_, i) => `${who} canary ${String(from + i).padStart(4, "0")}`);

/** One scene: a server behind a recording relay, and a browser with a profile for each person. */
interface Scene {
  server: Server;
  readonly data: string;
  readonly tap: WireTap;
  readonly browser: Browser;
  readonly anaContext: BrowserContext;
  readonly benContext: BrowserContext;
  readonly complaints: string[];
  log: string;
}

async function openScene(): Promise<Scene> {
  const data = await Deno.makeTempDir({ prefix: "snug-e2e-" });
  const port = freePort();
  const tap = openWireTap(port);
  const origin = `http://localhost:${tap.port}`;
  const server = await startServer({ data, port, origin });
  const browser = await launchBrowser();
  const complaints: string[] = [];
  const context = async () => {
    const made = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    made.on("weberror", (error) => complaints.push(String(error.error())));
    return made;
  };
  const [anaContext, benContext] = [await context(), await context()];
  return { server, data, tap, browser, anaContext, benContext, complaints, log: "" };
}

async function closeScene(scene: Scene): Promise<void> {
  await scene.browser.close();
  assert.equal(await scene.server.stop(), 0, scene.server.log());
  await scene.tap.close();
}

/** Starts the server again over the same folder, at the same address. */
async function startAgain(scene: Scene): Promise<void> {
  scene.log += scene.server.log();
  scene.server = await startServer(scene.server.options);
}

async function chat(context: BrowserContext, scene: Scene): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${scene.server.origin}/chat`);
  return page;
}

browserTest("two people talk through reloads, absence, a restart and a kill -9", async () => {
  const scene = await openScene();
  const anaPage = await scene.anaContext.newPage();
  let benPage = await scene.benContext.newPage();
  const anaRecovery = await signUp(anaPage, scene.server, ana);
  const benRecovery = await signUp(benPage, scene.server, ben);

  await startChat(anaPage, "ben");
  const fromAna = numbered("ana", 1, 20);
  const fromBen = numbered("ben", 1, 20);
  await send(anaPage, fromAna[0]!);
  await openConversation(benPage, ana.fullName);
  await shows(benPage, fromAna[0]!);
  for (const text of fromAna.slice(1)) await send(anaPage, text);
  for (const text of fromBen) await send(benPage, text);
  await shows(anaPage, fromBen.at(-1)!);
  await shows(benPage, fromAna.at(-1)!);
  assert.deepEqual(await textsShown(anaPage, /ben canary \d{4}/), fromBen);
  assert.deepEqual(await textsShown(benPage, /ana canary \d{4}/), fromAna);
  await hasState(anaPage, fromAna.at(-1)!, ["delivered", "read"]);

  await anaPage.reload();
  await openConversation(anaPage, ben.fullName);
  await shows(anaPage, fromBen.at(-1)!);
  assert.deepEqual(await textsShown(anaPage, /(ana|ben) canary \d{4}/).then((t) => t.length), 40);

  await benPage.close();
  const whileAway = numbered("ana", 101, 5);
  for (const text of whileAway) await send(anaPage, text);
  await hasState(anaPage, whileAway.at(-1)!, ["sent"]);
  await scene.server.stop();
  await startAgain(scene);
  benPage = await chat(scene.benContext, scene);
  await openConversation(benPage, ana.fullName);
  await shows(benPage, whileAway.at(-1)!);
  assert.deepEqual(await textsShown(benPage, /ana canary 01\d{2}/), whileAway);

  const beforeKill = numbered("ben", 201, 5);
  for (const text of beforeKill) await send(benPage, text);
  await hasState(benPage, beforeKill.at(-1)!, ["sent", "delivered", "read"]);
  await scene.server.kill();
  const whileDown = numbered("ana", 301, 3);
  for (const text of whileDown) await send(anaPage, text);
  await startAgain(scene);
  await shows(anaPage, beforeKill.at(-1)!);
  await shows(benPage, whileDown.at(-1)!);
  assert.deepEqual(await textsShown(anaPage, /ben canary 02\d{2}/), beforeKill);
  assert.deepEqual(await textsShown(benPage, /ana canary 03\d{2}/), whileDown);
  await hasState(anaPage, whileDown.at(-1)!, ["delivered", "read"]);

  const codes = [ana, ben].map((who) => codeFor(scene.data, who.contact));
  await closeScene(scene);
  assertNoCanary(scene, [anaRecovery, benRecovery], codes);
  assert.deepEqual(scene.complaints, [], "no page reported an error");
});

function assertNoCanary(scene: Scene, recoveryKeys: string[], codes: string[]): void {
  const wire = scene.tap.recorded().map((bytes, i) => ({ name: `wire ${i}`, bytes }));
  const log = scene.log + scene.server.log();
  const stored = filesBelow(scene.data).filter(({ name }) => !name.startsWith("outbox/"));
  const places = [...wire, ...stored, { name: "log", bytes: new TextEncoder().encode(log) }];
  const secrets = [
    { name: "a message", secret: "canary 0" },
    { name: "Ana's password", secret: ana.password },
    { name: "Ben's password", secret: ben.password },
    ...recoveryKeys.flatMap((key) => [
      { name: "a recovery key", secret: key },
      { name: "a recovery key without dashes", secret: key.replaceAll(/[^0-9A-Za-z]/g, "") },
    ]),
  ];
  assert.deepEqual(findCanaries(places, secrets), []);

  assert.deepEqual(
    findCanaries(stored, codes.map((code) => ({ name: "a code", secret: code }))),
    [],
  );
  assert.ok(findCanaries(wire, [{ name: "a username", secret: ana.username }]).length > 0);
}

browserTest("two tabs of one browser send at once and every message arrives once", async () => {
  const scene = await openScene();
  const first = await scene.anaContext.newPage();
  const benPage = await scene.benContext.newPage();
  await signUp(first, scene.server, ana);
  await signUp(benPage, scene.server, ben);
  await startChat(first, "ben");
  const second = await chat(scene.anaContext, scene);
  await openConversation(second, ben.fullName);
  const left = numbered("left", 1, 10);
  const right = numbered("right", 1, 10);
  await Promise.all([
    (async () => {
      for (const text of left) await send(first, text);
    })(),
    (async () => {
      for (const text of right) await send(second, text);
    })(),
  ]);
  await openConversation(benPage, ana.fullName);
  await shows(benPage, left.at(-1)!);
  await shows(benPage, right.at(-1)!);
  assert.deepEqual(await textsShown(benPage, /left canary \d{4}/), left);
  assert.deepEqual(await textsShown(benPage, /right canary \d{4}/), right);

  await first.close();
  await send(second, "after the first tab closed");
  await shows(benPage, "after the first tab closed");
  await closeScene(scene);
  assert.deepEqual(scene.complaints, []);
});

browserTest("a second browser signs in with the password and becomes a device", async () => {
  const scene = await openScene();
  const anaPage = await scene.anaContext.newPage();
  const benPage = await scene.benContext.newPage();
  await signUp(anaPage, scene.server, ana);
  await signUp(benPage, scene.server, ben);
  await startChat(anaPage, "ben");
  await send(anaPage, "from the first browser 0001");
  await openConversation(benPage, ana.fullName);
  await shows(benPage, "from the first browser 0001");

  const other = await scene.browser.newContext();
  const otherPage = await other.newPage();
  await signIn(otherPage, scene.server, ana);
  await send(benPage, "to both browsers 0002");
  await shows(anaPage, "to both browsers 0002");
  await openConversation(otherPage, ben.fullName);
  await shows(otherPage, "to both browsers 0002");
  await send(otherPage, "from the second browser 0003");
  await shows(benPage, "from the second browser 0003");
  await shows(anaPage, "from the second browser 0003");
  await closeScene(scene);
  assert.deepEqual(scene.complaints, []);
});

browserTest(
  "offline the page opens from its own shell, and what is written goes out when back",
  async () => {
    const scene = await openScene();
    const anaPage = await scene.anaContext.newPage();
    const benPage = await scene.benContext.newPage();
    await signUp(anaPage, scene.server, ana);
    await signUp(benPage, scene.server, ben);
    await startChat(anaPage, "ben");
    await send(anaPage, "online 0001");
    await openConversation(benPage, ana.fullName);
    await shows(benPage, "online 0001");
    await anaPage.evaluate(async () => {
      await navigator.serviceWorker.ready;
    });
    await scene.anaContext.setOffline(true);
    await anaPage.reload();
    await openConversation(anaPage, ben.fullName);
    await shows(anaPage, "online 0001");
    for (const text of ["offline 0002", "offline 0003"]) await send(anaPage, text);
    await hasState(anaPage, "offline 0003", ["sending"]);
    await send(benPage, "meanwhile 0004");
    await scene.anaContext.setOffline(false);
    await shows(benPage, "offline 0003");
    await shows(anaPage, "meanwhile 0004");
    assert.deepEqual(await textsShown(benPage, /offline \d{4}/), ["offline 0002", "offline 0003"]);
    await closeScene(scene);
    assert.deepEqual(scene.complaints, []);
  },
);
