/** The pages of passkeys as people meet them: by keyboard, in both themes and widths, with and without scripts. */
import assert from "node:assert/strict";
import type { Browser, Page } from "playwright-core";
import { person, signUp } from "../e2e/people.ts";
import { freePort, type Server, startServer } from "../e2e/server.ts";
import { plugIn } from "../helpers/authenticator.ts";
import { browserTest, withBrowser } from "../helpers/browser.ts";
import { inspect } from "../helpers/inspect.ts";

const ana = person("ana");

async function withScene(work: (browser: Browser, server: Server) => Promise<void>): Promise<void> {
  const data = await Deno.makeTempDir({ prefix: "snug-passkey-pages-" });
  const server = await startServer({ data, port: freePort() });
  try {
    await withBrowser((browser) => work(browser, server));
  } finally {
    assert.equal(await server.stop(), 0, server.log());
    await Deno.remove(data, { recursive: true });
  }
}

/** Adds a passkey without a mouse. */
async function addByKeyboard(page: Page): Promise<void> {
  await page.getByRole("textbox", { name: "Name" }).last().focus();
  await page.keyboard.type("Phone");
  await page.keyboard.press("Tab");
  await page.keyboard.type(ana.password);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Keep these codes." }).waitFor();
}

browserTest(
  "the pages of passkeys work by keyboard, and axe finds nothing in either theme or width",
  async () => {
    await withScene(async (browser, server) => {
      const page = await (await browser.newContext()).newPage();
      await signUp(page, server, ana);
      const key = await plugIn(page, { prf: false });
      await page.goto(`${server.origin}/settings/passkeys`);
      await page.getByRole("button", { name: "Add a passkey" }).click();
      await page.getByText("A name, please.").waitFor();
      await addByKeyboard(page);
      const focused = await page.evaluate(() => document.activeElement?.textContent);
      assert.equal(focused, "Keep these codes.");
      await inspect(page, "passkeys-codes");
      const code = await page.locator("ol code").first().textContent();
      await page.getByRole("link", { name: "I have kept them" }).click();
      await page.getByText("Your passkey is ready.").waitFor();
      await page.getByText("Rename").click();
      await page.getByRole("textbox", { name: "Name" }).first().fill("  ");
      await page.getByRole("button", { name: "Save name" }).click();
      await page.getByText("Give it a name of 1 to 40 characters.").waitFor();
      await inspect(page, "passkeys-one");
      await page.getByRole("textbox", { name: "Name" }).first().fill("Blue <b>key</b>");
      await page.getByRole("button", { name: "Save name" }).click();
      await page.getByText("Blue <b>key</b>").first().waitFor();
      await page.goto(`${server.origin}/settings`);
      await page.getByText("One. It signs in without a password.").waitFor();
      await page.getByText("On: your passkeys, and 10 recovery codes.").waitFor();
      await page.goto(`${server.origin}/settings/second-factor`);
      await inspect(page, "second-factor-passkeys");

      const plain = await browser.newContext({ javaScriptEnabled: false });
      await plain.addCookies(await page.context().cookies());
      const bare = await plain.newPage();
      await bare.goto(`${server.origin}/settings/passkeys`);
      await bare.locator("noscript .problem").waitFor();
      await bare.getByRole("link", { name: "Remove" }).click();
      await bare.getByRole("textbox").fill("000000");
      await bare.getByRole("button", { name: "Remove it" }).click();
      await bare.getByText("That code is not right.").waitFor();

      await key.freshBrowser();
      await page.goto(`${server.origin}/sign-in`);
      await inspect(page, "sign-in-with-passkeys");
      await page.getByRole("textbox", { name: "Username" }).fill(ana.username);
      await page.getByLabel("Password", { exact: true }).fill(ana.password);
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "One more step." }).waitFor();
      await inspect(page, "second-step");
      await page.goto(`${server.origin}/sign-in`);
      await page.getByRole("button", { name: "Use a passkey" }).press("Enter");
      await page.getByRole("heading", { name: "One more key." }).waitFor();
      await inspect(page, "open-vault");
      await page.getByLabel("Password", { exact: true }).fill(ana.password);
      await page.keyboard.press("Enter");
      await page.waitForURL(`${server.origin}/chat`);

      await page.goto(`${server.origin}/settings/passkeys`);
      await page.getByRole("link", { name: "Remove" }).click();
      await inspect(page, "passkey-remove");
      await page.getByRole("textbox").fill(code!);
      await page.keyboard.press("Enter");
      await page.getByText("That passkey is gone.").waitFor();
      await page.goto(`${server.origin}/settings`);
      await page.getByText("Off. An authenticator app keeps out").waitFor();
    });
  },
);
