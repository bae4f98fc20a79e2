/** When the next certificate is asked for. */
import type { Issued, Tries } from "./acme_store.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** After the first failure, the second… and from then on after the last of these. */
const WAITS = [1, 5, 15, 60, 60, 180, 360].map((minutes) => minutes * MINUTE);
/** Public authorities allow five failures of a name an hour; a restart must not use them up. */
export const FAILURES_AN_HOUR = 4;

/** A certificate's times in milliseconds since 1970. */
export type Times = Pick<Issued, "from" | "until">;
/** What counts of the tries so far. */
export type Past = Pick<Tries, "failures" | "failedAt" | "quietUntil">;

/** When two thirds of its life are over; at once where there is none. */
export function renewalAt(found: Times | null): number {
  return found === null ? 0 : found.from + (found.until - found.from) * 2 / 3;
}

/** When the next attempt is due, in milliseconds since 1970. */
export function dueAt(found: Times | null, past: Past | null): number {
  const last = past?.failedAt.at(-1);
  if (past === null || past.failures === 0 || last === undefined) return renewalAt(found);
  const wait = WAITS[Math.min(past.failures, WAITS.length) - 1]!;
  return Math.max(renewalAt(found), last + wait, past.quietUntil);
}

/**
 * When a server that was just started may ask: at once, since somebody may have put things right,
 * unless it was started again and again or the authority said when.
 */
export function dueAtStart(found: Times | null, past: Past | null, now: number): number {
  const recent = (past?.failedAt ?? []).filter((time) => time > now - HOUR);
  const allowed = recent.length < FAILURES_AN_HOUR ? 0 : recent[0]! + HOUR;
  return Math.max(renewalAt(found), allowed, past?.quietUntil ?? 0);
}

/** A wait as people say it. */
export function shownWait(milliseconds: number): string {
  const minutes = Math.max(1, Math.ceil(milliseconds / MINUTE));
  if (minutes < 60) return minutes === 1 ? "a minute" : `${minutes} minutes`;
  const hours = Math.round(minutes / 60);
  return hours === 1 ? "an hour" : `${hours} hours`;
}
