/** History that returns, in real browsers: password alone, and what was said is there again. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { browserTest, launchBrowser } from "../helpers/browser.ts";
import {
  openConversation,
  person,
  send,
  shows,
  signIn,
  signUp,
  startChat,
  textsShown,
} from "./people.ts";
import { freePort, startServer } from "./server.ts";

const ana = person("ana");
const ben = person("ben");

/** The next upload to the history archive of this page. */
function archived(page: Page): Promise<unknown> {
  return page.waitForResponse((response) => {
    const { pathname } = new URL(response.url());
    return pathname === "/api/archive" && response.request().method() === "POST" && response.ok();
  });
}

browserTest("a new browser shows what was said before it came, and scrolls on", async () => {
  const data = await Deno.makeTempDir({ prefix: "snug-e2e-" });
  const server = await startServer({ data, port: freePort() });
  const browser = await launchBrowser();
  try {
    const complaints: string[] = [];
    const open = async () => {
      const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
      context.on("weberror", (error) => complaints.push(String(error.error())));
      return await context.newPage();
    };
    const [a, b] = [await open(), await open()];
    await signUp(a, server, ana);
    await signUp(b, server, ben);
    await startChat(a, "ben");
    const done = archived(a);
    const said = Array.from({ length: 8 }, (_, i) => `history canary ${i}`);
    for (const text of said) await send(a, text);
    await openConversation(b, ana.fullName);
    await shows(b, said.at(-1)!);
    await done;
    const fresh = await open();
    await signIn(fresh, server, ana);
    await openConversation(fresh, ben.fullName);
    await shows(fresh, said.at(-1)!);
    assert.deepEqual(await textsShown(fresh, /history canary \d/), said);
    await send(fresh, "from the new browser");
    await shows(b, "from the new browser");
    assert.deepEqual(complaints, []);
  } finally {
    await browser.close();
    assert.equal(await server.stop(), 0, server.log());
  }
});
