/**
 * Envelopes of the last moments. What a transaction did to queues is one row of `turns`, and the same
 * row is kept in memory, where what waits is read from. When there is too much, the oldest turns go:
 * what still waits in them moves to `envelopes`, in order, where it is found by device. Most is gone by
 * then, and was written once.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { Blocks } from "./blocks.ts";
import { Moving } from "./moving.ts";
import type { Queued } from "./queue_work.ts";
import { SENDER_BYTES, TurnWriter } from "./turn_log.ts";
import { type Claim, Unclaimed } from "./unclaimed.ts";
import { enter, leave, newTurn, type Positions, type Turn, type Waiting } from "./waiting.ts";

/** How much stays recent. */
export interface Window {
  /** Events of turns, also of envelopes that are gone. */
  readonly events: number;
  /** Envelopes that wait. */
  readonly waiting: number;
  /** Of the rows of turns. */
  readonly bytes: number;
}

/**
 * When there is too much it goes down to this part: of small turns some go at a time, and of large ones
 * as much as comes, which takes the pages that become free.
 */
const KEPT = 255 / 256;
/** A transaction moves no more once it moved so many envelopes, or so many bytes of turns went: some milliseconds. */
const STEP = { waiting: 1_000, bytes: 2 ** 20 };
/** With so much too much, room is made before anything else is placed: see {@link RecentEnvelopes.crowded}. */
const MOST = 2;

/** See the head of this file. Used in a transaction, but for reading. */
export class RecentEnvelopes {
  readonly #window: Window;
  readonly #writer = new TurnWriter();
  /** Of the rows in memory. They come and go in order: what a block holds beyond them is little. */
  readonly #blocks = new Blocks();
  readonly #moving: Moving;
  readonly #unclaimed: Unclaimed;
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;
  /** In order; null: to be read. */
  #turns: Turn[] | null = null;
  /** The turn that is being written. */
  #open: Turn | null = null;
  #no = 0;
  #minute = 0;
  #highest = 0;
  /** The ciphertext that was placed last, and where. */
  #last: { body: Uint8Array; at: number } | null = null;
  #events = 0;
  #waiting = 0;
  #bytes = 0;

  constructor(db: DatabaseSync, window: Window) {
    this.#window = window;
    this.#moving = new Moving(db);
    this.#unclaimed = new Unclaimed(db);
    this.#insert = db.prepare("insert into turns (no, body) values (?, ?)");
    this.#delete = db.prepare("delete from turns where no <= ?");
  }

  /** Envelopes that wait here. */
  get waiting(): number {
    this.#known();
    return this.#waiting;
  }

  /** The highest number of a queue that a turn names. */
  get highest(): number {
    this.#known();
    return this.#highest;
  }

  /** When the oldest that waits here was taken, minutes since 1970. */
  get oldestMinute(): number | null {
    return this.#known().find(({ waiting }) => waiting > 0)?.minute ?? null;
  }

  /** First in a transaction that places or removes. */
  begin(minute: number): void {
    this.#known();
    this.#minute = minute;
  }

  /** Appends an envelope. The same array several times in a row is written once. */
  place(to: Positions, account: string, sender: Uint8Array, body: Uint8Array): Waiting {
    const turn = this.#turn();
    const position = to.next++;
    const at = this.#append(to.queue, position, sender, body);
    const one = { in: to, position, account, bytes: body.length, turn, at };
    enter(one);
    this.#waiting++;
    return one;
  }

  /** Of these, which follow each other in one queue, what is here goes. */
  remove(gone: readonly Waiting[]): void {
    let [first, last] = [0, 0];
    for (const one of gone) {
      if (one.turn === null) continue;
      if (last === 0) first = one.position;
      last = one.position;
      leave(one);
      this.#waiting--;
    }
    if (last === 0) return;
    this.#turn();
    this.#writer.removed(gone[0]!.in.queue, first, last);
  }

  /** What is here of a queue that comes into memory. */
  claim(queue: number): Claim | null {
    this.#known();
    return this.#unclaimed.claim(queue);
  }

  /**
   * After the acks and before anything is placed, which then takes the room of what goes: one step. Says
   * how many rows `envelopes` has more.
   */
  trim(): number {
    return this.#exceeds(1) ? this.#moveWhile(() => this.#exceeds(KEPT)) : 0;
  }

  /** Bursts came faster than steps make room: some are to be taken with nothing placed between them. */
  get crowded(): boolean {
    this.#known();
    return this.#exceeds(MOST);
  }

  /** Number of the newest turn. */
  get newest(): number {
    this.#known();
    return this.#no;
  }

  /** Has everything up to turn `no` moved? */
  isSettled(no: number): boolean {
    const [oldest] = this.#known();
    return oldest === undefined || oldest.no > no;
  }

  /** Moves turns up to `no`, until about `most` envelopes did, or a step; says how many rows `envelopes` has more. */
  settle(no: number, most: number): number {
    this.write();
    const until = this.#waiting - most;
    return this.#moveWhile((turn) => turn.no <= no && this.#waiting > until);
  }

  /** Last in a transaction, and whenever the row is full. */
  write(): void {
    const turn = this.#open;
    if (turn === null) return;
    const body = this.#writer.end();
    [turn.events, turn.bytes] = [this.#writer.events, body.length];
    if (turn.waiting > 0) turn.body = this.#blocks.keep(body);
    this.#insert.run(turn.no, body);
    this.#keep(turn);
    this.#open = this.#last = null;
  }

  /** A transaction failed, or memory is given up: what is here is to be read again. */
  forget(): void {
    this.#turns = this.#open = this.#last = null;
    this.#moving.forget();
    this.#events = this.#waiting = this.#bytes = 0;
  }

  #known(): Turn[] {
    if (this.#turns !== null) return this.#turns;
    const turns = this.#unclaimed.read();
    this.#highest = this.#unclaimed.highest;
    this.#no = turns.at(-1)?.no ?? 0;
    this.#turns = [];
    for (const turn of turns) {
      this.#keep(turn);
      this.#waiting += turn.waiting;
    }
    return this.#turns;
  }

  #turn(): Turn {
    if (this.#writer.full) this.write();
    if (this.#open !== null) return this.#open;
    this.#writer.begin(this.#minute);
    return this.#open = newTurn(++this.#no, this.#minute);
  }

  #append(queue: number, position: number, sender: Uint8Array, body: Uint8Array): number {
    if (queue > this.#highest) this.#highest = queue;
    if (this.#last?.body === body) {
      this.#writer.again(queue, position);
      return this.#last.at;
    }
    const at = this.#writer.placed(queue, position, sender, body);
    this.#last = { body, at };
    return at;
  }

  #keep(turn: Turn): void {
    this.#turns!.push(turn);
    this.#events += turn.events;
    this.#bytes += turn.bytes;
  }

  #exceeds(part: number): boolean {
    const { events, waiting, bytes } = this.#window;
    return this.#events > part * events || this.#waiting > part * waiting ||
      this.#bytes > part * bytes;
  }

  #moveWhile(isMore: (oldest: Turn) => boolean): number {
    const turns = this.#known();
    const waited = this.#waiting;
    const [waiting, bytes] = [waited - STEP.waiting, this.#bytes - STEP.bytes];
    let count = 0;
    while (this.#waiting > waiting && this.#bytes > bytes) {
      const oldest = turns[count];
      if (oldest === undefined || !isMore(oldest)) break;
      this.#move(oldest);
      count++;
    }
    if (count === 0) return 0;
    this.#moving.write();
    this.#delete.run(turns[count - 1]!.no);
    turns.splice(0, count);
    return waited - this.#waiting;
  }

  #move(turn: Turn): void {
    this.#moving.turn(turn);
    this.#events -= turn.events;
    this.#bytes -= turn.bytes;
    this.#waiting -= turn.waiting;
  }
}

/** As it is read, of one that waits in a turn. */
export function readRecent(one: Waiting): Queued {
  const { minute, body } = one.turn!;
  const at = one.at + SENDER_BYTES;
  return {
    position: one.position,
    minute,
    sender: body.subarray(one.at, at),
    envelope: body.subarray(at, at + one.bytes),
  };
}
