import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { BackupError, makeBackup } from "../../db/backup.ts";
import { DatabaseError, migrate } from "../../db/migrate.ts";
import { MIGRATIONS } from "../../db/migrations/mod.ts";
import { restoreBackup } from "../../db/restore.ts";
import { forgetInPlace } from "../../db/set_back.ts";
import { openDatabase } from "../../db/sqlite.ts";
import { openStore } from "../../db/store.ts";
import { makeDatabase, parts, withFolder } from "../helpers/backups.ts";
import { namesIn } from "../helpers/files.ts";
import {
  batch,
  destination,
  numbered,
  numberIn,
  type Person,
  ROOMY,
  submission,
} from "../helpers/relay_world.ts";

const NEWEST = MIGRATIONS.at(-1)!.version;

/** Refuses in one line of words, and leaves nothing behind but the lock. */
async function refuses(dataDir: string, words: RegExp): Promise<void> {
  const named = async () => (await namesIn(dataDir)).filter((name) => name !== "snug.db-lock");
  const before = await named();
  assert.throws(() => forgetInPlace(dataDir), (error) => {
    assert.ok(error instanceof BackupError || error instanceof DatabaseError, String(error));
    assert.ok(!error.message.includes("\n"), "one line");
    assert.match(error.message, words);
    return true;
  });
  assert.deepEqual(await named(), before);
}

/** A server's database that has some of all that is forgotten, and of what is not. */
function fill(dataDir: string): Person {
  const person = makeDatabase(dataDir);
  const { account, devices: [device = ""] } = person;
  const db = openDatabase(`${dataDir}/snug.db`);
  db.prepare(`insert into logins (id, hash, account, device, kind, made, used, expires)
    values ('l', x'01', ?, ?, 'device', 0, 0, 9)`).run(account, device);
  db.prepare("insert into one_time_prekeys values (?, 1, x'02')").run(device);
  db.prepare("insert into kem_prekeys values (?, 1, x'03', x'04')").run(device);
  db.prepare("insert into device_challenges values (x'05', ?, 0, 9)").run(device);
  db.prepare(
    "insert into passkey_challenges (hash, purpose, made, expires) values (x'06', 'sign-in', 0, 9)",
  ).run();
  db.prepare(`insert into challenges (hash, purpose, account, username, full_name, contact_kind,
    contact, contact_key, language, void, code_made, code_expires, tries, made, expires)
    values (x'0b', 'sign-up', 'a', '', '', 'email', '', '', 'en', 0, 0, 9, 0, 0, 9)`).run();
  db.prepare("insert into invites (hash, id, kind, uses, made) values (x'07', 'i', 'first', 1, 0)")
    .run();
  db.prepare("insert into resets (account, made, due) values (?, 0, 9)").run(account);
  db.prepare(`insert into queues (device, top, incarnation, confirmed, gaps)
    values (?, 41, x'08', 1, 3)`).run(device);
  db.prepare("insert into submits (sender, submit, day) values (1, x'09', 7)").run();
  db.prepare(`insert into envelopes (queue, position, sender, minute, body)
    values (1, 41, zeroblob(32), 5, x'0a')`).run();
  db.close();
  return person;
}

/** Every row of every table. */
function rowsOf(dataDir: string): Map<string, unknown[]> {
  const db = new DatabaseSync(`${dataDir}/snug.db`);
  try {
    const tables = db.prepare("select name from sqlite_schema where type = 'table' order by name");
    return new Map(
      tables.all().map(({ name }) => [
        String(name),
        db.prepare(["select * from", JSON.stringify(name)].join(" ")).all().map((row) => ({
          ...row,
        })),
      ]),
    );
  } finally {
    db.close();
  }
}

const EMPTIED = [
  ...["logins", "challenges", "device_challenges", "passkey_challenges", "invites", "resets"],
  ...["one_time_prekeys", "kem_prekeys"],
];

Deno.test("attack: what was ended or used up since a folder was copied is not good again after it is put back", () =>
  withFolder(async (root) => {
    const { dataDir } = await parts(root);
    fill(dataDir);
    const before = rowsOf(dataDir);
    for (const table of EMPTIED) assert.ok(before.get(table)!.length > 0, `nothing in ${table}`);
    assert.equal(forgetInPlace(dataDir), 1);
    const after = rowsOf(dataDir);
    for (const table of EMPTIED) assert.deepEqual(after.get(table), [], table);
    const [queue] = after.get("queues") as Record<string, unknown>[];
    assert.deepEqual([queue!.incarnation, queue!.confirmed], [null, 0]);
    assert.deepEqual([queue!.top, queue!.gaps], [41, 3]);
    for (const [table, rows] of before) {
      if (![...EMPTIED, "queues"].includes(table)) assert.deepEqual(after.get(table), rows, table);
    }
  }));

Deno.test("it forgets just what a restored backup of the same folder forgets, and twice is the same", () =>
  withFolder(async (root) => {
    const { dataDir, options } = await parts(root);
    fill(dataDir);
    await makeBackup({ ...options, file: `${root}/b` });
    await restoreBackup({ ...options, file: `${root}/b`, dataDir: `${root}/new` });
    forgetInPlace(dataDir);
    const once = rowsOf(dataDir);
    assert.deepEqual(once, rowsOf(`${root}/new`));
    assert.equal(forgetInPlace(dataDir), 1);
    assert.deepEqual(rowsOf(dataDir), once);
    await openStore(`${dataDir}/snug.db`, ROOMY).close();
  }));

Deno.test("what was recent when a folder was copied waits afterwards, once, and positions go on", () =>
  withFolder(async (root) => {
    const { dataDir } = await parts(root);
    const path = `${dataDir}/snug.db`;
    const [ana, ben] = [makeDatabase(dataDir), makeDatabase(dataDir)];
    const [first, second] = [1, 2].map((n) => submission(ana, [destination(ben, numbered(n))]));
    const store = openStore(path, ROOMY);
    await store.queue.commit(batch({ submissions: [first!] }));
    await store.close();
    forgetInPlace(dataDir);
    const rows = rowsOf(dataDir);
    assert.deepEqual([rows.get("turns")!.length, rows.get("taken")!.length], [1, 1]);
    const later = openStore(path, ROOMY);
    // The first one again, by a sender who never heard that it was taken.
    await later.queue.commit(batch({ submissions: [first!, second!] }));
    const waiting = await later.queue.read(ben.devices[0]!, 0, { envelopes: 9, bytes: 9_999 });
    assert.deepEqual(waiting.map(({ envelope }) => numberIn(envelope)), [1, 2]);
    assert.deepEqual(waiting.map(({ position }) => position), [1, 2]);
    await later.close();
  }));

Deno.test("a folder on which a server runs is refused", () =>
  withFolder(async (root) => {
    const { dataDir } = await parts(root);
    fill(dataDir);
    const store = openStore(`${dataDir}/snug.db`, ROOMY);
    await refuses(dataDir, /^Another Snug is running on this data folder\. Stop it first/);
    await store.close();
    assert.equal(rowsOf(dataDir).get("logins")!.length, 1);
    forgetInPlace(dataDir);
  }));

Deno.test("a folder that is no server's is refused, and nothing is made there", () =>
  withFolder(async (root) => {
    assert.throws(() => forgetInPlace(`${root}/none`), /There is no database of Snug in .*none/);
    assert.throws(() => forgetInPlace(""), /There is no database of Snug in/);
    const { dataDir } = await parts(root);
    await refuses(dataDir, /There is no database of Snug in .*data\. Name the server's folder/);
    assert.deepEqual(await namesIn(dataDir), ["secrets.json"]);
    await Deno.mkdir(`${dataDir}/snug.db`);
    await refuses(dataDir, /There is no database of Snug/);
    await Deno.remove(`${dataDir}/snug.db`);
    await Deno.writeTextFile(`${dataDir}/snug.db`, "");
    await refuses(dataDir, /snug\.db is empty: no server ever ran on it/);
    await Deno.writeTextFile(`${dataDir}/snug.db`, "no database at all".repeat(400));
    await refuses(dataDir, /snug\.db: it is damaged/);
    await Deno.remove(`${dataDir}/snug.db`);
    const other = new DatabaseSync(`${dataDir}/snug.db`);
    other.exec("create table logins (no); insert into logins values (1)");
    other.close();
    await refuses(dataDir, /not one of Snug/);
    assert.equal(rowsOf(dataDir).get("logins")!.length, 1);
  }));

Deno.test("without its secrets, or half restored, a folder is refused with what to do", () =>
  withFolder(async (root) => {
    const { dataDir } = await parts(root);
    fill(dataDir);
    await Deno.remove(`${dataDir}/secrets.json`);
    await refuses(dataDir, /secrets\.json is missing in .*data: put it back too/);
    await Deno.mkdir(`${dataDir}/restoring-00000000`);
    await refuses(dataDir, /was cut short\. Give the same snug restore again/);
    assert.equal(rowsOf(dataDir).get("logins")!.length, 1);
  }));

Deno.test("a database of a newer program is refused, and stays as it is", () =>
  withFolder(async (root) => {
    const { dataDir } = await parts(root);
    fill(dataDir);
    const db = new DatabaseSync(`${dataDir}/snug.db`);
    db.exec("pragma user_version = 9999");
    db.close();
    await refuses(dataDir, /was written by a newer Snug/);
    assert.equal(rowsOf(dataDir).get("logins")!.length, 1);
  }));

Deno.test("a database of an older program is brought up first, with a copy of how it was", () =>
  withFolder(async (root) => {
    const { dataDir } = await parts(root);
    const db = new DatabaseSync(`${dataDir}/snug.db`);
    migrate(db, MIGRATIONS.slice(0, -1));
    db.exec("insert into invites (hash, id, kind, uses, made) values (x'07', 'i', 'first', 1, 0)");
    db.close();
    assert.equal(forgetInPlace(dataDir), 0);
    assert.deepEqual(rowsOf(dataDir).get("invites"), []);
    const names = ["secrets.json", "snug.db", `snug.db.before-${NEWEST - 1}`, "snug.db-lock"];
    assert.deepEqual(await namesIn(dataDir), names.sort());
  }));

Deno.test("a damaged database, or a row that cannot be read, is refused before anything is forgotten", () =>
  withFolder(async (root) => {
    const { dataDir } = await parts(root);
    fill(dataDir);
    const db = new DatabaseSync(`${dataDir}/snug.db`);
    db.exec("insert into turns values (7, x'99')");
    db.close();
    await refuses(dataDir, /is damaged: row 7 of the table turns/);
    assert.equal(rowsOf(dataDir).get("logins")!.length, 1);
    const whole = await Deno.readFile(`${dataDir}/snug.db`);
    const torn = whole.slice();
    torn.fill(0x5a, 4096 * 3, 4096 * 4);
    await Deno.writeFile(`${dataDir}/snug.db`, torn);
    await refuses(dataDir, /damaged/);
    assert.deepEqual(await Deno.readFile(`${dataDir}/snug.db`), torn);
  }));
