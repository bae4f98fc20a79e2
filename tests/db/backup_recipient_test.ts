import assert from "node:assert/strict";
import { BackupError, makeBackup } from "../../db/backup.ts";
import {
  agree,
  newKeyPair,
  privateKeyText,
  publicOf,
  readPrivateKey,
  readRecipient,
  recipientText,
} from "../../db/backup_recipient.ts";
import { restoreBackup } from "../../db/restore.ts";
import { openDatabase } from "../../db/sqlite.ts";
import { toHex } from "../../protocol/encoding.ts";
import { makeDatabase, parts, withFolder } from "../helpers/backups.ts";
import { namesIn } from "../helpers/files.ts";

const says = (pattern: RegExp) => (error: Error) =>
  error instanceof BackupError && pattern.test(error.message);

Deno.test("both sides make the same of their keys", async () => {
  const [one, two] = [await newKeyPair(), await newKeyPair()];
  assert.deepEqual(await publicOf(one.privateKey), one.publicKey);
  assert.deepEqual(
    await agree(one.privateKey, two.publicKey),
    await agree(two.privateKey, one.publicKey),
  );
});

Deno.test("keys are written with a checksum, and neither passes for the other", async () => {
  const { publicKey, privateKey } = await newKeyPair();
  const recipient = await recipientText(publicKey);
  const secret = await privateKeyText(privateKey);
  assert.match(recipient, /^snug-recipient-[A-Za-z0-9_-]{48}$/);
  assert.match(secret, /^snug-backup-key-[A-Za-z0-9_-]{48}$/);
  assert.deepEqual(await readRecipient(` ${recipient}\n`), publicKey);
  assert.deepEqual(await readPrivateKey(secret), privateKey);
  assert.equal(await readRecipient(secret), null);
  assert.equal(await readRecipient(secret.replace("backup-key", "recipient")), null);
  for (let at = 15; at < recipient.length; at++) {
    const wrong = recipient[at] === "A" ? "B" : "A";
    assert.equal(
      await readRecipient(recipient.slice(0, at) + wrong + recipient.slice(at + 1)),
      null,
    );
  }
});

Deno.test("a backup for a recipient is opened by the recipient's key alone", () =>
  withFolder(async (root) => {
    const { dataDir, options } = await parts(root);
    const { account } = makeDatabase(dataDir);
    const { publicKey, privateKey } = await newKeyPair();
    const file = `${root}/b`;
    const report = await makeBackup({ ...options, lock: { recipient: publicKey }, file });
    assert.equal(report.accounts, 1);
    const into = { ...options, file, dataDir: `${root}/new` };
    await assert.rejects(restoreBackup(into), says(/locked with a key: give --key-file/));
    const other = await newKeyPair();
    const wrong = { ...into, unlock: { privateKey: other.privateKey } };
    await assert.rejects(restoreBackup(wrong), says(/^That is another backup's key, or the file/));
    assert.ok(!(await namesIn(root)).includes("new"));
    await restoreBackup({ ...into, unlock: { privateKey } });
    const db = openDatabase(`${root}/new/snug.db`);
    assert.deepEqual(db.prepare("select id from accounts").all().map(({ id }) => id), [account]);
    db.close();
  }));

Deno.test("two backups for one recipient have nothing in common but their beginning", () =>
  withFolder(async (root) => {
    const { dataDir, options } = await parts(root);
    makeDatabase(dataDir);
    const { publicKey } = await newKeyPair();
    const make = async (file: string) => {
      await makeBackup({ ...options, lock: { recipient: publicKey }, file });
      return toHex(await Deno.readFile(file));
    };
    const [one, two] = [await make(`${root}/1`), await make(`${root}/2`)];
    assert.equal(one.slice(0, 24), two.slice(0, 24));
    assert.notEqual(one.slice(24, 88), two.slice(24, 88));
  }));

Deno.test("a recipient of small order would lock a backup for everybody, and is refused", () =>
  withFolder(async (root) => {
    const { dataDir, options } = await parts(root);
    makeDatabase(dataDir);
    for (const first of [0, 1]) {
      const recipient = new Uint8Array(32);
      recipient[0] = first;
      const made = makeBackup({ ...options, lock: { recipient }, file: `${root}/b` });
      await assert.rejects(made, says(/^That is no key for backups\.$/));
    }
    assert.deepEqual(await namesIn(root), ["data"]);
  }));
