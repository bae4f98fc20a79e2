/** Sweeps away what waited too long, a few rows a turn, so that nobody waits for the writer. */
import type { QueueStore, SubmitCursor } from "../db/queue.ts";
import type { Log } from "../log.ts";
import type { DeviceId } from "../protocol/ids.ts";

/** Rows looked at in one transaction at first; then as many as take between {@link QUICK_MS} and {@link SLOW_MS}. */
const ROWS = 200;
const LEAST_ROWS = 10;
const MOST_ROWS = 1_000;
/** The writer is never held for 20 ms: a batch that took half of that is followed by a smaller one. */
const SLOW_MS = 10;
const QUICK_MS = 3;
const MINUTE_MS = 60_000;
const DAY_MS = 1440 * MINUTE_MS;
/** Days that a submission is remembered: longer than an envelope may wait. */
const SUBMIT_DAYS = 31;

/** What a sweep is built from. */
export interface ExpiryParts {
  readonly queue: Pick<QueueStore, "expireEnvelopes" | "expireSubmits" | "checkpoint" | "tidy">;
  /** Seconds an envelope may wait. */
  readonly queueSeconds: number;
  readonly now: () => number;
  /** Milliseconds of a clock that is never set. */
  readonly elapsed: () => number;
  readonly afterTurn: (work: () => void) => void;
  readonly lost: (device: DeviceId, gaps: number) => void;
  readonly log: Log;
}

/** See the head of this file. */
export class Expiry {
  readonly #parts: ExpiryParts;
  #running: Promise<void> | null = null;
  #tidying: Promise<void> | null = null;
  #stopped = false;
  #rows = ROWS;

  constructor(parts: ExpiryParts) {
    this.#parts = parts;
  }

  /** One sweep over everything; a second one at the same time is the first. */
  sweep(): Promise<void> {
    this.#running ??= this.#sweep()
      .catch((error) => this.#parts.log.warn("queue.sweep_failed", { error }))
      .finally(() => this.#running = null);
    return this.#running;
  }

  /** Lets go of what has been recent for a minute: see `QueueStore.tidy`. */
  tidy(): Promise<void> {
    this.#tidying ??= this.#parts.queue.tidy()
      .catch((error) => this.#parts.log.warn("queue.tidy_failed", { error }))
      .finally(() => this.#tidying = null);
    return this.#tidying;
  }

  /** Stops before the next batch. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([this.#running, this.#tidying]);
  }

  async #sweep(): Promise<void> {
    const oldest = Math.floor((this.#parts.now() - this.#parts.queueSeconds * 1000) / MINUTE_MS);
    let from: number | null = 0;
    while (from !== null && !this.#stopped) from = await this.#envelopes(oldest, from);
    const day = Math.floor(this.#parts.now() / DAY_MS) - SUBMIT_DAYS;
    let at: SubmitCursor | null = { sender: 0, submit: new Uint8Array() };
    while (at !== null && !this.#stopped) at = await this.#submits(day, at);
    if (!this.#stopped) await this.#parts.queue.checkpoint();
  }

  async #envelopes(minute: number, from: number): Promise<number | null> {
    const { removed, gaps, next } = await this.#timed((rows) =>
      this.#parts.queue.expireEnvelopes(minute, rows, from)
    );
    if (removed > 0) this.#parts.log.info("queue.expired", { count: removed });
    for (const [device, total] of gaps) this.#parts.lost(device, total);
    await this.#turn();
    return next;
  }

  async #submits(day: number, from: SubmitCursor): Promise<SubmitCursor | null> {
    const { next } = await this.#timed((rows) => this.#parts.queue.expireSubmits(day, rows, from));
    await this.#turn();
    return next;
  }

  /** One batch, and from its time the size of the next. */
  async #timed<T>(batch: (rows: number) => Promise<T>): Promise<T> {
    const start = this.#parts.elapsed();
    const result = await batch(this.#rows);
    const took = this.#parts.elapsed() - start;
    if (took > SLOW_MS) this.#rows = Math.max(LEAST_ROWS, this.#rows >> 1);
    else if (took < QUICK_MS) this.#rows = Math.min(MOST_ROWS, this.#rows * 2);
    return result;
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => this.#parts.afterTurn(resolve));
  }
}
