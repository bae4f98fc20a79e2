import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { BackupError, type Lock, makeBackup, type Unlock } from "../../db/backup.ts";
import { ArchiveWriter, BACKUP_FILES, readArchive } from "../../db/backup_archive.ts";
import { headBytes, makeHead, openHead, stretchPassphrase } from "../../db/backup_key.ts";
import { newKeyPair } from "../../db/backup_recipient.ts";
import { SealedReader, SealedWriter } from "../../db/backup_stream.ts";
import { DatabaseError } from "../../db/migrate.ts";
import { restoreBackup } from "../../db/restore.ts";
import { openDatabase } from "../../db/sqlite.ts";
import { concat, toHex, utf8 } from "../../protocol/encoding.ts";
import { makeDatabase, parts, quickStretch, SECRETS, withFolder } from "../helpers/backups.ts";

/** The sampled tests sample more then. */
const SLOW = Deno.env.get("SNUG_SLOW") === "1";

const PASSPHRASE = { passphrase: "twelve small words" };
const { publicKey, privateKey } = await newKeyPair();
const zeros = (length: number) => new Uint8Array(length);

const says = (pattern: RegExp) => (error: Error) =>
  error instanceof BackupError && pattern.test(error.message) && !error.message.includes("\n");

async function names(dir: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name).sort();
}

const mode = async (path: string) => (await Deno.stat(path)).mode! & 0o777;

Deno.test("a backup is one private file from which a server comes back", () =>
  withFolder(async (root) => {
    const { dataDir, options } = await parts(root);
    const { account } = makeDatabase(dataDir);
    await Deno.writeTextFile(`${dataDir}/ca.key`, "a key that stays where it is");
    await Deno.mkdir(`${dataDir}/outbox`);
    const file = `${root}/snug.backup`;
    const report = await makeBackup({ ...options, file });
    const { size } = await Deno.stat(file);
    assert.deepEqual(report, { accounts: 1, bytes: size, file, made: report.made });
    assert.ok(Math.abs(report.made - options.now()) < 60_000);
    assert.equal(await mode(file), 0o600);
    assert.deepEqual(await names(root), ["data", "snug.backup"]);

    const unpacked = await restoreBackup({ ...options, file, dataDir: `${root}/new` });
    assert.equal(unpacked.accounts, 1);
    assert.equal(unpacked.program, "0.0.0");
    assert.deepEqual(await names(`${root}/new`), ["secrets.json", "snug.db", "snug.db-lock"]);
    assert.equal(await mode(`${root}/new`), 0o700);
    assert.equal(await mode(`${root}/new/snug.db`), 0o600);
    assert.equal(await mode(`${dataDir}/snug.db-backup-lock`), 0o600);
    assert.equal(await mode(`${root}/new/secrets.json`), 0o600);
    assert.equal(await Deno.readTextFile(`${root}/new/secrets.json`), SECRETS);
    const db = openDatabase(`${root}/new/snug.db`);
    assert.equal(db.prepare("select id from accounts").get()!.id, account);
    db.close();
  }));

Deno.test("what was committed by a server that runs or crashed is in the backup", () =>
  withFolder(async (root) => {
    const { dataDir, options } = await parts(root);
    makeDatabase(dataDir);
    const db = openDatabase(`${dataDir}/snug.db`);
    db.exec("create table proof (no integer) strict; insert into proof values (7)");
    // The log and its index as they lie there after a crash.
    await Deno.mkdir(`${root}/crashed`);
    for (const name of ["snug.db", "snug.db-wal", "secrets.json"]) {
      await Deno.copyFile(`${dataDir}/${name}`, `${root}/crashed/${name}`);
    }
    db.close();
    await makeBackup({ ...options, dataDir: `${root}/crashed`, file: `${root}/b` });
    await restoreBackup({ ...options, file: `${root}/b`, dataDir: `${root}/new` });
    const restored = new DatabaseSync(`${root}/new/snug.db`);
    assert.equal(restored.prepare("select no from proof").get()!.no, 7);
    restored.close();
  }));

Deno.test("a restored server forgets logins, codes and one-time keys, and takes devices as they are", () =>
  withFolder(async (root) => {
    const { dataDir, options } = await parts(root);
    const { account, devices: [device = ""] } = makeDatabase(dataDir);
    const db = openDatabase(`${dataDir}/snug.db`);
    db.prepare(`insert into logins (id, hash, account, device, kind, made, used, expires)
      values ('l', x'01', ?, ?, 'device', 0, 0, 9)`)
      .run(account, device);
    db.prepare("insert into one_time_prekeys values (?, 1, x'02')").run(device);
    db.prepare("insert into kem_prekeys values (?, 1, x'03', x'04')").run(device);
    db.prepare("insert into device_challenges values (x'05', ?, 0, 9)").run(device);
    db.prepare("insert into queues (device, incarnation, confirmed, gaps) values (?, x'06', 1, 3)")
      .run(device);
    db.prepare(
      "insert into invites (hash, id, kind, uses, made) values (x'07', 'i', 'first', 1, 0)",
    ).run();
    db.prepare("insert into resets (account, made, due) values (?, 0, 9)").run(account);
    db.close();
    await makeBackup({ ...options, file: `${root}/b` });
    await restoreBackup({ ...options, file: `${root}/b`, dataDir: `${root}/new` });
    const after = new DatabaseSync(`${root}/new/snug.db`);
    for (
      const empty of [
        "select * from logins",
        "select * from one_time_prekeys",
        "select * from kem_prekeys",
        "select * from device_challenges",
        "select * from invites",
        "select * from resets",
      ]
    ) assert.equal(after.prepare(empty).get(), undefined, empty);
    const queue = after.prepare("select incarnation, confirmed, gaps from queues").get()!;
    assert.deepEqual({ ...queue }, { incarnation: null, confirmed: 0, gaps: 3 });
    after.close();
  }));

Deno.test("a wrong passphrase is refused, and writes nothing", () =>
  withFolder(async (root) => {
    const { dataDir, options } = await parts(root);
    makeDatabase(dataDir);
    const file = `${root}/b`;
    await makeBackup({ ...options, file });
    const wrong = {
      ...options,
      file,
      dataDir: `${root}/new`,
      unlock: { passphrase: "twelve small wordS" },
    };
    await assert.rejects(restoreBackup(wrong), says(/^The passphrase is wrong, or the file is/));
    assert.deepEqual(await names(root), ["b", "data"]);
  }));

Deno.test("a passphrase typed on another keyboard, in another Unicode form, is the same", async () => {
  const { head } = await makeHead({ passphrase: "zwölf kleine wörter" }, zeros, quickStretch);
  await openHead(head, { passphrase: "zwo\u0308lf kleine wo\u0308rter" }, quickStretch);
});

Deno.test("the real stretching is Argon2id: 64 MiB, 3 passes, 4 lanes", async () => {
  // From an independent implementation (OpenSSL's, through pyca/cryptography 48).
  const salt = utf8("0123456789abcdef");
  const found = await stretchPassphrase(utf8("twelve small words"), salt);
  assert.equal(toHex(found), "f4da163891f510cedf96c4e5766f5ab0fec852f51e2faf9b158a2820de82d0e9");
});

/** The backup of a server with one account. */
async function small(root: string): Promise<Uint8Array> {
  const { dataDir, options } = await parts(root);
  makeDatabase(dataDir);
  await makeBackup({ ...options, file: `${root}/b` });
  return await Deno.readFile(`${root}/b`);
}

/** Opens the file as restoring does, up to where it would write. */
async function opens(bytes: Uint8Array, unlock: Unlock): Promise<void> {
  let at = headBytes(new Uint8Array(bytes));
  const head = new Uint8Array(bytes.subarray(0, at));
  const key = await openHead(head, unlock, quickStretch);
  const reader = new SealedReader(key, (buffer) => {
    const part = bytes.subarray(at, at + buffer.length);
    buffer.set(part);
    at += part.length;
    return Promise.resolve(part.length);
  });
  const nowhere = () => Promise.resolve();
  await readArchive(reader, { begin: nowhere, write: nowhere, end: nowhere });
}

/** A whole backup file of a few bytes. */
async function tiny(lock: Lock): Promise<Uint8Array> {
  const { head, key } = await makeHead(lock, zeros, quickStretch);
  const parts = [head];
  const sealed = new SealedWriter(key, (bytes) => Promise.resolve(void parts.push(concat(bytes))));
  const archive = new ArchiveWriter(sealed);
  for (const name of BACKUP_FILES) {
    await archive.begin(name);
    await archive.write(utf8(`what ${name} holds`));
    await archive.end();
  }
  await archive.finish();
  return concat(...parts);
}

Deno.test("attack: a backup that a stranger made for the key says nothing to a terminal but words", () =>
  withFolder(async (root) => {
    const { options } = await parts(root);
    const forged = [
      "not json",
      "null",
      JSON.stringify({ made: "2026-01-01T00:00:00.000Z", program: "1\u001b]0;owned\u0007" }),
      JSON.stringify({ made: "\u001b[2Jyesterday", program: "0.0.0" }),
      JSON.stringify({ made: "2026-01-01T00:00:00.000Z", program: "0.0.0", more: " ".repeat(1e6) }),
    ];
    for (const about of forged) {
      const { head, key } = await makeHead({ recipient: publicKey }, zeros, quickStretch);
      const chunks = [head];
      const archive = new ArchiveWriter(
        new SealedWriter(key, (bytes) => Promise.resolve(void chunks.push(concat(bytes)))),
      );
      for (const name of BACKUP_FILES) {
        await archive.begin(name);
        await archive.write(utf8(name === "about.json" ? about : "{}"));
        await archive.end();
      }
      await archive.finish();
      await Deno.writeFile(`${root}/b`, concat(...chunks));
      const given = { ...options, unlock: { privateKey }, file: `${root}/b` };
      const restore = restoreBackup({ ...given, dataDir: `${root}/new` });
      await assert.rejects(
        restore,
        says(/^That backup is not one that Snug made/),
        about.slice(0, 60),
      );
    }
    assert.deepEqual(await names(root), ["b", "data"]);
  }));

/** All positions up to `most`: each of the first hundreds, then every `step`th. */
function* positions(most: number, step: number): Generator<number> {
  for (let at = 0; at < most; at += at < 500 ? 1 : step) yield at;
}

for (
  const [words, make, unlock, step] of [
    ["tiny", () => tiny(PASSPHRASE), PASSPHRASE, 1],
    ["recipient's", () => tiny({ recipient: publicKey }), { privateKey }, 1],
    ["small", small, PASSPHRASE, SLOW ? 61 : 2_003],
  ] as const
) {
  Deno.test(`a single flipped bit anywhere in a ${words} backup is refused`, () =>
    withFolder(async (root) => {
      const bytes = await make(root);
      await opens(bytes, unlock);
      for (const bit of positions(bytes.length * 8, step)) {
        bytes[bit >> 3]! ^= 1 << (bit & 7);
        await assert.rejects(opens(bytes, unlock), BackupError, `bit ${bit}`);
        bytes[bit >> 3]! ^= 1 << (bit & 7);
      }
      await opens(bytes, unlock);
    }));

  Deno.test(`a ${words} backup that was cut short anywhere, or made longer, is refused`, () =>
    withFolder(async (root) => {
      const bytes = await make(root);
      for (const length of positions(bytes.length, step)) {
        await assert.rejects(
          opens(bytes.subarray(0, length), unlock),
          BackupError,
          `${length} bytes`,
        );
      }
      await assert.rejects(opens(bytes.subarray(0, -1), unlock), BackupError);
      await assert.rejects(opens(concat(bytes, new Uint8Array(1)), unlock), BackupError);
    }));
}

Deno.test("a folder that holds anything is not restored into, an empty one and a new disk are", () =>
  withFolder(async (root) => {
    const { dataDir, options } = await parts(root);
    makeDatabase(dataDir);
    const file = `${root}/b`;
    await makeBackup({ ...options, file });
    const into = (dir: string) => restoreBackup({ ...options, file, dataDir: dir });
    await assert.rejects(into(dataDir), says(/is not empty \(it holds "/));
    await Deno.mkdir(`${root}/disk/lost+found`, { recursive: true });
    await into(`${root}/disk`);
    const there = ["lost+found", "secrets.json", "snug.db", "snug.db-lock"];
    assert.deepEqual(await names(`${root}/disk`), there);
    await assert.rejects(into(`${root}/disk`), says(/is not empty/));
    await assert.rejects(into(file), says(/b: that is no folder\.$/));
  }));

Deno.test("a backup is never written over, and a failed one leaves nothing behind", () =>
  withFolder(async (root) => {
    const { dataDir, options } = await parts(root);
    await assert.rejects(
      makeBackup({ ...options, file: `${root}/b` }),
      says(/data\/snug\.db: there/),
    );
    makeDatabase(dataDir);
    await Deno.writeTextFile(`${root}/b`, "yesterday's");
    await assert.rejects(makeBackup({ ...options, file: `${root}/b` }), says(/is there already/));
    assert.equal(await Deno.readTextFile(`${root}/b`), "yesterday's");
    const nowhere = makeBackup({ ...options, file: `${root}/no/folder/b` });
    await assert.rejects(nowhere, says(/no\/folder\/b: there is no such file or folder/));
    const stop = AbortSignal.abort();
    await assert.rejects(makeBackup({ ...options, stop, file: `${root}/c` }), says(/^Stopped/));
    await Deno.remove(`${dataDir}/secrets.json`);
    await assert.rejects(
      makeBackup({ ...options, file: `${root}/c` }),
      says(/secrets\.json: there/),
    );
    assert.deepEqual(await names(root), ["b", "data"]);
    const databases = ["snug.db", "snug.db-backup-lock", "snug.db-shm", "snug.db-wal"];
    assert.deepEqual(await names(dataDir), databases);
  }));

Deno.test("a damaged database makes no backup", () =>
  withFolder(async (root) => {
    const { dataDir, options } = await parts(root);
    makeDatabase(dataDir);
    const file = await Deno.open(`${dataDir}/snug.db`, { write: true });
    await file.seek(4096 * 3, Deno.SeekMode.Start);
    await file.write(new Uint8Array(4096).fill(0x5a));
    file.close();
    await assert.rejects(makeBackup({ ...options, file: `${root}/b` }), says(/damaged/));
    await Deno.writeTextFile(`${dataDir}/snug.db`, "no database at all".repeat(400));
    await assert.rejects(makeBackup({ ...options, file: `${root}/b` }), says(/damaged/));
    assert.deepEqual(await names(root), ["data"]);
  }));

Deno.test("a database of a newer program, or of another one, makes no backup", () =>
  withFolder(async (root) => {
    const { dataDir, options } = await parts(root);
    makeDatabase(dataDir);
    const db = new DatabaseSync(`${dataDir}/snug.db`);
    db.exec("pragma user_version = 9999");
    db.close();
    await assert.rejects(makeBackup({ ...options, file: `${root}/b` }), DatabaseError);
    await Deno.remove(`${dataDir}/snug.db`);
    const other = new DatabaseSync(`${dataDir}/snug.db`);
    other.exec("create table accounts (no)");
    other.close();
    await assert.rejects(makeBackup({ ...options, file: `${root}/b` }), DatabaseError);
  }));

Deno.test("other files are told from backups before a passphrase is stretched", () =>
  withFolder(async (root) => {
    const { options } = await parts(root);
    const stretch = () => Promise.reject(new Error("stretched"));
    for (
      const content of ["", "snug backu", "PK\x03\x04 something else entirely, and long enough"]
    ) {
      await Deno.writeTextFile(`${root}/other`, content);
      const restore = restoreBackup({
        ...options,
        stretch,
        file: `${root}/other`,
        dataDir: `${root}/new`,
      });
      await assert.rejects(restore, says(/^That file is no backup of Snug\.$/));
    }
    const missing = restoreBackup({ ...options, file: `${root}/none`, dataDir: `${root}/new` });
    await assert.rejects(missing, says(/none: there is no such file/));
  }));
