/** What people get wrong, in a real browser against the real server: polite words, nothing lost, nothing crashed. */
import assert from "node:assert/strict";
import type { Browser, Page } from "playwright-core";
import { browserTest, launchBrowser } from "../helpers/browser.ts";
import { complaintsOf } from "../helpers/chat_talk.ts";
import { type Person, person, send, shows, signUp, startChat } from "./people.ts";
import { codeFor, freePort, type Server, startServer } from "./server.ts";

const ana = person("ana");
const ben = person("ben");

async function withServer(work: (server: Server, browser: Browser) => Promise<void>) {
  const data = await Deno.makeTempDir({ prefix: "snug-e2e-" });
  const server = await startServer({ data, port: freePort() });
  const browser = await launchBrowser();
  try {
    await work(server, browser);
  } finally {
    await browser.close();
    assert.equal(await server.stop(), 0, server.log());
  }
}

async function newPage(browser: Browser): Promise<Page> {
  return await (await browser.newContext()).newPage();
}

async function fillIn(page: Page, who: Person): Promise<void> {
  await page.getByRole("textbox", { name: "Username" }).fill(who.username);
  await page.getByRole("textbox", { name: "Full name" }).fill(who.fullName);
  await page.getByRole("textbox", { name: "Email or phone" }).fill(who.contact);
  await page.getByLabel("Password", { exact: true }).fill(who.password);
}

browserTest("a weak password is refused in the page and no request is made", async () => {
  await withServer(async (server, browser) => {
    const page = await newPage(browser);
    await page.goto(`${server.origin}/sign-up`);
    await complaintsOf(page, page.url());
    const sent: string[] = [];
    page.on("request", (request) => sent.push(`${request.method()} ${request.url()}`));
    for (const password of ["short", "q1w2e3r4t5y6", "aaaaaaaaaaaaaaaa", "ana@example.org"]) {
      await fillIn(page, { ...ana, password });
      await page.getByRole("button", { name: "Create account" }).click();
      await page.locator("#password-hint[data-state=bad]").waitFor();
      assert.equal(await page.getByLabel("Password", { exact: true }).inputValue(), password);
    }
    assert.deepEqual(sent.filter((line) => line.endsWith("/sign-up")), []);
  });
});

browserTest("a wrong code says how many tries are left, and the fifth ends it", async () => {
  await withServer(async (server, browser) => {
    const page = await newPage(browser);
    await page.goto(`${server.origin}/sign-up`);
    await fillIn(page, ana);
    await page.getByRole("button", { name: "Create account" }).click();
    const box = page.getByRole("textbox", { name: "6-digit code" });
    await box.waitFor();
    await complaintsOf(page, page.url());
    const right = codeFor(server.options.data, ana.contact);
    const wrong = right === "111111" ? "222222" : "111111";
    for (
      const words of ["4 tries left", "3 tries left", "2 tries left", "one try left", "dead now"]
    ) {
      await box.fill(wrong);
      await page.getByRole("button", { name: "Confirm" }).click();
      await page.getByRole("alert").filter({ hasText: words }).waitFor();
    }
    await box.fill(right);
    await page.getByRole("button", { name: "Confirm" }).click();
    await page.getByRole("alert").filter({ hasText: "Send another one" }).waitFor();
    await page.getByRole("button", { name: "Send another code" }).click();
    await page.getByRole("alert").filter({ hasText: "Wait" }).waitFor();
  });
});

browserTest("a taken username, a wrong password, strangers, oneself and a novel", async () => {
  await withServer(async (server, browser) => {
    const page = await newPage(browser);
    await signUp(page, server, ana);
    const other = await newPage(browser);
    await other.goto(`${server.origin}/sign-up`);
    await fillIn(other, { ...ben, username: ana.username });
    await other.getByRole("button", { name: "Create account" }).click();
    await other.locator("#username-hint[data-state=bad]").filter({ hasText: "taken" }).waitFor();
    assert.equal(await other.getByLabel("Password", { exact: true }).inputValue(), ben.password);
    await signUp(other, server, ben);

    const signIn = await newPage(browser);
    await signIn.goto(`${server.origin}/sign-in`);
    await complaintsOf(signIn, "sign-in");
    for (const username of [ana.username, "nobody_here"]) {
      await signIn.getByRole("textbox", { name: "Username" }).fill(username);
      await signIn.getByLabel("Password", { exact: true }).fill("not the password at all");
      await signIn.getByRole("button", { name: "Sign in" }).click();
      await signIn.getByRole("alert").filter({ hasText: "wrong" }).waitFor();
      await signIn.getByRole("button", { name: "Sign in" }).and(signIn.locator(":enabled"))
        .waitFor();
    }

    const refusals = [["nobody_here", /nobody called @nobody_here/], [
      ana.username,
      /That is you/,
    ]] as const;
    for (const [username, words] of refusals) {
      await page.getByRole("button", { name: "New conversation" }).first().click();
      const dialog = page.getByRole("dialog");
      await dialog.getByRole("textbox", { name: "Username" }).fill(username);
      await dialog.getByRole("button", { name: "Start chat" }).click();
      await dialog.getByText(words).waitFor();
      await page.keyboard.press("Escape");
      await dialog.waitFor({ state: "hidden" });
    }
    await startChat(page, ben.username);
    await send(page, "ä".repeat(2_001));
    await page.getByText(/too long/).first().waitFor();
    assert.equal((await page.getByRole("textbox", { name: "Message" }).inputValue()).length, 2_001);
    await send(page, "short enough");
    await shows(page, "short enough");
    await complaintsOf(page, page.url());
  });
});

browserTest("garbage on the socket closes that socket with words and harms nobody", async () => {
  await withServer(async (server, browser) => {
    const page = await newPage(browser);
    await signUp(page, server, ana);
    const codes = await page.evaluate(async (frames) => {
      const one = (frame: number[] | string) =>
        new Promise<number>((resolve) => {
          const socket = new WebSocket(`ws://${location.host}/socket`);
          socket.onopen = () =>
            socket.send(typeof frame === "string" ? frame : new Uint8Array(frame));
          socket.onclose = ({ code }) => resolve(code);
        });
      const codes: number[] = [];
      for (const frame of frames) codes.push(await one(frame));
      return codes;
    }, [[255, 0, 1], [], "text", Array.from({ length: 200_000 }, (_, i) => i & 255)]);
    for (const code of codes) assert.ok([1003, 1006, 1007, 1008, 1009].includes(code), `${code}`);
    assert.equal((await fetch(`${server.origin}/health`)).status, 200);
    await signUp(await newPage(browser), server, ben);
    await startChat(page, ben.username);
    await send(page, "still here");
    await page.getByRole("article").filter({ hasText: /still here.*\bsent\b/s }).waitFor();
  });
});
