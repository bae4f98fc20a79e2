import assert from "node:assert/strict";
import { getPriority } from "node:os";
import { fileURLToPath } from "node:url";
import { backupInThread, type BackupOutcome } from "../backup_worker.ts";
import { newKeyPair } from "../db/backup_recipient.ts";
import { lockFolder } from "../db/folder_lock.ts";
import { restoreBackup } from "../db/restore.ts";
import { openDatabase } from "../db/sqlite.ts";
import { makeDatabase, parts, withFolder } from "./helpers/backups.ts";
import { namesIn } from "./helpers/files.ts";
import { addPerson } from "./helpers/relay_world.ts";

const THREAD = new URL("./helpers/backup_thread.ts", import.meta.url).href;
/** The server holds its database open for as long as it lives: that is what is tested. */
const holding = { sanitizeResources: false };
const never = new AbortController().signal;

/** What the system knows about this process's locks on a file; nothing where it does not say. */
async function locksOn(path: string): Promise<string[]> {
  if (Deno.build.os !== "linux") return [];
  const { ino } = await Deno.stat(path);
  const lines = (await Deno.readTextFile("/proc/locks")).split("\n");
  const found = lines.filter((line) => line.includes(`:${ino} `));
  assert.ok(found.length > 0, "an open database is locked");
  return found.map((line) => line.replace(/^\d+: /, ""));
}

function made(outcome: BackupOutcome) {
  assert.ok("bytes" in outcome, "words" in outcome ? String(outcome.words) : "");
  return outcome;
}

Deno.test({
  name: "a backup made inside the server's process keeps its locks on the database",
  ...holding,
  fn: () =>
    withFolder(async (root) => {
      const { dataDir, options } = await parts(root);
      const { publicKey, privateKey } = await newKeyPair();
      makeDatabase(dataDir);
      const server = openDatabase(`${dataDir}/snug.db`);
      const before = await locksOn(`${dataDir}/snug.db`);
      for (const [accounts, name] of [[1, "a"], [2, "b"]] as const) {
        const task = { dataDir, file: `${root}/${name}`, recipient: publicKey };
        assert.equal(made(await backupInThread(THREAD, task, never)).accounts, accounts);
        assert.deepEqual(await locksOn(`${dataDir}/snug.db`), before);
        addPerson(server);
      }
      assert.deepEqual((await namesIn(dataDir)).filter((each) => /^unfinished/.test(each)), []);
      server.close();
      const again = { ...options, unlock: { privateKey }, dataDir: `${root}/new` };
      assert.equal((await restoreBackup({ ...again, file: `${root}/b` })).accounts, 2);
    }),
});

Deno.test({
  name: "one that is stopped leaves nothing, and one that cannot be made says why",
  ...holding,
  fn: () =>
    withFolder(async (root) => {
      const { dataDir } = await parts(root);
      const { publicKey } = await newKeyPair();
      makeDatabase(dataDir);
      const task = { dataDir, file: `${root}/b`, recipient: publicKey };
      const stopped = await backupInThread(THREAD, task, AbortSignal.abort());
      assert.deepEqual(stopped, { words: "Stopped; there is no backup." });
      const nowhere = { ...task, file: `${root}/no/folder/b` };
      const refused = await backupInThread(THREAD, nowhere, never);
      assert.match("words" in refused ? String(refused.words) : "", /no\/folder\/b: there is no/);
      const unlock = lockFolder(`${dataDir}/snug.db-backup-lock`);
      const second = await backupInThread(THREAD, task, never);
      unlock();
      assert.match("words" in second ? String(second.words) : "", /^Another backup of this data/);
      assert.deepEqual(await namesIn(root), ["data"]);
      assert.deepEqual((await namesIn(dataDir)).filter((each) => /^unfinished/.test(each)), []);
    }),
});

Deno.test({
  name: "the thread of a backup stands behind the server's own",
  ignore: Deno.build.os !== "linux",
  ...holding,
  fn: () =>
    withFolder(async (root) => {
      const { dataDir } = await parts(root);
      const { publicKey } = await newKeyPair();
      makeDatabase(dataDir);
      const own = getPriority();
      const task = { dataDir, file: `${root}/b`, recipient: publicKey };
      const behind = new Set<number>();
      const look = async () => {
        for await (const { name } of Deno.readDir("/proc/self/task")) {
          const stat = await Deno.readTextFile(`/proc/self/task/${name}/stat`).catch(() => "");
          behind.add(Number(stat.split(") ")[1]?.split(" ")[16]));
        }
      };
      const done = backupInThread(THREAD, task, never);
      while (!behind.has(Math.max(10, own))) await look();
      made(await done);
      assert.equal(getPriority(), own, "this one stays where it was");
    }),
});

Deno.test("where nobody may stand back, a backup goes on as it is", async () => {
  const path = new URL("../backup_worker.ts", import.meta.url).href;
  const config = fileURLToPath(new URL("../deno.json", import.meta.url));
  const script = `const { stepBack } = await import("${path}"); stepBack(); console.log("on");`;
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, script);
    const rights = ["--allow-read", "--allow-env", "--allow-import"];
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-prompt", "--no-check", "--config", config, ...rights, file],
    }).output();
    assert.equal(new TextDecoder().decode(stdout), "on\n", new TextDecoder().decode(stderr));
  } finally {
    await Deno.remove(file);
  }
});
