import assert from "node:assert/strict";
import type { DatabaseSync } from "node:sqlite";
import { createQueue, type QueueLimits, type QueueStore } from "../../db/queue.ts";
import { openDatabase } from "../../db/sqlite.ts";
import type { DeviceId } from "../../protocol/ids.ts";
import {
  addPerson,
  batch,
  changeList,
  destination,
  nextId,
  numbered,
  numberIn,
  type Person,
  ROOMY,
  submission,
} from "../helpers/relay_world.ts";

interface World {
  readonly db: DatabaseSync;
  readonly queue: QueueStore;
}

function queueTest(name: string, body: (world: World) => Promise<void>, limits = ROOMY): void {
  Deno.test(name, async () => {
    const db = openDatabase(":memory:");
    try {
      await body({ db, queue: createQueue(db, limits) });
    } finally {
      db.close();
    }
  });
}

const limited = (changes: Partial<QueueLimits>): QueueLimits => ({ ...ROOMY, ...changes });

async function waiting(queue: QueueStore, device: DeviceId, after = 0): Promise<number[]> {
  const read = await queue.read(device, after, { envelopes: 100_000, bytes: 2 ** 30 });
  return read.map(({ envelope }) => numberIn(envelope));
}

/** Sends numbers from one person to another, one transaction each. */
async function send(queue: QueueStore, from: Person, to: Person, ...numbers: number[]) {
  const codes: string[] = [];
  for (const n of numbers) {
    const work = submission(from, [destination(to, numbered(n))]);
    const { submissions: [result] } = await queue.commit(batch({ submissions: [work] }));
    codes.push(result!.kind === "refused" ? result!.refusal.code : result!.kind);
  }
  return codes;
}

const count = (db: DatabaseSync, sql: string) => (db.prepare(sql).get() as { n: number }).n;

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
  "one ciphertext for many devices is stored once and goes with its last use",
  async (world) => {
    const { db, queue } = world;
    const [ana, ben] = [addPerson(db), addPerson(db, 3)];
    const same = numbered(5, 4000);
    const envelopes = ben.devices.map((device) => ({ device, envelope: same }));
    const work = submission(ana, [{ account: ben.account, listVersion: 1, envelopes }]);
    await queue.commit(batch({ submissions: [work] }));
    assert.equal(count(db, "select count(*) as n from bodies"), 1);
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
  db.exec(`create trigger boom before insert on envelopes when new.minute = 666
    begin select raise(abort, 'disk on fire'); end`);
  const submit = submission(ana, [destination(ben, numbered(2))]);
  const acks = [{ device: ben.devices[0]!, position: 1 }];
  await assert.rejects(queue.commit(batch({ minute: 666, submissions: [submit], acks })));
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
  assert.equal(await restored(zero, a), false, "first connection");
  assert.equal(await restored(zero, a), false, "the welcome was lost");
  assert.equal(await restored(a, b), false);
  await queue.commit(batch({ acks: [{ device, position: 0 }] }));
  assert.equal(await restored(a, b), true, "it did something under b: a is history");
  assert.equal(await restored(b, c), false);
  assert.equal(await restored(a, numbered(9, 16)), true, "a copy from before");
  assert.equal(await restored(c, numbered(4, 16)), false, "the original goes on");
});

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
  }
  let sweep = await queue.expireSubmits(3, 4, { sender: 0, submit: new Uint8Array() });
  let removed = sweep.removed;
  while (sweep.next !== null) {
    sweep = await queue.expireSubmits(3, 4, sweep.next);
    removed += sweep.removed;
  }
  assert.equal(removed, 6);
  assert.equal(count(db, "select count(*) as n from submits"), 3);
});

Deno.test("a crash before the commit loses the batch and nothing else", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const db = openDatabase(`${dir}/snug.db`);
    const [ana, ben] = [addPerson(db), addPerson(db)];
    await send(createQueue(db, ROOMY), ana, ben, 1);
    db.exec("begin immediate");
    db.exec("delete from envelopes");
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
