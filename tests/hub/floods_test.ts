/** Floods that are not messages: each ends its own socket, before it costs more than a share. */
import assert from "node:assert/strict";
import { CLOSE } from "../../protocol/frame.ts";
import { message, relayTest, type TestDevice } from "../helpers/relay.ts";
import { addPerson } from "../helpers/relay_world.ts";

/** It was told to go before it got an answer to what it asked last. */
async function assertCutOff(device: TestDevice): Promise<void> {
  await assert.rejects(device.settled(), /closed before pong/);
  const { code } = await device.closed;
  // ws loses the goodbye to a socket whose pings it is answering.
  assert.ok(code === CLOSE.policy || code === 1006, `${code}`);
}

relayTest("ATTACK a flood of acks that acknowledge nothing is cut off", async (relay) => {
  const [ana, ben] = [addPerson(relay.db), addPerson(relay.db)];
  const [a, b] = [await relay.online(ana), await relay.online(ben)];
  a.send(message(ben, 1));
  const [{ position } = { position: 0 }] = await b.deliveries(1);
  b.send(...Array.from({ length: 300 }, () => ({ type: "ack", position }) as const));
  await assertCutOff(b);
  a.send(...Array.from({ length: 300 }, (_, n) => ({ type: "ack", position: n }) as const));
  await assertCutOff(a);
}, { limits: { socketMessagesPerSecond: 10 } });

relayTest("ATTACK a flood of pongs that nobody asked for is cut off", async (relay) => {
  const a = await relay.online(addPerson(relay.db));
  for (let n = 0; n < 300; n++) a.socket.pong();
  await assertCutOff(a);
}, { limits: { socketMessagesPerSecond: 10 } });

relayTest(
  "ATTACK twenty times more bytes than a socket may send are cut off, however few frames they are",
  async (relay) => {
    const [ana, ben] = [addPerson(relay.db), addPerson(relay.db)];
    const a = await relay.online(ana);
    for (let n = 0; n < 60; n++) a.send(message(ben, n, 60_000));
    await assertCutOff(a);
  },
  { limits: { socketMessagesPerSecond: 50, socketBytesPerSecond: 128 * 1024 } },
);

relayTest("who sends a little too much is refused and stays", async (relay) => {
  const [ana, ben] = [addPerson(relay.db), addPerson(relay.db)];
  const a = await relay.online(ana);
  for (let n = 0; n < 20; n++) a.send(message(ben, n, 60_000));
  for (let n = 0; n < 18; n++) assert.equal((await a.next("refused")).refusal.code, "rate");
  await a.settled();
}, { limits: { socketMessagesPerSecond: 50, socketBytesPerSecond: 128 * 1024 } });

/** Pongs of this many pings are more than any two systems hold between them. */
const PINGS = 400_000;

relayTest(
  "ATTACK who pings and reads nothing costs no more memory than any other slow reader",
  async (relay) => {
    const [mallory, ana] = [addPerson(relay.db), addPerson(relay.db)];
    const slow = await relay.online(mallory);
    const a = await relay.online(ana);
    slow.socket.pause();
    const payload = new Uint8Array(125);
    for (let sent = 0; relay.hub.size === 2 && sent < PINGS;) {
      for (const until = sent + 2_000; sent < until; sent++) slow.socket.ping(payload);
      await a.settled();
      while (slow.socket.bufferedAmount > 0 && relay.hub.size === 2) await a.settled();
    }
    assert.equal(relay.hub.size, 1, "the server kept all the answers");
  },
  { limits: { socketMessagesPerSecond: 10_000_000 } },
);
