/** A database with a row that nobody can read: it is said before anybody is served, and there is a way out. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { giveUpRows } from "../../db/give_up.ts";
import { openDatabase } from "../../db/sqlite.ts";
import { openStore } from "../../db/store.ts";
import type { QueueStore } from "../../db/queue.ts";
import { checkData } from "../../doctor_data.ts";
import { send, waiting } from "../helpers/queue_world.ts";
import { addPerson, batch, type Person, ROOMY } from "../helpers/relay_world.ts";

/** Gives up what cannot be read; returns which rows. */
function giveUp(dir: string): string[] {
  const db = openDatabase(`${dir}/snug.db`);
  try {
    return giveUpRows(db);
  } finally {
    db.close();
  }
}

/** A store on a file, in which four were sent and the first was acknowledged. */
async function withTurns(
  body: (
    dir: string,
    ana: Person,
    ben: Person,
    open: () => ReturnType<typeof openStore>,
  ) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "snug-turns-" });
  const open = () => openStore(`${dir}/snug.db`, ROOMY);
  try {
    await open().close();
    const db = new DatabaseSync(`${dir}/snug.db`);
    const [ana, ben] = [addPerson(db), addPerson(db)];
    db.close();
    const store = open();
    await send(store.queue, ana, ben, 1, 2, 3, 4);
    await store.queue.commit(batch({ acks: [{ device: ben.devices[0]!, position: 1 }] }));
    await store.close();
    await body(dir, ana, ben, open);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

function change(dir: string, sql: string): void {
  const db = new DatabaseSync(`${dir}/snug.db`);
  db.exec(sql);
  db.close();
}

const read = (queue: QueueStore, { devices: [device] }: Person) =>
  queue.read(device!, 0, { envelopes: 9, bytes: 2 ** 20 });

/** What the doctor finds in the database. */
async function database(dir: string) {
  const { findings } = await checkData(dir);
  return findings.find(({ check }) => check === "database")!;
}

const CUT = (table: string) =>
  ["update", table, "set body = substr(body, 1, length(body) - 1) where no = 3"].join(" ");

for (const table of ["turns", "taken"]) {
  Deno.test(`a row of ${table} that is cut stops the start with words, and the doctor says it too`, () =>
    withTurns(async (dir, ana, ben, open) => {
      const words = new RegExp(["row 3 of the table", table, "cannot be read"].join(" "));
      change(dir, CUT(table));
      for (let tries = 0; tries < 2; tries++) {
        assert.throws(open, { name: "DatabaseError", message: words }, "and nothing stays locked");
      }
      const broken = await database(dir);
      assert.equal(broken.state, "fail");
      assert.match(broken.words, words);
      assert.deepEqual(giveUp(dir), [`row 3 of the table ${table}`]);
      assert.deepEqual(giveUp(dir), [], "once");
      assert.equal((await database(dir)).state, "ok");
      const store = open();
      const before = await read(store.queue, ben);
      await send(store.queue, ana, ben, 5);
      const [after, all] = [
        await read(store.queue, ben),
        await waiting(store.queue, ben.devices[0]!),
      ];
      assert.deepEqual(all, table === "turns" ? [2, 4, 5] : [2, 3, 4, 5]);
      assert.ok(after.at(-1)!.position > before.at(-1)!.position, "no position comes again");
      await store.close();
    }));
}

Deno.test("when the newest row was given up, no position comes again", () =>
  withTurns(async (dir, ana, ben, open) => {
    change(dir, "delete from turns where no = 5");
    change(dir, CUT("turns").replace("no = 3", "no = 4"));
    assert.deepEqual(giveUp(dir), ["row 4 of the table turns"]);
    const store = open();
    const had = (await read(store.queue, ben)).map(({ position }) => position);
    assert.deepEqual(had, [1, 2, 3], "an acknowledgement that is lost brings back what was there");
    await send(store.queue, ana, ben, 5);
    assert.ok((await read(store.queue, ben)).at(-1)!.position > 4);
    await store.close();
  }));
