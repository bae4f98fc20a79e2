/** What root restores for the server's user, that user can use. */
import assert from "node:assert/strict";
import { makeBackup } from "../../db/backup.ts";
import { restoreBackup } from "../../db/restore.ts";
import { makeDatabase, parts, withFolder } from "../helpers/backups.ts";
import { namesIn } from "../helpers/files.ts";

const NOBODY = 65_534;
const asRoot = Deno.uid() === 0;
const test = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name: `${name}${asRoot ? "" : " (skipped: not root)"}`, ignore: !asRoot, fn });

const ownerOf = async (path: string) => (await Deno.lstat(path)).uid;

test("root restores into the folder of the server's user, and everything there is that user's", () =>
  withFolder(async (root) => {
    const { dataDir, options } = await parts(root);
    makeDatabase(dataDir);
    await makeBackup({ ...options, file: `${root}/b` });
    await Deno.mkdir(`${root}/theirs`, { mode: 0o700 });
    await Deno.chown(`${root}/theirs`, NOBODY, NOBODY);
    await restoreBackup({ ...options, file: `${root}/b`, dataDir: `${root}/theirs` });
    const names = await namesIn(`${root}/theirs`);
    assert.deepEqual(names, ["secrets.json", "snug.db", "snug.db-lock"]);
    for (const name of names) assert.equal(await ownerOf(`${root}/theirs/${name}`), NOBODY, name);
    await restoreBackup({ ...options, file: `${root}/b`, dataDir: `${root}/own` });
    assert.equal(await ownerOf(`${root}/own/snug.db`), 0, "a folder that root makes is root's");
  }));

test("attack: a lock that the server's user laid as a link gives away no file of root's", () =>
  withFolder(async (root) => {
    const { dataDir, options } = await parts(root);
    makeDatabase(dataDir);
    await makeBackup({ ...options, file: `${root}/b` });
    await Deno.writeTextFile(`${root}/precious`, "");
    await Deno.mkdir(`${root}/theirs`);
    await Deno.symlink(`${root}/precious`, `${root}/theirs/snug.db-lock`);
    await Deno.chown(`${root}/theirs`, NOBODY, NOBODY);
    await restoreBackup({ ...options, file: `${root}/b`, dataDir: `${root}/theirs` });
    assert.equal(await ownerOf(`${root}/precious`), 0);
  }));
