/** The statements of the queue's tables, each prepared once. Synchronous, for use in a transaction. */
import type { DatabaseSync } from "node:sqlite";
import type { DeviceId } from "../protocol/ids.ts";
import type { Queued } from "./queue_work.ts";
import type { QueueRow, QueueState } from "./queue_state.ts";
import { all, one } from "./transaction.ts";

/** Counters that say whether remembered device lists and queues still hold. */
export interface Epoch {
  readonly lists: number;
  readonly removals: number;
}

/** An envelope in the table, without its ciphertext. */
export interface StoredEnvelope {
  readonly position: number;
  /** 16 bytes. */
  readonly account: Uint8Array;
  readonly bytes: number;
}

/** One row per device. */
export interface QueueTable {
  epoch(): Epoch;
  /** The row of a device; null when it has none. */
  find(device: DeviceId): QueueRow | null;
  /**
   * Makes the row of a device, with a number above all that are in use and above `number`. Null when
   * there is no such device.
   */
  create(device: DeviceId, number: number): QueueRow | null;
  /** What waits in `envelopes`, in order. */
  stored(no: number): StoredEnvelope[];
  saveGaps(queue: QueueState): void;
  saveIncarnation(queue: QueueState): void;
}

/** Prepares the statements about queues. */
export function queueTable(db: DatabaseSync): QueueTable {
  const epoch = db.prepare("select lists, removals from directory_epoch");
  const find = db.prepare(
    "select no, top, gaps, incarnation, confirmed from queues where device = ?",
  );
  const create = db.prepare(
    `insert into queues (no, device)
      select 1 + max(?, coalesce((select max(no) from queues), 0)), id from devices where id = ?`,
  );
  const stored = db.prepare(
    `select e.position, substr(e.sender, 1, 16) as account,
      length(coalesce(e.body, b.body)) as bytes
      from envelopes e left join bodies b on b.no = e.shared where e.queue = ?
      order by e.position`,
  );
  const gaps = db.prepare("update queues set gaps = ? where no = ?");
  const incarnation = db.prepare(
    "update queues set incarnation = ?, confirmed = ? where no = ?",
  );
  return {
    epoch: () => one<Epoch>(epoch) ?? { lists: 0, removals: 0 },
    find: (device) => one<QueueRow>(find, device),
    create(device, number) {
      create.run(number, device);
      return one<QueueRow>(find, device);
    },
    stored: (no) => all<StoredEnvelope>(stored, no),
    saveGaps: (queue) => void gaps.run(queue.gaps, queue.no),
    saveIncarnation: (queue) =>
      void incarnation.run(queue.incarnation, queue.confirmed ? 1 : 0, queue.no),
  };
}

/** The envelopes that are not recent; see recent.ts. */
export interface EnvelopeTable {
  removeUpTo(no: number, position: number): void;
  removeOne(no: number, position: number): void;
  /** What waits after `position`, in order, at most `limit`. */
  read(no: number, position: number, limit: number): Queued[];
  /** In all queues. Looks at every row: once, and then the caller counts on. */
  count(): number;
  /** When the oldest was taken, minutes since 1970. */
  oldestMinute(): number | null;
}

/** Prepares the statements about envelopes. */
export function envelopeTable(db: DatabaseSync): EnvelopeTable {
  const upTo = db.prepare("delete from envelopes where queue = ? and position <= ?");
  const single = db.prepare("delete from envelopes where queue = ? and position = ?");
  const read = db.prepare(
    `select e.position, e.sender, e.minute, coalesce(e.body, b.body) as envelope
      from envelopes e left join bodies b on b.no = e.shared
      where e.queue = ? and e.position > ? order by e.position limit ?`,
  );
  const count = db.prepare("select count(*) as n from envelopes");
  const oldest = db.prepare("select minute from envelopes order by no limit 1");
  return {
    removeUpTo: (no, position) => void upTo.run(no, position),
    removeOne: (no, position) => void single.run(no, position),
    read: (no, position, limit) => all<Queued>(read, no, position, limit),
    count: () => one<{ n: number }>(count)!.n,
    oldestMinute: () => one<{ minute: number }>(oldest)?.minute ?? null,
  };
}
