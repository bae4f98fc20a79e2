/** Three people in a room, in three browsers: by code and by link, a mention, a removal, a new code. */
import assert from "node:assert/strict";
import type { Browser, Page } from "playwright-core";
import { browserTest, launchBrowser } from "../helpers/browser.ts";
import { utf8 } from "../../protocol/encoding.ts";
import { filesBelow, findCanaries, type Place } from "../helpers/canary.ts";
import { openWireTap, type WireTap } from "../helpers/wire_tap.ts";
import { openConversation, person, send, shows, signUp, startChat } from "./people.ts";
import { freePort, type Server, startServer } from "./server.ts";

const [ana, ben, cleo] = ["ana", "ben", "cleo"].map(person) as [P, P, P];
type P = ReturnType<typeof person>;
const CODE = /^([0-9A-Z]{4}-){3}[0-9A-Z]{4}$/;

interface Scene {
  readonly server: Server;
  readonly tap: WireTap;
  readonly browser: Browser;
  readonly complaints: string[];
  page(): Promise<Page>;
}

async function openScene(): Promise<Scene> {
  const data = await Deno.makeTempDir({ prefix: "snug-e2e-" });
  const port = freePort();
  const tap = openWireTap(port);
  const server = await startServer({ data, port, origin: `http://localhost:${tap.port}` });
  const browser = await launchBrowser();
  const complaints: string[] = [];
  const page = async () => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    context.on("weberror", (error) => complaints.push(String(error.error())));
    return await context.newPage();
  };
  return { server, tap, browser, complaints, page };
}

async function closeScene({ server, tap, browser, complaints }: Scene): Promise<void> {
  await browser.close();
  assert.equal(await server.stop(), 0, server.log());
  await tap.close();
  assert.deepEqual(complaints, []);
}

/** Everything the server has seen, kept or said. */
function places({ server, tap }: Scene): Place[] {
  const wire = tap.recorded().map((bytes, i) => ({ name: `wire ${i}`, bytes }));
  const log = { name: "the log", bytes: utf8(server.log()) };
  return [...wire, ...filesBelow(server.options.data), log];
}

const canariesOf = (...codes: readonly string[]) =>
  codes.flatMap((code) => [code, code.replaceAll("-", "")]).map((secret) => ({
    name: "a room code",
    secret,
  }));

const dialog = (page: Page) => page.getByRole("dialog");
const log = (page: Page) => page.getByRole("log", { name: "Messages" });

async function startTab(page: Page, tab: string): Promise<void> {
  await page.getByRole("button", { name: "New conversation" }).first().click();
  await dialog(page).getByRole("tab", { name: tab }).click();
}

async function createRoom(page: Page, name: string): Promise<void> {
  await startTab(page, "Create room");
  await dialog(page).getByRole("textbox", { name: "Room name" }).fill(name);
  await dialog(page).getByRole("button", { name: "Create" }).click();
  await page.getByRole("heading", { name }).waitFor();
}

async function joinByCode(page: Page, code: string): Promise<void> {
  await startTab(page, "Join room");
  await dialog(page).getByRole("textbox", { name: "Room code" }).fill(code);
  await dialog(page).getByRole("button", { name: "Join" }).click();
}

/** Opens the panel if it is closed and reads the code. */
async function codeShown(page: Page): Promise<string> {
  const panel = page.getByRole("complementary", { name: "Details" });
  if (!await panel.isVisible()) {
    await page.getByRole("button", { name: "Conversation details" }).click();
  }
  await panel.getByRole("heading", { name: "Room code" }).waitFor();
  const code = await panel.locator(".code").textContent();
  assert.match(code!, CODE);
  return code!;
}

browserTest(
  "three people create a room, join by code and by link, talk, and remove one",
  async () => {
    const scene = await openScene();
    const { server } = scene;
    const [one, two, three] = [await scene.page(), await scene.page(), await scene.page()];
    await signUp(one, server, ana);
    await signUp(two, server, ben);
    await signUp(three, server, cleo);

    await createRoom(one, "Secret garden");
    const code = await codeShown(one);
    await joinByCode(two, code.toLowerCase().replaceAll("-", " "));
    await two.getByRole("heading", { name: "Secret garden" }).waitFor();

    await three.goto(`${server.origin}/join#${code}`);
    const invited = three.getByRole("dialog", { name: "You’re invited to a room" });
    await invited.getByText("Secret garden").waitFor();
    await invited.getByText("2 members").waitFor();
    await invited.getByRole("button", { name: "Join" }).click();
    await three.getByRole("heading", { name: "Secret garden" }).waitFor();

    const members = one.getByRole("complementary", { name: "Details" });
    for (const { fullName } of [ben, cleo]) await members.getByText(fullName).waitFor();
    await send(one, "canary hello everybody");
    for (const page of [two, three]) await shows(page, "canary hello everybody");
    await send(two, "canary the gate is open, @cleo");
    await shows(one, "canary the gate is open");
    await log(three).locator("article.mentions-me").getByText("@cleo").waitFor();
    await send(three, "canary on my way");
    for (const page of [one, two]) await shows(page, "canary on my way");

    await members.getByRole("button", { name: new RegExp(cleo.fullName) }).click();
    await members.getByRole("button", { name: "Remove", exact: true }).click();
    await dialog(one).getByRole("button", { name: "Remove" }).click();
    await three.getByText("You’re no longer in this room.").waitFor();
    assert.ok(await three.locator("#message").isDisabled());
    const told = (await log(three).locator(".line").allTextContents()).join("\n");
    assert.match(told, new RegExp(`${ana.fullName}.*removed you|You were removed`), told);

    await members.getByText(cleo.fullName).waitFor({ state: "hidden" });
    await send(two, "canary among the two of us");
    await shows(one, "canary among the two of us");
    const next = await codeShown(one);
    assert.notEqual(next, code, "a removal changes the code");
    await members.getByRole("button", { name: "Change the code" }).click();
    await dialog(one).getByRole("button", { name: "Change the code" }).click();
    await members.locator(".code").filter({ hasNotText: next }).waitFor();
    const last = await codeShown(one);
    assert.equal(new Set([code, next, last]).size, 3);

    for (const old of [code, next]) {
      await joinByCode(three, old);
      await dialog(three).getByText("There is no such room.").first().waitFor();
      await three.keyboard.press("Escape");
    }
    await three.reload();
    await three.getByRole("navigation", { name: "Conversations" }).getByText("Secret garden")
      .click();
    await shows(three, "canary hello everybody");
    assert.equal(await log(three).getByText("canary among the two of us").count(), 0);

    await closeScene(scene);
    const said = ["canary", "Secret garden"].map((secret) => ({ name: secret, secret }));
    assert.deepEqual(findCanaries(places(scene), [...said, ...canariesOf(code, next, last)]), []);
    const known = findCanaries(places(scene), [{ name: "a username", secret: ana.username }]);
    assert.ok(known.length > 0, "the search finds what is there");
  },
);

browserTest("a link to a room waits while somebody signs up, and the join goes on", async () => {
  const scene = await openScene();
  const { server } = scene;
  const [one, two] = [await scene.page(), await scene.page()];
  await signUp(one, server, ana);
  await createRoom(one, "Night readers");
  const code = await codeShown(one);

  await two.goto(`${server.origin}/join#${code}`);
  await two.getByRole("heading", { name: "You’re invited to a room" }).waitFor();
  assert.equal(new URL(two.url()).hash, "", "the code is not left in the address");
  await two.getByRole("link", { name: "Create an account" }).click();
  await two.waitForURL(`${server.origin}/sign-up`);
  await signUp(two, server, ben);
  const invited = two.getByRole("dialog", { name: "You’re invited to a room" });
  await invited.getByText("Night readers").waitFor();
  await invited.getByRole("button", { name: "Join" }).click();
  await two.getByRole("heading", { name: "Night readers" }).waitFor();
  await send(two, "here I am");
  await shows(one, "here I am");
  await two.reload();
  await two.getByRole("heading", { name: "Night readers" }).waitFor();
  assert.equal(await dialog(two).count(), 0, "asked once");
  await closeScene(scene);
  assert.deepEqual(findCanaries(places(scene), canariesOf(code)), []);
});

browserTest(
  "a browser without ML-KEM fetches it when it opens, with integrity, and talks",
  async () => {
    const scene = await openScene();
    const { server } = scene;
    const [one, two] = [await scene.page(), await scene.page()];
    await two.addInitScript(() => {
      for (const name of ["encapsulateBits", "decapsulateBits"]) {
        Reflect.deleteProperty(SubtleCrypto.prototype, name);
      }
    });
    const fetched: string[] = [];
    for (const page of [one, two]) {
      page.on("request", (request) => {
        if (/kem_script/.test(request.url())) fetched.push(page === two ? "without" : "with");
      });
    }
    await signUp(one, server, ana);
    await signUp(two, server, ben);
    await startChat(two, "ana");
    await send(two, "made in JavaScript");
    await openConversation(one, ben.fullName);
    await shows(one, "made in JavaScript");
    await send(one, "understood");
    await shows(two, "understood");
    assert.deepEqual([...new Set(fetched)], ["without"]);
    await closeScene(scene);
  },
);
