/** What a crash, a full disk or a wrong clock leaves of backups and restores, and what comes next. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { type BackupReport, makeBackup } from "../../db/backup.ts";
import { migrate } from "../../db/migrate.ts";
import { MIGRATIONS } from "../../db/migrations/mod.ts";
import { restoreBackup } from "../../db/restore.ts";
import { type Given, makeDatabase, parts, withFolder } from "../helpers/backups.ts";
import { namesIn } from "../helpers/files.ts";

/** Ends a backup of `options` behind its first encrypted piece, as a kill does. */
async function cutShort(options: Given, file: string): Promise<string> {
  const stop = new AbortController();
  const progress = ({ step }: { step: string }) => step === "encrypting" && stop.abort();
  const given = { ...options, file, stop: stop.signal, progress };
  await assert.rejects(makeBackup(given), /^BackupError: Stopped\. The same command goes on/);
  const names = await namesIn(options.dataDir);
  return `${options.dataDir}/${names.find((name) => name.startsWith("unfinished-"))}`;
}

/** The same command again; the file opens, and nothing else is left. */
async function again(options: Given, root: string, said: string[]): Promise<BackupReport> {
  const say = (words: string) => void said.push(words);
  const report = await makeBackup({ ...options, file: `${root}/b`, say });
  const left = [...await namesIn(root), ...await namesIn(options.dataDir)];
  assert.deepEqual(left.filter((name) => /draft$|^unfinished-/.test(name)), []);
  const restored = { ...options, file: report.file, dataDir: `${root}/new` };
  assert.equal((await restoreBackup(restored)).accounts, report.accounts);
  return report;
}

for (const kept of ["note.json", "snug.db"]) {
  Deno.test(`attack: killed while it cleared a copy away, of which ${kept} is left, the next backup begins anew`, () =>
    withFolder(async (root) => {
      const { dataDir, options } = await parts(root);
      makeDatabase(dataDir);
      const place = await cutShort(options, `${root}/b`);
      const { draft } = JSON.parse(await Deno.readTextFile(`${place}/note.json`));
      await Deno.remove(draft.path);
      for (const name of await namesIn(place)) {
        if (name !== kept) await Deno.remove(`${place}/${name}`);
      }
      makeDatabase(dataDir);
      const said: string[] = [];
      assert.equal((await again(options, root, said)).accounts, 2);
      assert.match(said.join(), / is removed \(its copy was not whole\)/);
    }));
}

const HERE = new URL("../", import.meta.url);
const CONFIG = fileURLToPath(new URL("../deno.json", HERE));
const PROGRAM = fileURLToPath(new URL("helpers/cut_short.ts", HERE));

/** Restores in a process in which no file may grow beyond so many bytes, as on a disk that is full then. */
async function restoreWithin(bytes: number, dataDir: string, file: string): Promise<string> {
  // An ignored SIGXFSZ lets writes over the limit fail instead of killing.
  const { success, stderr } = await new Deno.Command("sh", {
    args: [
      ...["-c", "trap '' XFSZ; exec \"$@\"", "sh", "prlimit", `--fsize=${bytes}`, Deno.execPath()],
      ...["run", "--quiet", "--no-lock", "--no-check", "-A", "--config", CONFIG],
      ...[PROGRAM, "restore", "never", dataDir, file],
    ],
  }).output();
  return success ? "restored" : new TextDecoder().decode(stderr);
}

const hasLimits = await new Deno.Command("prlimit", { args: ["--version"], stdout: "null" })
  .output().then(({ success }) => success, () => false);

Deno.test({
  name:
    `attack: a disk that is full at a restore's last step does not let half a database be taken for one${
      hasLimits ? "" : " (skipped: there is no prlimit)"
    }`,
  ignore: !hasLimits,
  fn: () =>
    withFolder(async (root) => {
      const { dataDir, options } = await parts(root);
      const db = new DatabaseSync(`${dataDir}/snug.db`);
      // Of an older program: it grows when it is brought up.
      migrate(db, MIGRATIONS.slice(0, -1));
      db.exec("create table filling (bytes blob not null) strict");
      for (let row = 0; row < 400; row++) db.exec("insert into filling values (randomblob(8000))");
      db.close();
      const file = `${root}/b`;
      await makeBackup({ ...options, file });
      const { size } = await Deno.stat(`${dataDir}/snug.db`);
      const target = `${root}/new`;
      assert.match(
        await restoreWithin(size, target, file),
        /BackupError: .*new: the disk (is full|has a fault)\./,
      );
      assert.deepEqual(await namesIn(root), ["b", "data"]);
      assert.equal(await restoreWithin(2 * size, target, file), "restored");
      const restored = new DatabaseSync(`${target}/snug.db`);
      assert.equal(restored.prepare("pragma integrity_check").get()!.integrity_check, "ok");
      restored.close();
    }),
});

const done = async (command: string, ...args: string[]) =>
  (await new Deno.Command(command, { args, stdout: "null", stderr: "null" }).output()).success;

/** A server whose database takes more than 9 of the 32 MB of its disk; null where none can be mounted. */
async function onSmallDisk(root: string, body: (options: Given) => Promise<void>): Promise<void> {
  const { dataDir, options } = await parts(root);
  if (!await done("mount", "-t", "tmpfs", "-o", "size=32000k", "snug-test", dataDir)) {
    return console.log("skipped: only root may mount a small disk");
  }
  try {
    await Deno.writeTextFile(`${dataDir}/secrets.json`, "{}");
    makeDatabase(dataDir);
    const db = new DatabaseSync(`${dataDir}/snug.db`);
    db.exec("create table filling (bytes blob not null) strict");
    for (let row = 0; row < 9; row++) db.exec("insert into filling values (randomblob(1000000))");
    db.close();
    await body(options);
  } finally {
    assert.ok(await done("umount", dataDir));
  }
}

Deno.test("attack: what does not fit on the server's own disk is not begun, and no message refused for it", () =>
  withFolder((root) =>
    onSmallDisk(root, async (options) => {
      const { dataDir } = options;
      const steps = new Set<string>();
      const progress = ({ step }: { step: string }) => void steps.add(step);
      const given = { ...options, progress };
      const beside = makeBackup({ ...given, file: `${dataDir}/b` });
      const words = /data: a backup needs \d\d\.\d MB there, and \d\d\.\d MB are free\.$/;
      await assert.rejects(beside, words);
      assert.deepEqual([...steps], ["copying"], "the copy fits, the draft beside it does not");
      await makeBackup({ ...given, file: `${root}/b` });
      steps.clear();
      await Deno.writeFile(`${dataDir}/other`, new Uint8Array(10_000_000));
      await assert.rejects(makeBackup({ ...given, file: `${root}/c` }), words);
      assert.deepEqual([...steps], [], "not even the copy fits");
      assert.deepEqual(
        (await namesIn(dataDir)).filter((name) => /^unfinished-|draft$/.test(name)),
        [],
      );
    })
  ));
