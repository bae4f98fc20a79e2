/** What the relay counts, over real sockets. */
import assert from "node:assert/strict";
import { acceptedAll, message, relayTest } from "../helpers/relay.ts";
import { addPerson, changeList, nextId } from "../helpers/relay_world.ts";

relayTest("accepted, delivered, acknowledged, refused and closed are counted", async (relay) => {
  const { meter } = relay;
  const [ana, ben] = [addPerson(relay.db), addPerson(relay.db)];
  const [a, b] = [await relay.online(ana), await relay.online(ben)];
  a.send(message(ben, 1), message(ben, 2), message(ben, 3));
  await acceptedAll(a, 3);
  const got = await b.deliveries(3);
  b.send({ type: "ack", position: got[1]!.position });
  await b.settled();
  a.send(message({ account: nextId(), devices: [] }, 4));
  await a.next("refused");
  a.socket.send(new Uint8Array([99]));
  await a.closed;
  assert.deepEqual([meter.accepted, meter.delivered, meter.acked], [3, 3, 2]);
  assert.deepEqual([...meter.refused.counts], [["unknown-recipient", 1]]);
  assert.deepEqual([...meter.closed.counts], [["1007", 1]]);
  assert.equal(
    meter.batch.counts.reduce((sum, count) => sum + count),
    meter.commitSeconds.counts.reduce((sum, count) => sum + count),
  );
  assert.equal(meter.batch.sum, 4);
});

relayTest("the depth of all queues is right, whoever changes them", async (relay) => {
  const [ana, ben] = [addPerson(relay.db), addPerson(relay.db, 2)];
  const depth = async () => (await relay.queue.depth()).waiting;
  assert.deepEqual(await relay.queue.depth(), { waiting: 0, oldestMinute: null });
  const a = await relay.online(ana);
  a.send(message(ben, 1), message(ben, 2));
  await acceptedAll(a, 2);
  assert.equal(await depth(), 4);
  assert.equal((await relay.queue.depth()).oldestMinute, Math.floor(relay.clock.now / 60_000));
  const b = await relay.online(ben);
  const [, last] = await b.deliveries(2);
  b.send({ type: "ack", position: last!.position });
  await b.settled();
  await relay.hub.close();
  assert.equal(await depth(), 2);
  changeList(relay.db, ben, [ben.devices[0]!]);
  assert.equal(await depth(), 0, "a removed device's envelopes went with it");
});
