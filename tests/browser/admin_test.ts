/** The admin area in a real browser against the real server: live, by keyboard, and without any script. */
import assert from "node:assert/strict";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { encode } from "../../protocol/codec.ts";
import { reportRequest } from "../../protocol/reports.ts";
import { newPage, type Scene, withScene } from "../e2e/scene.ts";
import { snugCommand } from "../e2e/server.ts";
import { type Person, person, signIn, signUp } from "../e2e/people.ts";
import { browserTest } from "../helpers/browser.ts";
import { filesBelow, findCanaries } from "../helpers/canary.ts";
import { inspect } from "../helpers/inspect.ts";

const olga = person("olga");
const ana = person("ana");

async function newcomer({ browser, server }: Scene, who: Person): Promise<Page> {
  const page = await newPage(browser);
  await signUp(page, server, who);
  return page;
}

/** The same person without any script: the cookie goes over, nothing else. */
async function withoutScripts(browser: Browser, from: BrowserContext): Promise<Page> {
  const context = await browser.newContext({ javaScriptEnabled: false });
  await context.addCookies(await from.cookies());
  return await context.newPage();
}

/** One order of `snug admin` on the running server. */
async function order(data: string, ...words: string[]) {
  const child = snugCommand("admin", [...words, "--json", "--data", data]).spawn();
  await child.stdin.close();
  const { stdout } = await child.output();
  return JSON.parse(new TextDecoder().decode(stdout)).value;
}

/** A report as a device sends it. The page's own dialog has a test of its own. */
async function report(page: Page, data: string, words: string, text: string): Promise<number> {
  const { user: { account } } = await order(data, "user", "ana");
  const messages = [{ time: Date.now(), own: false, text }];
  const body = encode(reportRequest, { account, words, messages });
  return await page.evaluate(async (bytes) => {
    const answer = await fetch("/api/reports", {
      method: "POST",
      headers: { "content-type": "application/cbor", accept: "application/cbor" },
      body: new Uint8Array(bytes),
    });
    return answer.status;
  }, [...body]);
}

browserTest(
  "an admin finds somebody while typing, switches them off and on, and settles a report",
  async () => {
    await withScene(async (scene) => {
      const { server, data } = scene;
      const page = await newcomer(scene, olga);
      const other = await newcomer(scene, ana);
      assert.equal(await report(page, data, "She shouts at me.", "HEY YOU"), 204);

      await page.goto(`${server.origin}/settings`);
      await page.getByRole("link", { name: /^Admin/ }).click();
      await page.getByRole("heading", { name: "Admin", level: 1 }).waitFor();
      await page.getByText("1 report waits for you.").waitFor();
      await inspect(page, "admin");

      await page.getByRole("link", { name: /^People/ }).click();
      await page.getByRole("link", { name: "@olga" }).waitFor();
      const search = page.getByRole("searchbox", { name: "Name or address" });
      await search.focus();
      await page.keyboard.type("ana@");
      await page.getByRole("link", { name: "@olga" }).waitFor({ state: "detached" });
      await inspect(page, "admin-people");
      await page.getByRole("link", { name: "@ana" }).press("Enter");
      await page.getByRole("heading", { name: "@ana" }).waitFor();
      await inspect(page, "admin-person");

      await page.getByRole("button", { name: /^Switch off/ }).press("Enter");
      await page.getByText("The account is off.").waitFor();
      await other.getByText("You’re signed out here.").waitFor();
      await page.getByRole("button", { name: /^Switch on/ }).click();
      await page.getByText("The account is on.").waitFor();
      await page.getByRole("textbox", { name: "Type the username" }).fill("anna");
      await page.getByRole("button", { name: "Delete for good" }).click();
      await page.getByText("That is not the username of this account.").waitFor();
      await inspect(page, "admin-person-refused");

      await page.goto(`${server.origin}/admin/reports`);
      await inspect(page, "admin-reports");
      await page.getByRole("link", { name: "About @ana" }).click();
      await page.getByText("Unproven.").waitFor();
      await page.getByText("HEY YOU").waitFor();
      await inspect(page, "admin-report");
      await page.getByRole("textbox", { name: "What you did about it" }).fill("Spoken to both.");
      await page.getByRole("button", { name: "Settle" }).click();
      await page.getByText("Settled. The messages").waitFor();
      assert.deepEqual(
        findCanaries(filesBelow(data).filter(({ name }) => name === "snug.db"), [
          { name: "a revealed message", secret: "HEY YOU" },
        ]),
        [],
      );

      for (const name of ["sign-ups", "limits", "health", "log", "what-admins-see"]) {
        await page.goto(`${server.origin}/admin/${name}`);
        await inspect(page, `admin-${name}`);
      }
      await page.goto(`${server.origin}/admin/limits`);
      const limit = page.getByRole("textbox", { name: "people an hour looked up" });
      await limit.fill("many");
      await limit.press("Enter");
      await page.getByText("That number is outside").waitFor();
      assert.equal(await limit.inputValue(), "many", "what was typed stays");
      await inspect(page, "admin-limits-refused");
      await limit.fill("299");
      await limit.press("Enter");
      await page.getByText("Saved. Default: 300.").waitFor();

      await signIn(other, server, ana);
      await other.goto(`${server.origin}/admin`);
      await other.getByRole("heading", { name: "That is not yours to do." }).waitFor();
      await inspect(other, "admin-refused");

      const canaries = [olga, ana].map(({ username, password }) => ({
        ...{ name: `password of ${username}`, secret: password },
      }));
      const cookies = (await page.context().cookies()).map(({ value }) => ({
        ...{ name: "login", secret: value },
      }));
      const log = { name: "log", bytes: new TextEncoder().encode(server.log()) };
      const places = [log, ...filesBelow(data).filter(({ name }) => !name.startsWith("outbox/"))];
      assert.deepEqual(findCanaries(places, [...canaries, ...cookies]), []);
      const acts = await order(data, "audit") as { act: string }[];
      assert.deepEqual(acts.map(({ act }) => act), ["limit", "settle-report", "enable", "disable"]);
    });
  },
);

browserTest(
  "the admin area works with scripts off; who needs a second factor is led to set one up",
  async () => {
    await withScene(async (scene) => {
      const { server, browser } = scene;
      const page = await newcomer(scene, olga);
      await newcomer(scene, ana);
      const plain = await withoutScripts(browser, page.context());
      await plain.goto(`${server.origin}/admin/users`);
      await plain.getByRole("searchbox").fill("ana@");
      await plain.getByRole("button", { name: "Search" }).click();
      await plain.getByRole("link", { name: "@olga" }).waitFor({ state: "detached" });
      await plain.getByRole("link", { name: "@ana" }).click();
      await plain.getByRole("button", { name: /^Make admin/ }).click();
      await plain.getByText("They are an admin now.").waitFor();
      await plain.getByRole("textbox", { name: "Type the username" }).fill("ana");
      await plain.getByRole("button", { name: "Delete for good" }).click();
      await plain.getByText("The account is deleted.").waitFor();

      await plain.goto(`${server.origin}/admin/sign-ups`);
      await plain.getByRole("radio", { name: "Nobody" }).check();
      await plain.getByRole("button", { name: "Save" }).click();
      await plain.getByText("Saved. It holds from now on.").waitFor();
      const stranger = await (await browser.newContext()).newPage();
      await stranger.goto(`${server.origin}/sign-up`);
      await stranger.getByText("takes no new people").waitFor();

      await plain.goto(`${server.origin}/admin/limits`);
      await plain.getByRole("textbox", { name: "people an hour looked up" }).fill("17");
      await plain.getByRole("button", { name: /people an hour looked up/ }).click();
      await plain.getByText("Saved. It holds from now on.").waitFor();

      await plain.goto(`${server.origin}/admin/sign-ups`);
      await plain.getByRole("button", { name: "Ask everybody for one" }).click();
      await plain.getByText("Set yours up, then everything is open to you.").waitFor();
      await inspect(page, "admin-held", `${server.origin}/settings`);
      for (const path of ["/settings", "/admin", "/"]) {
        await plain.goto(`${server.origin}${path}`);
        assert.equal(new URL(plain.url()).pathname, "/settings/second-factor", path);
      }
      const { secondFactorRequired } = await order(scene.data, "second-factor", "optional");
      assert.equal(secondFactorRequired, false);
      await plain.goto(`${server.origin}/admin/log`);
      await plain.getByText("Whole: 6 acts").waitFor();
    });
  },
);
