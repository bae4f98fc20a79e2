import assert from "node:assert/strict";
import { openSecrets, SecretsError } from "../../auth/secrets.ts";
import { fakeRandom } from "../helpers/account_world.ts";
import { modeOf, namesIn } from "../helpers/files.ts";

function options(dataDir: string, accountsExist = false) {
  const warnings: string[] = [];
  const warn = (words: string) => void warnings.push(words);
  return { dataDir, accountsExist, random: fakeRandom(dataDir), warn, warnings };
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  await work(folder);
  await Deno.remove(folder, { recursive: true });
}

Deno.test("secrets are made once, for the owner only, and read again", () =>
  inFolder(async (folder) => {
    const made = await openSecrets(options(folder));
    assert.equal(made.codeKey.length, 32);
    assert.equal(await modeOf(`${folder}/secrets.json`), 0o600);
    assert.deepEqual(await openSecrets(options(folder, true)), made);
    assert.deepEqual(await namesIn(folder), ["secrets.json"]);
  }));

Deno.test("two servers that start at once use the same secrets", () =>
  inFolder(async (folder) => {
    const both = await Promise.all([
      openSecrets(options(folder)),
      openSecrets({ ...options(folder), random: fakeRandom("another") }),
    ]);
    assert.deepEqual(both[0], both[1]);
  }));

Deno.test("a file that others could read is closed to them, with words", () =>
  inFolder(async (folder) => {
    const made = await openSecrets(options(folder));
    await Deno.chmod(`${folder}/secrets.json`, 0o644);
    const again = options(folder);
    assert.deepEqual(await openSecrets(again), made);
    assert.match(again.warnings.join(), /could be read by others/);
    assert.equal(await modeOf(`${folder}/secrets.json`), 0o600);
  }));

Deno.test("lost or damaged secrets stop the start instead of locking everybody out", () =>
  inFolder(async (folder) => {
    await assert.rejects(() => openSecrets(options(folder, true)), SecretsError);
    for (const text of ["", "{}", "null", '{"version":2}', '{"version":1,"codeKey":"x"}']) {
      await Deno.writeTextFile(`${folder}/secrets.json`, text);
      await assert.rejects(() => openSecrets(options(folder)), /damaged\. Restore/);
    }
  }));
