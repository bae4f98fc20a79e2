import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { DatabaseError, migrate, readVersion } from "../../db/migrate.ts";
import { MIGRATIONS } from "../../db/migrations/mod.ts";
import { openDatabase } from "../../db/sqlite.ts";

async function withFile(body: (path: string) => void | Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await body(`${dir}/snug.db`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const pragma = (db: DatabaseSync, name: string) =>
  Object.values(db.prepare("pragma " + name).get() ?? {})[0];

Deno.test("versions count up from 1 without a hole", () => {
  assert.deepEqual(MIGRATIONS.map(({ version }) => version), MIGRATIONS.map((_, i) => i + 1));
});

Deno.test("a database is opened durable, strict and private", () =>
  withFile(async (path) => {
    const db = openDatabase(path);
    assert.equal(pragma(db, "journal_mode"), "wal");
    assert.equal(pragma(db, "synchronous"), 2, "full");
    assert.equal(pragma(db, "foreign_keys"), 1);
    assert.equal(pragma(db, "secure_delete"), 1);
    assert.equal(pragma(db, "busy_timeout"), 10, "a start waits longer, a server does not");
    const loose = db.prepare(
      "select name from pragma_table_list where type = 'table' and strict = 0 and name not like 'sqlite_%'",
    ).all();
    assert.deepEqual(loose, []);
    db.close();
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
  }));

Deno.test("opening twice changes nothing", () =>
  withFile((path) => {
    openDatabase(path).close();
    const db = openDatabase(path);
    assert.equal(readVersion(db), MIGRATIONS.length);
    db.close();
  }));

Deno.test("a database of a newer program is refused with words and left untouched", () =>
  withFile(async (path) => {
    const db = openDatabase(path);
    db.exec("pragma user_version = 9999");
    db.close();
    const before = await Deno.readFile(path);
    assert.throws(() => openDatabase(path), (error: Error) => {
      return error instanceof DatabaseError && /newer Snug/.test(error.message);
    });
    assert.deepEqual(await Deno.readFile(path), before);
  }));

Deno.test("a foreign database is refused and left untouched", () =>
  withFile(async (path) => {
    const foreign = new DatabaseSync(path);
    foreign.exec("create table recipes (name text)");
    foreign.close();
    const before = await Deno.readFile(path);
    assert.throws(() => openDatabase(path), DatabaseError);
    assert.deepEqual(await Deno.readFile(path), before);
  }));

Deno.test("a migration that fails leaves the version before it", () => {
  const db = new DatabaseSync(":memory:");
  const steps = [
    { version: 1, sql: "create table a (x integer) strict" },
    { version: 2, sql: "create table b (x integer) strict; insert into nowhere values (1)" },
  ];
  assert.throws(() => migrate(db, steps));
  assert.equal(readVersion(db), 1);
  assert.deepEqual(
    db.prepare("select name from sqlite_schema").all().map((row) => row.name),
    ["a"],
  );
  db.close();
});
