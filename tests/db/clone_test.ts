import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { makeBackup } from "../../db/backup.ts";
import { checkIntegrity } from "../../db/backup_unpack.ts";
import { cloneDatabase } from "../../db/clone.ts";
import { MIGRATIONS } from "../../db/migrations/mod.ts";
import { readVersion } from "../../db/migrate.ts";
import { restoreBackup } from "../../db/restore.ts";
import { openDatabase } from "../../db/sqlite.ts";
import { fixtureFile } from "../../tools/schema_fixtures.ts";
import { makeDatabase, parts, withFolder } from "../helpers/backups.ts";
import { namesIn } from "../helpers/files.ts";
import { addPerson } from "../helpers/relay_world.ts";

function tables(db: DatabaseSync): string[] {
  return db.prepare(
    "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'",
  )
    .all().map(({ name }) => String(name)).sort();
}

function everything(db: DatabaseSync): unknown {
  return [
    db.prepare(
      "select type, name, sql from sqlite_schema where sql is not null order by type, name",
    )
      .all(),
    tables(db).map((name) => {
      const read = db.prepare(["select * from ", name].join(""));
      return [name, read.all().map((row) => JSON.stringify(Object.values(row))).sort()];
    }),
  ];
}

Deno.test("a clone has every row, index and trigger, and the version", () =>
  withFolder(async (root) => {
    const path = `${root}/snug.db`;
    const seed = new DatabaseSync(path);
    seed.exec(await Deno.readTextFile(fixtureFile(4)));
    seed.close();
    const db = openDatabase(path);
    await cloneDatabase(path, `${root}/clone.db`);
    const clone = new DatabaseSync(`${root}/clone.db`, { readOnly: true });
    assert.deepEqual(everything(clone), everything(db));
    assert.equal(readVersion(clone), MIGRATIONS.length);
    checkIntegrity(clone);
    clone.close();
    db.close();
  }));

Deno.test("a clone is one moment, whatever is written meanwhile, and writers do not wait", () =>
  withFolder(async (root) => {
    const path = `${root}/snug.db`;
    const db = openDatabase(path);
    for (let i = 0; i < 3_000; i++) addPerson(db, 0);
    let written = 0;
    await cloneDatabase(path, `${root}/clone.db`, () => {
      addPerson(db, 1);
      written++;
    });
    assert.ok(written >= 3, "there was something in between");
    const clone = new DatabaseSync(`${root}/clone.db`, { readOnly: true });
    const count = (from: DatabaseSync) =>
      from.prepare("select count(*) as n from accounts").get()?.n;
    assert.equal(count(clone), 3_000);
    assert.equal(count(db), 3_000 + written);
    clone.close();
    db.close();
  }));

/** What the system knows about this process's locks on a file; nothing where it does not say. */
async function locksOn(path: string): Promise<string[]> {
  if (Deno.build.os !== "linux") return [];
  const { ino } = await Deno.stat(path);
  const lines = (await Deno.readTextFile("/proc/locks")).split("\n");
  const found = lines.filter((line) => line.includes(`:${ino} `));
  assert.ok(found.length > 0, "an open database is locked");
  return found.map((line) => line.replace(/^\d+: /, ""));
}

Deno.test("a backup made row by row inside the server's process keeps its locks on the database", () =>
  withFolder(async (root) => {
    const { dataDir, options } = await parts(root);
    makeDatabase(dataDir);
    const server = openDatabase(`${dataDir}/snug.db`);
    const before = await locksOn(`${dataDir}/snug.db`);
    await makeBackup({ ...options, rows: true, file: `${root}/b` });
    assert.deepEqual(await locksOn(`${dataDir}/snug.db`), before);
    assert.deepEqual((await namesIn(dataDir)).filter((name) => name.startsWith("trial")), []);
    addPerson(server);
    server.close();
    await restoreBackup({ ...options, file: `${root}/b`, dataDir: `${root}/new` });
    const db = openDatabase(`${root}/new/snug.db`);
    assert.equal(db.prepare("select count(*) as n from accounts").get()?.n, 1);
    db.close();
  }));
