import assert from "node:assert/strict";
import type { DatabaseSync } from "node:sqlite";
import { type Act, auditRows, createAudit } from "../../db/audit.ts";
import { openDatabase } from "../../db/sqlite.ts";
import { equalBytes } from "../../protocol/encoding.ts";
import { randomId } from "../../protocol/ids.ts";

const act = (name: string): Act => ({
  ...{ at: 1_767_355_200_000, actor: null, actorName: "snug admin", act: name },
  ...{ subject: randomId<"account">(), subjectName: "ana", detail: "" },
});

/** A log of three acts. */
function three(): DatabaseSync {
  const db = openDatabase(":memory:");
  const rows = auditRows(db);
  for (const name of ["disable", "enable", "delete"]) rows.append(act(name));
  return db;
}

Deno.test("acts are read back, the newest first, each with the hash of the one before", async () => {
  const db = three();
  const audit = createAudit(db);
  const [third, second, first] = await audit.list(Number.MAX_SAFE_INTEGER, 10);
  assert.deepEqual([third, second, first].map((row) => row!.entry.act), [
    "delete",
    "enable",
    "disable",
  ]);
  assert.ok(equalBytes(third!.entry.previous, second!.hash));
  assert.ok(equalBytes(second!.entry.previous, first!.hash));
  assert.deepEqual(first!.entry.previous, new Uint8Array(32));
  assert.deepEqual((await audit.list(3, 1)).map(({ entry }) => entry.seq), [2], "page by page");
  const verdict = await audit.verify();
  assert.ok(verdict.whole && verdict.head.seq === 3);
  db.close();
});

Deno.test("an empty log is whole", async () => {
  const db = openDatabase(":memory:");
  const verdict = await createAudit(db).verify();
  assert.ok(verdict.whole && verdict.head.seq === 0);
  db.close();
});

Deno.test("attack: an act that is changed, taken out, put in or moved breaks the chain where it is", async () => {
  const attacks: readonly [string, string, number][] = [
    [
      "one byte of an entry",
      "update admin_acts set entry = cast(x'00' || substr(entry, 2) as blob) where seq = 2",
      2,
    ],
    ["a hash", "update admin_acts set hash = zeroblob(32) where seq = 1", 1],
    ["about whom", "update admin_acts set subject = 'somebody else' where seq = 3", 3],
    ["by whom", "update admin_acts set actor = 'somebody else' where seq = 1", 1],
    ["one from the middle", "delete from admin_acts where seq = 2", 2],
    ["the first", "delete from admin_acts where seq = 1", 1],
    ["two change places", "update admin_acts set seq = 5 - seq where seq > 1", 2],
    [
      "a copy at the end",
      "insert into admin_acts select 4, actor, subject, entry, hash from admin_acts where seq = 3",
      4,
    ],
  ];
  for (const [what, sql, seq] of attacks) {
    const db = three();
    // Two statements at a time cannot meet in the middle: away first, then back.
    if (what === "two change places") {
      db.exec("update admin_acts set seq = seq + 10 where seq > 1");
      db.exec("update admin_acts set seq = 25 - seq - 10 where seq > 10");
    } else db.exec(sql);
    assert.deepEqual(await createAudit(db).verify(), { whole: false, seq }, what);
    db.close();
  }
});

Deno.test("attack: cutting the newest acts off shows against a head that was noted before", async () => {
  const db = three();
  const audit = createAudit(db);
  const before = await audit.verify();
  assert.ok(before.whole);
  db.exec("delete from admin_acts where seq = 3");
  const alone = await audit.verify();
  assert.ok(alone.whole && alone.head.seq === 2, "the log alone cannot tell");
  assert.deepEqual(await audit.verify(before.head), { whole: false, seq: 3 });
  auditRows(db).append(act("enable"));
  assert.deepEqual(await audit.verify(before.head), { whole: false, seq: 3 }, "nor anew");
  db.close();
});

Deno.test("a noted head stays good while the log grows", async () => {
  const db = three();
  const audit = createAudit(db);
  const noted = await audit.verify();
  auditRows(db).append(act("sign-out"));
  assert.ok(noted.whole);
  const later = await audit.verify(noted.head);
  assert.ok(later.whole && later.head.seq === 4);
  db.close();
});
