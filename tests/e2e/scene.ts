/** One server and one browser for a test, and no trace of either afterwards. */
import assert from "node:assert/strict";
import type { Browser, Page } from "playwright-core";
import { withBrowser } from "../helpers/browser.ts";
import { freePort, type Server, type ServerOptions, startServer } from "./server.ts";

export interface Scene {
  readonly server: Server;
  /** The server's folder. */
  readonly data: string;
  readonly browser: Browser;
}

/** Runs `work` beside a server with its own folder; the server must end well. */
export async function withScene(
  work: (scene: Scene) => Promise<void>,
  options: Pick<ServerOptions, "flags" | "env"> = {},
): Promise<void> {
  const data = await Deno.makeTempDir({ prefix: "snug-scene-" });
  const server = await startServer({ data, port: freePort(), ...options });
  try {
    await withBrowser((browser) => work({ server, data, browser }));
  } finally {
    assert.equal(await server.stop(), 0, server.log());
    await Deno.remove(data, { recursive: true });
  }
}

/** A page of somebody who has never been here. */
export async function newPage(browser: Browser): Promise<Page> {
  return await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
}
