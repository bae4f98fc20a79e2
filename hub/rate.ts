/** How fast one socket may ask for things. */

/** A bucket of tokens that fills at a steady rate. */
export interface TokenBucket {
  /** Takes `amount` if it is there. */
  take(amount: number): boolean;
  /** Whole seconds until `amount` is there, at least 1. */
  wait(amount: number): number;
}

/** A full bucket of `capacity`, filled with `perSecond`; `now` in milliseconds. */
export function tokenBucket(
  capacity: number,
  perSecond: number,
  now: () => number,
): TokenBucket {
  let level = capacity;
  let at = now();
  const refill = () => {
    const time = now();
    // A clock that jumps back must not stop the refill for as long as it jumped.
    level = Math.min(capacity, level + Math.max(0, time - at) / 1000 * perSecond);
    at = time;
  };
  return {
    take(amount) {
      refill();
      if (level < amount) return false;
      level -= amount;
      return true;
    },
    wait(amount) {
      refill();
      return Math.max(1, Math.ceil((amount - level) / perSecond));
    },
  };
}
