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
  "a clock that jumps ahead over an unfinished hello costs one connection, not the server",
  async (relay) => {
    const [ana, ben] = [addPerson(relay.db), addPerson(relay.db)];
    const shy = await relay.connect(ana);
    relay.clock.now += DAY_MS;
    relay.hub.tick();
    assert.equal((await shy.closed).code, 1008);
    relay.clock.now -= DAY_MS;
    relay.hub.tick();
    const [a, b] = [await relay.online(ana), await relay.online(ben)];
    a.send(message(ben, 7));
    assert.deepEqual(await b.numbers(1), [7]);
  },
);
