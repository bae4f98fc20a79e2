import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { browserTest, launchBrowser } from "../helpers/browser.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

async function bundled(entry: string): Promise<string> {
  const out = await Deno.makeTempFile({ suffix: ".js" });
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--platform", "browser", "--format", "iife", "-o", out, entry],
    cwd: ROOT,
    stdin: "null",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  const script = await Deno.readTextFile(out);
  await Deno.remove(out);
  return script;
}

browserTest(
  "the store in IndexedDB behaves like the one in memory and the one in SQLite",
  async () => {
    const script = await bundled("tests/helpers/store_page.ts");
    const empty = new Response("<!DOCTYPE html>", { headers: { "content-type": "text/html" } });
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      () => empty.clone(),
    );
    const browser = await launchBrowser();
    try {
      const page = await browser.newPage();
      await page.goto(`http://localhost:${server.addr.port}/`);
      await page.addScriptTag({ content: script });
      const [passed, all] = await page.evaluate(async () => {
        const scope = globalThis as unknown as {
          runIdbCases(): Promise<string[]>;
          idbCases: number;
        };
        return [(await scope.runIdbCases()).length, scope.idbCases] as const;
      });
      assert.ok(all > 5);
      assert.equal(passed, all);
    } finally {
      await browser.close();
      await server.shutdown();
    }
  },
);
