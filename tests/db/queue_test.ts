/** Order, idempotence, staleness and failure of the queue, on a real database. */
import assert from "node:assert/strict";
import { createQueue } from "../../db/queue.ts";
import { openDatabase } from "../../db/sqlite.ts";
import type { DeviceId } from "../../protocol/ids.ts";
import { count, queueTest, send, waiting } from "../helpers/queue_world.ts";
import {
  addPerson,
  batch,
  changeList,
  destination,
  nextId,
  numbered,
  type Person,
  ROOMY,
  submission,
} from "../helpers/relay_world.ts";

queueTest("envelopes wait in order until their device acknowledges them", async ({ db, queue }) => {
  const [ana, ben] = [addPerson(db), addPerson(db, 2)];
  await send(queue, ana, ben, 1, 2, 3, 4);
  const [first, second] = ben.devices as [DeviceId, DeviceId];
  assert.deepEqual(await waiting(queue, first), [1, 2, 3, 4]);
  await queue.commit(batch({ acks: [{ device: first, position: 3 }] }));
  assert.deepEqual(await waiting(queue, first), [4]);
  assert.deepEqual(await waiting(queue, second), [1, 2, 3, 4], "each device has its own queue");
});

queueTest("positions are never used twice, even when the queue runs empty", async (world) => {
  const { db, queue } = world;
  const [ana, ben] = [addPerson(db), addPerson(db)];
  const device = ben.devices[0]!;
  await send(queue, ana, ben, 1, 2);
  await queue.commit(batch({ acks: [{ device, position: 2 }] }));
  const restarted = createQueue(db, ROOMY);
  await send(restarted, ana, ben, 3);
  const [one] = await restarted.read(device, 0, { envelopes: 1, bytes: 1 });
  assert.equal(one!.position, 3);
});

queueTest("a submission sent again is accepted and not queued again", async ({ db, queue }) => {
  const [ana, ben] = [addPerson(db), addPerson(db)];
  const work = submission(ana, [destination(ben, numbered(7))]);
  const twice = await queue.commit(batch({ submissions: [work, work] }));
  assert.deepEqual(twice.submissions.map(({ kind }) => kind), ["accepted", "accepted"]);
  const later = await createQueue(db, ROOMY).commit(batch({ submissions: [work] }));
  assert.deepEqual(later.submissions, [{ kind: "accepted", placed: [] }]);
  assert.deepEqual(await waiting(queue, ben.devices[0]!), [7]);
});

queueTest("one device's submit id does not stand in another's way", async ({ db, queue }) => {
  const [ana, ben] = [addPerson(db), addPerson(db)];
  const mine = submission(ana, [destination(ben, numbered(1))]);
  const same = submission(ben, [destination(ana, numbered(2))], mine.submit);
  await queue.commit(batch({ submissions: [mine, same] }));
  assert.deepEqual(await waiting(queue, ana.devices[0]!), [2]);
});

queueTest(
  "a resend of what was accepted is accepted, even when the list has moved on since",
  async (world) => {
    const { db, queue } = world;
    const [ana, ben] = [addPerson(db), addPerson(db)];
    const work = submission(ana, [destination(ben, numbered(1))]);
    await queue.commit(batch({ submissions: [work] }));
    changeList(db, ben, [...ben.devices, nextId()]);
    const { submissions: [result] } = await queue.commit(batch({ submissions: [work] }));
    assert.deepEqual(result, { kind: "accepted", placed: [] });
  },
);

queueTest("a stale list version is refused with the newer entries", async ({ db, queue }) => {
  const [ana, ben] = [addPerson(db), addPerson(db)];
  const old = destination(ben, numbered(1));
  await send(queue, ana, ben, 0);
  changeList(db, ben, [...ben.devices, nextId()]);
  const work = submission(ana, [old]);
  const { submissions: [result] } = await queue.commit(batch({ submissions: [work] }));
  const entry = { body: new Uint8Array([0xaa]), signature: new Uint8Array(64) };
  assert.deepEqual(structuredClone(result), {
    kind: "refused",
    refusal: { code: "stale", lists: [{ account: ben.account, version: 2, entries: [entry] }] },
  });
  const again = { ...work, destinations: [destination(ben, numbered(1), 2)] };
  const { submissions: [fresh] } = await queue.commit(batch({ submissions: [again] }));
  assert.equal(fresh!.kind, "accepted", "a refused id may be used again");
});

queueTest("too few, too many, foreign and doubled devices are stale too", async ({ db, queue }) => {
  const [ana, ben] = [addPerson(db), addPerson(db, 2)];
  const right = destination(ben, numbered(1));
  const [one, two] = right.envelopes as [typeof right.envelopes[0], typeof right.envelopes[0]];
  const foreign = { device: ana.devices[0]!, envelope: numbered(1) };
  for (const envelopes of [[], [one], [one, one], [one, foreign], [one, two, foreign]]) {
    const work = submission(ana, [{ ...right, envelopes }]);
    const { submissions: [result] } = await queue.commit(batch({ submissions: [work] }));
    assert.equal(result!.kind === "refused" && result!.refusal.code, "stale");
  }
  assert.deepEqual(await waiting(queue, two.device), []);
});

queueTest(
  "one's own other devices ride in the same step, all or nothing",
  async ({ db, queue }) => {
    const [ana, ben] = [addPerson(db, 2), addPerson(db)];
    const [phone, laptop] = ana.devices as [DeviceId, DeviceId];
    const both = [destination(ben, numbered(1)), destination(ana, numbered(2), 1, phone)];
    await queue.commit(batch({ submissions: [submission(ana, both)] }));
    assert.deepEqual(await waiting(queue, laptop), [2]);
    const half = [destination(ben, numbered(3)), destination(ana, numbered(4), 1)];
    const { submissions: [result] } = await queue.commit(
      batch({ submissions: [submission(ana, half)] }),
    );
    assert.equal(result!.kind, "refused", "not to the device that sends");
    assert.deepEqual(await waiting(queue, ben.devices[0]!), [1]);
  },
);

queueTest("an unknown recipient is named", async ({ db, queue }) => {
  const ana = addPerson(db);
  const nobody: Person = { account: nextId(), devices: [nextId()] };
  const work = submission(ana, [destination(nobody, numbered(1))]);
  const { submissions: [result] } = await queue.commit(batch({ submissions: [work] }));
  assert.deepEqual(result, {
    kind: "refused",
    refusal: { code: "unknown-recipient", account: nobody.account },
  });
});

queueTest("a removed device sends nothing and leaves nothing behind", async ({ db, queue }) => {
  const [ana, ben] = [addPerson(db, 2), addPerson(db, 2)];
  await send(queue, ana, ben, 1);
  const gone = ana.devices[0]!;
  const work = submission(ana, [destination(ben, numbered(2))]);
  changeList(db, ana, [ana.devices[1]!]);
  changeList(db, ben, [ben.devices[1]!]);
  const ids = { previous: new Uint8Array(16), next: numbered(1, 16) };
  const results = await queue.commit(
    batch({
      hellos: [{ device: gone, ...ids }],
      submissions: [work],
      acks: [{ device: gone, position: 5 }],
    }),
  );
  assert.deepEqual(results.hellos, [{ kind: "gone" }]);
  assert.deepEqual(results.submissions, [{ kind: "gone" }]);
  await queue.settle();
  assert.equal(count(db, "select count(*) as n from envelopes"), 1);
  assert.equal(count(db, "select count(*) as n from submits"), 0);
});

queueTest(
  "acks of nothing, of the future and of another's positions change nothing",
  async (world) => {
    const { db, queue } = world;
    const [ana, ben, eve] = [addPerson(db), addPerson(db), addPerson(db)];
    await send(queue, ana, ben, 1, 2);
    const acks = [
      { device: eve.devices[0]!, position: 2 },
      { device: ben.devices[0]!, position: 0 },
      { device: nextId<DeviceId>(), position: 2 },
    ];
    await queue.commit(batch({ acks }));
    assert.deepEqual(await waiting(queue, ben.devices[0]!), [1, 2]);
  },
);

queueTest(
  "one ciphertext for many devices is stored once and goes with its last use",
  async (world) => {
    const { db, queue } = world;
    const [ana, ben] = [addPerson(db), addPerson(db, 3)];
    const same = numbered(5, 4000);
    const envelopes = ben.devices.map((device) => ({ device, envelope: same }));
    const work = submission(ana, [{ account: ben.account, listVersion: 1, envelopes }]);
    await queue.commit(batch({ submissions: [work] }));
    assert.ok(count(db, "select sum(length(body)) as n from turns") < 5_000);
    for (const device of ben.devices) assert.deepEqual(await waiting(queue, device), [5]);
    await queue.settle();
    for (const device of ben.devices) {
      assert.deepEqual(await waiting(queue, device), [5]);
      assert.equal(count(db, "select count(*) as n from bodies"), 1);
      await queue.commit(batch({ acks: [{ device, position: 1 }] }));
    }
    assert.equal(count(db, "select count(*) as n from bodies"), 0);
  },
);

queueTest("a batch that fails leaves nothing, in the database and in memory", async (world) => {
  const { db, queue } = world;
  const [ana, ben] = [addPerson(db), addPerson(db)];
  await send(queue, ana, ben, 1);
  db.exec(`create trigger boom before insert on taken
    begin select raise(abort, 'disk on fire'); end`);
  const submit = submission(ana, [destination(ben, numbered(2))]);
  const acks = [{ device: ben.devices[0]!, position: 1 }];
  await assert.rejects(queue.commit(batch({ submissions: [submit], acks })));
  db.exec("drop trigger boom");
  assert.deepEqual(await waiting(queue, ben.devices[0]!), [1]);
  const { submissions: [again] } = await queue.commit(batch({ submissions: [submit] }));
  assert.equal(again!.kind, "accepted");
  assert.deepEqual(await waiting(queue, ben.devices[0]!), [1, 2]);
});

queueTest("a restored store is told apart by its incarnation", async ({ db, queue }) => {
  const device = addPerson(db).devices[0]!;
  const [zero, a, b, c] = [0, 1, 2, 3].map((n) => numbered(n, 16)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const restored = async (previous: Uint8Array, next: Uint8Array) => {
    const { hellos: [answer] } = await queue.commit(
      batch({ hellos: [{ device, previous, next }] }),
    );
    return answer!.kind === "welcome" && answer!.restored;
  };
  const confirm = (incarnation: Uint8Array) =>
    queue.commit(batch({ confirms: [{ device, incarnation }] }));
  assert.equal(await restored(zero, a), false, "first connection");
  assert.equal(await restored(zero, a), false, "the welcome was lost");
  assert.equal(await restored(a, b), false);
  await confirm(a);
  assert.equal(await restored(a, b), false, "an older connection says nothing about b");
  await confirm(b);
  assert.equal(await restored(a, b), true, "it did something under b: a is history");
  assert.equal(await restored(b, c), false);
  assert.equal(await restored(a, numbered(9, 16)), true, "a copy from before");
  assert.equal(await restored(c, numbered(4, 16)), false, "the original goes on");
});

Deno.test("a crash before the commit loses the batch and nothing else", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const db = openDatabase(`${dir}/snug.db`);
    const [ana, ben] = [addPerson(db), addPerson(db)];
    await send(createQueue(db, ROOMY), ana, ben, 1);
    db.exec("begin immediate");
    db.exec("delete from turns");
    // As a killed process leaves them: the files while the transaction is open.
    for (const end of ["", "-wal"]) {
      await Deno.copyFile(`${dir}/snug.db${end}`, `${dir}/copy.db${end}`);
    }
    db.close();
    const copy = openDatabase(`${dir}/copy.db`);
    assert.deepEqual(await waiting(createQueue(copy, ROOMY), ben.devices[0]!), [1]);
    copy.close();
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
