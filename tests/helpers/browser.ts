/** A real Chromium for the tests that need one. Without one they are skipped, and one line says so. */
import { type Browser, chromium } from "playwright-core";

const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
  "/opt/google/chrome/chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/** No first-run pages and no talk with the browser's maker: only the loopback is spoken to. */
const QUIET = [
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** `CHROMIUM`, or the first of the usual places that has one. */
function findChromium(): string | undefined {
  const named = Deno.env.get("CHROMIUM");
  return (named ? [named] : PLACES).find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}

const executablePath = findChromium();
let said = false;

/** A headless Chromium; the caller closes it. Contexts do not see each other's storage. */
export async function launchBrowser(extraArgs: string[] = []): Promise<Browser> {
  if (executablePath === undefined) throw new Error("no Chromium found");
  return await chromium.launch({ executablePath, args: [...QUIET, ...extraArgs] });
}

/** A test in a real browser. Playwright keeps pipes and timers of its own between tests. */
export function browserTest(name: string, run: () => Promise<void>): void {
  if (executablePath === undefined && !said) {
    said = true;
    console.log(
      "Browser tests are skipped: no Chromium. Install one, or set CHROMIUM to its path.",
    );
  }
  Deno.test({
    name,
    fn: run,
    ignore: executablePath === undefined,
    sanitizeOps: false,
    sanitizeResources: false,
  });
}
