/** One who sends without end does not make the others wait. */
import assert from "node:assert/strict";
import type { QueueBatch, QueueStore } from "../../db/queue.ts";
import { acceptedAll, message, relayTest } from "../helpers/relay.ts";
import { addPerson } from "../helpers/relay_world.ts";

const FLOOD = 6_000;
const BYTES = 1_000;
/** What one socket brings in a turn, in messages: 256 KiB, and the frame that makes it so much. */
const SHARE = (256 + 128) * 1_024 / BYTES;

const batches: QueueBatch[] = [];
relayTest(
  "ATTACK a flood from one socket is taken in shares, and another one's message comes between them",
  async (relay) => {
    const [mallory, ana, ben] = [addPerson(relay.db), addPerson(relay.db), addPerson(relay.db)];
    const flooding = await relay.online(mallory);
    const a = await relay.online(ana);
    flooding.send(...Array.from({ length: FLOOD }, (_, n) => message(ben, n, BYTES)));
    a.send(message(ben, FLOOD));
    await a.next("accepted");
    await acceptedAll(flooding, FLOOD);
    const flood = batches.map(({ submissions }) =>
      submissions.filter(({ account }) => account === mallory.account).length
    );
    assert.ok(Math.max(...flood) <= SHARE, `${flood} messages in a turn`);
    const among = batches.findIndex(({ submissions }) =>
      submissions.some(({ account }) => account === ana.account)
    );
    assert.ok(flood.slice(among + 1).some((share) => share > 0), "it came after all of the flood");
  },
  {
    queue: { perSender: 100_000 },
    limits: { socketBytesPerSecond: 2 ** 40 },
    wrap: (queue): QueueStore => ({
      ...queue,
      commit(batch) {
        batches.push(batch);
        return queue.commit(batch);
      },
    }),
  },
);
