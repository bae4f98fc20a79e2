/** A clock that jumps a day forth and back while people talk. */
import assert from "node:assert/strict";
import { acceptedAll, message, relayTest } from "../helpers/relay.ts";
import { addPerson } from "../helpers/relay_world.ts";

const DAY_MS = 86_400_000;

relayTest(
  "a clock that jumps a day forth and back: nobody is cut off, nothing is lost",
  async (relay) => {
    const [ana, ben] = [addPerson(relay.db), addPerson(relay.db)];
    const [a, b] = [await relay.online(ana), await relay.online(ben)];
    let n = 0;
    for (const jump of [DAY_MS, -DAY_MS, -DAY_MS, DAY_MS]) {
      const asleep = message(ben, n++);
      a.send(asleep);
      await a.next("accepted");
      relay.clock.now += jump;
      relay.hub.tick();
      await relay.hub.sweep();
      a.send(asleep, message(ben, n++));
      await acceptedAll(a, 2);
      await Promise.all([a.settled(), b.settled()]);
    }
    assert.deepEqual(await b.numbers(n), Array.from({ length: n }, (_, at) => at));
    assert.deepEqual([a.socket.readyState, b.socket.readyState], [1, 1]);
    b.socket.terminate();
    await b.closed;
    assert.equal((await (await relay.connect(ben)).hello()).gaps, 0);
  },
);

relayTest(
  "a clock that jumped does not lock out who was refused for sending too fast",
  async (relay) => {
    const [ana, ben] = [addPerson(relay.db), addPerson(relay.db)];
    const a = await relay.online(ana);
    for (const jump of [DAY_MS, -DAY_MS]) {
      a.send(message(ben, 1), message(ben, 2), message(ben, 3));
      await acceptedAll(a, 2);
      await a.next("refused");
      relay.clock.now += jump;
      // Time that went backwards fills no bucket: this may be refused, the next one is not.
      a.send(message(ben, 4));
      await a.settled();
      relay.clock.now += 2_000;
      a.items.length = 0;
      a.send(message(ben, 5));
      await a.next("accepted");
      relay.clock.now += 5_000;
    }
  },
  { limits: { socketMessagesPerSecond: 2 } },
);

relayTest(
  "a clock that jumps over an unfinished hello shortens no time to say it, and lengthens none",
  async (relay) => {
    const [ana, ben] = [addPerson(relay.db), addPerson(relay.db)];
    const [slow, silent] = [await relay.connect(ana), await relay.connect(ben)];
    relay.clock.now += DAY_MS;
    relay.hub.tick();
    await slow.hello();
    relay.clock.now -= 2 * DAY_MS;
    for (let second = 0; second < 9; second++) relay.hub.tick();
    assert.deepEqual(await silent.closed, { code: 1008, reason: "no hello" });
    const b = await relay.online(ben);
    slow.send(message(ben, 7));
    assert.deepEqual(await b.numbers(1), [7]);
  },
);

relayTest(
  "ATTACK who is told to go and does not is cut off, though the clock was set back meanwhile",
  async (relay) => {
    const mallory = await relay.online(addPerson(relay.db));
    mallory.socket.pause();
    mallory.socket.send("garbage");
    const told = () => relay.meter.closed.counts.get("1007") === 1;
    while (!told()) await new Promise((resolve) => setImmediate(resolve));
    relay.clock.now -= DAY_MS;
    for (let second = 0; second < 2; second++) relay.hub.tick();
    while (relay.hub.size > 0) await new Promise((resolve) => setImmediate(resolve));
  },
);
