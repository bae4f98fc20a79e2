/**
 * The page as people meet it: its weight, the clicks from nothing to a first delivered message, and how long a
 * message takes from the press of Enter in one browser to the screen of another.
 */
import { gzipSync } from "node:zlib";
import type { Page } from "playwright-core";
import manifest from "../static/dist/assets.json" with { type: "json" };
import { launchBrowser } from "../tests/helpers/browser.ts";
import {
  openConversation,
  type Person,
  person,
  shows,
  signUp,
  startChat,
} from "../tests/e2e/people.ts";
import { freePort, type Server, startServer } from "../tests/e2e/server.ts";

const MESSAGES = 200;

type Assets = Readonly<Record<string, { readonly body: string }>>;

/** What the chat page loads, and what only the sign-up and sign-in pages load. Bytes, gzip level 6. */
const PARTS = {
  "chat page scripts": ["browser_check.js", "chat.js"],
  "chat page styles and shell": ["chat.html", "style.css", "chat.css", "icons.svg"],
  "account page scripts": ["htmx.js", "hx_csp.js", "account.js"],
  "account page worker (OPAQUE)": ["opaque_worker.js"],
};

/** Prints one JSON line for each figure. */
export async function pageBench(): Promise<void> {
  for (const [name, files] of Object.entries(PARTS)) line(name, "bytes, gzip", weight(files));
  const server = await startServer({ data: await Deno.makeTempDir(), port: freePort() });
  const browser = await launchBrowser();
  try {
    const pages = [await browser.newContext(), await browser.newContext()]
      .map((context) => context.newPage());
    await talk(server, await pages[0]!, await pages[1]!);
  } finally {
    await browser.close();
    await server.stop();
  }
}

async function talk(server: Server, one: Page, other: Page): Promise<void> {
  const [ana, ben] = [person("ana"), person("ben")];
  await signUp(other, server, ben);
  const before = await countActions(one, async () => {
    await signUp(one, server, ana);
    await startChat(one, ben.username);
    await one.getByRole("textbox", { name: "Message" }).fill("hello");
    await one.getByRole("button", { name: "Send" }).click();
  });
  await openConversation(other, ana.fullName);
  await shows(other, "hello");
  line("sign-up to first delivered message", "clicks", before);
  report("key press to shown, other browser", await latencies(one, other, ana));
}

/** Counts the clicks on buttons and boxes that `work` makes. */
async function countActions(page: Page, work: () => Promise<void>): Promise<number> {
  let clicks = 0;
  await page.exposeFunction("snugCountClick", () => clicks++);
  await page.addInitScript(() => {
    const { snugCountClick } = globalThis as unknown as { snugCountClick: () => void };
    document.addEventListener("click", (event) => event.isTrusted && snugCountClick(), true);
  });
  await work();
  return clicks;
}

/** Milliseconds from Enter to a frame in which the other page shows the text. Both pages share one clock. */
async function latencies(one: Page, other: Page, ana: Person): Promise<number[]> {
  await other.getByRole("log", { name: "Messages" }).waitFor();
  const box = one.getByRole("textbox", { name: "Message" });
  const times: number[] = [];
  for (let i = 0; i < MESSAGES; i++) {
    const text = `${ana.username} measures ${String(i).padStart(4, "0")}`;
    const shown = other.evaluate(shownAt, text);
    await box.fill(text);
    const pressed = one.evaluate(pressedAt);
    await box.press("Enter");
    times.push(await shown - await pressed);
  }
  return times;
}

function pressedAt(): Promise<number> {
  return new Promise((resolve) =>
    addEventListener("keydown", () => resolve(performance.timeOrigin + performance.now()), {
      once: true,
      capture: true,
    })
  );
}

function shownAt(text: string): Promise<number> {
  const log = document.querySelector("[role=log]")!;
  return new Promise((resolve) => {
    const look = () => {
      if (!log.textContent?.includes(text)) return false;
      requestAnimationFrame(() => resolve(performance.timeOrigin + performance.now()));
      return true;
    };
    const observer = new MutationObserver(() => look() && observer.disconnect());
    observer.observe(log, { childList: true, subtree: true, characterData: true });
  });
}

function report(name: string, times: number[]): void {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) =>
    Number(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!.toFixed(1));
  line(`${name}, p50`, "ms", at(0.5));
  line(`${name}, p99`, "ms", at(0.99));
}

function weight(files: readonly string[]): number {
  const assets: Assets = manifest;
  const bytes = files.map((name) => Uint8Array.fromBase64(assets[name]!.body));
  return bytes.reduce((sum, file) => sum + gzipSync(file, { level: 6 }).length, 0);
}

function line(name: string, unit: string, value: number): void {
  console.log(JSON.stringify({ bench: "page", name, unit, value }));
}

if (import.meta.main) await pageBench();
