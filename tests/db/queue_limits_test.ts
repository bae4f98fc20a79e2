/** How much may wait and how long, and what is counted when it is too much. */
import assert from "node:assert/strict";
import { createQueue } from "../../db/queue.ts";
import type { DeviceId } from "../../protocol/ids.ts";
import { count, limited, queueTest, send, waiting } from "../helpers/queue_world.ts";
import {
  addPerson,
  batch,
  destination,
  numbered,
  ROOMY,
  submission,
} from "../helpers/relay_world.ts";

queueTest("ATTACK one account cannot fill another's queue: 500 of each sender", async (world) => {
  const { db, queue } = world;
  const [ana, ben, eve] = [addPerson(db), addPerson(db), addPerson(db)];
  const flood = Array.from(
    { length: 510 },
    (_, n) => submission(eve, [destination(ben, numbered(n))]),
  );
  const { submissions } = await queue.commit(batch({ submissions: flood }));
  assert.equal(submissions.filter(({ kind }) => kind === "accepted").length, 500);
  assert.deepEqual(submissions.at(-1), { kind: "refused", refusal: { code: "full" } });
  assert.deepEqual(await send(queue, ana, ben, 1), ["accepted"]);
});

queueTest(
  "full means that no device of the recipient has room; one that has none counts a gap",
  async ({ db, queue }) => {
    const [ana, ben] = [addPerson(db), addPerson(db, 2)];
    const [awake, dormant] = ben.devices as [DeviceId, DeviceId];
    assert.deepEqual(await send(queue, ana, ben, 1, 2), ["accepted", "accepted"]);
    assert.deepEqual(await send(queue, ana, ben, 3), ["full"]);
    await queue.commit(batch({ acks: [{ device: awake, position: 2 }] }));
    const work = submission(ana, [destination(ben, numbered(4))]);
    const { submissions: [result], gaps } = await queue.commit(batch({ submissions: [work] }));
    assert.equal(result!.kind, "accepted");
    assert.deepEqual([...gaps], [[dormant, 1]]);
    assert.deepEqual(await waiting(queue, awake), [4]);
    assert.deepEqual(await waiting(queue, dormant), [1, 2]);
  },
  limited({ envelopes: 2 }),
);

queueTest(
  "queue.max = 2 and drop-oldest: of 3,000 the last two stay and 2,998 are counted",
  async ({ db, queue }) => {
    const [ana, ben] = [addPerson(db), addPerson(db)];
    const device = ben.devices[0]!;
    const all = Array.from(
      { length: 3000 },
      (_, n) => submission(ana, [destination(ben, numbered(n + 1))]),
    );
    const { gaps } = await queue.commit(batch({ submissions: all }));
    assert.deepEqual(await waiting(queue, device), [2999, 3000]);
    assert.equal(gaps.get(device), 2998);
    const hello = { device, previous: new Uint8Array(16), next: numbered(1, 16) };
    const { hellos: [welcome] } = await createQueue(db, ROOMY).commit(batch({ hellos: [hello] }));
    assert.deepEqual(welcome, { kind: "welcome", restored: false, queued: 2, gaps: 2998 });
  },
  limited({ envelopes: 2, overflow: "drop-oldest" }),
);

queueTest(
  "of a flood in one transaction the last is there, also when it is read again",
  async (world) => {
    const { db, queue } = world;
    const [ana, ben] = [addPerson(db), addPerson(db)];
    const all = [1, 2, 3].map((n) => submission(ana, [destination(ben, numbered(n))]));
    await queue.commit(batch({ submissions: all }));
    for (const store of [queue, createQueue(db, ROOMY)]) {
      assert.deepEqual(await waiting(store, ben.devices[0]!), [3]);
    }
  },
  limited({ envelopes: 1, overflow: "drop-oldest" }),
);

queueTest(
  "an empty envelope names a device, queues nothing and counts for nothing",
  async (world) => {
    const { db, queue } = world;
    const [ana, ben] = [addPerson(db), addPerson(db, 2)];
    const [awake, dormant] = ben.devices as [DeviceId, DeviceId];
    const work = (n: number) => {
      const envelopes = [
        { device: awake, envelope: numbered(n) },
        { device: dormant, envelope: new Uint8Array() },
      ];
      return submission(ana, [{ account: ben.account, listVersion: 1, envelopes }]);
    };
    const { submissions, gaps } = await queue.commit(
      batch({ submissions: [work(1), work(2), work(3)] }),
    );
    assert.deepEqual(submissions.map(({ kind }) => kind), ["accepted", "accepted", "refused"]);
    assert.equal(gaps.size, 0);
    assert.deepEqual(await waiting(queue, dormant), []);
  },
  limited({ envelopes: 2 }),
);

queueTest("drop-oldest takes a flooding sender's own first", async ({ db, queue }) => {
  const [ana, ben, eve] = [addPerson(db), addPerson(db), addPerson(db)];
  await send(queue, ana, ben, 1);
  await send(queue, eve, ben, 11, 12, 13, 14);
  assert.deepEqual(await waiting(queue, ben.devices[0]!), [1, 12, 13, 14]);
}, limited({ perSender: 3, overflow: "drop-oldest" }));

queueTest("bytes are limited as well", async ({ db, queue }) => {
  const [ana, ben] = [addPerson(db), addPerson(db)];
  assert.deepEqual(await send(queue, ana, ben, 1, 2, 3), ["accepted", "accepted", "full"]);
}, limited({ bytes: 700 }));

queueTest("one's own account is exempt from the limit of one sender", async ({ db, queue }) => {
  const ana = addPerson(db, 2);
  const phone = ana.devices[0]!;
  const work = Array.from(
    { length: 5 },
    (_, n) => submission(ana, [destination(ana, numbered(n), 1, phone)]),
  );
  await queue.commit(batch({ submissions: work }));
  assert.deepEqual(await waiting(queue, ana.devices[1]!), [0, 1, 2, 3, 4]);
}, limited({ perSender: 2 }));

queueTest(
  "envelopes of more than 30 days go in bounded batches, as gaps",
  async ({ db, queue }) => {
    const [ana, ben] = [addPerson(db), addPerson(db)];
    const device = ben.devices[0]!;
    const at = (minute: number, n: number) => {
      const submissions = [submission(ana, [destination(ben, numbered(n))])];
      return queue.commit(batch({ minute, submissions }));
    };
    for (const n of [1, 2, 3]) await at(10, n);
    await at(5000, 4);
    await at(20, 5);
    const first = await queue.expireEnvelopes(1000, 2, 0);
    assert.equal(first.removed, 2);
    const second = await queue.expireEnvelopes(1000, 10, first.next!);
    assert.deepEqual([second.removed, second.next], [2, null], "also behind a jump of the clock");
    assert.equal(second.gaps.get(device), 4);
    assert.deepEqual(await waiting(queue, device), [4]);
    await queue.commit(batch({ acks: [{ device, position: 4 }] }));
    assert.deepEqual(await send(queue, ana, ben, 6), ["accepted"]);
    assert.equal((await queue.read(device, 0, { envelopes: 1, bytes: 0 }))[0]!.position, 6);
  },
);

queueTest("submissions are remembered until they are too old", async ({ db, queue }) => {
  const [ana, ben] = [addPerson(db), addPerson(db)];
  const day = 1440;
  for (const minute of [day, 2 * day, 3 * day]) {
    const submissions = [1, 2, 3].map((n) => submission(ana, [destination(ben, numbered(n))]));
    await queue.commit(batch({ minute, submissions }));
    await queue.settle();
  }
  const ids = "select sum(1 + coalesce(length(more), 0) / 16) as n from submits";
  assert.equal(count(db, ids), 9);
  let sweep = await queue.expireSubmits(3, 1, { sender: 0, submit: new Uint8Array() });
  let removed = sweep.removed;
  while (sweep.next !== null) {
    sweep = await queue.expireSubmits(3, 1, sweep.next);
    removed += sweep.removed;
  }
  assert.equal(removed, 2, "rows of one sender and day");
  assert.equal(count(db, ids), 3);
});
