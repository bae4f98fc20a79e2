import assert from "node:assert/strict";
import { makeBackup } from "../../db/backup.ts";
import { COPY_KEPT_MS } from "../../db/before_upgrade.ts";
import { dropOldCopies } from "../../db/old_copies.ts";
import { makeDatabase, parts, withFolder } from "../helpers/backups.ts";
import { namesIn } from "../helpers/files.ts";

Deno.test("attack: what was deleted does not live on for ever in a copy that nobody needs any more", () =>
  withFolder(async (root) => {
    const { dataDir, options } = await parts(root);
    makeDatabase(dataDir);
    const stop = new AbortController();
    const progress = ({ step }: { step: string }) => step === "encrypting" && stop.abort();
    const given = { ...options, file: `${root}/b`, stop: stop.signal, progress };
    await assert.rejects(makeBackup(given), /Stopped/);
    await Deno.copyFile(`${dataDir}/snug.db`, `${dataDir}/snug.db.before-1`);
    const copies = async () =>
      [...await namesIn(root), ...await namesIn(dataDir)]
        .filter((name) => /^unfinished-|before|draft$/.test(name));
    const now = Date.now();
    await dropOldCopies(dataDir, now + COPY_KEPT_MS - 60_000);
    assert.equal((await copies()).length, 3);
    await dropOldCopies(dataDir, now + COPY_KEPT_MS + 60_000);
    assert.deepEqual(await copies(), []);
    assert.ok((await namesIn(dataDir)).includes("snug.db"));
    await dropOldCopies(dataDir, now + COPY_KEPT_MS + 60_000);
  }));
