/** The settings in a real browser against the real server: an authenticator app, another password, and no script at all. */
import assert from "node:assert/strict";
import { Secret, TOTP } from "otpauth";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { newPage, withScene } from "../e2e/scene.ts";
import { type Server } from "../e2e/server.ts";
import { person, signIn, signUp } from "../e2e/people.ts";
import { browserTest } from "../helpers/browser.ts";
import { filesBelow, findCanaries } from "../helpers/canary.ts";
import { inspect } from "../helpers/inspect.ts";

const ana = person("ana");

function codeOf(secret: string, steps = 0): string {
  const timestamp = Date.now() + steps * 30_000;
  return new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp });
}

/** What the owner hears of by mail. */
const LETTERS = [
  "Your Snug account now asks for an authenticator code",
  "A new device signed in to your Snug account",
  "Your Snug password was changed",
  "A recovery code of your Snug account was used",
];

/** Sets up an app; ends on the page with the recovery codes. */
async function enrol(page: Page, server: Server): Promise<{ secret: string; codes: string[] }> {
  await page.goto(`${server.origin}/settings/second-factor`);
  await page.getByRole("button", { name: "Set up an authenticator app" }).click();
  await page.getByRole("img", { name: "QR code for your authenticator app" }).waitFor();
  await page.getByText("No camera?").click();
  const shown = await page.getByLabel("Authenticator key").textContent();
  const secret = shown!.replaceAll(" ", "");
  await inspect(page, "enrol");
  await page.getByRole("textbox", { name: "Authenticator code" }).fill("000000");
  await page.getByRole("button", { name: "Confirm" }).click();
  await page.getByText("That code is not right.").waitFor();
  assert.ok(await page.getByRole("img", { name: "QR code" }).isVisible(), "the square stays");
  await page.getByRole("textbox", { name: "Authenticator code" }).fill(codeOf(secret));
  await page.getByRole("button", { name: "Confirm" }).click();
  await page.getByRole("heading", { name: "Keep these codes." }).waitFor();
  assert.equal(await page.getByRole("img", { name: "QR code" }).count(), 0);
  const codes = await page.getByRole("list", { name: "Recovery codes" }).locator("code")
    .allTextContents();
  await inspect(page, "recovery-codes");
  return { secret, codes };
}

async function enterPassword(page: Page, server: Server, password: string): Promise<void> {
  await page.goto(`${server.origin}/sign-in`);
  await page.getByRole("textbox", { name: "Username" }).fill(ana.username);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("textbox", { name: "Authenticator code" }).waitFor();
}

async function arrived(page: Page, server: Server): Promise<void> {
  await page.waitForURL(`${server.origin}/chat`);
  await page.getByRole("navigation", { name: "Conversations" }).waitFor();
}

async function changePassword(page: Page, server: Server, next: string): Promise<void> {
  await page.goto(`${server.origin}/settings/password`);
  await page.getByLabel("Current password").fill("not my password");
  await page.getByLabel("New password").fill(next);
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByRole("alert").filter({ hasText: "current password is not right" }).waitFor();
  await page.getByLabel("Current password").fill(ana.password);
  await page.getByRole("button", { name: "Change password" }).click();
  await page.waitForURL(`${server.origin}/settings?done=password`);
  await page.getByText("Your password is changed.").waitFor();
}

browserTest(
  "an authenticator app guards the sign-in, the password is changed, and no secret stays behind",
  async () => {
    await withScene(async ({ server, data, browser }) => {
      const first = await newPage(browser);
      await signUp(first, server, ana);
      await first.getByRole("link", { name: "Settings" }).click();
      await first.getByRole("heading", { name: "Settings" }).waitFor();
      const { secret, codes } = await enrol(first, server);
      await first.getByRole("link", { name: "I have kept them" }).click();
      await first.getByText("On: an authenticator app, and 10 recovery codes.").waitFor();

      const second = await newPage(browser);
      await enterPassword(second, server, ana.password);
      await inspect(second, "sign-in-code");
      await second.getByRole("textbox", { name: "Authenticator code" }).fill("000000");
      await second.getByRole("button", { name: "Confirm" }).click();
      await second.getByRole("alert").filter({ hasText: "not right" }).waitFor();
      await second.getByRole("textbox", { name: "Authenticator code" }).fill(codeOf(secret, 1));
      await second.getByRole("button", { name: "Confirm" }).click();
      await arrived(second, server);

      await second.goto(`${server.origin}/settings/second-factor`);
      await inspect(second, "second-factor-on");
      const next = "a lantern on the third stair 7";
      await changePassword(second, server, next);
      await inspect(second, "settings");

      const third = await newPage(browser);
      await enterPassword(third, server, next);
      await third.getByRole("button", { name: "Use a recovery code" }).click();
      await third.getByRole("textbox", { name: "Recovery code" }).fill(codes[0]!);
      await third.getByRole("button", { name: "Confirm" }).click();
      await arrived(third, server);
      await third.goto(`${server.origin}/settings`);
      await third.getByText("9 recovery codes").waitFor();
      await third.getByRole("button", { name: "Sign out others" }).click();
      await third.getByRole("button", { name: "Sign out others" }).waitFor({ state: "detached" });
      await inspect(third, "settings-alone");
      await third.goto(`${server.origin}/settings/what-the-server-sees`);
      await inspect(third, "what-the-server-sees");

      await second.goto(`${server.origin}/settings`);
      await second.waitForURL(`${server.origin}/sign-in?next=/settings`);
      const canaries = [
        { name: "TOTP secret", secret },
        { name: "TOTP seed", secret: new Uint8Array(Secret.fromBase32(secret).bytes) },
        ...codes.flatMap((code) => [
          { name: "recovery code", secret: code },
          { name: "recovery code, bare", secret: code.replace("-", "") },
        ]),
        { name: "password", secret: next },
      ];
      const log = { name: "log", bytes: new TextEncoder().encode(server.log()) };
      assert.deepEqual(findCanaries([log, ...filesBelow(data)], canaries), []);
      const subjects = filesBelow(`${data}/outbox`)
        .map(({ bytes }) => /^Subject: (.*)$/m.exec(new TextDecoder().decode(bytes))?.[1]?.trim());
      for (const subject of LETTERS) assert.ok(subjects.includes(subject), subject);
    });
  },
);

/** The same person without any script: the cookie goes over, nothing else. */
async function withoutScripts(browser: Browser, from: BrowserContext): Promise<Page> {
  const context = await browser.newContext({ javaScriptEnabled: false });
  await context.addCookies(await from.cookies());
  return await context.newPage();
}

browserTest(
  "settings that need no key work with scripts off; signing in leads back to where one wanted to go",
  async () => {
    await withScene(async ({ server, browser }) => {
      const page = await newPage(browser);
      await signUp(page, server, ana);
      const plain = await withoutScripts(browser, page.context());
      await plain.goto(`${server.origin}/settings`);
      await plain.getByRole("textbox", { name: "Full name" }).fill("Ana Without Scripts");
      await plain.getByRole("button", { name: "Save name" }).click();
      await plain.getByText("Your name is saved.").waitFor();
      await plain.goto(`${server.origin}/settings/second-factor`);
      await plain.getByRole("button", { name: "Set up an authenticator app" }).click();
      const secret = (await plain.getByLabel("Authenticator key").textContent())!.replaceAll(
        " ",
        "",
      );
      await plain.getByRole("textbox", { name: "Authenticator code" }).fill("000000");
      await plain.getByRole("button", { name: "Confirm" }).click();
      await plain.getByText("That code is not right.").waitFor();
      assert.ok(!(await plain.content()).includes(secret.slice(0, 4)), "shown once");
      await plain.getByRole("textbox", { name: "Authenticator code" }).fill(codeOf(secret));
      await plain.getByRole("button", { name: "Confirm" }).click();
      await plain.getByRole("heading", { name: "Keep these codes." }).waitFor();
      const code = await plain.locator("code").first().textContent();
      await plain.goto(`${server.origin}/settings/second-factor`);
      const off = plain.getByRole("region", { name: "Switch it off" });
      await off.getByRole("textbox", { name: "Authenticator code" }).fill(code!);
      await off.getByRole("button", { name: "Switch off" }).click();
      await plain.getByText("The second factor is off.").waitFor();
      await plain.goto(`${server.origin}/settings/password`);
      await plain.locator("noscript .problem").waitFor();
      await plain.goto(`${server.origin}/settings`);
      await plain.getByRole("button", { name: /^Sign out/ }).click();
      await plain.waitForURL(`${server.origin}/sign-in`);

      await page.goto(`${server.origin}/settings`);
      await page.waitForURL(`${server.origin}/sign-in?next=/settings`);
      await page.getByRole("textbox", { name: "Username" }).fill(ana.username);
      await page.getByLabel("Password", { exact: true }).fill(ana.password);
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.waitForURL(`${server.origin}/settings`);
      await page.getByText("this one").waitFor();
      await signIn(await newPage(browser), server, ana);
    });
  },
);
