import assert from "node:assert/strict";
import { createLimits } from "../../db/limits.ts";
import { openDatabase } from "../../db/sqlite.ts";
import { utf8 } from "../../protocol/encoding.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOW = 1_767_355_200_000;
const key = utf8("key");

function open() {
  const db = openDatabase(":memory:");
  return { db, limits: createLimits(db), window: { key, most: 3, windowMs: HOUR } };
}

Deno.test("a window slides: the fourth waits until the first is an hour old", async () => {
  const { db, limits, window } = open();
  for (const minute of [0, 10, 20]) {
    assert.equal(await limits.count([window], NOW + minute * 60_000), 0);
  }
  assert.equal(await limits.count([window], NOW + 30 * 60_000), 30 * 60_000);
  assert.equal(await limits.count([window], NOW + HOUR - 1), 1);
  assert.equal(await limits.count([window], NOW + HOUR), 0);
  assert.equal(await limits.counted(key, HOUR, NOW + HOUR), 3);
  db.close();
});

Deno.test("several windows count together or not at all", async () => {
  const { db, limits, window } = open();
  const other = { key: utf8("other"), most: 1, windowMs: HOUR };
  assert.equal(await limits.count([window, other], NOW), 0);
  assert.ok(await limits.count([window, other], NOW) > 0);
  assert.equal(await limits.counted(key, HOUR, NOW), 1);
  db.close();
});

Deno.test("attack: a hundred at once are counted one by one", async () => {
  const { db, limits, window } = open();
  const waits = await Promise.all(Array.from({ length: 100 }, () => limits.count([window], NOW)));
  assert.equal(waits.filter((wait) => wait === 0).length, 3);
  db.close();
});

Deno.test("a bucket refills drop by drop, and no further than its brim", async () => {
  const { db, limits } = open();
  const drop = (now: number) => limits.drop(key, 6, 600_000, now);
  for (let i = 0; i < 6; i++) assert.equal(await drop(NOW), 0);
  assert.equal(await drop(NOW), 600_000);
  assert.equal(await drop(NOW + 599_999), 1);
  assert.equal(await drop(NOW + 600_000), 0);
  assert.equal(await drop(NOW + 600_000), 600_000);
  const later = NOW + 10 * DAY;
  for (let i = 0; i < 6; i++) assert.equal(await drop(later), 0);
  assert.ok(await drop(later) > 0);
  db.close();
});

Deno.test("tries after a wait count only when the wait is over", async () => {
  const { db, limits } = open();
  const wait = (count: number) => count < 2 ? 0 : 1_000 * count;
  const tried = (now: number) => limits.tryAfterWait(key, wait, DAY, now);
  assert.deepEqual([await tried(NOW), await tried(NOW)], [0, 0]);
  assert.equal(await tried(NOW + 500), 1_500);
  assert.equal(await tried(NOW + 2_000), 0);
  assert.equal(await tried(NOW + 2_000), 3_000);
  await limits.clear(key);
  assert.equal(await tried(NOW + 2_000), 0);
  db.close();
});

Deno.test("a clock that is set back forgives nobody and locks nobody out", async () => {
  const { db, limits, window } = open();
  for (let i = 0; i < 3; i++) await limits.count([window], NOW);
  const before = NOW - DAY;
  assert.equal(await limits.count([window], before), HOUR, "an hour, not a day and an hour");
  assert.equal(await limits.count([window], before + HOUR), 0);
  db.close();
});

Deno.test("what is too old to matter is removed", async () => {
  const { db, limits, window } = open();
  await limits.count([window], NOW);
  await limits.drop(key, 6, 600_000, NOW);
  await limits.purge(NOW + DAY);
  const rows = (table: "counted" | "buckets") =>
    table === "counted"
      ? db.prepare("select count(*) as n from counted").get()
      : db.prepare("select count(*) as n from buckets").get();
  assert.deepEqual([rows("counted")!["n"], rows("buckets")!["n"]], [0, 0]);
  db.close();
});
