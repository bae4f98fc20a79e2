import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { COPY_KEPT_MS, dropCopiesOfUpgrades, keepBeforeUpgrade } from "../../db/before_upgrade.ts";
import { checkIntegrity } from "../../db/backup_unpack.ts";
import { readVersion } from "../../db/migrate.ts";
import { MIGRATIONS } from "../../db/migrations/mod.ts";
import { openDatabase } from "../../db/sqlite.ts";
import { openStore } from "../../db/store.ts";
import { fixtureFile, fixtureOf } from "../../tools/schema_fixtures.ts";
import { withFolder } from "../helpers/backups.ts";
import { modeOf, namesIn } from "../helpers/files.ts";
import { ROOMY } from "../helpers/relay_world.ts";

/** Versions that people may have on their disks. */
const RELEASED = (await namesIn(fileURLToPath(new URL("../fixtures/schemas", import.meta.url))))
  .map((name) => Number(name.replace(".sql", "")));

/** Tables whose rows an upgrade may drop: what is in them is worth minutes. */
const PASSING: readonly string[] = ["challenges", "device_challenges", "totp_offers", "invites"];

/** Tables that are no more, and where their rows are now. */
const MOVED: Readonly<Record<string, string>> = {
  recent_envelopes: "envelopes",
  recent_submits: "submits",
};

/** What a row lost on the way. */
const DROPPED: Readonly<Record<string, string>> = { recent_submits: "no" };

type Rows = Record<string, readonly Record<string, unknown>[]>;

async function writeOld(path: string, version: number): Promise<void> {
  const db = new DatabaseSync(path);
  db.exec("pragma journal_mode = wal");
  db.exec("pragma foreign_keys = off");
  db.exec(await Deno.readTextFile(fixtureFile(version)));
  db.close();
}

function rowsIn(db: DatabaseSync): Rows {
  const tables = db.prepare(
    "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'",
  ).all().map(({ name }) => String(name));
  return Object.fromEntries(
    tables.map((name) => [name, db.prepare(["select * from ", name].join("")).all()]),
  );
}

/** Is every value of `old` still in a row of `rows`, in the column of its name? */
function isKept(old: Record<string, unknown>, rows: readonly Record<string, unknown>[]): boolean {
  return rows.some((row) =>
    Object.entries(old).every(([name, value]) =>
      JSON.stringify(row[name], asText) === JSON.stringify(value, asText)
    )
  );
}

function asText(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? [...value] : value;
}

Deno.test("there is a fixture of every version from the first on", () => {
  assert.ok(RELEASED.length >= 11);
  assert.deepEqual(RELEASED, RELEASED.map((_, i) => i + 1));
  assert.ok(RELEASED.length <= MIGRATIONS.length);
});

/** The one thing in a fixture that is random. */
const SERVER_ID = /(?<=insert into server_id values \(1, x')[0-9a-f]{32}(?='\);)/;

for (const version of RELEASED) {
  Deno.test(`the steps up to version ${version} are as they were released`, async () => {
    const then = await Deno.readTextFile(fixtureFile(version));
    assert.equal(fixtureOf(version).replace(SERVER_ID, ""), then.replace(SERVER_ID, ""));
  });

  Deno.test(`version ${version} is brought up to this program with every row kept`, () =>
    withFolder(async (root) => {
      const path = `${root}/snug.db`;
      await writeOld(path, version);
      const old = new DatabaseSync(path);
      const before = rowsIn(old);
      assert.equal(readVersion(old), version);
      checkIntegrity(old);
      old.close();
      const db = openDatabase(path);
      assert.equal(readVersion(db), MIGRATIONS.length);
      checkIntegrity(db);
      const after = rowsIn(db);
      assert.ok(before.accounts!.length === 2, "the fixture has people in it");
      for (const [table, rows] of Object.entries(before)) {
        if (PASSING.includes(table)) continue;
        for (const row of rows) {
          const kept = after[MOVED[table] ?? table] ?? [];
          delete row[DROPPED[table] ?? ""];
          assert.ok(isKept(row, kept), `${table}: ${JSON.stringify(row, asText)}`);
        }
      }
      db.close();
    }));

  // The newest one is what this program makes itself.
  if (version === MIGRATIONS.length) continue;
  Deno.test(`version ${version} is copied before it is changed, and the copy is private and whole`, () =>
    withFolder(async (root) => {
      const path = `${root}/snug.db`;
      await writeOld(path, version);
      await openStore(path, ROOMY).close();
      await openStore(path, ROOMY).close();
      const names = (await namesIn(root)).filter((name) => name.includes("before"));
      assert.deepEqual(names, [`snug.db.before-${version}`]);
      const copy = `${path}.before-${version}`;
      assert.equal(await modeOf(copy), 0o600);
      const db = new DatabaseSync(copy, { readOnly: true });
      assert.equal(readVersion(db), version);
      assert.equal(rowsIn(db).accounts!.length, 2);
      checkIntegrity(db);
      db.close();
    }));
}

Deno.test("a new database and one of this version are not copied", () =>
  withFolder(async (root) => {
    const path = `${root}/snug.db`;
    assert.equal(keepBeforeUpgrade(path, MIGRATIONS), null);
    openDatabase(path).close();
    assert.equal(keepBeforeUpgrade(path, MIGRATIONS), null);
    assert.deepEqual((await namesIn(root)).filter((name) => name.includes("before")), []);
  }));

Deno.test("where the copy cannot be made nothing is upgraded, and it is said in words", () =>
  withFolder(async (root) => {
    const path = `${root}/snug.db`;
    await writeOld(path, 1);
    await Deno.mkdir(`${path}.before-1.new`);
    assert.throws(() => openStore(path, ROOMY));
    const db = new DatabaseSync(path);
    assert.equal(readVersion(db), 1);
    db.close();
  }));

Deno.test("a copy goes after two weeks", () =>
  withFolder(async (root) => {
    const path = `${root}/snug.db`;
    await writeOld(path, 1);
    const copy = keepBeforeUpgrade(path, MIGRATIONS)!;
    const made = (await Deno.stat(copy)).mtime!.getTime();
    assert.deepEqual(await dropCopiesOfUpgrades(path, made + COPY_KEPT_MS - 1), []);
    assert.deepEqual(await dropCopiesOfUpgrades(path, made + COPY_KEPT_MS + 1), [copy]);
    assert.ok(!(await namesIn(root)).includes("snug.db.before-1"));
  }));
