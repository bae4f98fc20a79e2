/** A disk that became read-only under a running server. */
import assert from "node:assert/strict";
import { acceptedAll, message, relayTest } from "../helpers/relay.ts";
import { addPerson, numbered } from "../helpers/relay_world.ts";

relayTest(
  "a database that can only be read: senders are told, what waits is delivered, then all goes on",
  async (relay) => {
    const [ana, ben, cleo] = [addPerson(relay.db), addPerson(relay.db), addPerson(relay.db)];
    const a = await relay.online(ana);
    a.send(...[1, 2, 3, 4, 5].map((n) => message(ben, n)));
    await acceptedAll(a, 5);
    const b = await relay.online(ben, undefined, 2);
    const [, second] = await b.deliveries(2);

    relay.db.exec("pragma query_only = on");
    const sixth = message(ben, 6);
    a.send(sixth);
    assert.deepEqual((await a.next("refused")).refusal, { code: "unavailable", retryAfter: 2 });
    b.send({ type: "ack", position: second!.position });
    const [, fourth] = await b.deliveries(2);
    const hello = { type: "hello", previous: new Uint8Array(16), next: numbered(1, 16) } as const;
    const late = await relay.connect(cleo);
    late.send({ ...hello, windowSize: 9 });
    assert.deepEqual(await late.closed, { code: 1013, reason: "try again later" });
    await relay.hub.sweep();

    relay.db.exec("pragma query_only = off");
    relay.clock.now += 2_000;
    a.send(sixth);
    await a.next("accepted");
    b.send({ type: "ack", position: fourth!.position });
    assert.deepEqual(await b.numbers(2), [5, 6]);
    b.socket.terminate();
    await b.closed;
    const again = await relay.connect(ben);
    assert.deepEqual((await again.hello()).queued, 2, "no ack was forgotten, nothing is lost");
    assert.deepEqual(await again.numbers(2), [5, 6]);
    const c = await relay.connect(cleo);
    c.send({ ...hello, windowSize: 9 });
    assert.equal((await c.next("welcome")).restored, false);
  },
);
