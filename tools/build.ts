/**
 * The build, in two halves. `page` makes static/dist/assets.json (skipped when nothing changed);
 * `bundle` makes dist/server.js, the whole server with those files inside it.
 *
 * The third step, `deno compile`, is tools/compile.ts: another version of Deno may do it.
 */
import { fileURLToPath } from "node:url";
import { buildPage } from "./page.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

async function bundleServer(): Promise<void> {
  await Deno.mkdir(`${ROOT}dist`, { recursive: true });
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: "bundle --quiet --frozen --platform deno --minify -o dist/server.js main.ts".split(" "),
    cwd: ROOT,
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error("the server could not be bundled");
}

const [step] = Deno.args;
if (step !== "page" && step !== "bundle") {
  console.error("usage: build.ts page | bundle");
  Deno.exit(2);
}
await buildPage(ROOT);
if (step === "bundle") await bundleServer();
