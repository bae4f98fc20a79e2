/**
 * Which submissions were taken. Those of one transaction are one row of `taken`, and are remembered;
 * many at a time they move to `submits`. An id that is higher than all before it is new without
 * looking; those of our clients rise.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { idBytes, idFrom, type SubmitId } from "../protocol/ids.ts";
import { BrokenRow } from "./packing.ts";
import { isHigher, type SubmitsTable, submitsTable } from "./submits_table.ts";
import { readTaken, TakenWriter } from "./taken_log.ts";
import { all } from "./transaction.ts";

/** What is remembered of one sender. */
export interface Sender {
  /** Number of its queue. */
  readonly queue: number;
  /** The highest id that was ever taken, null when it is not known yet or there is none. */
  highest: Uint8Array | null;
  /** Recent ids, in order, and those below one before them. */
  readonly rising: Uint8Array[];
  readonly stray: Set<SubmitId>;
  /** Days since 1970, of the newest. */
  day: number;
}

interface TakenRow {
  readonly no: number;
  readonly body: Uint8Array;
}

/** See the head of this file. Used in a transaction. */
export class TakenSubmits {
  readonly #most: number;
  readonly #table: SubmitsTable;
  readonly #writer = new TakenWriter();
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;
  readonly #scan: StatementSync;
  /** Senders with recent ids, by number of their queue; null: to be read. */
  #recent: Map<number, Sender> | null = null;
  #count = 0;
  #day: number | null = null;
  #highest = 0;

  /** @param most so many recent ones, and they move */
  constructor(db: DatabaseSync, most: number) {
    this.#most = most;
    this.#table = submitsTable(db);
    this.#insert = db.prepare("insert into taken (body) values (?)");
    this.#delete = db.prepare("delete from taken");
    this.#scan = db.prepare("select no, body from taken order by no");
  }

  /** The highest number of a queue that a row names. */
  get highest(): number {
    this.#known();
    return this.#highest;
  }

  /** The bytes of an id that was not taken before, else null. */
  fresh(sender: Sender, submit: SubmitId): Uint8Array | null {
    const bytes = idBytes(submit);
    if (isHigher(bytes, sender.highest)) return bytes;
    const known = sender.stray.has(submit) || isAmong(sender.rising, bytes) ||
      this.#table.has(sender.queue, bytes);
    return known ? null : bytes;
  }

  add(sender: Sender, submit: SubmitId, bytes: Uint8Array, day: number): void {
    const rises = isHigher(bytes, sender.highest);
    this.#begin(day);
    this.#writer.add(sender.queue, bytes, rises);
    this.#known().set(sender.queue, sender);
    this.#remember(sender, submit, bytes, rises, day);
  }

  /** What has to be known of a queue that comes into memory. */
  claim(queue: number): Sender {
    const sender = this.#known().get(queue) ?? nobody(queue);
    sender.highest = sender.rising.at(-1) ?? this.#table.highest(queue);
    for (const stray of sender.stray) {
      const bytes = idBytes(stray);
      if (isHigher(bytes, sender.highest)) sender.highest = bytes;
    }
    return sender;
  }

  /** Last in a transaction. */
  write(): void {
    if (this.#day !== null) this.#insert.run(this.#writer.end());
    this.#day = null;
    if (this.#count > this.#most) this.settle();
  }

  /** Moves everything. */
  settle(): void {
    for (const sender of this.#known().values()) this.#move(sender);
    this.#delete.run();
    this.#known().clear();
    this.#count = 0;
  }

  /** A transaction failed, or memory is given up: what is here is to be read again. */
  forget(): void {
    this.#recent = this.#day = null;
  }

  #begin(day: number): void {
    if (this.#day !== null) return;
    this.#day = day;
    this.#writer.begin(day);
  }

  #remember(
    sender: Sender,
    submit: SubmitId,
    bytes: Uint8Array,
    rises: boolean,
    day: number,
  ): void {
    if (rises) sender.rising.push(sender.highest = bytes);
    else sender.stray.add(submit);
    sender.day = Math.max(sender.day, day);
    this.#highest = Math.max(this.#highest, sender.queue);
    this.#count++;
  }

  #move(sender: Sender): void {
    this.#table.addRising(sender.queue, sender.rising, sender.day);
    for (const submit of sender.stray) {
      this.#table.addAlone(sender.queue, idBytes(submit), sender.day);
    }
    sender.rising.length = 0;
    sender.stray.clear();
  }

  #known(): Map<number, Sender> {
    if (this.#recent !== null) return this.#recent;
    const senders = new Map<number, Sender | null>();
    this.#count = this.#highest = 0;
    for (const row of all<TakenRow>(this.#scan)) this.#read(row, senders);
    const known = [...senders].filter((one): one is [number, Sender] => one[1] !== null);
    return this.#recent = new Map(known);
  }

  /** @throws {BrokenRow} that says which row cannot be read */
  #read({ no, body }: TakenRow, senders: Map<number, Sender | null>): void {
    try {
      readTaken(body, (queue, submit, rises, day) => {
        this.#highest = Math.max(this.#highest, queue);
        let sender = senders.get(queue);
        if (sender === undefined) {
          senders.set(queue, sender = this.#table.isSender(queue) ? nobody(queue) : null);
        }
        if (sender !== null) this.#remember(sender, idFrom(submit), submit, rises, day);
      });
    } catch (error) {
      if (!(error instanceof BrokenRow)) throw error;
      throw new BrokenRow(`row ${no} of the table taken cannot be read: ${error.message}`);
    }
  }
}

function nobody(queue: number): Sender {
  return { queue, highest: null, rising: [], stray: new Set(), day: 0 };
}

function isAmong(rising: readonly Uint8Array[], id: Uint8Array): boolean {
  let [from, to] = [0, rising.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    const at = rising[middle]!;
    if (isHigher(id, at)) from = middle + 1;
    else if (isHigher(at, id)) to = middle;
    else return true;
  }
  return false;
}
