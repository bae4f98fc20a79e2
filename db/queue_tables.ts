/** The statements of the queue's tables, each prepared once. Synchronous, for use in a transaction. */
import type { DatabaseSync } from "node:sqlite";
import { type DeviceId, idFrom } from "../protocol/ids.ts";
import type { Queued } from "./queue_work.ts";
import { type QueueRow, QueueState } from "./queue_state.ts";
import { all, one } from "./transaction.ts";

/** Counters that say whether remembered device lists and queues still hold. */
export interface Epoch {
  readonly lists: number;
  readonly removals: number;
}

/** One row per device. */
export interface QueueTable {
  epoch(): Epoch;
  /** The queue of a device, made if need be; null when there is no such device. */
  load(device: DeviceId): QueueState | null;
  saveGaps(queue: QueueState): void;
  saveIncarnation(queue: QueueState): void;
  /** Keeps the highest position, when no envelope is left to show it. */
  saveTop(queue: QueueState): void;
}

/** Prepares the statements about queues. */
export function queueTable(db: DatabaseSync): QueueTable {
  const epoch = db.prepare("select lists, removals from directory_epoch");
  const find = db.prepare(
    "select no, top, gaps, incarnation, confirmed from queues where device = ?",
  );
  const create = db.prepare("insert into queues (device) select id from devices where id = ?");
  const waiting = db.prepare(
    `select e.position, substr(e.sender, 1, 16) as account,
      length(coalesce(e.body, b.body)) as bytes
      from envelopes e left join bodies b on b.no = e.shared where e.queue = ?
      order by e.position`,
  );
  const gaps = db.prepare("update queues set gaps = ? where no = ?");
  const top = db.prepare("update queues set top = ? where no = ?");
  const incarnation = db.prepare(
    "update queues set incarnation = ?, confirmed = ? where no = ?",
  );
  type WaitingRow = { position: number; account: Uint8Array; bytes: number };
  return {
    epoch: () => one<Epoch>(epoch) ?? { lists: 0, removals: 0 },
    load(device) {
      if (find.get(device) === undefined) create.run(device);
      const row = one<QueueRow>(find, device);
      if (row === null) return null;
      const queue = new QueueState(device, row);
      for (const { position, account, bytes } of all<WaitingRow>(waiting, row.no)) {
        queue.add({ no: 0, position, account: idFrom(account), bytes });
      }
      return queue;
    },
    saveGaps: (queue) => void gaps.run(queue.gaps, queue.no),
    saveTop: (queue) => void top.run(queue.next - 1, queue.no),
    saveIncarnation: (queue) =>
      void incarnation.run(queue.incarnation, queue.confirmed ? 1 : 0, queue.no),
  };
}

/** The envelopes that are not recent; see recent_envelopes.ts. */
export interface EnvelopeTable {
  /** A use of a ciphertext that {@link EnvelopeTable.share} stored, as row `no`. */
  appendShared(no: number, queue: number, position: number, from: Sent, body: number): void;
  /** Stores a ciphertext once for many queues; its uses are counted by the database. */
  share(envelope: Uint8Array): number;
  removeUpTo(no: number, position: number): void;
  removeOne(no: number, position: number): void;
  /** What waits after `position`, in order, at most `limit`. */
  read(no: number, position: number, limit: number): Queued[];
  /** In all queues, recent ones too. Looks at every row: once, and then the caller counts on. */
  count(): number;
  /** When the oldest of all was taken, minutes since 1970. */
  oldestMinute(): number | null;
}

/** Who sent an envelope (account and device id, 32 bytes) and when. */
export interface Sent {
  readonly sender: Uint8Array;
  readonly minute: number;
}

/** Prepares the statements about envelopes. */
export function envelopeTable(db: DatabaseSync): EnvelopeTable {
  const appendShared = db.prepare(
    "insert into envelopes (no, queue, position, sender, minute, shared) values (?, ?, ?, ?, ?, ?)",
  );
  const share = db.prepare("insert into bodies (uses, body) values (0, ?)");
  const upTo = db.prepare("delete from envelopes where queue = ? and position <= ?");
  const single = db.prepare("delete from envelopes where queue = ? and position = ?");
  const read = db.prepare(
    `select e.position, e.sender, e.minute, coalesce(e.body, b.body) as envelope
      from envelopes e left join bodies b on b.no = e.shared
      where e.queue = ? and e.position > ? order by e.position limit ?`,
  );
  const count = db.prepare(
    "select (select count(*) from envelopes) + (select count(*) from recent_envelopes) as n",
  );
  const oldest = db.prepare(
    `select min(minute) as minute from (
      select minute from (select minute from envelopes order by no limit 1)
      union all select minute from (select minute from recent_envelopes order by no limit 1))`,
  );
  return {
    appendShared: (no, queue, position, { sender, minute }, body) =>
      void appendShared.run(no, queue, position, sender, minute, body),
    share: (envelope) => Number(share.run(envelope).lastInsertRowid),
    removeUpTo: (no, position) => void upTo.run(no, position),
    removeOne: (no, position) => void single.run(no, position),
    read: (no, position, limit) => all<Queued>(read, no, position, limit),
    count: () => one<{ n: number }>(count)!.n,
    oldestMinute: () => one<{ minute: number | null }>(oldest)?.minute ?? null,
  };
}
