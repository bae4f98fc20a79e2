/** Looking at a page as people do: both themes, wide and narrow, with axe and, where wanted, pictures. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { complaintsOf } from "./chat_talk.ts";

/** `SNUG_SHOTS=DIR` keeps a picture of every page. */
const SHOTS = Deno.env.get("SNUG_SHOTS");

/**
 * Nothing that axe finds, in both themes and both widths, and nothing that has to be scrolled aside.
 * The themes differ in colours alone (tests/client/web/contrast_test.ts), so by night axe looks at these.
 */
export async function inspect(page: Page, name: string, first?: string): Promise<void> {
  if (first !== undefined) await page.goto(first);
  for (const colorScheme of ["light", "dark"] as const) {
    for (const [width, height] of [[1280, 800], [390, 844]] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.setViewportSize({ width, height });
      await painted(page, colorScheme, width);
      const rules = colorScheme === "light" ? "all" : "colours";
      await complaintsOf(page, `${name} ${colorScheme} ${width}`, rules);
      const tooWide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      assert.ok(!tooWide, `${name} fits into ${width}`);
      if (SHOTS) {
        const path = `${SHOTS}/${name}-${width}-${colorScheme}.png`;
        await page.screenshot({ path, fullPage: true });
      }
    }
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.emulateMedia({ colorScheme: "light" });
}

/** The new theme and width are what is on the screen. */
async function painted(page: Page, scheme: string, width: number): Promise<void> {
  await page.waitForFunction(([scheme, width]) => {
    return matchMedia(`(prefers-color-scheme: ${scheme})`).matches && innerWidth === width;
  }, [scheme, width] as const);
  await page.evaluate(() =>
    new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))
  );
}
