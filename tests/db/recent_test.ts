/** What is recent: rows of turns, their way to where envelopes are found by device, and what is read again. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { migrate } from "../../db/migrate.ts";
import { MIGRATIONS } from "../../db/migrations/mod.ts";
import { createQueue } from "../../db/queue.ts";
import { type DeviceId, idBytes } from "../../protocol/ids.ts";
import { briefly, count, queueTest, send, waiting } from "../helpers/queue_world.ts";
import {
  addPerson,
  batch,
  changeList,
  destination,
  nextId,
  numbered,
  ROOMY,
  submission,
} from "../helpers/relay_world.ts";

queueTest("what is recent is read, sent again and acknowledged across its move", async (world) => {
  const { db } = world;
  const open = () => createQueue(db, ROOMY, briefly(4));
  const queue = open();
  const [ana, ben] = [addPerson(db), addPerson(db)];
  const device = ben.devices[0]!;
  const works = Array.from(
    { length: 9 },
    (_, i) => submission(ana, [destination(ben, numbered(i))]),
  );
  for (const work of works) await queue.commit(batch({ submissions: [work] }));
  const moved = count(db, "select count(*) as n from envelopes");
  assert.ok(moved > 0 && moved < 9, "some were moved");
  assert.equal((await queue.depth()).waiting, 9);
  assert.deepEqual(await waiting(queue, device), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
  for (const store of [queue, open()]) {
    const { submissions } = await store.commit(batch({ submissions: works }));
    assert.ok(submissions.every((one) => one.kind === "accepted" && one.placed.length === 0));
    assert.deepEqual(await waiting(store, device), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
  }
  const restarted = open();
  await restarted.commit(batch({ acks: [{ device, position: 8 }] }));
  assert.equal((await restarted.depth()).waiting, 1);
  assert.deepEqual(await waiting(open(), device), [8]);
  await restarted.settle();
  assert.equal(count(db, "select count(*) as n from turns"), 0);
  assert.equal(count(db, "select count(*) as n from envelopes"), 1);
});

queueTest("what is acknowledged soon is never written a second time", async ({ db }) => {
  const queue = createQueue(db, ROOMY, briefly(20));
  db.exec(`create temp trigger never before insert on envelopes
    begin select raise(abort, 'moved'); end`);
  const [ana, ben] = [addPerson(db), addPerson(db)];
  for (let n = 1; n <= 100; n++) {
    await send(queue, ana, ben, n);
    await queue.commit(batch({ acks: [{ device: ben.devices[0]!, position: n }] }));
  }
  assert.ok(count(db, "select count(*) as n from turns") < 25, "and turns do not pile up");
  await send(createQueue(db, ROOMY), ana, ben, 101);
  const [last] = await createQueue(db, ROOMY).read(ben.devices[0]!, 0, { envelopes: 9, bytes: 9 });
  assert.equal(last!.position, 101);
});

queueTest(
  "ATTACK huge envelopes do not fill the memory: what is recent has bytes too",
  async (world) => {
    const { db } = world;
    const queue = createQueue(db, ROOMY, { ...briefly(10_000), bytes: 300_000 });
    const [ana, ben] = [addPerson(db), addPerson(db)];
    const numbers = Array.from({ length: 40 }, (_, n) => n);
    for (const n of numbers) {
      const work = submission(ana, [destination(ben, numbered(n, 65_000))]);
      await queue.commit(batch({ submissions: [work] }));
      assert.ok(count(db, "select sum(length(body)) as n from turns") < 400_000);
    }
    assert.deepEqual(await waiting(queue, ben.devices[0]!), numbers);
    assert.deepEqual(await waiting(createQueue(db, ROOMY), ben.devices[0]!), numbers);
  },
);

queueTest("one transaction of megabytes is many rows, and all of it is read", async (world) => {
  const { db, queue } = world;
  const [ana, ben] = [addPerson(db), addPerson(db, 2)];
  const numbers = Array.from({ length: 300 }, (_, n) => n);
  const submissions = numbers.map((n) =>
    submission(ana, [destination(ben, numbered(n, 1 + 37 * n + 4))])
  );
  await queue.commit(batch({ submissions }));
  assert.ok(count(db, "select count(*) as n from turns") > 10);
  assert.ok(count(db, "select max(length(body)) as n from turns") < 80_000);
  for (const store of [queue, createQueue(db, ROOMY)]) {
    for (const device of ben.devices) assert.deepEqual(await waiting(store, device), numbers);
  }
});

queueTest("what waits is not what a frame's buffer holds later", async ({ db, queue }) => {
  const [ana, ben] = [addPerson(db), addPerson(db)];
  const frame = numbered(7, 1_000);
  const to = { device: ben.devices[0]!, envelope: frame.subarray(0, 500) };
  const work = submission(ana, [{ account: ben.account, listVersion: 1, envelopes: [to] }]);
  await queue.commit(batch({ submissions: [work] }));
  frame.fill(0xff);
  assert.deepEqual(await waiting(queue, ben.devices[0]!), [7]);
});

queueTest(
  "ATTACK a new device never inherits the number, and so the envelopes, of a removed one",
  async (world) => {
    const { db, queue } = world;
    const [ana, ben] = [addPerson(db), addPerson(db, 2)];
    await send(queue, ana, ben, 1, 2);
    const [kept] = ben.devices as [DeviceId, DeviceId];
    const before = count(db, "select max(no) as n from queues");
    changeList(db, ben, [kept]);
    const newcomer = nextId<DeviceId>();
    changeList(db, ben, [kept, newcomer]);
    for (const store of [queue, createQueue(db, ROOMY)]) {
      assert.deepEqual(await waiting(store, newcomer), []);
      assert.deepEqual(await waiting(store, kept), [1, 2]);
    }
    assert.ok(count(db, "select max(no) as n from queues") > before);
  },
);

queueTest(
  "a row that is not ours stops the queue with words; nothing is guessed",
  async (world) => {
    const { db, queue } = world;
    const [ana, ben] = [addPerson(db), addPerson(db)];
    await send(queue, ana, ben, 1, 2);
    const whole = db.prepare("select body from turns where no = 2").get()!.body as Uint8Array;
    const damage = [
      whole.subarray(0, whole.length - 1),
      new Uint8Array([...whole, 0]),
      new Uint8Array(),
      new Uint8Array([2, ...whole.subarray(1)]),
      db.prepare("select body from turns where no = 1").get()!.body as Uint8Array,
    ];
    const put = db.prepare("update turns set body = ? where no = 2");
    for (const body of damage) {
      put.run(body);
      const store = createQueue(db, ROOMY);
      await assert.rejects(
        waiting(store, ben.devices[0]!),
        /row 2 of the table turns cannot be read/,
      );
      await assert.rejects(store.commit(batch({ minute: 1 })), /row 2 of the table turns/);
    }
    put.run(whole);
    assert.deepEqual(await waiting(createQueue(db, ROOMY), ben.devices[0]!), [1, 2]);
    db.exec("update taken set body = x'0101' where no = 1");
    const next = batch({ submissions: [submission(ana, [destination(ben, numbered(3))])] });
    await assert.rejects(createQueue(db, ROOMY).commit(next), /row 1 of the table taken/);
  },
);

queueTest("ids that do not rise are recognised all the same", async ({ db }) => {
  const open = () => createQueue(db, ROOMY, briefly(2));
  const [ana, ben] = [addPerson(db), addPerson(db)];
  const works = Array.from(
    { length: 7 },
    (_, i) => submission(ana, [destination(ben, numbered(i))]),
  )
    .reverse();
  const queue = open();
  for (const work of [...works, ...works]) await queue.commit(batch({ submissions: [work] }));
  const restarted = open();
  await restarted.commit(batch({ submissions: works }));
  assert.deepEqual(await waiting(restarted, ben.devices[0]!), [6, 5, 4, 3, 2, 1, 0]);
});

queueTest(
  "hundreds of rising ids stand in few rows, strays between them in their own",
  async (world) => {
    const { db, queue } = world;
    const [ana, ben] = [addPerson(db), addPerson(db)];
    const works = Array.from(
      { length: 240 },
      (_, i) => submission(ana, [destination(ben, numbered(i))]),
    );
    const isStray = (i: number) => i % 40 === 20;
    const first = works.filter((_, i) => !isStray(i));
    await queue.commit(batch({ submissions: first }));
    await queue.settle();
    assert.ok(count(db, "select count(*) as n from submits") < 6);
    await queue.commit(batch({ submissions: works.filter((_, i) => isStray(i)) }));
    for (const store of [queue, createQueue(db, ROOMY)]) {
      const { submissions } = await store.commit(batch({ submissions: works }));
      assert.ok(submissions.every((one) => one.kind === "accepted" && one.placed.length === 0));
      await store.settle();
    }
    assert.equal(count(db, "select count(*) as n from envelopes"), 240);
  },
);

Deno.test("version 11's recent rows are where they belong, and positions go on behind them", async () => {
  const db = new DatabaseSync(":memory:");
  db.exec("pragma foreign_keys = on");
  migrate(db, MIGRATIONS.filter(({ version }) => version <= 11));
  const [ana, ben] = [addPerson(db), addPerson(db)];
  const [from, to] = [ana.devices[0]!, ben.devices[0]!];
  const work = submission(ana, [destination(ben, numbered(3))]);
  db.prepare("insert into queues (no, device, top) values (5, ?, 0), (6, ?, 4)").run(from, to);
  const old = "values (7, 6, 5, zeroblob(32), 9, x'00000001')";
  db.exec(["insert into envelopes (no, queue, position, sender, minute, body)", old].join(" "));
  const recent = "insert into recent_envelopes values (8, 6, 6, zeroblob(32), 9, x'00000002')";
  db.exec(recent);
  db.prepare("insert into recent_submits values (1, 5, ?, 1)").run(idBytes(work.submit));
  migrate(db, MIGRATIONS);
  const queue = createQueue(db, ROOMY);
  assert.deepEqual(await waiting(queue, to), [1, 2]);
  await queue.commit(batch({ submissions: [work], acks: [{ device: to, position: 6 }] }));
  assert.deepEqual(await waiting(queue, to), [], "it was taken before");
  assert.deepEqual(await send(createQueue(db, ROOMY), ana, ben, 4), ["accepted"]);
  const [last] = await createQueue(db, ROOMY).read(to, 0, { envelopes: 9, bytes: 9 });
  assert.equal(last!.position, 7);
  db.close();
});
