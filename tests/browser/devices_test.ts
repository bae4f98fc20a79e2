/** One's own devices in the settings of a real browser: named, removed, and what the removed one shows. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { signIn as signInByFlow } from "../../client/account_flow.ts";
import { createApi } from "../../client/account_transport.ts";
import { opaqueClient } from "../../client/opaque.ts";
import { MemoryStore } from "../../client/store_memory.ts";
import { terminalHttp } from "../../client/terminal/http.ts";
import { person, signIn, signUp } from "../e2e/people.ts";
import { freePort, type Server, startServer } from "../e2e/server.ts";
import { browserTest, withBrowser } from "../helpers/browser.ts";
import { filesBelow } from "../helpers/canary.ts";
import { inspect } from "../helpers/inspect.ts";

const ana = person("ana");

/** How many rows a browser's store has. */
async function kept(page: Page): Promise<number> {
  return await page.evaluate(async () => {
    const database = await new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open("snug");
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    const names = [...database.objectStoreNames];
    if (names.length === 0) return 0;
    const transaction = database.transaction(names);
    const counts = await Promise.all(names.map((name) =>
      new Promise<number>((resolve) => {
        const request = transaction.objectStore(name).count();
        request.onsuccess = () => resolve(request.result);
      })
    ));
    database.close();
    return counts.reduce((sum, count) => sum + count, 0);
  });
}

async function rename(page: Page, server: Server, name: string): Promise<void> {
  await page.goto(`${server.origin}/settings/devices`);
  await page.getByRole("listitem").filter({ hasText: "this one" }).getByText("Rename").click();
  await page.getByRole("textbox", { name: "Name" }).first().fill(name);
  await page.keyboard.press("Enter");
  await page.getByText("The name is saved.").waitFor();
}

browserTest(
  "a browser removes another one, which says why at once and keeps nothing; then itself",
  async () => {
    const data = await Deno.makeTempDir({ prefix: "snug-devices-" });
    const server = await startServer({ data, port: freePort() });
    try {
      await withBrowser(async (browser) => {
        const page = async () => await (await browser.newContext()).newPage();
        const [first, second] = [await page(), await page()];
        await signUp(first, server, ana);
        await signIn(second, server, ana);
        assert.ok(await kept(second) > 100);
        await rename(first, server, "Desk <b>at</b> home");
        await first.getByText("Desk <b>at</b> home").first().waitFor();
        await first.getByText("2 of 8.").waitFor();
        const others = first.getByRole("region", { name: "What others see" });
        await others.getByText("2 devices, signed by your account’s key").waitFor();
        assert.equal(await others.getByRole("listitem").count(), 2);
        const fingerprints = await others.locator("code").allTextContents();
        assert.equal(new Set(fingerprints).size, 2);
        const half = others.getByRole("group", { name: "Your half of every safety number" });
        assert.match((await half.textContent())!, /^[0-9]{30}$/);
        assert.ok(!(await others.textContent())!.includes("Desk"), "names are not told");
        await inspect(first, "devices");
        const blind = await first.context().newPage();
        await blind.addInitScript(() =>
          indexedDB.open = () => {
            throw new Error("no storage");
          }
        );
        await blind.goto(`${server.origin}/settings/devices`);
        await blind.getByText("This browser could not look.").waitFor();
        assert.equal(await blind.locator("#others-more").isVisible(), false);
        await blind.close();

        await first.getByRole("listitem").filter({ hasNotText: "this one" })
          .getByRole("link", { name: "Remove" }).click();
        await first.getByRole("heading", { name: "Remove “Browser”?" }).waitFor();
        await inspect(first, "device-remove");
        await first.getByRole("button", { name: "Remove it" }).press("Enter");
        await first.getByText("That device is removed.").waitFor();
        await first.getByText("1 of 8.").waitFor();
        await second.getByText("Another of your devices removed this browser").waitFor();
        assert.equal(await kept(second), 0);
        await second.getByRole("link", { name: "Sign in" }).first().click();
        await second.getByRole("heading", { name: "Welcome back." }).waitFor();

        await first.getByRole("link", { name: "Remove" }).click();
        await first.getByText("This is the browser you are in.").waitFor();
        await first.getByRole("button", { name: "Remove it" }).click();
        await first.waitForURL(`${server.origin}/sign-in`);
        assert.equal(await kept(first), 0);
        const letters = filesBelow(`${data}/outbox`).map(({ bytes }) =>
          /^Subject: (.*)$/m.exec(new TextDecoder().decode(bytes))?.[1]?.trim()
        );
        const told = letters.filter((subject) => subject?.startsWith("A device was removed"));
        assert.equal(told.length, 2);
      });
    } finally {
      assert.equal(await server.stop(), 0, server.log());
      await Deno.remove(data, { recursive: true });
    }
  },
);

/** One more device, by the same flow as the page's and without a page. */
async function signInOnTerminal({ origin }: Server): Promise<void> {
  const http = terminalHttp({ origin, caCerts: null });
  const api = createApi({ origin, send: http.send, terminal: true });
  const place = { kind: "terminal", mode: "sealed", now: () => Date.now() } as const;
  const parts = { ...place, api, store: new MemoryStore(), password: opaqueClient };
  const signedIn = await signInByFlow(parts, ana);
  http.close();
  assert.ok(signedIn.ok, JSON.stringify(signedIn));
}

browserTest("a ninth browser asks which of the eight makes room, by keyboard too", async () => {
  const data = await Deno.makeTempDir({ prefix: "snug-ninth-" });
  const server = await startServer({ data, port: freePort() });
  try {
    await withBrowser(async (browser) => {
      const page = async () => await (await browser.newContext()).newPage();
      const first = await page();
      await signUp(first, server, ana);
      await rename(first, server, "Old phone");
      for (let i = 0; i < 7; i++) await signInOnTerminal(server);
      await first.goto(`${server.origin}/settings/link`);
      await first.getByRole("heading", { name: "There is no room" }).waitFor();
      await inspect(first, "link-no-room");
      const ninth = await page();
      await ninth.goto(`${server.origin}/sign-in`);
      const enter = async () => {
        await ninth.getByRole("textbox", { name: "Username" }).fill(ana.username);
        await ninth.getByLabel("Password", { exact: true }).fill(ana.password);
        await ninth.keyboard.press("Enter");
        await ninth.getByRole("dialog").waitFor();
      };
      await enter();
      assert.equal(await ninth.getByRole("radio").count(), 8);
      await inspect(ninth, "make-room");
      await ninth.keyboard.press("Escape");
      await ninth.getByRole("alert").filter({ hasText: "has eight devices" }).waitFor();
      await enter();
      await ninth.getByRole("radio", { name: "Old phone" }).check();
      await ninth.keyboard.press("Enter");
      await ninth.waitForURL(`${server.origin}/chat`);
      await ninth.goto(`${server.origin}/settings/devices`);
      await ninth.getByText("8 of 8.").waitFor();
      assert.equal(await ninth.getByText("Old phone").count(), 0);
      await first.goto(`${server.origin}/chat`);
      await first.getByText("Another of your devices removed this browser").waitFor();
    });
  } finally {
    assert.equal(await server.stop(), 0, server.log());
    await Deno.remove(data, { recursive: true });
  }
});
