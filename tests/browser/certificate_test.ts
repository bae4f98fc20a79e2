/** The page that makes people trust a self-signed server, on a phone and a desktop, light and dark. */
import assert from "node:assert/strict";
import { browserTest, withBrowser } from "../helpers/browser.ts";
import { complaintsInBothThemes } from "../helpers/chat_talk.ts";
import { RealServer } from "../helpers/real_server.ts";

browserTest(
  "the certificate page fits a phone and a desktop, and is clean in light and dark",
  async () => {
    const server = await RealServer.start("self-signed");
    try {
      await withBrowser(async (browser) => {
        for (const width of [375, 1280]) {
          const viewport = { width, height: 900 };
          const context = await browser.newContext({ viewport, ignoreHTTPSErrors: true });
          const page = await context.newPage();
          await page.goto(`${server.origin}/sign-in`);
          await page.getByRole("link", { name: "Make this device trust it" }).click();
          await page.getByText("iPhone and iPad").click();
          assert.ok(await page.getByText("Certificate Trust Settings").isVisible());
          const overflow = await page.evaluate(() =>
            document.documentElement.scrollWidth - document.documentElement.clientWidth
          );
          assert.equal(overflow, 0);
          await complaintsInBothThemes(page, `${width}`);
        }
      });
    } finally {
      await server.end();
    }
  },
);
