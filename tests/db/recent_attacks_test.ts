/** What could lose, double or hand to somebody else what is recent: faults, clocks, numbers, foreign rows. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { migrate } from "../../db/migrate.ts";
import { MIGRATIONS } from "../../db/migrations/mod.ts";
import { Packer } from "../../db/packing.ts";
import { createQueue } from "../../db/queue.ts";
import type { SubmitId } from "../../protocol/ids.ts";
import {
  aroundCommits,
  briefly,
  count,
  limited,
  queueTest,
  send,
  waiting,
} from "../helpers/queue_world.ts";
import {
  addPerson,
  batch,
  destination,
  nextId,
  numbered,
  type Person,
  ROOMY,
  submission,
} from "../helpers/relay_world.ts";

const WHOLE = { envelopes: 9, bytes: 2 ** 20 };

queueTest(
  "ATTACK a read that fails half way forgets nothing of what waits in turns",
  async (world) => {
    const { db, queue } = world;
    const [ana, ben] = [addPerson(db), addPerson(db)];
    const [device] = ben.devices;
    await send(queue, ana, ben, 1, 2);
    const restarted = createQueue(db, ROOMY);
    db.exec("alter table envelopes rename to away");
    await assert.rejects(restarted.read(device!, 0, WHOLE), /no such table/);
    db.exec("alter table away rename to envelopes");
    assert.deepEqual(await waiting(restarted, device!), [1, 2]);
    await send(restarted, ana, ben, 3);
    const positions = await createQueue(db, ROOMY).read(device!, 0, WHOLE);
    assert.deepEqual(positions.map(({ position }) => position), [1, 2, 3]);
  },
);

queueTest(
  "ATTACK an id below one that was swept away is not taken twice after a restart",
  async (world) => {
    const { db, queue } = world;
    const [ana, ben] = [addPerson(db), addPerson(db)];
    await send(queue, ben, ana, 0);
    const [lower, higher] = [nextId<SubmitId>(), nextId<SubmitId>()];
    const take = (store: typeof queue, n: number, id: SubmitId, day: number) => {
      const work = submission(ana, [destination(ben, numbered(n))], id);
      return store.commit(batch({ minute: day * 1440, submissions: [work] }));
    };
    await take(queue, 1, higher, 1);
    const { next } = await queue.expireSubmits(9, 1, { sender: 0, submit: new Uint8Array() });
    await take(queue, 2, lower, 40);
    await queue.expireSubmits(9, 100, next!);
    assert.equal(count(db, "select count(*) as n from submits"), 0, "the higher one is forgotten");
    const restarted = createQueue(db, ROOMY);
    await waiting(restarted, ana.devices[0]!);
    await restarted.settle();
    await take(restarted, 2, lower, 40);
    assert.deepEqual(await waiting(restarted, ben.devices[0]!), [1, 2]);
  },
);

queueTest(
  "a clock that was wrong for a while keeps no later submission for longer",
  async (world) => {
    const { db, queue } = world;
    const [ana, ben] = [addPerson(db), addPerson(db)];
    const take = async (minute: number) => {
      const submissions = [submission(ana, [destination(ben, numbered(1))])];
      await queue.commit(batch({ minute, submissions }));
      await queue.settle();
    };
    for (const day of [10, 9_000, 11]) await take(day * 1440);
    const days = db.prepare("select day from submits order by submit").all().map(({ day }) => day);
    assert.deepEqual(days, [10, 9_000, 11]);
  },
);

queueTest(
  "ATTACK a number that could not be read back is refused when it is written",
  async (world) => {
    for (const wrong of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
      assert.throws(() => new Packer().number(wrong), RangeError);
    }
    const { db, queue } = world;
    const [ana, ben] = [addPerson(db), addPerson(db)];
    await send(queue, ana, ben, 1);
    const work = submission(ana, [destination(ben, numbered(2))]);
    for (const minute of [-1, NaN]) {
      await assert.rejects(queue.commit(batch({ minute, submissions: [work] })), RangeError);
    }
    for (const store of [queue, createQueue(db, ROOMY)]) {
      assert.deepEqual(await waiting(store, ben.devices[0]!), [1]);
    }
  },
);

Deno.test("ATTACK an upgrade drops no recent row because its number is taken", async () => {
  const db = new DatabaseSync(":memory:");
  db.exec("pragma foreign_keys = on");
  migrate(db, MIGRATIONS.filter(({ version }) => version <= 11));
  const [ana, ben] = [addPerson(db), addPerson(db)];
  const [from, to] = [ana.devices[0]!, ben.devices[0]!];
  db.prepare("insert into queues (no, device, top) values (5, ?, 0), (6, ?, 0)").run(from, to);
  db.exec(`
    insert into envelopes (no, queue, position, sender, minute, body)
    values (7, 6, 1, zeroblob(32), 9, x'00000001'), (8, 6, 2, zeroblob(32), 9, x'00000002');
    insert into recent_envelopes values (8, 6, 3, zeroblob(32), 9, x'00000003');
    insert into recent_envelopes values (9, 6, 2, zeroblob(32), 9, x'00000002');
    insert into recent_envelopes values (10, 6, 4, zeroblob(32), 9, x'00000004');
  `);
  migrate(db, MIGRATIONS);
  assert.deepEqual(await waiting(createQueue(db, ROOMY), to), [1, 2, 3, 4]);
  db.close();
});

queueTest(
  "ATTACK everything acknowledged, moved away, restarted twice: no position comes again",
  async ({ db }) => {
    const open = () => createQueue(db, ROOMY, briefly(2));
    const [ana, ben] = [addPerson(db), addPerson(db)];
    const [device] = ben.devices;
    const seen: number[] = [];
    for (let n = 1; n <= 12; n++) {
      const queue = open();
      await send(queue, ana, ben, n);
      const [one] = await queue.read(device!, 0, WHOLE);
      seen.push(one!.position);
      await queue.commit(batch({ acks: [{ device: device!, position: one!.position }] }));
      if (n % 3 === 0) await open().settle();
      if (n % 4 === 0) await open().read(device!, 0, WHOLE);
    }
    assert.deepEqual(seen, Array.from({ length: 12 }, (_, n) => n + 1));
  },
);

/** One ciphertext for all devices of these, as a room has it. */
function toAll(from: Person, to: readonly Person[], n: number) {
  const envelope = numbered(n);
  const destinations = to.map(({ account, devices }) => ({
    account,
    listVersion: 1,
    envelopes: devices.map((device) => ({ device, envelope })),
  }));
  return batch({ submissions: [submission(from, destinations)] });
}

for (const gone of [0, 1, 2]) {
  queueTest(
    [
      "ATTACK a shared ciphertext outlives the account that it came to first, and leaves with the last:",
      gone,
    ].join(" "),
    async ({ db, queue }) => {
      const [ana, ...others] = [addPerson(db), addPerson(db), addPerson(db), addPerson(db)];
      await queue.commit(toAll(ana, others, 7));
      await queue.commit(toAll(ana, others, 8));
      db.prepare("delete from accounts where id = ?").run(others[gone]!.account);
      const kept = others.filter((_, at) => at !== gone).map(({ devices }) => devices[0]!);
      const newcomer = addPerson(db);
      for (const store of [queue, createQueue(db, ROOMY)]) {
        for (const device of kept) assert.deepEqual(await waiting(store, device), [7, 8]);
        assert.deepEqual(await waiting(store, newcomer.devices[0]!), []);
        assert.equal((await store.depth()).waiting, 4);
        await store.settle();
      }
      assert.equal(count(db, "select count(*) as n from bodies"), 2);
      await queue.commit(batch({ acks: kept.map((device) => ({ device, position: 2 })) }));
      assert.equal(count(db, "select count(*) as n from bodies"), 0);
      assert.deepEqual(db.prepare("pragma foreign_key_check").all(), []);
    },
  );
}

queueTest(
  "ATTACK a removed sender and its number: what it sent arrives, what it took is nobody's",
  async (world) => {
    const { db, queue } = world;
    const [ana, ben] = [addPerson(db), addPerson(db)];
    await waiting(queue, ben.devices[0]!);
    const id = nextId<SubmitId>();
    const one = (from: Person, n: number) =>
      batch({ submissions: [submission(from, [destination(ben, numbered(n))], id)] });
    await queue.commit(one(ana, 1));
    db.prepare("delete from accounts where id = ?").run(ana.account);
    const cleo = addPerson(db);
    const restarted = createQueue(db, ROOMY);
    await restarted.commit(one(cleo, 2));
    await restarted.settle();
    await restarted.commit(one(cleo, 2));
    for (const store of [restarted, createQueue(db, ROOMY)]) {
      assert.deepEqual(await waiting(store, ben.devices[0]!), [1, 2]);
    }
  },
);

queueTest(
  "ATTACK commits, removals and faults between the steps of a settling: all waits, once",
  async ({ db }) => {
    const open = () => createQueue(db, limited({ perSender: 1_000 }));
    const queue = open();
    const [ana, ben, cleo] = [addPerson(db), addPerson(db), addPerson(db)];
    const device = ben.devices[0]!;
    const send500 = (first: number) =>
      queue.commit(batch({
        submissions: Array.from(
          { length: 500 },
          (_, i) => submission(i % 2 ? ana : cleo, [destination(ben, numbered(first + i))]),
        ),
      }));
    for (const first of [0, 500]) await send500(first);
    const settling = queue.settle();
    await send500(1_000);
    db.exec(
      "create temp trigger doom before insert on envelopes begin select raise(abort, 'doomed'); end",
    );
    await assert.rejects(settling, /doomed/);
    await assert.rejects(queue.settle(), /doomed/);
    db.exec("drop trigger doom");
    db.prepare("delete from devices where id = ?").run(ana.devices[0]!);
    const again = queue.settle();
    await queue.commit(batch({ acks: [{ device, position: 700 }] }));
    await again;
    const expected = Array.from({ length: 800 }, (_, i) => 700 + i);
    for (const store of [queue, open()]) {
      assert.deepEqual(
        await waiting(store, device),
        expected,
      );
    }
  },
);

for (const reached of ["before", "after"] as const) {
  queueTest(
    [
      "ATTACK a commit that fails",
      reached,
      "the disk has it: nothing is lost, doubled or out of order",
    ].join(" "),
    async ({ db }) => {
      const open = () => createQueue(db, ROOMY, briefly(3));
      const queue = open();
      const [ana, ben] = [addPerson(db), addPerson(db)];
      const device = ben.devices[0]!;
      let failing = false;
      using _commits = aroundCommits((commit) => {
        if (!failing || reached === "after") commit();
        if (failing) throw new Error("disk I/O error");
      });
      for (let n = 1; n <= 9; n++) {
        const submissions = [submission(ana, [destination(ben, numbered(n))])];
        const turn = batch({ submissions, acks: n > 2 ? [{ device, position: n - 2 }] : [] });
        failing = true;
        await assert.rejects(queue.commit(turn), /disk I\/O error/);
        failing = false;
        const had = reached === "after" ? n : n - 1;
        assert.equal((await waiting(queue, device)).at(-1) ?? 0, had);
        await queue.commit(turn);
        const held = await queue.read(device, 0, WHOLE);
        assert.deepEqual(held.map(({ position }) => position), n === 1 ? [1] : [n - 1, n]);
        assert.deepEqual(await waiting(open(), device), n === 1 ? [1] : [n - 1, n]);
      }
    },
  );
}

queueTest(
  "ATTACK a burst in a large room holds the writer for no long move afterwards",
  async ({ db, queue }) => {
    const [ana, ...others] = Array.from({ length: 249 }, () => addPerson(db));
    const numbers = Array.from({ length: 20 }, (_, n) => n);
    const burst = numbers.flatMap((n) => toAll(ana!, others, n).submissions);
    await queue.commit(batch({ submissions: burst }));
    const moved = () => count(db, "select count(*) as n from envelopes");
    for (let before = 0, steps = 0; steps < 4; steps++, before = moved()) {
      await queue.commit(batch({}));
      assert.ok(moved() - before < 1_600, "a step");
    }
    assert.ok(burst.length * others.length - moved() <= 3_000, "and soon enough is gone");
    for (const store of [queue, createQueue(db, ROOMY)]) {
      for (const { devices } of others) {
        assert.deepEqual(
          await waiting(store, devices[0]!),
          numbers,
        );
      }
    }
    assert.ok(
      count(db, "select count(*) as n from bodies") < 2 * numbers.length,
      "stored once or twice",
    );
  },
);
