/** The rows of `turns` as they are read when memory was lost, and the queues that nobody has asked for since. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { ID_BYTES, idFrom } from "../protocol/ids.ts";
import { brokenIn, BrokenRow } from "./packing.ts";
import { all, one } from "./transaction.ts";
import { readTurn, type TurnReader } from "./turn_log.ts";
import { enter, leave, newTurn, type Positions, type Turn, type Waiting } from "./waiting.ts";

/** What a queue has in turns. */
export interface Claim {
  readonly positions: Positions;
  /** In order. */
  readonly waiting: readonly Waiting[];
}

interface Known {
  readonly positions: Positions;
  /** By position, in order; also what was moved since. */
  readonly waiting: Map<number, Waiting>;
  /** The last position that a turn names. */
  last: number;
}

interface TurnRow {
  readonly no: number;
  readonly body: Uint8Array;
}

/** See the head of this file. */
export class Unclaimed {
  readonly #scan: StatementSync;
  readonly #top: StatementSync;
  /** By number of the queue; null where there is no such queue any more. */
  readonly #queues = new Map<number, Known | null>();
  #highest = 0;

  constructor(db: DatabaseSync) {
    this.#scan = db.prepare("select no, body from turns order by no");
    this.#top = db.prepare("select top from queues where no = ?");
  }

  /** The highest number of a queue that a turn names. */
  get highest(): number {
    return this.#highest;
  }

  /**
   * Reads everything again.
   * @throws {BrokenRow} that says which row cannot be read
   */
  read(): Turn[] {
    this.#queues.clear();
    this.#highest = 0;
    return all<TurnRow>(this.#scan).map((row) => this.#turn(row));
  }

  /** Once; null when no turn names the queue. */
  claim(queue: number): Claim | null {
    const known = this.#queues.get(queue) ?? null;
    this.#queues.delete(queue);
    if (known === null) return null;
    const waiting = [...known.waiting.values()].filter(({ turn }) => turn !== null);
    return { positions: known.positions, waiting };
  }

  #turn({ no, body }: TurnRow): Turn {
    try {
      const turn = { ...newTurn(no, 0), bytes: body.length };
      readTurn(body, this.#reader(turn, body));
      if (turn.waiting > 0) turn.body = body;
      return turn;
    } catch (error) {
      if (!(error instanceof BrokenRow)) throw error;
      throw brokenIn("turns", no, error);
    }
  }

  #reader(turn: Turn, body: Uint8Array): TurnReader {
    return {
      begin(minute) {
        turn.minute = minute;
      },
      placed: (queue, position, at, bytes) => {
        turn.events++;
        const known = this.#known(queue);
        if (known === null) return;
        const account = idFrom<"account">(body.subarray(at, at + ID_BYTES));
        place(known, { in: known.positions, position, account, bytes, turn, at });
      },
      removed: (queue, first, last) => {
        turn.events++;
        const known = this.#known(queue);
        if (known !== null) remove(known.waiting, first, last);
      },
    };
  }

  #known(queue: number): Known | null {
    this.#highest = Math.max(this.#highest, queue);
    const before = this.#queues.get(queue);
    if (before !== undefined) return before;
    const row = one<{ top: number }>(this.#top, queue);
    const positions = row && { queue, next: row.top + 1, top: row.top, newest: 0 };
    const known = positions && { positions, waiting: new Map<number, Waiting>(), last: 0 };
    this.#queues.set(queue, known);
    return known;
  }
}

function place(known: Known, one: Waiting): void {
  const { positions, waiting } = known;
  const { position } = one;
  if (position <= known.last) throw new BrokenRow("positions do not rise");
  known.last = position;
  positions.next = Math.max(positions.next, position + 1);
  enter(one);
  waiting.set(position, one);
}

function remove(waiting: Map<number, Waiting>, first: number, last: number): void {
  for (const [position, one] of waiting) {
    if (position > last) return;
    if (position < first) continue;
    leave(one);
    waiting.delete(position);
  }
}
