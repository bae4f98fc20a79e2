/** The chat page as it is served, with its real policies, over a fake engine: for tests in a browser. */
import { fileURLToPath } from "node:url";
import { assetPolicy, CAMERA_PERMISSIONS, commonHeaders } from "../../routes/policy.ts";
import { INTEGRITY_POLICY } from "../../routes/policy.ts";
import { type AssetManifest, createAssets } from "../../routes/assets.ts";
import { buildPage } from "../../tools/page.ts";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { withBrowser, withOwnBrowser } from "./browser.ts";
import type { Harness } from "./chat_harness.ts";
import type { FakeEngine } from "./fake_engine.ts";
import type { Scenario } from "./fake_scenario.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** What a page must never show: script errors, refused or blocked things, dialogs. */
export interface Trouble {
  readonly errors: string[];
}

export interface ChatPage extends Trouble {
  readonly page: Page;
  /** Runs in the page, over its engine. */
  engine<T>(run: (engine: FakeEngine) => T): Promise<T>;
}

export interface ChatPages {
  readonly origin: string;
  readonly browser: Browser;
  open(scenario: Scenario, options?: BrowserContextOptions): Promise<ChatPage>;
}

interface Served {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly headers: Record<string, string>;
}

/**
 * Serves the page and opens a browser, for as long as `work` takes. `script`: the page over a fake
 * engine, or chat.js as it is, which finds no device in a new browser.
 */
export async function withChatPages(
  work: (pages: ChatPages) => Promise<void>,
  script: "harness" | "product" = "harness",
  browserArgs: string[] = [],
): Promise<void> {
  const files = await serveable(script === "harness");
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const file = files.get(new URL(request.url).pathname);
    return file ? new Response(file.body, file) : new Response("no such file", { status: 404 });
  });
  const origin = `http://localhost:${server.addr.port}`;
  const use = (browser: Browser) =>
    work({ origin, browser, open: (...args) => openPage(browser, origin, ...args) });
  try {
    await (browserArgs.length > 0 ? withOwnBrowser(browserArgs, use) : withBrowser(use));
  } finally {
    await server.shutdown();
  }
}

async function openPage(
  browser: Browser,
  origin: string,
  scenario: Scenario,
  options: BrowserContextOptions = {},
): Promise<ChatPage> {
  const viewport = { width: 1280, height: 800 };
  const context = await browser.newContext({ viewport, locale: "en-GB", ...options });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("dialog", (dialog) => {
    errors.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  await page.exposeFunction("reportViolation", (words: string) => errors.push(words));
  await page.addInitScript((given) => {
    const scope = globalThis as unknown as Harness & { reportViolation(words: string): void };
    scope.scenario = given;
    document.addEventListener("securitypolicyviolation", (event) => {
      scope.reportViolation(`policy: ${event.violatedDirective} ${event.blockedURI}`);
    });
  }, scenario);
  await page.goto(`${origin}/chat`);
  await page.waitForFunction(() => {
    const shown = document.querySelector<HTMLElement>("#list-skeleton")?.hidden;
    return shown || document.querySelector<HTMLElement>("#gate")?.hidden === false;
  });
  return {
    page,
    errors,
    engine: (run) => page.evaluate(inPage(run)),
  };
}

/** The function's source runs in the page, where `engine` is a global of the harness. */
function inPage<T>(run: (engine: FakeEngine) => T): string {
  return `(${run})(globalThis.engine)`;
}

async function serveable(withHarness: boolean): Promise<Map<string, Served>> {
  await buildPage(ROOT);
  const text = await Deno.readTextFile(`${ROOT}static/dist/assets.json`);
  const manifest: AssetManifest = JSON.parse(text);
  const assets = createAssets(manifest);
  const files = new Map<string, Served>();
  for (const { path, type, policy, bytes } of assets.all()) {
    const headers = {
      ...commonHeaders(false),
      "content-type": type,
      "content-security-policy": assetPolicy(policy),
      ...path === "/chat" ? { "permissions-policy": CAMERA_PERMISSIONS } : {},
      ...policy === "page" ? { "integrity-policy": INTEGRITY_POLICY } : {},
    };
    files.set(path, { body: bytes, headers });
  }
  if (withHarness) await putHarness(files, (name) => assets.link(name));
  return files;
}

/** Puts the harness in the place of chat.js, with an integrity that fits. */
async function putHarness(
  files: Map<string, Served>,
  link: (name: string) => { readonly href: string; readonly integrity: string },
): Promise<void> {
  const harness = await bundleHarness(link);
  const chat = link("chat.js");
  files.set(chat.href, { ...files.get(chat.href)!, body: harness });
  const shell = files.get("/chat")!;
  const html = new TextDecoder().decode(shell.body);
  const digest = await crypto.subtle.digest("SHA-256", harness);
  const integrity = `sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}`;
  const body = new TextEncoder().encode(html.replace(chat.integrity, integrity));
  files.set("/chat", { ...shell, body });
}

async function bundleHarness(
  link: (name: string) => { readonly href: string; readonly integrity: string },
): Promise<Uint8Array<ArrayBuffer>> {
  const out = await Deno.makeTempFile({ suffix: ".js" });
  const entry = "tests/helpers/chat_harness.ts";
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--platform", "browser", "-o", out, entry],
    cwd: ROOT,
    stdin: "null",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  const script = await Deno.readTextFile(out);
  await Deno.remove(out);
  const filled = script.replace(
    /\{\{(href|integrity) ([a-z0-9_.]+)\}\}/g,
    (_, kind: "href" | "integrity", name: string) => link(name)[kind],
  );
  return new TextEncoder().encode(filled);
}
