/** How much a single transaction moves: the writer is never held for long, whatever comes in bursts. */
import assert from "node:assert/strict";
import type { DatabaseSync } from "node:sqlite";
import { createQueue } from "../../db/queue.ts";
import { aroundCommits, count, limited, queueTest, waiting } from "../helpers/queue_world.ts";
import {
  addPerson,
  batch,
  destination,
  numbered,
  type Person,
  submission,
} from "../helpers/relay_world.ts";

/** A step ends with the turn that makes it so much, and a turn has at most 512 events or 128 KiB. */
const MOST_ROWS = 1_000 + 512;
const MOST_BYTES = 2 ** 20 + 2 * 65_536;

const LIMITS = limited({ envelopes: 100_000, perSender: 100_000, bytes: 2 ** 30 });

/** What each transaction added to a table since. */
interface Moved extends Disposable {
  readonly rows: readonly number[];
  readonly bytes: readonly number[];
}

function watchMoves(db: DatabaseSync): Moved {
  const moved = { rows: [] as number[], bytes: [] as number[] };
  const stored = () => [
    count(db, "select count(*) as n from envelopes"),
    count(db, "select coalesce(sum(length(body)), 0) as n from envelopes"),
  ];
  let [rows, bytes] = stored() as [number, number];
  const commits = aroundCommits((commit) => {
    const [allRows, allBytes] = stored() as [number, number];
    moved.rows.push(allRows - rows);
    moved.bytes.push(allBytes - bytes);
    [rows, bytes] = [allRows, allBytes];
    commit();
  });
  return { ...moved, [Symbol.dispose]: () => commits[Symbol.dispose]() };
}

function burst(from: Person, to: Person, first: number, many: number, length: number) {
  return batch({
    submissions: Array.from(
      { length: many },
      (_, n) => submission(from, [destination(to, numbered(first + n, length))]),
    ),
  });
}

queueTest(
  "ATTACK bursts of 5,000 events, one after the other: no transaction moves more than a step",
  async ({ db, queue }) => {
    const [ana, ben] = [addPerson(db), addPerson(db)];
    using moved = watchMoves(db);
    const numbers = Array.from({ length: 30_000 }, (_, n) => n);
    for (let first = 0; first < numbers.length; first += 5_000) {
      await queue.commit(burst(ana, ben, first, 5_000, 40));
    }
    const most = Math.max(...moved.rows);
    assert.ok(0 < most && most <= MOST_ROWS, `${moved.rows}`);
    const recent = count(db, "select sum(length(body)) as n from turns");
    assert.ok(recent < 12_000 * 120, `${recent} bytes stay recent: twice the window and a burst`);
    for (const store of [queue, createQueue(db, LIMITS)]) {
      assert.deepEqual(await waiting(store, ben.devices[0]!), numbers);
    }
  },
  LIMITS,
);

queueTest(
  "ATTACK bursts of huge envelopes: no transaction moves more bytes than a step",
  async ({ db, queue }) => {
    const [ana, ben] = [addPerson(db), addPerson(db)];
    using moved = watchMoves(db);
    const numbers = Array.from({ length: 300 }, (_, n) => n);
    for (let first = 0; first < numbers.length; first += 100) {
      await queue.commit(burst(ana, ben, first, 100, 60_000));
    }
    await queue.settle();
    const most = Math.max(...moved.bytes);
    assert.ok(0 < most && most <= MOST_BYTES, `${moved.bytes}`);
    assert.deepEqual(await waiting(queue, ben.devices[0]!), numbers);
    assert.equal(count(db, "select count(*) as n from turns"), 0);
  },
  LIMITS,
);

queueTest(
  "what comes while a burst makes room waits for it, and nothing overtakes",
  async ({ db, queue }) => {
    const [ana, ben] = [addPerson(db), addPerson(db)];
    await queue.commit(burst(ana, ben, 0, 5_000, 40));
    await queue.commit(burst(ana, ben, 5_000, 5_000, 40));
    const device = ben.devices[0]!;
    const third = queue.commit(burst(ana, ben, 10_000, 10, 40));
    const before = await waiting(queue, device);
    await queue.settle();
    const { submissions } = await third;
    assert.ok(submissions.every(({ kind }) => kind === "accepted"));
    assert.equal(before.length, 10_000, "reading went on meanwhile");
    assert.deepEqual(await waiting(queue, device), Array.from({ length: 10_010 }, (_, n) => n));
  },
  LIMITS,
);

queueTest(
  "huge envelopes that are over time go in steps too, each counted once",
  async ({ db, queue }) => {
    const [ana, ben] = [addPerson(db), addPerson(db)];
    for (let first = 0; first < 300; first += 100) {
      await queue.commit(burst(ana, ben, first, 100, 60_000));
    }
    await queue.settle();
    using moved = watchMoves(db);
    let [removed, gaps] = [0, 0];
    for (let next: number | null = 0; next !== null;) {
      const sweep = await queue.expireEnvelopes(2_000, 1_000, next);
      [removed, next] = [removed + sweep.removed, sweep.next];
      gaps = sweep.gaps.get(ben.devices[0]!) ?? gaps;
    }
    assert.deepEqual([removed, gaps], [300, 300]);
    const most = Math.max(...moved.bytes.map((bytes) => -bytes));
    assert.ok(0 < most && most <= MOST_BYTES, `${most} bytes at once`);
    assert.deepEqual(await queue.depth(), { waiting: 0, oldestMinute: null });
  },
  LIMITS,
);

queueTest(
  "ATTACK acks of everything at once free a step in each transaction, and none is forgotten",
  async ({ db, queue }) => {
    const [ana, ben, cleo] = [addPerson(db), addPerson(db), addPerson(db)];
    const owing = [ben.devices[0]!, cleo.devices[0]!];
    for (const to of [ben, cleo]) await queue.commit(burst(ana, to, 0, 100, 60_000));
    await queue.settle();
    using moved = watchMoves(db);
    await queue.commit(batch({ acks: owing.map((device) => ({ device, position: 90 })) }));
    db.exec(
      "create temp trigger doom before delete on envelopes begin select raise(abort, 'doomed'); end",
    );
    await assert.rejects(queue.commit(batch({})), /doomed/);
    db.exec("drop trigger doom");
    await queue.commit(burst(ana, ben, 100, 1, 40));
    assert.ok((await queue.depth()).waiting > 100, "not all at once");
    await queue.tidy();
    const most = Math.max(...moved.bytes.map((bytes) => -bytes));
    assert.ok(0 < most && most <= MOST_BYTES, `${most} bytes at once`);
    const last = Array.from({ length: 10 }, (_, n) => 90 + n);
    for (const store of [queue, createQueue(db, LIMITS)]) {
      assert.deepEqual(await waiting(store, owing[0]!), [...last, 100]);
      assert.deepEqual(await waiting(store, owing[1]!), last);
    }
  },
  LIMITS,
);
