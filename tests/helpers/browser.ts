/** A real Chromium for the tests that need one. Without one they are skipped, and one line says so. */
import { type Browser, type BrowserContext, chromium } from "playwright-core";

const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
  "/opt/google/chrome/chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/**
 * What Chromium does beside showing a page. Its address bar is three pages of its own, made anew for
 * every context: more work than the chat page. Of two such lists Chromium hears the last alone, so
 * what Playwright leaves out for the sake of tests stands here too.
 */
const LEFT_OUT = [
  ...["WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup"],
  ...["PreloadTopChromeWebUI", "SpareRendererForSitePerProcess"],
  ...["AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades"],
  ...["HttpsFirstBalancedModeAutoEnable", "LensOverlay", "MediaRouter", "PaintHolding"],
  ...["ThirdPartyStoragePartitioning", "AvoidCorsURLLoaderRestartOnRedirect", "OptimizationHints"],
  ...["NetworkTimeServiceQuerying", "AimEnabled", "PreconnectToSearch"],
];

/** No first-run pages and no talk with the browser's maker: only the loopback is spoken to. */
const QUIET = [
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  `--disable-features=${LEFT_OUT.join(",")}`,
];

/** Milliseconds after which what a page was to show counts as missing: long, for slow machines. */
const PATIENCE = 120_000;

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
  const browser = await chromium.launch({ executablePath, args: [...QUIET, ...extraArgs] });
  return browser.on("context", (context) => context.setDefaultTimeout(PATIENCE));
}

/** A Chromium for `work` alone, where it is started differently. */
export async function withOwnBrowser<T>(
  args: string[],
  work: (browser: Browser) => Promise<T>,
): Promise<T> {
  const browser = await launchBrowser(args);
  try {
    return await work(browser);
  } finally {
    await browser.close();
  }
}

let shared: Promise<Browser> | undefined;

/** The one Chromium of this test file, for `work`; its contexts are closed afterwards. */
export async function withBrowser<T>(work: (browser: Browser) => Promise<T>): Promise<T> {
  const browser = await (shared ??= launchBrowser());
  try {
    return await work(browser);
  } finally {
    await Promise.all(browser.contexts().map((context) => context.close()));
    if (!CLOSES_LAST) await closeShared();
  }
}

async function closeShared(): Promise<void> {
  const closing = shared;
  shared = undefined;
  await (await closing)?.close();
}

/** Deno before 2.5 knows no hook after the last test: there each test has a Chromium of its own. */
const CLOSES_LAST = "afterAll" in Deno.test;
if (CLOSES_LAST) Deno.test.afterAll(closeShared);

/** A Chromium whose profile is a folder: what it keeps is there for the next one. The caller closes it. */
export async function launchProfile(folder: string): Promise<BrowserContext> {
  if (executablePath === undefined) throw new Error("no Chromium found");
  const viewport = { width: 1280, height: 800 };
  return await chromium.launchPersistentContext(folder, { executablePath, args: QUIET, viewport });
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
