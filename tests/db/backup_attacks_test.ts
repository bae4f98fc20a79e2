/** What a crash, a full disk or a wrong clock leaves of backups and restores, and what comes next. */
import assert from "node:assert/strict";
import { type BackupReport, makeBackup } from "../../db/backup.ts";
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
