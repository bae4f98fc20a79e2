import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { makeBackup } from "../../db/backup.ts";
import { DatabaseError } from "../../db/migrate.ts";
import { restoreBackup } from "../../db/restore.ts";
import { openStore } from "../../db/store.ts";
import { NOTE } from "../../db/unfinished.ts";
import { makeDatabase, parts, withFolder } from "../helpers/backups.ts";
import { namesIn } from "../helpers/files.ts";
import { ROOMY } from "../helpers/relay_world.ts";

const PROGRAM = fileURLToPath(new URL("../helpers/cut_short.ts", import.meta.url));
const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));

/** Starts one in another process and runs `body` when it stands still; then it is killed. */
async function whileStanding(
  [what, step, dataDir, file]: [what: "backup" | "restore", step: string, string, string],
  body: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--no-lock", "--no-check", "-A", "--config", CONFIG],
      ...[PROGRAM, what, step, dataDir, file],
    ],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.getReader();
  try {
    assert.match(new TextDecoder().decode((await reader.read()).value), /there/);
    await body();
  } finally {
    child.kill("SIGKILL");
    await child.status;
    await reader.cancel();
  }
}

for (const step of ["copying", "reading"]) {
  Deno.test(`after a backup that was killed while ${step}, the next one clears what it left`, () =>
    withFolder(async (root) => {
      const { dataDir, options } = await parts(root);
      makeDatabase(dataDir);
      await Deno.writeTextFile(`${root}/c.00000000.draft`, "of somebody else");
      await whileStanding(["backup", step, dataDir, `${root}/b`]);
      const left = (await namesIn(root)).filter((name) => name.startsWith("b."));
      assert.equal(left.length, 1, "a killed one has a draft, or this test shows nothing");
      assert.ok((await namesIn(dataDir)).includes(NOTE));

      const cleared: string[] = [];
      const again = {
        ...options,
        file: `${root}/other-name`,
        cleared: (at: string) => {
          cleared.push(at);
        },
      };
      assert.equal((await makeBackup(again)).accounts, 1);
      assert.deepEqual(cleared, [`${root}/${left[0]}`]);
      assert.deepEqual(await namesIn(root), ["c.00000000.draft", "data", "other-name"]);
      const rest = (await namesIn(dataDir)).filter((name) => !name.startsWith("snug.db"));
      assert.deepEqual(rest, ["secrets.json"]);
    }));
}

Deno.test("two backups of one folder at once are one too many", () =>
  withFolder(async (root) => {
    const { dataDir, options } = await parts(root);
    makeDatabase(dataDir);
    await whileStanding(["backup", "copying", dataDir, `${root}/b`], async () => {
      const second = makeBackup({ ...options, file: `${root}/c` });
      await assert.rejects(
        second,
        (error) => error instanceof DatabaseError && /Another backup of this/.test(error.message),
      );
      assert.equal((await namesIn(root)).filter((name) => name.endsWith(".draft")).length, 1);
    });
  }));

Deno.test("attack: a note that names something else than a draft makes nobody remove it", () =>
  withFolder(async (root) => {
    const { dataDir, options } = await parts(root);
    makeDatabase(dataDir);
    const precious = `${root}/precious`;
    await Deno.writeTextFile(precious, "precious");
    await Deno.symlink(precious, `${root}/link.00000000.draft`);
    await Deno.mkdir(`${root}/folder.00000000.draft`);
    for (const named of ["precious", "link.00000000.draft", "folder.00000000.draft", "none"]) {
      await Deno.writeTextFile(`${dataDir}/${NOTE}`, `${root}/${named}`);
      await makeBackup({ ...options, file: `${root}/made-${named}` });
    }
    assert.equal(await Deno.readTextFile(`${root}/link.00000000.draft`), "precious");
    assert.ok((await Deno.stat(`${root}/folder.00000000.draft`)).isDirectory);
  }));

Deno.test("a restore that was killed is started again, and is the only one", () =>
  withFolder(async (root) => {
    const { dataDir, options } = await parts(root);
    makeDatabase(dataDir);
    const file = `${root}/b`;
    await makeBackup({ ...options, file });
    const target = `${root}/new`;
    let cleared = 0;
    const again = { ...options, file, dataDir: target, cleared: () => cleared++ };
    await whileStanding(["restore", "reading", target, file], async () => {
      await assert.rejects(restoreBackup(again), DatabaseError);
    });
    assert.equal(cleared, 0);
    assert.ok((await namesIn(target)).some((name) => name.startsWith("restoring-")));
    const wrong = { ...again, unlock: { passphrase: "some other passphrase" } };
    await assert.rejects(restoreBackup(wrong), /passphrase is wrong/);
    assert.equal((await restoreBackup(again)).accounts, 1);
    assert.equal(cleared, 2);
    assert.deepEqual(await namesIn(target), ["secrets.json", "snug.db", "snug.db-lock"]);
  }));

Deno.test("killed between its last two steps, a restore is started again; a server's folder is not touched", () =>
  withFolder(async (root) => {
    const { dataDir, options } = await parts(root);
    makeDatabase(dataDir);
    const file = `${root}/b`;
    await makeBackup({ ...options, file });
    const target = `${root}/new`;
    const again = { ...options, file, dataDir: target };
    await restoreBackup(again);
    await Deno.mkdir(`${target}/restoring-00000000`);
    await assert.rejects(restoreBackup(again), /is not empty/, "both are in place");
    await Deno.remove(`${target}/secrets.json`);
    await assert.rejects(restoreBackup(again), /is not empty/, "its secrets are nowhere");
    await Deno.writeTextFile(`${target}/restoring-00000000/secrets.json`, "{}");
    assert.equal((await restoreBackup(again)).accounts, 1);
    assert.deepEqual(await namesIn(target), ["secrets.json", "snug.db", "snug.db-lock"]);
  }));

Deno.test("no server begins anew where a restore was killed", () =>
  withFolder(async (root) => {
    const { dataDir, options } = await parts(root);
    makeDatabase(dataDir);
    const file = `${root}/b`;
    await makeBackup({ ...options, file });
    const target = `${root}/new`;
    await whileStanding(["restore", "reading", target, file]);
    const start = () => openStore(`${target}/snug.db`, ROOMY);
    assert.throws(
      start,
      (error) => error instanceof DatabaseError && /Give the same snug restore/.test(error.message),
    );
    assert.ok(!(await namesIn(target)).includes("snug.db"));
    await restoreBackup({ ...options, file, dataDir: target });
    const store = start();
    assert.equal(await store.accounts.count(), 1);
    await store.close();
  }));

const asRoot = Deno.uid() === 0;

Deno.test({
  name: `attack: a lock that is another name of a file of root's does not give that away${
    asRoot ? "" : " (skipped: this is not root)"
  }`,
  ignore: !asRoot,
  fn: () =>
    withFolder(async (root) => {
      const { dataDir, options } = await parts(root);
      makeDatabase(dataDir);
      await Deno.chown(dataDir, 65_534, 65_534);
      const lock = `${dataDir}/snug.db-backup-lock`;
      for (const another of [Deno.symlink, Deno.link]) {
        await Deno.writeTextFile(`${root}/precious`, "");
        await another(`${root}/precious`, lock);
        await makeBackup({ ...options, file: `${root}/${another.name}` });
        assert.equal((await Deno.stat(`${root}/precious`)).uid, 0, another.name);
        await Deno.remove(lock);
      }
    }),
});

Deno.test({
  name: `a backup that root made is not in the way of the server's user${
    asRoot ? "" : " (skipped: this is not root)"
  }`,
  ignore: !asRoot,
  fn: () =>
    withFolder(async (root) => {
      const { dataDir, options } = await parts(root);
      makeDatabase(dataDir);
      await Deno.chown(dataDir, 65_534, 65_534);
      await makeBackup({ ...options, file: `${root}/b` });
      const lock = await Deno.stat(`${dataDir}/snug.db-backup-lock`);
      assert.deepEqual([lock.uid, lock.gid], [65_534, 65_534]);
    }),
});
