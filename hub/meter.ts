/** What the relay counts of itself, from zero at the start of the process. Nothing in it is about anybody. */

/** Counts values by size, as Prometheus reads histograms. */
export class Histogram {
  readonly bounds: readonly number[];
  /** How many were at most each bound; the last place is for what was above all of them. */
  readonly counts: number[];
  sum = 0;

  /** @param bounds upper bounds, smallest first */
  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = [...bounds.map(() => 0), 0];
  }

  observe(value: number): void {
    const at = this.bounds.findIndex((bound) => value <= bound);
    this.counts[at < 0 ? this.bounds.length : at]!++;
    this.sum += value;
  }
}

/** Counts by a word: a refusal's code, an event of the log. */
export class Tally {
  readonly counts = new Map<string, number>();

  add(word: string): void {
    this.counts.set(word, (this.counts.get(word) ?? 0) + 1);
  }
}

const SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const SIZES = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000];

/** See the head of this file. */
export class Meter {
  /** Submissions taken and on disk. */
  accepted = 0;
  /** Envelopes handed to a socket; one that is handed out again counts again. */
  delivered = 0;
  /** Envelopes that a device said it has. */
  acked = 0;
  /** Transactions that failed as a whole. */
  failedCommits = 0;
  /** Refused submissions by code. */
  readonly refused = new Tally();
  /** Sockets that the server closed, by close code. */
  readonly closed = new Tally();
  /** Bugs, by the event that the log has for them. */
  readonly errors = new Tally();
  readonly commitSeconds = new Histogram(SECONDS);
  /** Submissions in one transaction. */
  readonly batch = new Histogram(SIZES);
  /** How much later than asked for a timer came: every conversation waited as long. */
  readonly loopDelaySeconds = new Histogram(SECONDS);
}
