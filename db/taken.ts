/**
 * Which submissions were taken. Those of one transaction are one row of `taken`, and are remembered;
 * many at a time they move to `submits`. An id that is higher than all that moved is looked for in
 * memory alone; those of our clients rise, but for the ones of one millisecond.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { ID_BYTES, idBytes, idFrom, type SubmitId } from "../protocol/ids.ts";
import { brokenIn, BrokenRow } from "./packing.ts";
import { RisingIds } from "./rising_ids.ts";
import { isHigher, type SubmitsTable, submitsTable } from "./submits_table.ts";
import { readTaken, TakenWriter } from "./taken_log.ts";
import { all } from "./transaction.ts";

/** What is remembered of one sender. */
export interface Sender {
  /** Number of its queue. */
  readonly queue: number;
  /** The highest id in `submits`, null when there is none. */
  floor: Uint8Array | null;
  /** Recent ids above it, in order, and those below. */
  readonly rising: RisingIds;
  readonly stray: Set<SubmitId>;
  /** Days since 1970, of the newest of them. */
  day: number;
}

interface TakenRow {
  readonly no: number;
  readonly body: Uint8Array;
}

/** Rows of `submits` that a move may make beside full ones, as a part of ids: it never takes 20 ms. */
const LOOSE = 1 / 8;

/** See the head of this file. Used in a transaction. */
export class TakenSubmits {
  readonly #most: number;
  readonly #table: SubmitsTable;
  readonly #writer = new TakenWriter();
  /** The id that was asked for last. */
  readonly #asked = new Uint8Array(ID_BYTES);
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;
  readonly #scan: StatementSync;
  /** Senders with recent ids, by number of their queue; null: to be read. */
  #recent: Map<number, Sender> | null = null;
  #count = 0;
  /** Senders, and ids that get a row of their own. */
  #loose = 0;
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

  /**
   * Reads everything, unless it is known.
   * @throws {BrokenRow} that says which row cannot be read
   */
  read(): void {
    this.#known();
  }

  /** The bytes of an id that was not taken before, until the next is asked for; else null. */
  fresh(sender: Sender, submit: SubmitId): Uint8Array | null {
    const bytes = idBytes(submit, this.#asked);
    if (sender.stray.size > 0 && sender.stray.has(submit)) return null;
    const known = isHigher(bytes, sender.floor)
      ? sender.rising.has(bytes)
      : this.#table.has(sender.queue, bytes);
    return known ? null : bytes;
  }

  add(sender: Sender, submit: SubmitId, bytes: Uint8Array, day: number): void {
    const rises = isHigher(bytes, sender.floor);
    this.#begin(day);
    this.#writer.add(sender.queue, bytes, rises);
    const known = this.#known();
    if (!known.has(sender.queue)) {
      known.set(sender.queue, sender);
      this.#loose++;
    }
    this.#remember(sender, submit, bytes, rises, day);
  }

  /** What has to be known of a queue that comes into memory. */
  claim(queue: number): Sender {
    const sender = this.#known().get(queue) ?? nobody(queue);
    sender.floor = this.#table.highest(queue);
    return sender;
  }

  /** Last in a transaction. */
  write(): void {
    if (this.#day !== null) this.#insert.run(this.#writer.end());
    this.#day = null;
    if (this.#count > this.#most || this.#loose > this.#most * LOOSE) this.settle();
  }

  /** Moves everything. */
  settle(): void {
    for (const sender of this.#known().values()) this.#move(sender);
    this.#delete.run();
    this.#recent = new Map();
    this.#count = this.#loose = 0;
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
    if (rises) sender.rising.add(bytes);
    else {
      sender.stray.add(submit);
      this.#loose++;
    }
    sender.day = Math.max(sender.day, day);
    this.#highest = Math.max(this.#highest, sender.queue);
    this.#count++;
  }

  #move(sender: Sender): void {
    this.#table.addRising(sender.queue, sender.rising.bytes, sender.day);
    sender.floor = sender.rising.highest ?? sender.floor;
    for (const submit of sender.stray) {
      const bytes = idBytes(submit);
      this.#table.addAlone(sender.queue, bytes, sender.day);
      // Where a sweep took what it was below, and memory was read again since.
      if (isHigher(bytes, sender.floor)) sender.floor = bytes;
    }
    sender.rising.clear();
    sender.day = 0;
    if (sender.stray.size > 0) sender.stray.clear();
  }

  #known(): Map<number, Sender> {
    if (this.#recent !== null) return this.#recent;
    const senders = new Map<number, Sender | null>();
    this.#count = this.#loose = this.#highest = 0;
    for (const row of all<TakenRow>(this.#scan)) this.#read(row, senders);
    const known = [...senders].filter((one): one is [number, Sender] => one[1] !== null);
    this.#loose += known.length;
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
      throw brokenIn("taken", no, error);
    }
  }
}

function nobody(queue: number): Sender {
  return { queue, floor: null, rising: new RisingIds(), stray: new Set(), day: 0 };
}
