import type { Bytes } from "../../protocol/encoding.ts";
import { SKIPPED_KEY_LIFETIME_MS } from "../../protocol/limits.ts";
import { skipChain, stepChain } from "./chain_key.ts";

/** Message keys of consecutive messages that have not come, packed so that storing 2,000 is one copy. */
export interface SkippedRun {
  /** Number of the first message. */
  readonly first: number;
  /** 32 bytes for each message. */
  readonly keys: Bytes;
  /** When they were skipped, in ms since 1970, by this device's clock. */
  readonly since: number;
}

/** A chain that is read: where it stands, and the keys of messages that it is short of. */
export interface SkippingChain {
  /** Chain key of message `next`, 32 bytes. Null when a later chain has replaced this one. */
  readonly chainKey: Bytes | null;
  readonly next: number;
  /** Ascending, without overlap, never empty runs. */
  readonly skipped: readonly SkippedRun[];
}

/** One chain of the peer in a session, with its header key. */
export interface ReceiverChain extends SkippingChain {
  readonly headerKey: Bytes;
}

/** A message key and the chain without it. */
export interface TakenKey<C = ReceiverChain> {
  readonly messageKey: Bytes;
  readonly chain: C;
}

/** A chain that still moves. */
type Live<C> = C & { readonly chainKey: Bytes };

const KEY_BYTES = 32;

/** The chain standing at message `until`, keeping the newest `keep` of the keys it passes. */
export function skipTo<C extends SkippingChain>(
  chain: Live<C>,
  until: number,
  keep: number,
  now: number,
): Live<C> {
  const { messageKeys, next } = skipChain(chain.chainKey, until - chain.next, keep);
  const first = until - messageKeys.length / KEY_BYTES;
  const run = { first, keys: messageKeys, since: now };
  const skipped = messageKeys.length ? [...chain.skipped, run] : chain.skipped;
  return { ...chain, chainKey: next, next: until, skipped };
}

/** The key of message `next`. */
export function takeNext<C extends SkippingChain>(chain: Live<C>): TakenKey<C> {
  const { messageKey, next } = stepChain(chain.chainKey);
  return { messageKey, chain: { ...chain, chainKey: next, next: chain.next + 1 } };
}

/** The key of a message that was skipped, or null when it was used, dropped or never skipped. */
export function takeSkipped<C extends SkippingChain>(chain: C, number: number): TakenKey<C> | null {
  const at = chain.skipped.findIndex((run) => number >= run.first && number < runEnd(run));
  const run = chain.skipped[at];
  if (!run) return null;
  const rest = [part(run, run.first, number), part(run, number + 1, runEnd(run))];
  const skipped = chain.skipped.toSpliced(at, 1, ...rest.filter((piece) => piece.keys.length));
  return { messageKey: part(run, number, number + 1).keys, chain: { ...chain, skipped } };
}

/** How many skipped keys the chain holds. */
export function countSkipped(chain: SkippingChain): number {
  return chain.skipped.reduce((count, run) => count + runEnd(run) - run.first, 0);
}

/** The chain with its newest `keep` skipped keys. */
export function keepNewest<C extends SkippingChain>(chain: C, keep: number): C {
  if (countSkipped(chain) <= keep) return chain;
  let left = keep;
  const newestFirst = chain.skipped.toReversed().map((run) => {
    const kept = part(run, Math.max(run.first, runEnd(run) - left), runEnd(run));
    left -= runEnd(run) - kept.first;
    return kept;
  });
  return { ...chain, skipped: newestFirst.filter((run) => run.keys.length).reverse() };
}

/** The chain without keys that have waited 30 days. */
export function dropExpired<C extends SkippingChain>(chain: C, now: number): C {
  if (!chain.skipped.some((run) => expired(run, now))) return chain;
  return { ...chain, skipped: chain.skipped.filter((run) => !expired(run, now)) };
}

/** The chain after it has been replaced: it gives the keys it kept and no more. */
export function retire(chain: ReceiverChain): ReceiverChain {
  return { ...chain, chainKey: null };
}

function expired(run: SkippedRun, now: number): boolean {
  return now - run.since > SKIPPED_KEY_LIFETIME_MS;
}

function runEnd(run: SkippedRun): number {
  return run.first + run.keys.length / KEY_BYTES;
}

function part(run: SkippedRun, from: number, to: number): SkippedRun {
  const start = (from - run.first) * KEY_BYTES;
  return { ...run, first: from, keys: run.keys.slice(start, start + (to - from) * KEY_BYTES) };
}
