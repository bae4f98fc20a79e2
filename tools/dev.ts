/** `deno task dev`: builds the page and serves, again after every change of a source file. */
import { fileURLToPath } from "node:url";
import { buildPage } from "./page.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const WATCHED = "auth client crypto db hub protocol routes static views".split(" ");
/** Editors write a file in several steps; one restart is enough. */
const SETTLE_MS = 100;

function serve(): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--frozen", "-A", "main.ts", "serve", ...Deno.args],
    cwd: ROOT,
  }).spawn();
}

async function stop(child: Deno.ChildProcess): Promise<void> {
  try {
    child.kill("SIGTERM");
  } catch {
    // It ended by itself, and has said why.
  }
  await child.status;
}

/** Resolves after the next change outside static/dist, once the folder is quiet again. */
async function nextChange(): Promise<void> {
  const watcher = Deno.watchFs([...WATCHED.map((name) => ROOT + name), `${ROOT}main.ts`]);
  let timer: ReturnType<typeof setTimeout> | undefined;
  for await (const { kind, paths } of watcher) {
    if (kind === "access" || paths.every((path) => path.includes("static/dist"))) continue;
    clearTimeout(timer);
    timer = setTimeout(() => watcher.close(), SETTLE_MS);
  }
}

while (true) {
  const changed = nextChange();
  const server = await buildPage(ROOT).then(serve, (error: Error) => console.error(error.message));
  await changed;
  if (server !== undefined) await stop(server);
}
