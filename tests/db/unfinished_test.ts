import assert from "node:assert/strict";
import { makeBackup } from "../../db/backup.ts";
import { DatabaseError } from "../../db/migrate.ts";
import { restoreBackup } from "../../db/restore.ts";
import { openStore } from "../../db/store.ts";
import { makeDatabase, parts, withFolder } from "../helpers/backups.ts";
import { namesIn } from "../helpers/files.ts";
import { whileStanding } from "../helpers/standing.ts";
import { ROOMY } from "../helpers/relay_world.ts";

Deno.test("two backups of one folder at once are one too many", () =>
  withFolder(async (root) => {
    const { dataDir, options } = await parts(root);
    makeDatabase(dataDir);
    await whileStanding(["backup", "encrypting", dataDir, `${root}/b`], async () => {
      const second = makeBackup({ ...options, file: `${root}/c` });
      await assert.rejects(
        second,
        (error) => error instanceof DatabaseError && /Another backup of this/.test(error.message),
      );
      assert.equal((await namesIn(root)).filter((name) => name.endsWith(".draft")).length, 1);
    });
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
