/**
 * The queue of every device: what waits for it, in order, until it says that it has it.
 *
 * Everything that devices ask for in one turn of the event loop goes into ONE transaction
 * ({@link QueueStore.commit}): the promise resolves when the disk has it, and only then may a
 * sender hear "accepted".
 */
import type { DatabaseSync } from "node:sqlite";
import { QueueCommit } from "./queue_commit.ts";
import { QueueMemory, type Recency } from "./queue_memory.ts";
import type { QueueLimits, QueueStore } from "./queue_work.ts";
import { createSweeps } from "./retention.ts";
import { later } from "./transaction.ts";

export * from "./queue_work.ts";

/**
 * What stays recent. Envelopes are in flight for about 30 ms (acks are lazy): those bounds are about
 * twice what that makes at full speed.
 */
const RECENCY: Recency = { events: 8_192, waiting: 3_000, bytes: 2 * 2 ** 20, submits: 8_192 };

/** The store on one SQLite connection. */
export function createQueue(
  db: DatabaseSync,
  limits: QueueLimits,
  recency = RECENCY,
): QueueStore {
  const memory = new QueueMemory(db, limits, recency);
  const commit = new QueueCommit(db, memory, limits.overflow);
  const sweeps = createSweeps(db, memory);
  const checkpoint = db.prepare("pragma wal_checkpoint(truncate)");
  return {
    async commit(batch) {
      if (commit.crowded) await makeRoom(commit);
      return commit.run(batch);
    },
    read: (device, position, want) =>
      later(() => memory.guarded(() => memory.read(device, position, want))),
    expireEnvelopes: (minute, rows, from) => later(() => sweeps.envelopes(minute, rows, from)),
    expireSubmits: (day, rows, from) => later(() => sweeps.submits(day, rows, from)),
    checkpoint: () => later(() => void checkpoint.all()),
    settle: () => settle(commit),
    async tidy() {
      const aged = commit.hasAged;
      while (!commit.tidySome()) await turnOver();
      if (aged) checkpoint.all();
    },
    depth: () => later(() => memory.depth()),
  };
}

/** In steps, with turns of the event loop between them: nobody waits long for the writer. */
async function settle(commit: QueueCommit): Promise<void> {
  const until = commit.newest;
  while (!commit.settleSome(until)) await turnOver();
  commit.settleSubmits();
}

/** The same, before what would make too much of too much. */
async function makeRoom(commit: QueueCommit): Promise<void> {
  while (commit.crowded) {
    commit.makeRoom();
    await turnOver();
  }
}

function turnOver(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
