/** Which chain a message belongs to, and the step that gives its key. */
import { type Bytes, equalBytes } from "../../protocol/encoding.ts";
import type { SessionId } from "../../protocol/ids.ts";
import { MAX_CHAIN_JUMP, MAX_SKIPPED_PER_SESSION } from "../../protocol/limits.ts";
import { DecryptError, KeyError } from "../errors.ts";
import { type Header, openHeader } from "./header.ts";
import * as chains from "./receiver_chain.ts";
import { turnRoot } from "./root_key.ts";
import type { RatchetState } from "./state.ts";

type LiveChain = chains.ReceiverChain & { readonly chainKey: Bytes };

/** A header and the chain it belongs to. */
export interface Found {
  readonly header: Header;
  /** The chain whose header key fitted: the present one, the one after it, or an index of `older`. */
  readonly chain: "current" | "next" | number;
}

/**
 * The chain under whose header key the header opens. At most 7 trials, so that each piece of garbage
 * for a known session costs a fixed, small amount.
 * @throws {DecryptError} when there is none
 */
export async function findChain(
  state: RatchetState,
  sealed: Bytes,
  session: SessionId,
): Promise<Found> {
  const trials: [Found["chain"], Bytes][] = state.older.map((c, index) => [index, c.headerKey]);
  if (state.own) trials.unshift(["next", state.nextReceivingHeaderKey]);
  if (state.receiving) trials.unshift(["current", state.receiving.headerKey]);
  for (const [chain, key] of trials) {
    const header = await openHeader(key, sealed, session);
    if (header) return { header, chain };
  }
  throw new DecryptError();
}

/** A message key, and the state without it. */
export interface Taken {
  readonly messageKey: Bytes;
  readonly state: RatchetState;
  readonly gap: number;
  readonly late: boolean;
}

/**
 * The message key that a header asks for, skipping what it overtakes.
 * @throws {DecryptError} key used or dropped, more than 25,000 ahead, contradictory header
 */
export async function takeKey(state: RatchetState, found: Found, now: number): Promise<Taken> {
  const { chain, header } = found;
  if (typeof chain === "number") return takeOlder(state, chain, header.number);
  if (chain === "current") return takeCurrent(state, header, now);
  const { turned, gap } = await turnReceiving(state, header, now);
  const taken = takeCurrent(turned, header, now);
  return { ...taken, gap: taken.gap + gap };
}

function takeCurrent(state: RatchetState, header: Header, now: number): Taken {
  const chain = state.receiving as LiveChain;
  if (!state.peer || !equalBytes(header.ratchetKey, state.peer)) throw new DecryptError();
  if (header.number < chain.next) {
    const taken = chains.takeSkipped(chain, header.number);
    if (!taken) throw new DecryptError();
    return { ...moved(state, taken), gap: 0, late: true };
  }
  const gap = header.number - chain.next;
  const taken = chains.takeNext(skip(chain, header.number, now));
  return { ...moved(state, taken), gap, late: false };
}

function moved(state: RatchetState, { messageKey, chain }: chains.TakenKey) {
  return { messageKey, state: { ...state, receiving: chain } };
}

function takeOlder(state: RatchetState, index: number, number: number): Taken {
  const taken = chains.takeSkipped(state.older[index]!, number);
  if (!taken) throw new DecryptError();
  const older = state.older.with(index, taken.chain);
  return { messageKey: taken.messageKey, state: { ...state, older }, gap: 0, late: true };
}

async function turnReceiving(state: RatchetState, header: Header, now: number) {
  const { ended, gap } = endChain(state, header.previousLength, now);
  const turn = await turnRoot(state.root, state.own!.private, header.ratchetKey).catch(refuse);
  const turned: RatchetState = {
    ...state,
    root: turn.root,
    peer: header.ratchetKey,
    receiving: {
      headerKey: state.nextReceivingHeaderKey,
      chainKey: turn.chain,
      next: 0,
      skipped: [],
    },
    nextReceivingHeaderKey: turn.nextHeaderKey,
    older: ended ? [ended, ...state.older] : state.older,
    sending: null,
    previousLength: state.sending?.next ?? state.previousLength,
  };
  return { turned, gap };
}

// A ratchet key of small order, from a peer that holds the header key. The same answer as to a forgery.
function refuse(error: unknown): never {
  throw error instanceof KeyError ? new DecryptError() : error;
}

// The peer's previous chain had `length` messages; those that have not come are skipped.
function endChain(state: RatchetState, length: number, now: number) {
  const chain = state.receiving as LiveChain | null;
  if (length < (chain?.next ?? length)) throw new DecryptError();
  if (!chain) return { ended: null, gap: 0 };
  const ended = chains.retire(skip(chain, length, now));
  return { ended, gap: length - chain.next };
}

function skip(chain: LiveChain, until: number, now: number): LiveChain {
  if (until - chain.next > MAX_CHAIN_JUMP) throw new DecryptError();
  return until === chain.next ? chain : chains.skipTo(chain, until, MAX_SKIPPED_PER_SESSION, now);
}
