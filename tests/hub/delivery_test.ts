/** Envelopes on their way, over real sockets and a real database. */
import assert from "node:assert/strict";
import type { QueueBatch, QueueStore } from "../../db/queue.ts";
import { acceptedAll, message, relayTest } from "../helpers/relay.ts";
import { addPerson, numbered } from "../helpers/relay_world.ts";

relayTest("two devices talk: accepted, delivered, acknowledged, gone", async (relay) => {
  const [ana, ben] = [addPerson(relay.db), addPerson(relay.db)];
  const [a, b] = [await relay.online(ana), await relay.online(ben)];
  const submit = message(ben, 42);
  a.send(submit);
  assert.equal((await a.next("accepted")).ref, submit.ref);
  const [got] = await b.deliveries(1);
  assert.equal(got!.account, ana.account);
  assert.equal(got!.device, ana.devices[0]);
  assert.equal(got!.minute, Math.floor(relay.clock.now / 60_000));
  b.send({ type: "ack", position: got!.position });
  b.socket.close();
  await b.closed;
  assert.equal((await (await relay.connect(ben)).hello()).queued, 0);
});

relayTest("what waited comes first, in order, then what comes now", async (relay) => {
  const [ana, ben] = [addPerson(relay.db), addPerson(relay.db)];
  const a = await relay.online(ana);
  a.send(...Array.from({ length: 700 }, (_, n) => message(ben, n, 400)));
  await acceptedAll(a, 700);
  const b = await relay.online(ben, undefined, 1000);
  a.send(message(ben, 700), message(ben, 701));
  assert.deepEqual(await b.numbers(702), Array.from({ length: 702 }, (_, n) => n));
}, { queue: { perSender: 10_000 } });

relayTest(
  "a device that reconnects gets exactly what it has not acknowledged, in order",
  async (relay) => {
    const [ana, ben] = [addPerson(relay.db), addPerson(relay.db)];
    const [a, b] = [await relay.online(ana), await relay.online(ben)];
    a.send(...[1, 2, 3, 4, 5].map((n) => message(ben, n)));
    const got = await b.deliveries(5);
    b.send({ type: "ack", position: got[1]!.position });
    await b.settled();
    b.socket.terminate();
    await b.closed;
    const again = await relay.online(ben);
    const second = await again.deliveries(3);
    assert.deepEqual(
      second.map(({ position }) => position),
      got.slice(2).map((one) => one.position),
    );
  },
);

relayTest("no more is in flight than the window allows", async (relay) => {
  const [ana, ben] = [addPerson(relay.db), addPerson(relay.db)];
  const [a, b] = [await relay.online(ana), await relay.online(ben, undefined, 3)];
  a.send(...Array.from({ length: 10 }, (_, n) => message(ben, n)));
  await acceptedAll(a, 10);
  const first = await b.deliveries(3);
  await b.settled();
  assert.deepEqual(b.items, [], "the fourth waits");
  b.send({ type: "ack", position: first[0]!.position });
  assert.deepEqual(await b.numbers(1), [3]);
  await b.settled();
  assert.deepEqual(b.items, []);
  b.send({ type: "ack", position: first[2]!.position });
  assert.deepEqual(await b.numbers(2), [4, 5]);
});

relayTest("ATTACK acks of what was not delivered on this connection are ignored", async (relay) => {
  const [ana, ben] = [addPerson(relay.db), addPerson(relay.db)];
  const [a, b] = [await relay.online(ana), await relay.online(ben, undefined, 1)];
  a.send(message(ben, 1), message(ben, 2));
  const [first] = await b.deliveries(1);
  for (const position of [0, first!.position + 1, 2 ** 40]) b.send({ type: "ack", position });
  await b.settled();
  b.socket.terminate();
  await b.closed;
  const again = await relay.online(ben);
  assert.deepEqual(await again.numbers(2), [1, 2]);
});

const batches: QueueBatch[] = [];
let held: PromiseWithResolvers<void> | null = null;
const reached = Promise.withResolvers<void>();

relayTest(
  "accepted is said after the commit, and everything of one turn is one commit",
  async (relay) => {
    const [ana, ben] = [addPerson(relay.db), addPerson(relay.db)];
    const a = await relay.online(ana);
    batches.length = 0;
    a.send(...[1, 2, 3, 4].map((n) => message(ben, n)));
    held = Promise.withResolvers();
    await reached.promise;
    assert.deepEqual(a.items, [], "written but not yet committed: nothing is said");
    held.resolve();
    held = null;
    for (let n = 0; n < 4; n++) await a.next("accepted");
    assert.deepEqual(batches.map(({ submissions }) => submissions.length), [4]);
  },
  {
    wrap: (queue): QueueStore => ({
      ...queue,
      async commit(batch) {
        batches.push(batch);
        const result = await queue.commit(batch);
        reached.resolve();
        await held?.promise;
        return result;
      },
    }),
  },
);

let broken = false;
relayTest(
  "a commit that fails: nothing is accepted, the sender is told, later it works",
  async (relay) => {
    const [ana, ben] = [addPerson(relay.db), addPerson(relay.db)];
    const [a, b] = [await relay.online(ana), await relay.online(ben)];
    a.send(message(ben, 1));
    const [one] = await b.deliveries(1);
    broken = true;
    const lost = message(ben, 2);
    b.send({ type: "ack", position: one!.position });
    a.send(lost);
    assert.deepEqual((await a.next("refused")).refusal, { code: "unavailable", retryAfter: 2 });
    await b.settled();
    assert.deepEqual(b.items, [], "nothing was delivered");
    broken = false;
    relay.clock.now += 2_000;
    a.send(lost);
    assert.deepEqual(await b.numbers(1), [2]);
    b.socket.terminate();
    await b.closed;
    const welcome = await (await relay.connect(ben)).hello();
    assert.equal(welcome.queued, 1, "the ack that met the failure was not forgotten");
  },
  {
    wrap: (queue): QueueStore => ({
      ...queue,
      commit: (batch) => broken ? Promise.reject(new Error("disk full")) : queue.commit(batch),
    }),
  },
);

let full = true;
relayTest(
  "who comes while the disk is full is asked to come later, and gets in with the same hello",
  async (relay) => {
    const [ana, ben] = [addPerson(relay.db), addPerson(relay.db)];
    const pair = { previous: new Uint8Array(16), next: numbered(1, 16) };
    const hello = { type: "hello", ...pair, windowSize: 100 } as const;
    for (let tries = 0; tries < 3; tries++) {
      const early = await relay.connect(ana);
      early.send(hello);
      assert.deepEqual(await early.closed, { code: 1013, reason: "try again later" });
      assert.deepEqual(early.items, []);
    }
    full = false;
    const a = await relay.connect(ana);
    a.send(hello);
    assert.equal((await a.next("welcome")).restored, false);
    a.send(message(ben, 1));
    await a.next("accepted");
  },
  {
    wrap: (queue): QueueStore => ({
      ...queue,
      commit: (batch) => full ? Promise.reject(new Error("disk full")) : queue.commit(batch),
    }),
  },
);

let failing: Promise<void> | null = null;
const begun = Promise.withResolvers<void>();
relayTest(
  "what came in while a commit failed is refused with it, so that it does not arrive first",
  async (relay) => {
    const [ana, ben] = [addPerson(relay.db), addPerson(relay.db)];
    const [a, b] = [await relay.online(ana), await relay.online(ben)];
    const { promise, resolve } = Promise.withResolvers<void>();
    failing = promise;
    const [first, second] = [message(ben, 1), message(ben, 2)];
    a.send(first);
    await begun.promise;
    a.send(second);
    await a.settled();
    failing = null;
    resolve();
    for (let n = 0; n < 2; n++) {
      assert.deepEqual((await a.next("refused")).refusal, { code: "unavailable", retryAfter: 2 });
    }
    a.send(message(ben, 3));
    assert.deepEqual((await a.next("refused")).refusal, { code: "unavailable", retryAfter: 2 });
    relay.clock.now += 2_000;
    a.send(first, second);
    assert.deepEqual(await b.numbers(2), [1, 2]);
  },
  {
    wrap: (queue): QueueStore => ({
      ...queue,
      commit: async (batch) => {
        if (failing === null) return await queue.commit(batch);
        begun.resolve();
        await failing;
        throw new Error("disk full");
      },
    }),
  },
);

relayTest("a submission sent again after a lost answer is delivered once", async (relay) => {
  const [ana, ben] = [addPerson(relay.db), addPerson(relay.db)];
  const [a, b] = [await relay.online(ana), await relay.online(ben)];
  const submit = message(ben, 1);
  a.send(submit);
  a.socket.terminate();
  await a.closed;
  const again = await relay.online(ana);
  again.send(submit, message(ben, 2));
  await again.next("accepted");
  await again.next("accepted");
  assert.deepEqual(await b.numbers(2), [1, 2]);
  await b.settled();
  assert.deepEqual(b.items, []);
});

relayTest("envelopes stop when the reader does, and go on when it does", async (relay) => {
  const [ana, ben] = [addPerson(relay.db), addPerson(relay.db)];
  const [a, b] = [await relay.online(ana), await relay.online(ben, undefined, 65_535)];
  b.socket.pause();
  const count = 300;
  for (let n = 0; n < count; n++) a.send(message(ben, n, 60_000));
  for (let n = 0; n < count; n++) await a.next("accepted");
  await a.settled();
  assert.equal(relay.hub.size, 2, "18 MB wait in the queue, not in memory, and nobody is cut off");
  b.socket.resume();
  assert.deepEqual(await b.numbers(count), [...Array(count).keys()]);
}, { limits: { socketBytesPerSecond: 2 ** 34 } });

relayTest("gaps are counted: told on the spot and again at the next welcome", async (relay) => {
  const [ana, ben] = [addPerson(relay.db), addPerson(relay.db)];
  const [a, b] = [await relay.online(ana), await relay.online(ben, undefined, 1)];
  for (let n = 1; n <= 5; n++) {
    a.send(message(ben, n));
    await a.next("accepted");
  }
  let gaps = 0;
  while (gaps < 3) {
    const { news } = await b.next("notice");
    assert.ok(news.kind === "gap");
    gaps = news.gaps;
  }
  b.socket.close();
  await b.closed;
  const welcome = await (await relay.connect(ben)).hello();
  assert.deepEqual([welcome.queued, welcome.gaps], [2, 3]);
}, { queue: { envelopes: 2, overflow: "drop-oldest" } });

relayTest("a stop commits what came in, says so, and closes with 1001", async (relay) => {
  const [ana, ben] = [addPerson(relay.db), addPerson(relay.db)];
  const [a, b] = [await relay.online(ana), await relay.online(ben)];
  const arrived = new Promise((resolve) => a.socket.once("pong", resolve));
  a.send(message(ben, 1));
  a.socket.ping();
  await arrived;
  await relay.hub.close();
  assert.ok(await a.next("accepted"));
  assert.deepEqual(await b.numbers(1), [1]);
  for (const device of [a, b]) assert.equal((await device.closed).code, 1001);
  const late = await relay.connect(ana);
  assert.equal((await late.closed).code, 1001);
});

relayTest("what waits for more than 30 days is swept away as gaps", async (relay) => {
  const [ana, ben] = [addPerson(relay.db), addPerson(relay.db)];
  const a = await relay.online(ana);
  a.send(message(ben, 1), message(ben, 2));
  await a.next("accepted");
  await a.next("accepted");
  relay.clock.now += 31 * 86_400_000;
  a.send(message(ben, 3));
  await a.next("accepted");
  await relay.hub.sweep();
  const b = await relay.connect(ben);
  const welcome = await b.hello();
  assert.deepEqual([welcome.queued, welcome.gaps], [1, 2]);
  assert.deepEqual(await b.numbers(1), [3]);
});
