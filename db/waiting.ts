/** What is remembered of envelopes that wait, and of the turns that still hold some of them. */

/** How far the positions of a queue have come. */
export interface Positions {
  /** Number of the queue's row. */
  readonly queue: number;
  /** The position that the next envelope gets. */
  next: number;
  /** Kept in the row: the highest position that was given, as soon as no turn shows one as high. */
  top: number;
  /** Number of the last turn that placed something. */
  newest: number;
}

/** One waiting envelope. */
export interface Waiting {
  readonly in: Positions;
  readonly position: number;
  /** Account id of the sender. */
  readonly account: string;
  readonly bytes: number;
  /** The turn that holds it; null when it stands in `envelopes`, and when it is gone. */
  turn: Turn | null;
  /** Where in the turn's row; see turn_log.ts. */
  readonly at: number;
}

/** A row of `turns`, as long as it is there. */
export interface Turn {
  readonly no: number;
  /** Minutes since 1970. */
  minute: number;
  /** The row, as long as something in it waits. */
  body: Uint8Array;
  /** What was placed, as long as something of it waits. */
  readonly placed: Waiting[];
  /** Where it was placed, each queue once. */
  readonly queues: Positions[];
  /** How many of them wait. */
  waiting: number;
  events: number;
  /** Length of the row. */
  bytes: number;
}

const EMPTY = new Uint8Array();

export function newTurn(no: number, minute: number): Turn {
  return { no, minute, body: EMPTY, placed: [], queues: [], waiting: 0, events: 0, bytes: 0 };
}

/** One more that waits in the turn. */
export function enter(one: Waiting): void {
  const turn = one.turn!;
  turn.placed.push(one);
  turn.waiting++;
  if (one.in.newest === turn.no) return;
  one.in.newest = turn.no;
  turn.queues.push(one.in);
}

/** It is gone. A turn in which nothing waits is let go of: it stays in its table for a while, not in memory. */
export function leave(one: Waiting): void {
  const turn = one.turn!;
  one.turn = null;
  if (--turn.waiting > 0) return;
  turn.body = EMPTY;
  turn.placed.length = 0;
}
