/** How fast one socket may ask for things. */

/** A bucket of tokens that fills at a steady rate: full at first. */
export class TokenBucket {
  readonly #capacity: number;
  readonly #perSecond: number;
  readonly #now: () => number;
  #level: number;
  #at: number;

  /** @param now milliseconds */
  constructor(capacity: number, perSecond: number, now: () => number) {
    this.#capacity = this.#level = capacity;
    this.#perSecond = perSecond;
    this.#now = now;
    this.#at = now();
  }

  /** Takes `amount` if it is there. */
  take(amount: number): boolean {
    this.#refill();
    if (this.#level < amount) return false;
    this.#level -= amount;
    return true;
  }

  /** Whole seconds until `amount` is there, at least 1. */
  wait(amount: number): number {
    this.#refill();
    return Math.max(1, Math.ceil((amount - this.#level) / this.#perSecond));
  }

  #refill(): void {
    const time = this.#now();
    // A clock that jumps back must not stop the refill for as long as it jumped.
    const grown = Math.max(0, time - this.#at) / 1000 * this.#perSecond;
    this.#level = Math.min(this.#capacity, this.#level + grown);
    this.#at = time;
  }
}
