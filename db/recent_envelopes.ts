/**
 * Envelopes of the last moments, in a table without an index (see migration 11): appended many to a
 * statement, removed by range. What is still there a while later is moved, in order and many at
 * once, to where it is found by device. Which rows are here is known in memory, and read again
 * whenever that was forgotten.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { idFrom } from "../protocol/ids.ts";
import { Appended } from "./appended.ts";
import type { Waiting } from "./queue_state.ts";
import type { Sent } from "./queue_tables.ts";
import type { Queued } from "./queue_work.ts";
import { all, one } from "./transaction.ts";

/** Envelopes that came lately; see the head of this file. Used in a transaction, but for reading. */
export class RecentEnvelopes {
  readonly #rows: number;
  readonly #appended: Appended;
  readonly #remove: StatementSync;
  readonly #read: StatementSync;
  readonly #move: StatementSync;
  readonly #moved: StatementSync;
  readonly #scan: StatementSync;
  readonly #last: StatementSync;
  /** Those of queues that are not in memory, by number of the queue; null: to be read. */
  #unclaimed: Map<number, Waiting[]> | null = null;
  /** Numbers of rows that go at the end of the transaction. */
  #gone: number[] = [];
  #no = 0;
  /** Where the present generation begins, and up to where rows are moved. */
  #generation = 0;
  #movedTo = 0;

  /** @param generation so many new rows, and those from before them are moved */
  constructor(db: DatabaseSync, generation: number) {
    this.#rows = generation;
    this.#appended = new Appended(
      db,
      "insert into recent_envelopes (no, queue, position, sender, minute, body)",
      6,
    );
    this.#remove = db.prepare("delete from recent_envelopes where no between ? and ?");
    this.#read = db.prepare(
      "select position, sender, minute, body as envelope from recent_envelopes where no = ?",
    );
    this.#move = db.prepare(
      `insert into envelopes (no, queue, position, sender, minute, body)
        select no, queue, position, sender, minute, body from recent_envelopes
        where no <= ? order by no`,
    );
    this.#moved = db.prepare("delete from recent_envelopes where no <= ?");
    this.#scan = db.prepare(
      `select no, queue, position, substr(sender, 1, 16) as account, length(body) as bytes
        from recent_envelopes order by no`,
    );
    this.#last = db.prepare(
      `select max((select coalesce(max(no), 0) from envelopes),
        (select coalesce(max(no), 0) from recent_envelopes)) as no`,
    );
  }

  /** The number of the next row, here or in `envelopes`. */
  next(): number {
    this.#known();
    return ++this.#no;
  }

  /** Is this one here, and not yet in `envelopes`? */
  has({ no }: Waiting): boolean {
    return no > this.#movedTo;
  }

  append(queue: number, position: number, { sender, minute }: Sent, body: Uint8Array): number {
    const no = this.next();
    this.#appended.add(no, queue, position, sender, minute, body);
    return no;
  }

  remove({ no }: Waiting): void {
    this.#gone.push(no);
  }

  read({ no }: Waiting): Queued {
    return one<Queued>(this.#read, no)!;
  }

  /** What waits here for a queue that comes into memory. */
  claim(queue: number): Waiting[] {
    const unclaimed = this.#known();
    const found = unclaimed.get(queue) ?? [];
    unclaimed.delete(queue);
    return found.filter((one) => this.has(one));
  }

  /** Last in a transaction. */
  write(): void {
    this.#appended.write();
    this.removeGone();
    if (this.#no - this.#generation <= this.#rows) return;
    this.#moveTo(this.#generation);
    this.#generation = this.#no;
  }

  /** Moves everything. */
  settle(): void {
    this.#known();
    this.#moveTo(this.#no);
    this.#generation = this.#no;
  }

  /** A transaction failed, or memory is given up: what is here is to be read again. */
  forget(): void {
    this.#unclaimed = null;
    this.#gone = [];
    this.#appended.forget();
  }

  #moveTo(no: number): void {
    this.#move.run(no);
    this.#moved.run(no);
    this.#movedTo = no;
  }

  /** In runs: what came together mostly goes together. Before anything is appended, which then takes its place. */
  removeGone(): void {
    const gone = this.#gone.sort((a, b) => a - b);
    for (let from = 0, at = 1; at <= gone.length; at++) {
      if (gone[at] === gone[at - 1]! + 1) continue;
      this.#remove.run(gone[from]!, gone[at - 1]!);
      from = at;
    }
    this.#gone = [];
  }

  #known(): Map<number, Waiting[]> {
    if (this.#unclaimed !== null) return this.#unclaimed;
    this.#no = this.#generation = one<{ no: number }>(this.#last)!.no;
    this.#movedTo = 0;
    const known = new Map<number, Waiting[]>();
    type Row = { no: number; queue: number; position: number; account: Uint8Array; bytes: number };
    for (const { queue, account, ...row } of all<Row>(this.#scan)) {
      push(known, queue, { ...row, account: idFrom(account) });
    }
    return this.#unclaimed = known;
  }
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const values = map.get(key);
  if (values === undefined) map.set(key, [value]);
  else values.push(value);
}
