/** What is remembered of envelopes that wait, and of the turns that still hold some of them. */

/** How far the positions of a queue have come. */
export interface Positions {
  /** Number of the queue's row. */
  readonly queue: number;
  /** The position that the next envelope gets. */
  next: number;
  /** Kept in the row: never lower than the position of an envelope that no turn shows. */
  top: number;
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
  body: Uint8Array;
  /** Everything that was placed, also what is gone. */
  readonly placed: Waiting[];
  /** How many of them wait. */
  waiting: number;
  events: number;
}
