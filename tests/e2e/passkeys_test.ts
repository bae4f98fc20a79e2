/**
 * Passkeys in a real browser with a virtual authenticator, against the real server: made, used as the
 * second factor, and alone on a browser that has nothing else; foreign, replayed and bent answers.
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Page } from "playwright-core";
import { decode, encode } from "../../protocol/codec.ts";
import { passkeyProof, passkeyQuestion } from "../../protocol/passkey_api.ts";
import { plugIn, type VirtualAuthenticator } from "../helpers/authenticator.ts";
import { browserTest } from "../helpers/browser.ts";
import { filesBelow, findCanaries } from "../helpers/canary.ts";
import { openConversation, type Person, person, send, shows, signUp, startChat } from "./people.ts";
import { newPage, withScene } from "./scene.ts";
import { type Server } from "./server.ts";

const ana = person("ana");
const ben = person("ben");

/** Adds a passkey; returns the recovery codes, which only the first one brings. */
async function addPasskey(
  page: Page,
  server: Server,
  name: string,
  { password }: Person = ana,
): Promise<string[]> {
  await page.goto(`${server.origin}/settings/passkeys`);
  await page.getByRole("textbox", { name: "Name" }).last().fill(name);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Add a passkey" }).click();
  const kept = page.getByRole("heading", { name: "Keep these codes." });
  const ready = page.getByText("Your passkey is ready. Try it");
  await kept.or(ready).waitFor();
  if (!await kept.isVisible()) return [];
  const codes = await page.getByRole("list", { name: "Recovery codes" }).locator("code")
    .allTextContents();
  await page.getByRole("link", { name: "I have kept them" }).click();
  await ready.waitFor();
  return codes;
}

async function enterPassword(
  page: Page,
  server: Server,
  password: string = ana.password,
): Promise<void> {
  await page.goto(`${server.origin}/sign-in`);
  await page.getByRole("textbox", { name: "Username" }).fill(ana.username);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "One more step." }).waitFor();
}

async function arrived(page: Page, server: Server): Promise<void> {
  await page.waitForURL(`${server.origin}/chat`);
  await page.getByRole("navigation", { name: "Conversations" }).waitFor();
}

async function askForPasskey(page: Page, server: Server): Promise<void> {
  await page.goto(`${server.origin}/sign-in`);
  await page.getByRole("button", { name: "Use a passkey" }).click();
}

/** The same passkey on another machine, as a password store syncs it; its counter goes on from there. */
async function synced(from: VirtualAuthenticator, to: VirtualAuthenticator): Promise<void> {
  for (const credential of await from.credentials()) await to.put(credential);
}

browserTest(
  "a passkey is made, is the second factor, and alone opens the vault on a fresh browser",
  async () => {
    await withScene(async ({ server, data, browser }) => {
      const first = await newPage(browser);
      const benPage = await newPage(browser);
      await signUp(first, server, ana);
      await signUp(benPage, server, ben);
      await startChat(benPage, "ana");
      await send(benPage, "before the passkey 0001");
      await openConversation(first, ben.fullName);
      await shows(first, "before the passkey 0001");

      const phone = await plugIn(first, { prf: true });
      const codes = await addPasskey(first, server, "Phone");
      assert.equal(codes.length, 10);
      await first.getByText("Opens your vault.").waitFor();
      const [credential] = await phone.credentials();
      assert.ok(credential?.isResidentCredential);

      await phone.freshBrowser();
      await askForPasskey(first, server);
      await arrived(first, server);
      await send(benPage, "to the fresh browser 0002");
      await openConversation(first, ben.fullName);
      await shows(first, "to the fresh browser 0002");
      await send(first, "from the fresh browser 0003");
      await shows(benPage, "from the fresh browser 0003");
      await benPage.getByText("has a new device").first().waitFor();
      const second = await newPage(browser);
      await synced(phone, await plugIn(second, { prf: true }));
      await enterPassword(second, server);
      await second.getByRole("button", { name: "Use a passkey instead" }).click();
      await arrived(second, server);
      await send(benPage, "to the second browser 0004");
      await openConversation(second, ben.fullName);
      await shows(second, "to the second browser 0004");

      await first.goto(`${server.origin}/settings`);
      assert.equal(await first.getByText("First seen").count(), 3, "three devices are signed in");
      const log = { name: "log", bytes: new TextEncoder().encode(server.log()) };
      const secrets = [
        { name: "a passkey's private key", secret: credential.privateKey },
        ...codes.map((secret) => ({ name: "a recovery code", secret })),
      ];
      assert.deepEqual(findCanaries([log, ...filesBelow(data)], secrets), []);
    });
  },
);

browserTest(
  "an authenticator without PRF shows who it is; password or recovery key opens the vault",
  async () => {
    await withScene(async ({ server, browser }) => {
      const first = await newPage(browser);
      const recoveryKey = await signUp(first, server, ana);
      const key = await plugIn(first, { prf: false });
      await addPasskey(first, server, "Old key");
      await first.getByText("Shows who you are; your password opens the vault.").waitFor();

      const second = await newPage(browser);
      const secondKey = await plugIn(second, { prf: false });
      await synced(key, secondKey);
      await askForPasskey(second, server);
      await second.getByRole("heading", { name: "One more key." }).waitFor();
      await second.getByLabel("Password", { exact: true }).fill("not the password at all");
      await second.getByRole("button", { name: "Open my vault" }).click();
      await second.getByRole("alert").filter({ hasText: "not right" }).waitFor();
      await second.getByLabel("Password", { exact: true }).fill(ana.password);
      await second.getByRole("button", { name: "Open my vault" }).click();
      await arrived(second, server);

      const third = await newPage(browser);
      await synced(secondKey, await plugIn(third, { prf: false }));
      await askForPasskey(third, server);
      await third.getByRole("button", { name: "Use my recovery key" }).click();
      await third.getByRole("textbox", { name: "Recovery key" }).fill(recoveryKey);
      await third.keyboard.press("Enter");
      await arrived(third, server);
    });
  },
);

/** What a page's script sends as a passkey's answer, kept and let go on. */
async function keepProof(page: Page, path: string): Promise<() => Uint8Array<ArrayBuffer>> {
  let kept: Uint8Array<ArrayBuffer> | null = null;
  await page.route(`**${path}`, async (route) => {
    kept = new Uint8Array(route.request().postDataBuffer()!);
    await route.continue();
  });
  return () => {
    assert.ok(kept, `something was sent to ${path}`);
    return kept;
  };
}

/** Sends bytes from within the page, with its cookies and its origin. */
async function post(page: Page, path: string, body: Uint8Array): Promise<number> {
  return await page.evaluate(async ({ path, bytes }) => {
    const headers = { "content-type": "application/cbor", accept: "application/cbor" };
    const init = { method: "POST", headers, body: new Uint8Array(bytes) };
    return (await fetch(path, init)).status;
  }, { path, bytes: [...body] });
}

browserTest(
  "attack: an answer sent again, another account's passkey and an answer bent on its way are refused",
  async () => {
    await withScene(async ({ server, browser }) => {
      const anaPage = await newPage(browser);
      const benPage = await newPage(browser);
      await signUp(anaPage, server, ana);
      await signUp(benPage, server, ben);
      const anas = await plugIn(anaPage, { prf: true });
      const bens = await plugIn(benPage, { prf: true });
      await addPasskey(anaPage, server, "Ana's");
      await addPasskey(benPage, server, "Ben's", ben);

      await anas.freshBrowser();
      const sent = await keepProof(anaPage, "/sign-in/passkey");
      await askForPasskey(anaPage, server);
      await arrived(anaPage, server);
      const thief = await newPage(browser);
      await thief.goto(`${server.origin}/sign-in`);
      assert.equal(await post(thief, "/sign-in/passkey", sent()), 401, "replayed");

      // Ana's password is known; the question for her passkey is bent so that Ben's will do.
      await bens.freshBrowser();
      await benPage.route("**/sign-in/second-factor/ask", async (route) => {
        const answer = await route.fetch();
        const question = decode(passkeyQuestion, new Uint8Array(await answer.body()));
        const body = encode(passkeyQuestion, { ...question, credentials: [] });
        await route.fulfill({ response: answer, body: Buffer.from(body) });
      });
      await enterPassword(benPage, server);
      await benPage.getByRole("button", { name: "Use a passkey instead" }).click();
      await benPage.getByRole("alert").filter({ hasText: "not known here" }).waitFor();

      await anas.freshBrowser();
      await anaPage.route("**/sign-in/passkey", async (route) => {
        const proof = decode(passkeyProof, new Uint8Array(route.request().postDataBuffer()!));
        const json = new TextDecoder().decode(proof.clientJson);
        const clientJson = new TextEncoder().encode(
          json.replace(server.origin, "http://evil.test"),
        );
        await route.continue({
          postData: Buffer.from(encode(passkeyProof, { ...proof, clientJson })),
        });
      });
      await askForPasskey(anaPage, server);
      await anaPage.getByRole("alert").filter({ hasText: "not known here" }).waitFor();
      assert.equal((await anaPage.context().cookies()).length, 0, "no login was given");
    });
  },
);

browserTest("somebody does without a password and sets one again, all with a passkey", async () => {
  await withScene(async ({ server, browser }) => {
    const page = await newPage(browser);
    await signUp(page, server, ana);
    const phone = await plugIn(page, { prf: true });
    await addPasskey(page, server, "Phone");
    await page.getByRole("button", { name: "Remove my password" }).click();
    await page.getByText("Your password is gone.").waitFor();
    await page.getByRole("link", { name: "Set a password" }).waitFor();

    await phone.freshBrowser();
    await page.goto(`${server.origin}/sign-in`);
    await page.getByRole("textbox", { name: "Username" }).fill(ana.username);
    await page.getByLabel("Password", { exact: true }).fill(ana.password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("alert").filter({ hasText: "wrong" }).waitFor();
    await page.getByRole("button", { name: "Use a passkey" }).click();
    await arrived(page, server);

    await page.goto(`${server.origin}/settings/password`);
    await page.getByLabel("New password").fill("a lantern on the third stair 7");
    await page.getByRole("button", { name: "Set password" }).click();
    await page.waitForURL(`${server.origin}/settings?done=password`);
    const other = await newPage(browser);
    await enterPassword(other, server, "a lantern on the third stair 7");
  });
});
