/** Who asks for everything to move gets all that was recent when they asked: exports, counts, sweeps. */
import assert from "node:assert/strict";
import type { DatabaseSync } from "node:sqlite";
import { count, limited, queueTest, send } from "../helpers/queue_world.ts";
import { addPerson, batch, destination, numbered, submission } from "../helpers/relay_world.ts";

const moved = (db: DatabaseSync) => count(db, "select count(*) as n from envelopes");

function doom(db: DatabaseSync): void {
  db.exec(
    "create temp trigger doom before insert on envelopes begin select raise(abort, 'doomed'); end",
  );
}

queueTest(
  "ATTACK after a settling that failed, the next one moves what came since too",
  async ({ db, queue }) => {
    const [ana, ben] = [addPerson(db), addPerson(db)];
    await send(queue, ana, ben, 1, 2);
    doom(db);
    await assert.rejects(queue.settle(), /doomed/);
    db.exec("drop trigger doom");
    await send(queue, ana, ben, 3);
    await queue.settle();
    assert.equal(moved(db), 3);
  },
);

queueTest(
  "ATTACK who asks while a sweep has half of it moved gets what came meanwhile too",
  async ({ db, queue }) => {
    const [ana, ben] = [addPerson(db), addPerson(db)];
    for (const first of [0, 500]) {
      await queue.commit(batch({
        submissions: Array.from(
          { length: 500 },
          (_, n) => submission(ana, [destination(ben, numbered(first + n))]),
        ),
      }));
    }
    const { next } = await queue.expireEnvelopes(0, 10, 0);
    assert.equal(moved(db), 500, "a step");
    await send(queue, ana, ben, 1_000);
    await queue.settle();
    assert.equal(moved(db), 1_001);
    assert.notEqual(next, null, "the sweep is not through");
  },
  limited({ perSender: 10_000 }),
);

queueTest(
  "ATTACK after a sweep that failed, the next one finds what came since too",
  async ({ db, queue }) => {
    const [ana, ben] = [addPerson(db), addPerson(db)];
    await send(queue, ana, ben, 1);
    doom(db);
    await assert.rejects(queue.expireEnvelopes(2_000, 10, 0), /doomed/);
    db.exec("drop trigger doom");
    await send(queue, ana, ben, 2);
    let removed = 0;
    for (let from: number | null = 0; from !== null;) {
      const sweep = await queue.expireEnvelopes(2_000, 10, from);
      removed += sweep.removed;
      from = sweep.next;
    }
    assert.equal(removed, 2);
  },
);
