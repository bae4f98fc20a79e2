/**
 * Which submissions were taken. New ones go into a table without an index (see migration 11), and
 * from there, many at once and in order, to `submits`: one by one, each would change another page.
 * An id that is higher than all before it is new without looking; those of our clients rise.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { idBytes, idFrom, type SubmitId } from "../protocol/ids.ts";
import { Appended } from "./appended.ts";
import type { QueueState } from "./queue_state.ts";
import { all, one } from "./transaction.ts";

/** See the head of this file. Used in a transaction. */
export class RecentSubmits {
  readonly #rows: number;
  readonly #appended: Appended;
  readonly #find: StatementSync;
  readonly #highest: StatementSync;
  readonly #scan: StatementSync;
  readonly #move: StatementSync;
  readonly #moved: StatementSync;
  /** Those of queues that are not in memory, by number of the queue; null: to be read. */
  #unclaimed: Map<number, SubmitId[]> | null = null;
  /** Queues in memory that have some here. */
  readonly #senders = new Set<QueueState>();
  #count = 0;

  /** @param generation so many new rows, and they are moved */
  constructor(db: DatabaseSync, generation: number) {
    this.#rows = generation;
    this.#appended = new Appended(db, "insert into recent_submits (sender, submit, day)", 3);
    this.#find = db.prepare("select 1 as found from submits where sender = ? and submit = ?");
    this.#highest = db.prepare("select max(submit) as submit from submits where sender = ?");
    this.#scan = db.prepare("select sender, submit from recent_submits");
    this.#move = db.prepare(
      `insert or ignore into submits (sender, submit, day)
        select sender, submit, day from recent_submits order by sender, submit`,
    );
    this.#moved = db.prepare("delete from recent_submits");
  }

  /** The bytes of an id that was not taken before, else null. */
  fresh(sender: QueueState, submit: SubmitId): Uint8Array | null {
    const bytes = idBytes(submit);
    if (isHigher(bytes, sender.highest)) return bytes;
    const known = sender.taken.has(submit) || one(this.#find, sender.no, bytes) !== null;
    return known ? null : bytes;
  }

  add(sender: QueueState, submit: SubmitId, bytes: Uint8Array, day: number): void {
    this.#known();
    this.#appended.add(sender.no, bytes, day);
    this.#count++;
    this.#remember(sender, submit, bytes);
  }

  /** What a queue that comes into memory has to know. */
  claim(sender: QueueState): void {
    const unclaimed = this.#known();
    sender.highest = one<{ submit: Uint8Array | null }>(this.#highest, sender.no)?.submit ?? null;
    for (const submit of unclaimed.get(sender.no) ?? []) {
      this.#remember(sender, submit, idBytes(submit));
    }
    unclaimed.delete(sender.no);
  }

  /** Last in a transaction. */
  write(): void {
    this.#appended.write();
    if (this.#count > this.#rows) this.settle();
  }

  /** Moves everything. */
  settle(): void {
    this.#appended.write();
    this.#move.run();
    this.#moved.run();
    for (const sender of this.#senders) sender.taken.clear();
    this.#senders.clear();
    this.#unclaimed = new Map();
    this.#count = 0;
  }

  /** A transaction failed, or memory is given up: what is here is to be read again. */
  forget(): void {
    this.#unclaimed = null;
    this.#senders.clear();
    this.#appended.forget();
  }

  #remember(sender: QueueState, submit: SubmitId, bytes: Uint8Array): void {
    sender.taken.add(submit);
    if (isHigher(bytes, sender.highest)) sender.highest = bytes;
    this.#senders.add(sender);
  }

  #known(): Map<number, SubmitId[]> {
    if (this.#unclaimed !== null) return this.#unclaimed;
    const known = new Map<number, SubmitId[]>();
    const rows = all<{ sender: number; submit: Uint8Array }>(this.#scan);
    for (const { sender, submit } of rows) {
      const taken = known.get(sender) ?? [];
      if (taken.push(idFrom(submit)) === 1) known.set(sender, taken);
    }
    this.#count = rows.length;
    return this.#unclaimed = known;
  }
}

/** As SQLite compares blobs of one length; everything is higher than nothing. */
function isHigher(a: Uint8Array, b: Uint8Array | null): boolean {
  if (b === null) return true;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return a[at]! > b[at]!;
  return false;
}
