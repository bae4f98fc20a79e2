import type { Bytes } from "../../protocol/encoding.ts";
import { MAX_RECEIVER_CHAINS } from "../../protocol/limits.ts";
import type { AgreementPair, KeyMode } from "../agreement.ts";
import * as chains from "./receiver_chain.ts";

/**
 * The Double Ratchet with header encryption (Signal's specification, section 4), as plain values that
 * `structuredClone` and IndexedDB take. Functions return a new state and never touch the one they got.
 */
export interface RatchetState {
  /** Root key RK, 32 bytes. */
  readonly root: Bytes;
  /** Whether ratchet keys made later can be exported (terminal) or not (browser). */
  readonly mode: KeyMode;
  /**
   * Own ratchet key pair DHs: null before the initiator's first message, the signed prekey until the
   * responder's first.
   */
  readonly own: AgreementPair | null;
  /** The peer's ratchet key DHr, 32 bytes; null before its first message. */
  readonly peer: Bytes | null;
  /** Own chain; null until the first message after each of the peer's turns. */
  readonly sending: SenderChain | null;
  /** Length of the own chain before `sending` (PN). */
  readonly previousLength: number;
  /** Header keys of the next chains, NHKs and NHKr, 32 bytes each. */
  readonly nextSendingHeaderKey: Bytes;
  readonly nextReceivingHeaderKey: Bytes;
  /** The peer's present chain; null before its first message. */
  readonly receiving: chains.ReceiverChain | null;
  /** The peer's earlier chains that are short of messages, newest first, at most 5. */
  readonly older: readonly chains.ReceiverChain[];
}

/** The own chain. */
export interface SenderChain {
  readonly headerKey: Bytes;
  readonly chainKey: Bytes;
  /** Number of the next message, from 0. */
  readonly next: number;
}

/** The three secrets that the handshake gives both sides, 32 bytes each. */
export interface RatchetSecrets {
  readonly root: Bytes;
  /** Header key of the initiator's first chain (HKa). */
  readonly initiatorHeaderKey: Bytes;
  /** Header key of the responder's first chain (NHKb). */
  readonly responderHeaderKey: Bytes;
}

/** The initiator's state: its first message turns the ratchet against the responder's signed prekey (32 bytes). */
export function initiatorRatchet(
  secrets: RatchetSecrets,
  signedPrekey: Bytes,
  mode: KeyMode,
): RatchetState {
  return {
    ...blank(secrets.root, mode),
    peer: signedPrekey,
    nextSendingHeaderKey: secrets.initiatorHeaderKey,
    nextReceivingHeaderKey: secrets.responderHeaderKey,
  };
}

/** The responder's state: it waits for the initiator's first message, its signed prekey being its ratchet key. */
export function responderRatchet(
  secrets: RatchetSecrets,
  signedPrekey: AgreementPair,
  mode: KeyMode,
): RatchetState {
  return {
    ...blank(secrets.root, mode),
    own: signedPrekey,
    nextSendingHeaderKey: secrets.responderHeaderKey,
    nextReceivingHeaderKey: secrets.initiatorHeaderKey,
  };
}

/** The state with at most `keep` skipped keys, the newest ones, none older than 30 days, in at most 5 older chains. */
export function limitSkipped(state: RatchetState, keep: number, now: number): RatchetState {
  let left = keep;
  const limited = [state.receiving, ...state.older].map((chain) => {
    if (!chain) return null;
    const kept = chains.keepNewest(chains.dropExpired(chain, now), left);
    left -= chains.countSkipped(kept);
    return kept;
  });
  const older = limited.slice(1).filter((chain) => chain !== null)
    .filter((chain) => chain.skipped.length > 0).slice(0, MAX_RECEIVER_CHAINS);
  return { ...state, receiving: limited[0]!, older };
}

/** How many keys of messages that have not come the state holds. */
export function countSkipped(state: RatchetState): number {
  const all = state.receiving ? [state.receiving, ...state.older] : state.older;
  return all.reduce((count, chain) => count + chains.countSkipped(chain), 0);
}

function blank(root: Bytes, mode: KeyMode) {
  return {
    root,
    mode,
    own: null,
    peer: null,
    sending: null,
    previousLength: 0,
    receiving: null,
    older: [],
  };
}
