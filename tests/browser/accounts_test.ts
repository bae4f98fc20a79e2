/** Accounts in a real browser against the real server: by phone, by an invite, with a recovery key, anew, and gone. */
import assert from "node:assert/strict";
import { Secret, TOTP } from "otpauth";
import type { Page } from "playwright-core";
import { newPage, type Scene, withScene } from "../e2e/scene.ts";
import { codeFor, type Server } from "../e2e/server.ts";
import { type Person, person, signIn, signUp } from "../e2e/people.ts";
import { browserTest } from "../helpers/browser.ts";
import { filesBelow, findCanaries } from "../helpers/canary.ts";
import { inspect } from "../helpers/inspect.ts";

const ana = person("ana");
const NEXT = "a kettle on a different stove 9";
/** Codes come one after the other here, to one address. */
const LIMITS = { SNUG_LIMIT_CODE_RESEND_SECONDS: "0", SNUG_LIMIT_CODES_PER_ADDRESS_HOUR: "50" };

function scened(flags: readonly string[], work: (scene: Scene) => Promise<void>): Promise<void> {
  return withScene(work, { flags, env: LIMITS });
}

function totp(secret: string): string {
  return new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: Date.now() });
}

/** The newest code that the console shows for a number, once it shows one. */
async function phoneCode(server: Server, number: string): Promise<string> {
  await server.says(new RegExp(`Code for \\${number}: \\d{6}`));
  const all = [...server.log().matchAll(/Code for (\+\d+): (\d{6})/g)];
  const code = all.findLast(([, to]) => to === number)?.[2];
  assert.ok(code, "the console shows the code");
  return code;
}

async function fillSignUp(page: Page, who: Person): Promise<void> {
  await page.getByRole("textbox", { name: "Username" }).fill(who.username);
  await page.getByRole("textbox", { name: "Full name" }).fill(who.fullName);
  await page.getByRole("textbox", { name: "Email or phone" }).fill(who.contact);
  await page.getByLabel("Password", { exact: true }).fill(who.password);
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByRole("textbox", { name: "6-digit code" }).waitFor();
}

async function confirmSignUp(page: Page, server: Server, code: string): Promise<void> {
  await page.getByRole("textbox", { name: "6-digit code" }).fill(code);
  await page.getByRole("button", { name: "Confirm" }).click();
  await page.getByRole("checkbox", { name: "I have saved my recovery key" }).check();
  await page.getByRole("button", { name: "Continue" }).click();
  await page.waitForURL(`${server.origin}/chat`);
  await page.getByRole("navigation", { name: "Conversations" }).waitFor();
}

/** Goes to `/forgot` and confirms the mailbox. */
async function showMailbox(page: Page, { server, data }: Scene): Promise<void> {
  await page.goto(`${server.origin}/sign-in`);
  await page.getByRole("link", { name: "Forgot password?" }).click();
  await page.getByRole("textbox", { name: "Email or phone" }).fill(ana.contact);
  await page.getByRole("button", { name: "Send a code" }).click();
  await page.getByRole("textbox", { name: "6-digit code" }).waitFor();
  await page.getByRole("textbox", { name: "6-digit code" }).fill(codeFor(data, ana.contact));
  await page.getByRole("button", { name: "Confirm" }).click();
}

/** Sets an authenticator app up; returns the recovery codes. */
async function setUpApp(page: Page, server: Server): Promise<string[]> {
  await page.goto(`${server.origin}/settings/second-factor`);
  await page.getByRole("button", { name: "Set up an authenticator app" }).click();
  await page.getByText("No camera?").click();
  const secret = (await page.getByLabel("Authenticator key").textContent())!.replaceAll(" ", "");
  await page.getByRole("textbox", { name: "Authenticator code" }).fill(totp(secret));
  await page.getByRole("button", { name: "Confirm" }).click();
  await page.getByRole("heading", { name: "Keep these codes." }).waitFor();
  return await page.getByRole("list", { name: "Recovery codes" }).locator("code").allTextContents();
}

/** From the form for another password to the conversations. */
async function startOver(page: Page, server: Server): Promise<void> {
  await page.getByLabel("New password", { exact: true }).fill(NEXT);
  await page.getByRole("checkbox", { name: "I know what is lost" }).check();
  await page.getByRole("button", { name: "Make new keys" }).click();
  await page.getByRole("checkbox", { name: "I have saved my recovery key" }).check();
  await page.getByRole("button", { name: "Continue" }).click();
  await page.waitForURL(`${server.origin}/chat`);
  await page.getByRole("navigation", { name: "Conversations" }).waitFor();
}

browserTest(
  "a phone number is as good as an address, and is told what is wrong while it is typed",
  async () => {
    await scened([], async ({ server, browser }) => {
      const page = await newPage(browser);
      await page.goto(`${server.origin}/sign-up`);
      await page.getByRole("textbox", { name: "Email or phone" }).pressSequentially("0170 1234567");
      await page.getByText("with a plus and its country code").waitFor();
      await fillSignUp(page, { ...ana, contact: "+49 170 1234567" });
      await confirmSignUp(page, server, await phoneCode(server, "+491701234567"));
      await page.goto(`${server.origin}/settings`);
      await page.getByText("+491701234567").first().waitFor();
    });
  },
);

browserTest(
  "an admin makes an invite, and who has the link makes an account; the secret stays out of addresses",
  async () => {
    await scened([], async (scene) => {
      const { server, data, browser } = scene;
      const admin = await newPage(browser);
      await signUp(admin, server, ana);
      await admin.goto(`${server.origin}/settings`);
      await admin.getByRole("link", { name: "Invites" }).click();
      await admin.getByRole("textbox", { name: "Accounts it is good for" }).fill("0");
      await admin.getByRole("button", { name: "Make an invite" }).click();
      await admin.getByRole("alert").filter({ hasText: "Choose 1 to 100" }).waitFor();
      await admin.getByRole("textbox", { name: "Accounts it is good for" }).fill("2");
      await admin.getByRole("button", { name: "Make an invite" }).click();
      const link = (await admin.getByLabel("Invite link").textContent())!.trim();
      await admin.getByRole("img", { name: "QR code of the invite" }).waitFor();
      await inspect(admin, "invite-made");

      const guest = await newPage(browser);
      const asked: string[] = [];
      guest.on(
        "request",
        (request) => asked.push(request.url() + JSON.stringify(request.headers())),
      );
      await guest.goto(link);
      await guest.waitForURL(`${server.origin}/sign-up`);
      const secret = link.split("#")[1]!;
      const told = asked.filter((one) => one.includes(secret) && !/"cookie":/.test(one));
      assert.deepEqual(told, []);
      const ben = person("ben");
      await fillSignUp(guest, ben);
      await confirmSignUp(guest, server, codeFor(data, ben.contact));

      await admin.goto(`${server.origin}/invites`);
      await admin.getByText("1 of 2 used").waitFor();
      await admin.getByText("Came by it: @ben.").waitFor();
      await admin.getByRole("button", { name: "Take back" }).click();
      await admin.getByText("taken back").waitFor();
      assert.deepEqual(
        findCanaries(filesBelow(data), [{ name: "the invite", secret }]),
        [],
      );
      assert.ok(!server.log().includes(secret));
    });
  },
);

browserTest(
  "a link that is not whole says so, and a server by invitation asks for one",
  async () => {
    await scened(["--registration", "invite"], async ({ server, browser }) => {
      const page = await newPage(browser);
      await page.goto(`${server.origin}/sign-up`);
      await page.getByRole("heading", { name: "By invitation" }).waitFor();
      await inspect(page, "by-invitation");
      await page.goto(`${server.origin}/invite#half`);
      await page.getByText("That link is not whole.").waitFor();
      await inspect(page, "invite-half");
      assert.equal(page.url(), `${server.origin}/invite`);
    });
  },
);

browserTest(
  "a forgotten password: the recovery key brings the account back into a fresh browser",
  async () => {
    await scened([], async (scene) => {
      const { server, data, browser } = scene;
      const first = await newPage(browser);
      const recoveryKey = await signUp(first, server, ana);
      const second = await newPage(browser);
      await showMailbox(second, scene);
      await second.getByRole("heading", { name: "Now your recovery key." }).waitFor();
      await inspect(second, "recover");
      await second.getByLabel("Recovery key", { exact: true }).fill(recoveryKey.slice(0, -1));
      await second.getByLabel("New password", { exact: true }).fill(NEXT);
      await second.getByRole("button", { name: "Set new password" }).click();
      await second.getByText("nine groups of four characters").waitFor();
      await second.getByLabel("Recovery key", { exact: true }).fill(recoveryKey.toLowerCase());
      await second.getByRole("button", { name: "Set new password" }).click();
      await second.waitForURL(`${server.origin}/chat`);
      await second.getByRole("navigation", { name: "Conversations" }).waitFor();
      const third = await newPage(browser);
      await signIn(third, server, { ...ana, password: NEXT });
      const secrets = [
        { name: "the recovery key", secret: recoveryKey },
        { name: "the new password", secret: NEXT },
      ];
      assert.deepEqual(findCanaries(filesBelow(data), secrets), []);
      assert.ok(!server.log().includes(recoveryKey) && !server.log().includes(NEXT));
    });
  },
);

browserTest(
  "with nothing left there is a wait, and a signed-in device says so and stops it",
  async () => {
    await scened([], async (scene) => {
      const { server, browser } = scene;
      const device = await newPage(browser);
      await signUp(device, server, ana);
      const thief = await newPage(browser);
      await showMailbox(thief, scene);
      await thief.getByRole("button", { name: "See what is left to do" }).click();
      await thief.getByRole("heading", { name: "Start over?" }).waitFor();
      await inspect(thief, "start-over-ask");
      await thief.getByRole("button", { name: "Begin the wait" }).click();
      await thief.getByRole("heading", { name: "Now wait." }).waitFor();
      await inspect(thief, "start-over-wait");
      await device.reload();
      await device.getByRole("alert").filter({ hasText: "start your account over" }).waitFor();
      await inspect(device, "chat-reset");
      await device.getByRole("link", { name: "See and stop it" }).click();
      await inspect(device, "reset");
      await device.getByRole("textbox", { name: "Code on the other browser" }).fill("000000");
      await device.getByRole("button", { name: "Let it through" }).click();
      await device.getByText("That code is not right.").waitFor();
      await device.getByRole("button", { name: "Stop it" }).click();
      await device.getByRole("heading", { name: "Stopped." }).waitFor();
      await device.goto(`${server.origin}/chat`);
      await device.getByRole("navigation", { name: "Conversations" }).waitFor();
      assert.equal(await device.getByRole("alert").filter({ hasText: "start your" }).count(), 0);
    });
  },
);

browserTest(
  "attack: whoever starts an account over and sets up a second factor is undone by the old recovery key",
  async () => {
    await scened([], async (scene) => {
      const { server, browser } = scene;
      const device = await newPage(browser);
      const recoveryKey = await signUp(device, server, ana);
      const thief = await newPage(browser);
      await showMailbox(thief, scene);
      await thief.getByRole("button", { name: "See what is left to do" }).click();
      await thief.getByRole("button", { name: "Begin the wait" }).click();
      const code = await thief.getByLabel("Code for your other device").textContent();
      await device.goto(`${server.origin}/reset`);
      await device.getByRole("textbox", { name: "Code on the other browser" }).fill(code!.trim());
      await device.getByRole("button", { name: "Let it through" }).click();
      await device.getByText("Go on there").waitFor();
      await thief.getByRole("button", { name: "I have typed it" }).click();
      await startOver(thief, server);
      await setUpApp(thief, server);

      const owner = await newPage(browser);
      await showMailbox(owner, scene);
      await owner.getByText("Was it not you?").waitFor();
      await inspect(owner, "forgot-factor-former");
      await owner.getByRole("button", { name: "Use the old recovery key" }).press("Enter");
      await owner.getByLabel("Recovery key", { exact: true }).fill(recoveryKey);
      await owner.getByLabel("New password", { exact: true }).fill("my own password once more");
      await owner.getByRole("button", { name: "Set new password" }).click();
      await owner.waitForURL(`${server.origin}/chat`);
      await owner.getByRole("navigation", { name: "Conversations" }).waitFor();
      await owner.goto(`${server.origin}/settings/second-factor`);
      await owner.getByRole("button", { name: "Set up an authenticator app" }).waitFor();
    });
  },
);

browserTest("with a second factor one starts over at once, with a new recovery key", async () => {
  await scened([], async (scene) => {
    const { server, browser } = scene;
    const page = await newPage(browser);
    await signUp(page, server, ana);
    const codes = await setUpApp(page, server);
    const fresh = await newPage(browser);
    await showMailbox(fresh, scene);
    await fresh.getByRole("textbox", { name: "Authenticator code" }).fill(codes[0]!);
    await inspect(fresh, "forgot-factor");
    await fresh.getByRole("button", { name: "Confirm" }).click();
    await fresh.getByRole("button", { name: "See what is left to do" }).click();
    await fresh.getByRole("button", { name: "Make new keys" }).waitFor();
    await inspect(fresh, "start-over");
    await startOver(fresh, server);
  });
});

browserTest(
  "another address by two codes, the file of everything, and the end of the account",
  async () => {
    await scened([], async ({ server, data, browser }) => {
      const page = await newPage(browser);
      await signUp(page, server, ana);
      await page.goto(`${server.origin}/settings`);
      await page.getByRole("link", { name: "Email or phone" }).click();
      await page.getByRole("textbox", { name: "New email or phone" }).fill("ana@elsewhere.example");
      await page.getByRole("button", { name: "Send both codes" }).click();
      await page.getByRole("textbox", { name: "Code from the old one" }).waitFor();
      await inspect(page, "contact-codes");
      await page.getByRole("textbox", { name: "Code from the old one" })
        .fill(codeFor(data, ana.contact));
      await page.getByRole("textbox", { name: "Code from the new one" })
        .fill(codeFor(data, "ana@elsewhere.example"));
      await page.getByRole("button", { name: "Confirm" }).click();
      await page.waitForURL(`${server.origin}/settings?done=contact`);
      await page.getByText("ana@elsewhere.example").first().waitFor();
      await inspect(page, "settings");

      const [file] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("link", { name: "Download my data" }).click(),
      ]);
      assert.match(file.suggestedFilename(), /^snug-ana-\d{4}-\d\d-\d\d\.json$/);
      const { tables } = JSON.parse(await Deno.readTextFile(await file.path()));
      assert.equal(tables.accounts[0].contact, "ana@elsewhere.example");

      await page.getByRole("link", { name: "Delete account" }).click();
      await page.getByLabel("Password", { exact: true }).fill("not my password");
      await page.getByRole("button", { name: "Delete my account" }).click();
      await page.getByRole("alert").filter({ hasText: "not right" }).waitFor();
      await page.getByLabel("Password", { exact: true }).fill(ana.password);
      await page.getByRole("button", { name: "Delete my account" }).click();
      await page.getByRole("heading", { name: "Your account is deleted" }).waitFor();
      await page.goto(`${server.origin}/chat`);
      await page.getByRole("heading", { name: "You’re signed out" }).waitFor();
    });
  },
);
