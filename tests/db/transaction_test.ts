import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
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

Deno.test("what is thrown later is a rejection", async () => {
  await assert.rejects(() =>
    later(() => {
      throw new RangeError("x");
    }), RangeError);
  assert.equal(await later(() => 1), 1);
});
