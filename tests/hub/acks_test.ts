/** When acks are written: with what is written anyway, and else by themselves. */
import assert from "node:assert/strict";
import type { QueueBatch } from "../../db/queue.ts";
import { localBus } from "../../hub/bus.ts";
import type { Connection } from "../../hub/connection.ts";
import { Delivery } from "../../hub/delivery.ts";
import { Meter } from "../../hub/meter.ts";
import { silentLog } from "../../log.ts";
import { type DeviceId, idFrom } from "../../protocol/ids.ts";

const DEVICE: DeviceId = idFrom(new Uint8Array(16).fill(7));
/** Nothing answers: its login is no more. */
const GONE = { signOut: () => {} } as Connection;
const WORK = {
  ...{ account: idFrom<"account">(new Uint8Array(16)), device: DEVICE },
  ...{ sender: new Uint8Array(32), submit: idFrom<"submit">(new Uint8Array(16)), destinations: [] },
};

/** A delivery whose turns and times are over when the test says so. */
function delivery(disk: Promise<void> = Promise.resolve()) {
  const written: QueueBatch[] = [];
  let turns: (() => void)[] = [];
  let times: (() => void)[] = [];
  const made = new Delivery({
    queue: {
      commit: async (batch) => {
        written.push(batch);
        await disk;
        const submissions = batch.submissions.map(() => ({ kind: "gone" }) as const);
        return { hellos: [], submissions, gaps: new Map() };
      },
    },
    ...{ connectionOf: () => undefined, bus: localBus(silentLog), now: () => 0 },
    afterTurn: (work) => void turns.push(work),
    soon: (work) => void times.push(work),
    ...{ meter: new Meter(), log: silentLog },
  });
  const turnOver = async () => {
    const over = turns;
    turns = [];
    for (const work of over) work();
    await new Promise((resolve) => setImmediate(resolve));
  };
  const timeOver = () => {
    const over = times;
    times = [];
    for (const work of over) work();
  };
  return { made, written, turnOver, timeOver };
}

Deno.test("acks wait for what is written anyway, and go with it", async () => {
  const { made, written, turnOver, timeOver } = delivery();
  made.ack(DEVICE, 1);
  timeOver();
  await turnOver();
  assert.equal(written.length, 0, "nothing is written for them alone");
  made.ack(DEVICE, 2);
  made.submit(GONE, 1, WORK);
  await turnOver();
  assert.deepEqual(written.map(({ acks }) => acks), [[{ device: DEVICE, position: 2 }]]);
  made.ack(DEVICE, 3);
  timeOver();
  await turnOver();
  assert.equal(written.length, 1, "their own time is no more, and is not that of others");
});

Deno.test("acks that nothing is written with are written a little later", async () => {
  const { made, written, turnOver, timeOver } = delivery();
  made.ack(DEVICE, 1);
  timeOver();
  timeOver();
  await turnOver();
  assert.deepEqual(written.map(({ acks }) => acks), [[{ device: DEVICE, position: 1 }]]);
});

Deno.test("acks of just now do not go along yet: more of them come", async () => {
  const { made, written, turnOver, timeOver } = delivery();
  made.ack(DEVICE, 1);
  made.submit(GONE, 1, WORK);
  await turnOver();
  assert.deepEqual(written.map(({ acks }) => acks), [[]]);
  timeOver();
  made.submit(GONE, 2, WORK);
  await turnOver();
  assert.deepEqual(written.map(({ acks }) => acks.length), [0, 1]);
});

Deno.test("acks whose time comes while something is being written are written after it", async () => {
  const disk = Promise.withResolvers<void>();
  const { made, written, turnOver, timeOver } = delivery(disk.promise);
  made.submit(GONE, 1, WORK);
  await turnOver();
  made.ack(DEVICE, 1);
  timeOver();
  timeOver();
  await turnOver();
  assert.deepEqual(written.map(({ acks }) => acks), [[]], "one after the other");
  disk.resolve();
  await turnOver();
  await turnOver();
  assert.deepEqual(written.map(({ acks }) => acks), [[], [{ device: DEVICE, position: 1 }]]);
});
