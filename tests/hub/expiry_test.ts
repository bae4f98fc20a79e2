/** Sweeping away what is old, without anybody waiting for it. */
import assert from "node:assert/strict";
import { createQueue, type QueueStore } from "../../db/queue.ts";
import { openDatabase } from "../../db/sqlite.ts";
import { Expiry } from "../../hub/expiry.ts";
import { silentLog } from "../../log.ts";
import { relayTest } from "../helpers/relay.ts";
import {
  addPerson,
  batch,
  destination,
  numbered,
  ROOMY,
  submission,
} from "../helpers/relay_world.ts";

const DAY_MS = 86_400_000;
const NOW = 1_800_000_000_000;

/** A queue where a row takes so many milliseconds, and how many each batch looked at. */
function slowQueue(msPerRow: number, total: number) {
  const clock = { now: 0 };
  const batches: number[] = [];
  let left = total;
  const queue: Pick<QueueStore, "expireEnvelopes" | "expireSubmits" | "checkpoint" | "tidy"> = {
    expireEnvelopes(_minute, rows) {
      batches.push(rows);
      clock.now += rows * msPerRow;
      left -= rows;
      return Promise.resolve({ removed: rows, gaps: new Map(), next: left > 0 ? 1 : null });
    },
    expireSubmits: () => Promise.resolve({ removed: 0, gaps: new Map(), next: null }),
    checkpoint: () => Promise.resolve(),
    tidy: () => Promise.resolve(),
  };
  return { queue, batches, elapsed: () => clock.now };
}

const parts = {
  ...{ queueSeconds: 30 * 86_400, now: () => NOW, lost: () => {}, log: silentLog },
  afterTurn: (work: () => void) => void setImmediate(work),
};

Deno.test("on a slow disk batches shrink until none holds the writer for 20 ms", async () => {
  const { queue, batches, elapsed } = slowQueue(0.5, 3_000);
  await new Expiry({ ...parts, queue, elapsed }).sweep();
  assert.deepEqual(batches.slice(0, 4), [200, 100, 50, 25]);
  assert.ok(batches.slice(4).every((rows) => rows * 0.5 <= 20), `${batches}`);
});

Deno.test("on a quick one they grow, up to a thousand rows", async () => {
  const { queue, batches, elapsed } = slowQueue(0.001, 20_000);
  await new Expiry({ ...parts, queue, elapsed }).sweep();
  assert.equal(Math.max(...batches), 1_000);
});

Deno.test("ten thousand old envelopes go in bounded batches, and the log is cut to nothing", async () => {
  const dir = await Deno.makeTempDir({ prefix: "snug-expiry-" });
  const db = openDatabase(`${dir}/snug.db`);
  const queue = createQueue(db, { ...ROOMY, perSender: 20_000 });
  const [ana, ben] = [addPerson(db), addPerson(db)];
  const envelope = numbered(1, 600);
  const minute = Math.floor((NOW - 31 * DAY_MS) / 60_000);
  for (let n = 0; n < 10; n++) {
    const submissions = Array.from(
      { length: 1_000 },
      () => submission(ana, [destination(ben, envelope)]),
    );
    await queue.commit(batch({ minute, submissions }));
  }
  const times: number[] = [];
  const timed: typeof queue = {
    ...queue,
    async expireEnvelopes(...args) {
      const start = performance.now();
      const sweep = await queue.expireEnvelopes(...args);
      times.push(performance.now() - start);
      return sweep;
    },
  };
  const gaps: number[] = [];
  const lost = (_device: unknown, total: number) => void gaps.push(total);
  await new Expiry({ ...parts, lost, queue: timed, elapsed: () => performance.now() }).sweep();
  assert.equal(gaps.at(-1), 10_000, "each is a counted gap");
  assert.deepEqual(await queue.depth(), { waiting: 0, oldestMinute: null });
  assert.equal(
    (await Deno.stat(`${dir}/snug.db-wal`)).size,
    0,
    "nothing deleted lingers in the log",
  );
  assert.ok(times.length >= 10, "bounded batches");
  times.sort((a, b) => a - b);
  console.log(
    `batches ${times.length}, median ${times[times.length >> 1]} ms, longest ${times.at(-1)} ms`,
  );
  assert.ok(
    times[times.length >> 1]! < 20,
    `half of the batches took over ${times[times.length >> 1]} ms`,
  );
  db.close();
  await Deno.remove(dir, { recursive: true });
});

let looks = 0;
const warned: string[] = [];
relayTest(
  "what is recent is looked at once a minute; a disk that is full then is no bug",
  async (relay) => {
    for (let minute = 0; minute < 3; minute++) {
      for (let tick = 0; tick < 60; tick++) relay.hub.tick();
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(looks, minute + 1);
    }
    assert.deepEqual(warned, ["queue.tidy_failed"]);
  },
  {
    log: {
      ...silentLog,
      warn: (event) => void warned.push(event),
      error: () => assert.fail("a bug"),
    },
    wrap: (queue) => ({
      ...queue,
      tidy: () => ++looks === 2 ? Promise.reject(new Error("disk full")) : queue.tidy(),
    }),
  },
);
