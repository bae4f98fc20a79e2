import assert from "node:assert/strict";
import type { QueueBatch, QueueStore } from "../../db/queue.ts";
import { CLOSE, type ServerItem, type Submit } from "../../protocol/frame.ts";
import type { DeviceId, SubmitId } from "../../protocol/ids.ts";
import { type Relay, type RelayOptions, withRelay } from "../helpers/relay.ts";
import {
  addPerson,
  changeList,
  destination,
  nextId,
  numbered,
  type Person,
} from "../helpers/relay_world.ts";

function relayTest(
  name: string,
  body: (relay: Relay) => Promise<void>,
  options: RelayOptions = {},
): void {
  Deno.test(name, () => withRelay(options, body));
}

let refs = 0;

/** A submission of numbered envelopes. */
function message(to: Person, n: number, length = 300, submit: SubmitId = nextId()): Submit {
  const destinations = [destination(to, numbered(n, length))];
  return { type: "submit", ref: ++refs, submit, destinations };
}

const refusal = (item: ServerItem) => item.type === "refused" ? item.refusal : item.type;

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
  while ((await a.next("accepted")).ref !== refs);
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
  while ((await a.next("accepted")).ref !== refs);
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

const batches: QueueBatch[] = [];
let held: PromiseWithResolvers<void> | null = null;
const reached = Promise.withResolvers<void>();

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

relayTest("refusals: stale, unknown recipient, too large, too fast", async (relay) => {
  const [ana, ben] = [addPerson(relay.db), addPerson(relay.db)];
  const a = await relay.online(ana);
  changeList(relay.db, ben, [...ben.devices, nextId<DeviceId>()]);
  a.send(message(ben, 1));
  const stale = (await a.next("refused")).refusal;
  assert.ok(stale.code === "stale" && stale.lists[0]!.version === 2);
  assert.equal(stale.lists[0]!.entries.length, 1);
  const nobody = { account: nextId(), devices: [nextId()] } as unknown as Person;
  a.send(message(nobody, 1));
  const unknown = { code: "unknown-recipient", account: nobody.account };
  assert.deepEqual(refusal(await a.next("refused")), unknown);
  a.send(message(ana, 1, 65_537));
  assert.deepEqual(refusal(await a.next("refused")), { code: "too-large" });
});

relayTest("more than 50 messages a second are refused with a time to wait", async (relay) => {
  const [ana, ben] = [addPerson(relay.db), addPerson(relay.db)];
  const [a, b] = [await relay.online(ana), await relay.online(ben)];
  a.send(...Array.from({ length: 60 }, (_, n) => message(ben, n)));
  for (let n = 0; n < 10; n++) {
    assert.deepEqual((await a.next("refused")).refusal, { code: "rate", retryAfter: 1 });
  }
  relay.clock.now += 1000;
  a.send(message(ben, 60));
  assert.deepEqual(await b.numbers(51), [...Array(50).keys(), 60]);
}, { limits: { socketMessagesPerSecond: 50 } });

relayTest("more than 1 MiB a second is refused too", async (relay) => {
  const [ana, ben] = [addPerson(relay.db), addPerson(relay.db)];
  const a = await relay.online(ana);
  a.send(...Array.from({ length: 5 }, (_, n) => message(ben, n, 60_000)));
  assert.equal((await a.next("refused")).refusal.code, "rate");
}, { limits: { socketBytesPerSecond: 200_000 } });

relayTest(
  "ATTACK a flood of refused messages, pings or pings of the socket itself is cut off",
  async (relay) => {
    const [ana, ben, eve] = [1, 2, 3].map(() => addPerson(relay.db)) as [Person, Person, Person];
    const [a, b, e] = [await relay.online(ana), await relay.online(ben), await relay.online(eve)];
    a.send(...Array.from({ length: 300 }, (_, n) => message(ben, n, 10)));
    b.send(...Array.from({ length: 300 }, () => ({ type: "ping" }) as const));
    for (let n = 0; n < 300; n++) e.socket.ping();
    const codes = await Promise.all([a, b, e].map(async (one) => (await one.closed).code));
    assert.deepEqual(codes.slice(0, 2), [CLOSE.policy, CLOSE.policy]);
    assert.notEqual(codes[2], 1000, "ws loses the goodbye to a socket whose pings it is answering");
  },
  { limits: { socketMessagesPerSecond: 10 } },
);

relayTest(
  "ATTACK garbage frames close their socket with words and nobody else's",
  async (relay) => {
    const [ana, ben, eve] = [1, 2, 3].map(() => addPerson(relay.db)) as [Person, Person, Person];
    const [a, b] = [await relay.online(ana), await relay.online(ben)];
    let seed = 7;
    const random = () => seed = (seed * 48_271) % 2_147_483_647;
    for (let n = 0; n < 60; n++) {
      const e = await relay.online(eve);
      const length = 1 + random() % 200;
      const garbage = Uint8Array.from({ length }, () => random() % 256);
      garbage[0] = n % 6;
      e.socket.send(garbage);
      const { code, reason } = await e.closed;
      assert.ok(code === CLOSE.format || code === CLOSE.policy, `${code}`);
      assert.ok(reason.length > 0);
    }
    for (const text of ["{}", ""]) {
      const e = await relay.online(eve);
      e.socket.send(text);
      assert.equal((await e.closed).code, CLOSE.format);
    }
    const e = await relay.online(eve);
    e.socket.send(new Uint8Array(131_073));
    assert.equal((await e.closed).code, 1009);
    a.send(message(ben, 1));
    assert.deepEqual(await b.numbers(1), [1]);
  },
);

relayTest("nothing is taken before the welcome, and one hello is enough", async (relay) => {
  const ana = addPerson(relay.db);
  const early = await relay.connect(ana);
  early.send(message(ana, 1));
  assert.deepEqual(await early.closed, {
    code: CLOSE.policy,
    reason: "hello and welcome come first",
  });
  const twice = await relay.online(ana);
  twice.hello().catch(() => {});
  assert.equal((await twice.closed).code, CLOSE.policy);
  const silent = await relay.connect(ana);
  relay.clock.now += 10_001;
  relay.hub.tick();
  assert.deepEqual(await silent.closed, { code: CLOSE.policy, reason: "no hello" });
});

relayTest("a restored store is told so and gets nothing", async (relay) => {
  const [ana, ben] = [addPerson(relay.db), addPerson(relay.db)];
  const [a, b] = [await relay.online(ana), await relay.online(ben)];
  a.send(message(ben, 1));
  await b.deliveries(1);
  b.socket.close();
  await b.closed;
  const copy = await relay.connect(ben);
  copy.send({ type: "hello", previous: numbered(9, 16), next: numbered(8, 16), windowSize: 9 });
  assert.equal((await copy.next("welcome")).restored, true);
  assert.equal((await copy.closed).code, CLOSE.restored);
  assert.deepEqual(copy.items, []);
});

relayTest("the newest connection of a device replaces the older one", async (relay) => {
  const [ana, ben] = [addPerson(relay.db), addPerson(relay.db)];
  const [a, old] = [await relay.online(ana), await relay.online(ben)];
  const fresh = await relay.online(ben);
  assert.equal((await old.closed).code, CLOSE.replaced);
  a.send(message(ben, 1));
  assert.deepEqual(await fresh.numbers(1), [1]);
});

relayTest("ended logins and removed devices are signed out at once", async (relay) => {
  const [ana, ben] = [addPerson(relay.db), addPerson(relay.db, 2)];
  const a = await relay.online(ana);
  const [b1, b2] = [await relay.online(ben), await relay.online(ben, ben.devices[1])];
  relay.hub.loginsEnded([`login ${a.device}`]);
  relay.hub.devicesRemoved([b2.device]);
  for (const device of [a, b2]) {
    assert.deepEqual((await device.next("notice")).news, { kind: "signed-out" });
    assert.deepEqual(await device.closed, { code: CLOSE.signedOut, reason: "signed out" });
  }
  await b1.settled();
});

relayTest("a device that is removed while it is online cannot send any more", async (relay) => {
  const [ana, ben] = [addPerson(relay.db, 2), addPerson(relay.db)];
  const a = await relay.online(ana);
  changeList(relay.db, ana, [ana.devices[1]!]);
  a.send(message(ben, 1));
  assert.equal((await a.closed).code, CLOSE.signedOut);
  assert.equal((await (await relay.connect(ben)).hello()).queued, 0);
});

relayTest("a socket that does not answer pings is gone after two beats", async (relay) => {
  const [ana, ben] = [addPerson(relay.db), addPerson(relay.db)];
  const [dead, alive] = [await relay.online(ana), await relay.online(ben)];
  dead.socket.pause();
  const pings = new Promise((resolve) => alive.socket.once("ping", resolve));
  for (let tick = 0; tick < 14; tick++) relay.hub.tick();
  await pings;
  await alive.settled();
  for (let tick = 0; tick < 14; tick++) relay.hub.tick();
  dead.socket.resume();
  assert.equal((await dead.closed).code, 1006);
  await alive.settled();
  assert.equal(relay.hub.size, 1);
});

relayTest("presence lasts as long as a device is heard", async (relay) => {
  const ana = addPerson(relay.db);
  const a = await relay.online(ana);
  assert.ok(relay.hub.presence.present(ana.account));
  relay.clock.now += 45_000;
  relay.hub.presence.sweep();
  assert.ok(!relay.hub.presence.present(ana.account));
  a.socket.close();
  await a.closed;
});

relayTest(
  "a reader that reads nothing is cut off; others flow, its queue keeps the rest",
  async (relay) => {
    const [ana, ben, cleo] = [1, 2, 3].map(() => addPerson(relay.db)) as [Person, Person, Person];
    const [a, c] = [await relay.online(ana), await relay.online(cleo)];
    const slow = await relay.online(ben, undefined, 65_535);
    slow.socket.pause();
    // Pongs are not held back by any window: they pile up until the limit.
    const pings = Array.from({ length: 10_000 }, () => ({ type: "ping" }) as const);
    while (relay.hub.size === 3) {
      slow.send(...pings);
      a.send(message(cleo, 1), message(ben, 2));
      assert.deepEqual(await c.numbers(1), [1]);
    }
    assert.equal(relay.hub.size, 2);
    slow.socket.resume();
    slow.socket.terminate();
    const again = await (await relay.connect(ben)).hello();
    assert.ok(again.queued > 0);
  },
  {
    queue: { perSender: 10_000 },
    limits: {
      socketMessagesPerSecond: 10_000_000,
      socketBytesPerSecond: 2 ** 34,
      socketBacklogBytes: 128 * 1024,
    },
  },
);

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

relayTest("notices reach the devices they concern", async (relay) => {
  const [ana, ben] = [addPerson(relay.db, 2), addPerson(relay.db)];
  const [a1, a2] = [await relay.online(ana), await relay.online(ana, ana.devices[1])];
  const b = await relay.online(ben);
  relay.hub.listChanged(ana.account, 5);
  for (const device of [a1, a2]) {
    const { news } = await device.next("notice");
    assert.deepEqual(news, { kind: "list-changed", account: ana.account, version: 5 });
  }
  relay.hub.prekeysLow(a1.device, { oneTime: 3, kem: 1 });
  const { news } = await a1.next("notice");
  assert.deepEqual(news, { kind: "prekeys-low", oneTime: 3, kem: 1 });
  await b.settled();
  assert.deepEqual(b.items, []);
});

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
