import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { openDatabase } from "../../db/sqlite.ts";
import { type Trouble, troubleOf } from "../../db/trouble.ts";

function thrownBy(work: () => void): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return assert.fail("it worked");
}

Deno.test("what SQLite throws is told apart: a full disk, a read-only one, a lock, a mistake", async () => {
  const folder = await Deno.makeTempDir();
  const db = openDatabase(`${folder}/a.db`);
  db.exec("create table t (a blob not null) strict");
  const huge = "insert into t values (zeroblob(1000000))";
  const both = (sql: string, trouble: Trouble | null) => {
    assert.equal(troubleOf(thrownBy(() => db.exec(sql))), trouble, sql);
    assert.equal(troubleOf(thrownBy(() => db.prepare(sql).run())), trouble, sql);
  };
  db.exec("pragma max_page_count = 1");
  both(huge, "full");
  db.exec("pragma max_page_count = 1000000");
  db.exec("pragma query_only = on");
  both(huge, "full");
  db.exec("pragma query_only = off");
  const outside = new DatabaseSync(`${folder}/a.db`);
  outside.exec("begin immediate");
  both(huge, "busy");
  outside.close();
  both("insert into t values (null)", null);
  both("insert into nothing values (1)", null);
  db.close();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("words alone make no trouble: whatever else throws is a bug", () => {
  for (const error of [new Error("database is locked"), "database is locked", null]) {
    assert.equal(troubleOf(error), null);
  }
});
