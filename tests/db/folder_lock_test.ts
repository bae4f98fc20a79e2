import assert from "node:assert/strict";
import { lockFolder } from "../../db/folder_lock.ts";
import { DatabaseError } from "../../db/migrate.ts";
import { openStore } from "../../db/store.ts";
import { ROOMY } from "../helpers/relay_world.ts";

async function inFolder(body: (path: string) => Promise<void> | void): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "snug-lock-" });
  try {
    await body(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Holds a lock in another process; kill it. */
async function hold(path: string): Promise<Deno.ChildProcess> {
  const module = new URL("../../db/folder_lock.ts", import.meta.url).href;
  const code = `import { lockFolder } from "${module}";
    lockFolder(${JSON.stringify(path)}); console.log("held"); setInterval(() => {}, 1000);`;
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-lock",
      "--no-check",
      "-A",
      `data:text/javascript,${encodeURIComponent(code)}`,
    ],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  assert.match(new TextDecoder().decode(value), /held/);
  await reader.cancel();
  return child;
}

Deno.test("a second server on a data folder is told so, and gets in when the first has gone", () =>
  inFolder(async (dir) => {
    const first = openStore(`${dir}/snug.db`, ROOMY);
    const again = () => openStore(`${dir}/snug.db`, ROOMY);
    assert.throws(
      again,
      (error) => error instanceof DatabaseError && /Another Snug is running/.test(error.message),
    );
    await first.close();
    await again().close();
  }));

Deno.test("the lock of a process that was killed is gone with it", () =>
  inFolder(async (dir) => {
    const path = `${dir}/snug.db-lock`;
    const holder = await hold(path);
    assert.throws(() => lockFolder(path), /Another Snug is running/);
    holder.kill("SIGKILL");
    await holder.status;
    lockFolder(path)();
  }));

Deno.test("a database that cannot be opened leaves no lock behind", () =>
  inFolder(async (dir) => {
    await Deno.writeTextFile(
      `${dir}/snug.db`,
      "this is no database, but long enough to look like one".repeat(40),
    );
    assert.throws(() => openStore(`${dir}/snug.db`, ROOMY), /not a database/);
    await Deno.remove(`${dir}/snug.db`);
    await openStore(`${dir}/snug.db`, ROOMY).close();
  }));

Deno.test("the lock file is readable by its owner only", () =>
  inFolder((dir) => {
    lockFolder(`${dir}/lock`)();
    assert.equal(Deno.statSync(`${dir}/lock`).mode! & 0o777, 0o600);
  }));
