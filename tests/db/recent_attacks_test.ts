/** What could lose, double or hand to somebody else what is recent: faults, clocks, numbers, foreign rows. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { migrate } from "../../db/migrate.ts";
import { MIGRATIONS } from "../../db/migrations/mod.ts";
import { Packer } from "../../db/packing.ts";
import { createQueue } from "../../db/queue.ts";
import type { SubmitId } from "../../protocol/ids.ts";
import { briefly, count, queueTest, send, waiting } from "../helpers/queue_world.ts";
import {
  addPerson,
  batch,
  destination,
  nextId,
  numbered,
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
