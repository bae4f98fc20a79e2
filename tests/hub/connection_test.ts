/** What a socket may do, and what ends it. */
import assert from "node:assert/strict";
import { CLOSE } from "../../protocol/frame.ts";
import type { Bytes, DeviceId } from "../../protocol/ids.ts";
import { message, relayTest } from "../helpers/relay.ts";
import { addPerson, changeList, nextId, numbered, type Person } from "../helpers/relay_world.ts";

relayTest(
  "a stale list, an unknown recipient and a large envelope are refused by name",
  async (relay) => {
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
    assert.deepEqual((await a.next("refused")).refusal, unknown);
    a.send(message(ana, 1, 65_537));
    assert.deepEqual((await a.next("refused")).refusal, { code: "too-large" });
  },
);

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

relayTest(
  "what comes after a message refused for its rate waits as long as that one: nothing overtakes it",
  async (relay) => {
    const [ana, ben] = [addPerson(relay.db), addPerson(relay.db)];
    const [a, b] = [await relay.online(ana), await relay.online(ben)];
    const sent = Array.from({ length: 52 }, (_, n) => message(ben, n));
    a.send(...sent.slice(0, 51));
    assert.deepEqual((await a.next("refused")).refusal, { code: "rate", retryAfter: 1 });
    relay.clock.now += 500;
    a.send(sent[51]!);
    assert.deepEqual((await a.next("refused")).refusal, { code: "rate", retryAfter: 1 });
    relay.clock.now += 500;
    a.send(...sent.slice(50));
    assert.deepEqual(await b.numbers(52), [...Array(52).keys()]);
  },
  { limits: { socketMessagesPerSecond: 50 } },
);

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
  for (let second = 0; second < 10; second++) relay.hub.tick();
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

relayTest("ATTACK a copied store does not push the original off its connection", async (relay) => {
  const ben = addPerson(relay.db);
  const original = await relay.online(ben);
  const copy = await relay.connect(ben);
  copy.send({ type: "hello", previous: numbered(9, 16), next: numbered(8, 16), windowSize: 9 });
  assert.equal((await copy.closed).code, CLOSE.restored);
  original.send(message(ben, 1));
  await original.settled();
  assert.equal(relay.hub.size, 1);
});

relayTest(
  "a store set back to before a connection is told apart as soon as anything was done",
  async (relay) => {
    const [ana, ben] = [addPerson(relay.db), addPerson(relay.db)];
    const [zero, one, two] = [0, 71, 72].map((n) => numbered(n, 16)) as [Bytes, Bytes, Bytes];
    const hello = async (previous: Bytes, next: Bytes) => {
      const device = await relay.connect(ana);
      device.send({ type: "hello", previous, next, windowSize: 9 });
      return { device, restored: (await device.next("welcome")).restored };
    };
    assert.equal((await hello(zero, one)).restored, false);
    const again = await hello(zero, one);
    assert.equal(again.restored, false, "no welcome had come, the device thinks");
    again.device.send(message(ben, 1));
    await again.device.next("accepted");
    assert.equal((await hello(zero, one)).restored, true);
    assert.equal((await hello(one, two)).restored, false);
  },
);

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
