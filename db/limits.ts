/** What was counted when. Counters are in the database, so a restart forgives nobody. */
import type { DatabaseSync } from "node:sqlite";
import type { Bytes } from "../protocol/encoding.ts";
import { later, one, transaction } from "./transaction.ts";

/** Zero when it was counted; else nothing was, and it makes sense again after so many ms. */
export type WaitMs = number;

/** How long the wait is after `count` counted tries, in ms. */
export type WaitAfter = (count: number) => number;

/** At most `most` in any `windowMs`. */
export interface Window {
  readonly key: Bytes;
  readonly most: number;
  readonly windowMs: number;
}

/** Counters. Keys are hashes made by the caller; `now` is in milliseconds since 1970. */
export interface LimitsStore {
  /** One in each window, or none in any when one of them is full: checked and counted in one step. */
  count(windows: readonly Window[], now: number): Promise<WaitMs>;
  /** Counts so many without a limit; a negative amount gives back what was taken for nothing. */
  add(key: Bytes, amount: number, now: number): Promise<void>;
  /** Counts up to `wanted`, as many as the window has left, and says how many: checked and counted in one step. */
  takeUpTo(wanted: number, window: Window, now: number): Promise<number>;
  /** How many were counted in the last `windowMs`. */
  counted(key: Bytes, windowMs: number, now: number): Promise<number>;
  /** A bucket of `size` drops; a spent drop comes back every `refillMs`. Takes one. */
  drop(key: Bytes, size: number, refillMs: number, now: number): Promise<WaitMs>;
  /** Counts a try unless `waitAfter` the tries of the last `windowMs` is not over yet. */
  tryAfterWait(key: Bytes, waitAfter: WaitAfter, windowMs: number, now: number): Promise<WaitMs>;
  /** Forgets what was counted under `key`. */
  clear(key: Bytes): Promise<void>;
  /** Removes what can no longer matter. */
  purge(before: number): Promise<void>;
}

interface Counted {
  readonly total: number;
  readonly oldest: number | null;
  readonly newest: number | null;
}

/** The store on one SQLite connection. */
export function createLimits(db: DatabaseSync): LimitsStore {
  const sums = db.prepare(`
    select coalesce(sum(amount), 0) as total, min(at) as oldest, max(at) as newest
    from counted where key = ? and at > ?
  `);
  const add = db.prepare("insert into counted (key, at, amount) values (?, ?, ?)");
  const forget = db.prepare("delete from counted where key = ? and at <= ?");
  // After the clock was set back, what was counted "later" counts as now (W26): nobody is let off
  // and nobody is locked out for the difference.
  const pullBack = db.prepare("update counted set at = ? where key = ? and at > ?");
  const clear = db.prepare("delete from counted where key = ?");
  const purge = db.prepare("delete from counted where at <= ?");
  const purgeBuckets = db.prepare("delete from buckets where full_at <= ?");
  const bucket = db.prepare("select full_at from buckets where key = ?");
  const putBucket = db.prepare(`
    insert into buckets (key, full_at) values (?, ?)
    on conflict (key) do update set full_at = excluded.full_at
  `);

  function look(key: Bytes, windowMs: number, now: number): Counted {
    pullBack.run(now, key, now);
    forget.run(key, now - windowMs);
    return one<Counted>(sums, key, now - windowMs)!;
  }

  function waitFor({ key, most, windowMs }: Window, now: number): WaitMs {
    const seen = look(key, windowMs, now);
    return seen.total < most ? 0 : Math.max(1, (seen.oldest ?? now) + windowMs - now);
  }

  function count(windows: readonly Window[], now: number): WaitMs {
    const wait = Math.max(...windows.map((window) => waitFor(window, now)));
    if (wait === 0) { for (const { key } of windows) add.run(key, now, 1); }
    return wait;
  }

  function takeUpTo(wanted: number, { key, most, windowMs }: Window, now: number): number {
    const left = Math.max(0, most - look(key, windowMs, now).total);
    const taken = Math.min(left, wanted);
    if (taken > 0) add.run(key, now, taken);
    return taken;
  }

  /** Counted in the time that it takes to refill, so that there is nothing to round. */
  function drop(key: Bytes, size: number, refillMs: number, now: number): WaitMs {
    const known = one<{ full_at: number }>(bucket, key)?.full_at ?? now;
    // Never further off than an empty bucket: the clock may have been set back.
    const full = Math.min(Math.max(known, now), now + size * refillMs);
    const wait = full + refillMs - size * refillMs - now;
    if (wait > 0) return wait;
    putBucket.run(key, full + refillMs);
    return 0;
  }

  function tryAfterWait(key: Bytes, waitAfter: WaitAfter, windowMs: number, now: number): WaitMs {
    const seen = look(key, windowMs, now);
    const until = (seen.newest ?? 0) + waitAfter(seen.total);
    if (seen.total > 0 && until > now) return until - now;
    add.run(key, now, 1);
    return 0;
  }

  const atOnce = <T>(work: () => T) => later(() => transaction(db, work));
  return {
    count: (windows, now) => atOnce(() => count(windows, now)),
    add: (key, amount, now) => later(() => void add.run(key, now, amount)),
    takeUpTo: (...args) => atOnce(() => takeUpTo(...args)),
    counted: (key, windowMs, now) => atOnce(() => look(key, windowMs, now).total),
    drop: (...args) => atOnce(() => drop(...args)),
    tryAfterWait: (...args) => atOnce(() => tryAfterWait(...args)),
    clear: (key) => later(() => void clear.run(key)),
    purge: (before) =>
      atOnce(() => {
        purge.run(before);
        purgeBuckets.run(before);
      }),
  };
}
