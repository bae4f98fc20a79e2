/** Sweeps away what waited too long, a few rows a turn, so that nobody waits for the writer. */
import type { QueueStore, SubmitCursor } from "../db/queue.ts";
import type { Log } from "../log.ts";
import type { DeviceId } from "../protocol/ids.ts";

/** Rows looked at in one transaction: some milliseconds even on a slow disk. */
const ROWS = 200;
const MINUTE_MS = 60_000;
const DAY_MS = 1440 * MINUTE_MS;
/** Days that a submission is remembered: longer than an envelope may wait. */
const SUBMIT_DAYS = 31;

/** What a sweep is built from. */
export interface ExpiryParts {
  readonly queue: Pick<QueueStore, "expireEnvelopes" | "expireSubmits" | "checkpoint">;
  /** Seconds an envelope may wait. */
  readonly queueSeconds: number;
  readonly now: () => number;
  readonly afterTurn: (work: () => void) => void;
  readonly lost: (device: DeviceId, gaps: number) => void;
  readonly log: Log;
}

/** See the head of this file. */
export class Expiry {
  readonly #parts: ExpiryParts;
  #running: Promise<void> | null = null;
  #stopped = false;

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

  /** Stops before the next batch. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
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
    const { removed, gaps, next } = await this.#parts.queue.expireEnvelopes(minute, ROWS, from);
    if (removed > 0) this.#parts.log.info("queue.expired", { count: removed });
    for (const [device, total] of gaps) this.#parts.lost(device, total);
    await this.#turn();
    return next;
  }

  async #submits(day: number, from: SubmitCursor): Promise<SubmitCursor | null> {
    const { next } = await this.#parts.queue.expireSubmits(day, ROWS, from);
    await this.#turn();
    return next;
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => this.#parts.afterTurn(resolve));
  }
}
