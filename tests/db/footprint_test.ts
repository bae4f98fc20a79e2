import assert from "node:assert/strict";
import { createExports } from "../../db/exports.ts";
import { ABOUT_NOBODY, createFootprints, TABLES_ABOUT_SOMEBODY } from "../../db/footprint.ts";
import { createQueue } from "../../db/queue.ts";
import { openDatabase } from "../../db/sqlite.ts";
import { KEPT_WORDS } from "../../views/server_sees_words.ts";
import { makeWorld } from "../helpers/account_world.ts";
import { signInAgain, signUp } from "../helpers/members.ts";
import { send } from "../helpers/queue_world.ts";
import { addPerson, ROOMY } from "../helpers/relay_world.ts";

Deno.test("every table of the database is accounted for, in rows and in words", async () => {
  const world = await makeWorld();
  const tables = world.db.prepare(
    "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'",
  ).all().map((row) => String(row["name"])).sort();
  assert.deepEqual(
    tables,
    [...TABLES_ABOUT_SOMEBODY, ...ABOUT_NOBODY].sort(),
    "a new table needs a line in db/footprint.ts and words in views/server_sees_words.ts",
  );
  assert.deepEqual(TABLES_ABOUT_SOMEBODY.filter((table) => !Object.hasOwn(KEPT_WORDS, table)), []);
  world.close();
});

Deno.test("rows and bytes are one's own and nobody else's", async () => {
  const world = await makeWorld();
  const ana = await signUp(world, "ana");
  const of = async () =>
    new Map(
      (await world.deps.store.footprints.of(ana.account)).map((rows) => [rows.table, rows]),
    );
  const alone = await of();
  await signUp(world, "ben");
  assert.deepEqual(await of(), alone);
  await signInAgain(ana);
  const both = await of();
  const rows = (table: string) => [alone.get(table)!.rows, both.get(table)!.rows];
  assert.deepEqual(rows("accounts"), [1, 1]);
  assert.deepEqual(rows("devices"), [1, 2]);
  assert.deepEqual(rows("list_entries"), [1, 2]);
  assert.deepEqual(rows("one_time_prekeys"), [3, 6]);
  assert.deepEqual(rows("wraps"), [2, 2]);
  assert.equal(alone.get("logins")!.first, world.clock.now());
  assert.ok(alone.get("vaults")!.bytes > 0);
  assert.deepEqual(alone.get("envelopes"), {
    ...{ table: "envelopes", rows: 0, bytes: 0, first: null, last: null },
  });
  world.close();
});

Deno.test("what came a moment ago is counted and handed out, for its owner alone", async () => {
  const db = openDatabase(":memory:");
  const queue = createQueue(db, ROOMY);
  const [footprints, exports] = [
    createFootprints(db, queue.settle),
    createExports(db, queue.settle),
  ];
  const [ana, ben] = [addPerson(db), addPerson(db)];
  assert.deepEqual(await send(queue, ana, ben, 1, 2, 3), ["accepted", "accepted", "accepted"]);
  const rows = async (of: typeof ana) => {
    const all = await footprints.of(of.account);
    return all.filter(({ table }) => /envelopes|submits/.test(table)).map(({ rows }) => rows);
  };
  assert.deepEqual([await rows(ana), await rows(ben)], [[0, 1], [3, 0]]);
  await send(queue, ana, ben, 4);
  const { rows: waiting } = await exports.page("envelopes", ben.account, 0);
  assert.deepEqual(waiting.map(({ position }) => position), [1, 2, 3, 4]);
  const { rows: sent } = await exports.page("submits", ana.account, 0);
  assert.equal(sent.length, 2, "three ids in one row, and one");
  assert.deepEqual((await exports.page("envelopes", ana.account, 0)).rows, []);
  db.close();
});
