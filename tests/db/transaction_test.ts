import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { openDatabase } from "../../db/sqlite.ts";
import { later, transaction } from "../../db/transaction.ts";

function open(): DatabaseSync {
  const db = new DatabaseSync(":memory:");
  db.exec("create table t (a integer unique) strict");
  return db;
}

const count = (db: DatabaseSync) => db.prepare("select count(*) as n from t").get()!["n"];

Deno.test("a transaction happens whole or not at all", () => {
  const db = open();
  const insert = db.prepare("insert into t values (?)");
  assert.equal(transaction(db, () => insert.run(1).changes), 1);
  assert.throws(() =>
    transaction(db, () => {
      insert.run(2);
      insert.run(1);
    })
  );
  assert.equal(count(db), 1);
  transaction(db, () => insert.run(2));
  assert.equal(count(db), 2);
  db.close();
});

Deno.test("a transaction inside another is part of it", () => {
  const db = open();
  const insert = db.prepare("insert into t values (?)");
  assert.throws(() =>
    transaction(db, () => {
      transaction(db, () => insert.run(1));
      throw new Error("after the inner one");
    })
  );
  assert.equal(count(db), 0);
  db.close();
});

Deno.test("the first error is the one that is thrown, even when there is nothing left to roll back", () => {
  const db = open();
  assert.throws(() =>
    transaction(db, () => {
      db.exec("rollback");
      throw new RangeError("the first");
    }), RangeError);
  transaction(db, () => db.exec("insert into t values (1)"));
  assert.equal(count(db), 1);
  db.close();
});

Deno.test("a transaction that cannot begin or commit holds nothing, and the next one works", async () => {
  const folder = await Deno.makeTempDir();
  const db = openDatabase(`${folder}/a.db`);
  const outside = new DatabaseSync(`${folder}/a.db`);
  db.exec(
    `create table t (a integer primary key) strict;
    create table c (a integer references t deferrable initially deferred) strict`,
  );
  const insert = db.prepare("insert into t values (?)");
  const works = (a: number) => {
    transaction(db, () => insert.run(a));
    const { busy } = outside.prepare("pragma wal_checkpoint(truncate)").get()!;
    assert.deepEqual([count(db), busy], [a, 0]);
  };
  works(1);
  outside.exec("begin immediate");
  for (let n = 0; n < 2; n++) assert.throws(() => transaction(db, () => insert.run(9)), /locked/);
  assert.equal(count(db), 1);
  outside.exec("rollback");
  works(2);
  const orphan = () => db.exec("insert into c values (9)");
  for (let n = 0; n < 2; n++) assert.throws(() => transaction(db, orphan), /FOREIGN KEY/);
  works(3);
  outside.close();
  db.close();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("what is thrown later is a rejection", async () => {
  await assert.rejects(() =>
    later(() => {
      throw new RangeError("x");
    }), RangeError);
  assert.equal(await later(() => 1), 1);
});
