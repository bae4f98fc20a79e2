/** Every page of accounts as it is opened: looked at by axe, walked by keyboard alone, and with scripts off. */
import assert from "node:assert/strict";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { person, signUp } from "../e2e/people.ts";
import { newPage, withScene } from "../e2e/scene.ts";
import { codeFor } from "../e2e/server.ts";
import { browserTest } from "../helpers/browser.ts";
import { inspect } from "../helpers/inspect.ts";

const ana = person("ana");
const NEXT = "a kettle on a different stove 9";
const env = { SNUG_LIMIT_CODE_RESEND_SECONDS: "0" };

/** Pages that need no more than to be opened, by who opens them. */
const ANYBODYS = ["/sign-up", "/sign-in", "/forgot", "/invite", "/deleted"];
const OWNERS = [
  ...["/settings", "/settings/password", "/settings/second-factor", "/settings/passkeys"],
  ...["/settings/contact", "/settings/devices", "/settings/history", "/settings/delete"],
  ...["/settings/what-the-server-sees", "/invites", "/reset"],
];
/** Pages on which nothing can be done without a key, and which say so. */
const KEYED = [
  ...["/sign-up", "/sign-in", "/forgot", "/invite"],
  ...["/settings/password", "/settings/passkeys", "/settings/delete"],
];

/** The same person without any script: the cookies go over, nothing else. */
async function withoutScripts(browser: Browser, from: BrowserContext): Promise<Page> {
  const context = await browser.newContext({ javaScriptEnabled: false });
  await context.addCookies(await from.cookies());
  return await context.newPage();
}

/** Presses Tab until the named field or button has the focus. */
async function tabTo(page: Page, label: string): Promise<void> {
  for (let presses = 0; presses < 30; presses++) {
    const named = await page.evaluate(() => {
      const element = document.activeElement as HTMLInputElement | HTMLButtonElement | null;
      const of = element?.labels?.[0]?.textContent || element?.textContent || "";
      return of.trim();
    });
    if (named === label) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`Tab leads to “${label}”`);
}

async function typeInto(page: Page, label: string, text: string): Promise<void> {
  await tabTo(page, label);
  await page.keyboard.type(text);
}

browserTest("axe finds nothing on any page of accounts, in either theme or width", async () => {
  await withScene(async ({ server, browser }) => {
    const stranger = await newPage(browser);
    for (const path of ANYBODYS) await inspect(stranger, path, `${server.origin}${path}`);
    const page = await newPage(browser);
    await signUp(page, server, ana);
    for (const path of OWNERS) {
      await inspect(page, path, `${server.origin}${path}`);
      assert.equal(new URL(page.url()).pathname, path, "was let in");
    }
  });
});

browserTest(
  "a forgotten password and another address, from end to end, by keyboard alone",
  async () => {
    await withScene(async ({ server, data, browser }) => {
      const first = await newPage(browser);
      const recoveryKey = await signUp(first, server, ana);
      const page = await newPage(browser);
      await page.goto(`${server.origin}/forgot`);
      await typeInto(page, "Email or phone", "ana@nowhere");
      await page.keyboard.press("Enter");
      await page.locator("#contact[aria-invalid=true]").waitFor();
      assert.equal(
        await page.locator("#contact").inputValue(),
        "ana@nowhere",
        "what was typed stays",
      );
      await page.locator("#contact").press("Control+a");
      await page.keyboard.type(ana.contact);
      await page.keyboard.press("Enter");
      await page.getByRole("textbox", { name: "6-digit code" }).waitFor();
      await typeInto(page, "6-digit code", codeFor(data, ana.contact));
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "Now your recovery key." }).waitFor();
      await typeInto(page, "Recovery key", recoveryKey);
      await typeInto(page, "New password", NEXT);
      await page.keyboard.press("Enter");
      await page.waitForURL(`${server.origin}/chat`);

      await page.goto(`${server.origin}/sign-in?next=/settings/contact`);
      await typeInto(page, "Username", ana.username);
      await typeInto(page, "Password", NEXT);
      await page.keyboard.press("Enter");
      await page.waitForURL(`${server.origin}/settings/contact`);
      await typeInto(page, "New email or phone", "ana@elsewhere.example");
      await page.keyboard.press("Enter");
      await page.getByRole("textbox", { name: "Code from the old one" }).waitFor();
      await typeInto(page, "Code from the old one", codeFor(data, ana.contact));
      await typeInto(page, "Code from the new one", codeFor(data, "ana@elsewhere.example"));
      await page.keyboard.press("Enter");
      await page.waitForURL(`${server.origin}/settings?done=contact`);
    }, { env });
  },
);

browserTest(
  "address, invites, devices and history need no scripts; where a key is needed the page says so",
  async () => {
    await withScene(async ({ server, data, browser }) => {
      const page = await newPage(browser);
      await signUp(page, server, ana);
      const plain = await withoutScripts(browser, page.context());
      const open = (path: string) => plain.goto(`${server.origin}${path}`);
      await open("/settings/contact");
      await plain.getByRole("textbox", { name: "New email or phone" }).fill("nonsense");
      await plain.getByRole("button", { name: "Send both codes" }).click();
      assert.equal(
        await plain.getByRole("textbox", { name: "New email or phone" }).inputValue(),
        "nonsense",
      );
      await plain.getByRole("textbox", { name: "New email or phone" }).fill(
        "ana@elsewhere.example",
      );
      await plain.getByRole("button", { name: "Send both codes" }).click();
      await plain.getByRole("textbox", { name: "Code from the old one" })
        .fill(codeFor(data, ana.contact));
      await plain.getByRole("textbox", { name: "Code from the new one" })
        .fill(codeFor(data, "ana@elsewhere.example"));
      await plain.getByRole("button", { name: "Confirm" }).click();
      await plain.getByText("ana@elsewhere.example").first().waitFor();

      await open("/invites");
      await plain.getByRole("textbox", { name: "Accounts it is good for" }).fill("2");
      await plain.getByRole("button", { name: "Make an invite" }).click();
      assert.match((await plain.getByLabel("Invite link").textContent())!, /\/invite#/);
      await open("/invites");
      await plain.getByRole("button", { name: "Take back" }).click();
      await plain.getByText("taken back").waitFor();

      await open("/settings/devices");
      await plain.getByText("Rename").click();
      await plain.getByRole("textbox", { name: "Name" }).fill("Kitchen");
      await plain.getByRole("button", { name: "Save name" }).click();
      await plain.getByText("The name is saved.").waitFor();
      await open("/settings/history");
      await plain.getByRole("button", { name: /off/i }).first().click();
      await plain.getByText("Switched off.").waitFor();

      for (const path of KEYED) {
        await open(path);
        assert.match(await plain.locator("noscript .problem").innerText(), /allow scripts/, path);
      }
    }, { env });
  },
);
