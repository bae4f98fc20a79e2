/** One who sends without end does not make the others wait. */
import assert from "node:assert/strict";
import { acceptedAll, message, relayTest } from "../helpers/relay.ts";
import { addPerson } from "../helpers/relay_world.ts";

const FLOOD = 6_000;

relayTest(
  "ATTACK a flood from one socket: another one's message is accepted before the flood is through",
  async (relay) => {
    const [mallory, ana, ben] = [addPerson(relay.db), addPerson(relay.db), addPerson(relay.db)];
    const flooding = await relay.online(mallory);
    const a = await relay.online(ana);
    flooding.send(...Array.from({ length: FLOOD }, (_, n) => message(ben, n, 1_000)));
    a.send(message(ben, FLOOD));
    await a.next("accepted");
    const before = relay.meter.accepted;
    assert.ok(before < FLOOD, `${before} of the flood came first`);
    await acceptedAll(flooding, FLOOD);
  },
  { queue: { perSender: 100_000 }, limits: { socketBytesPerSecond: 2 ** 40 } },
);
