/** A queue without a hub, and what tests do with it. */
import { type DatabaseSync, type SQLInputValue, StatementSync } from "node:sqlite";
import { createQueue, type QueueLimits, type QueueStore } from "../../db/queue.ts";
import type { Recency } from "../../db/queue_memory.ts";
import { openDatabase } from "../../db/sqlite.ts";
import type { DeviceId } from "../../protocol/ids.ts";
import {
  batch,
  destination,
  numbered,
  numberIn,
  type Person,
  ROOMY,
  submission,
} from "./relay_world.ts";

/** A queue on a database in memory. */
export interface QueueWorld {
  readonly db: DatabaseSync;
  readonly queue: QueueStore;
}

/** A test with a queue of its own. */
export function queueTest(
  name: string,
  body: (world: QueueWorld) => Promise<void>,
  limits = ROOMY,
): void {
  Deno.test(name, async () => {
    const db = openDatabase(":memory:");
    try {
      await body({ db, queue: createQueue(db, limits) });
    } finally {
      db.close();
    }
  });
}

type Run = (
  this: StatementSync,
  ...values: SQLInputValue[]
) => ReturnType<StatementSync["run"]>;

/** From now on `around` is called where a transaction commits, with what does it. Of all databases. */
export function aroundCommits(around: (commit: () => void) => void): Disposable {
  const { prototype } = StatementSync as unknown as { readonly prototype: { run: Run } };
  const { run } = prototype;
  prototype.run = function (...values) {
    if (this.sourceSQL !== "commit") return run.apply(this, values);
    around(() => void run.call(this));
    return { changes: 0, lastInsertRowid: 0 };
  };
  return { [Symbol.dispose]: () => void (prototype.run = run) };
}

/** {@link ROOMY} limits with changes. */
export const limited = (changes: Partial<QueueLimits>): QueueLimits => ({ ...ROOMY, ...changes });

/** So little stays recent that something is always on its way out. */
export const briefly = (events: number): Recency => {
  return { events, waiting: events, bytes: 2 ** 20, submits: events };
};

/** The numbers that wait for a device, in order. */
export async function waiting(queue: QueueStore, device: DeviceId, after = 0): Promise<number[]> {
  const read = await queue.read(device, after, { envelopes: 100_000, bytes: 2 ** 30 });
  return read.map(({ envelope }) => numberIn(envelope));
}

/** Sends numbers from one person to another, one transaction each. */
export async function send(
  queue: QueueStore,
  from: Person,
  to: Person,
  ...numbers: number[]
): Promise<string[]> {
  const codes: string[] = [];
  for (const n of numbers) {
    const work = submission(from, [destination(to, numbered(n))]);
    const { submissions: [result] } = await queue.commit(batch({ submissions: [work] }));
    codes.push(result!.kind === "refused" ? result!.refusal.code : result!.kind);
  }
  return codes;
}

/** The one column `n` of a query. */
export function count(db: DatabaseSync, sql: string): number {
  return Number(db.prepare(sql).get()?.n);
}
