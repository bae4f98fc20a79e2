/** The Double Ratchet with header encryption (Signal's specification, section 4). */
import type { Bytes } from "../../protocol/encoding.ts";
import type { SessionId } from "../../protocol/ids.ts";
import { MAX_SKIPPED_PER_SESSION } from "../../protocol/limits.ts";
import { generateAgreement } from "../agreement.ts";
import { randomBytes } from "../random.ts";
import { wipe } from "../wipe.ts";
import { stepChain } from "./chain_key.ts";
import { sealHeader } from "./header.ts";
import { openBody, type Opened, sealBody } from "./message_key.ts";
import { findChain, takeKey } from "./receiving.ts";
import { turnRoot } from "./root_key.ts";
import { limitSkipped, type RatchetState } from "./state.ts";

/** What ties a message to its session: the transcript T (32 bytes) and the encoded opening, or no bytes. */
export interface SessionBinding {
  readonly session: SessionId;
  readonly transcript: Bytes;
  readonly opening: Bytes;
}

/** A message on the wire, without the parts that only name its session. */
export interface SealedMessage {
  /** 16 bytes. */
  readonly salt: Bytes;
  /** 68 bytes. */
  readonly header: Bytes;
  readonly ciphertext: Bytes;
}

/** What {@link ratchetDecrypt} gives. */
export interface RatchetOpened extends Opened {
  readonly state: RatchetState;
  /** Messages that this one has overtaken and that were not known to be missing before. */
  readonly gap: number;
  /** Whether this message was itself counted in an earlier gap. */
  readonly late: boolean;
}

/**
 * Seals one content as the next message of the own chain.
 * Commit the new state before the message leaves the device.
 */
export async function ratchetEncrypt(
  state: RatchetState,
  binding: SessionBinding,
  plain: Opened,
): Promise<{ state: RatchetState; message: SealedMessage }> {
  const turned = state.sending ? state : await turnSending(state);
  const chain = turned.sending!;
  const { messageKey, next } = stepChain(chain.chainKey);
  const header = await sealHeader(chain.headerKey, {
    ratchetKey: turned.own!.public,
    previousLength: turned.previousLength,
    number: chain.next,
  }, binding.session);
  const salt = randomBytes(16);
  const ciphertext = await sealBody(messageKey, salt, { ...binding, header }, plain);
  wipe(messageKey);
  const sending = { ...chain, chainKey: next, next: chain.next + 1 };
  return { state: { ...turned, sending }, message: { salt, header, ciphertext } };
}

/**
 * Opens one message. `state` stays as it was, byte for byte; the returned state exists only when the
 * body's tag has verified, so nothing unauthenticated moves the ratchet.
 * @param now ms since 1970; dates the skipped keys
 * @throws {DecryptError} forged, damaged, seen before, from another session, or too far ahead
 */
export async function ratchetDecrypt(
  state: RatchetState,
  binding: SessionBinding,
  message: SealedMessage,
  now: number,
): Promise<RatchetOpened> {
  const current = limitSkipped(state, MAX_SKIPPED_PER_SESSION, now);
  const found = await findChain(current, message.header, binding.session);
  const { messageKey, ...taken } = await takeKey(current, found, now);
  const bound = { ...binding, header: message.header };
  const opened = await openBody(messageKey, message.salt, bound, message.ciphertext);
  wipe(messageKey);
  const { gap, late } = taken;
  return { ...opened, state: limitSkipped(taken.state, MAX_SKIPPED_PER_SESSION, now), gap, late };
}

async function turnSending(state: RatchetState): Promise<RatchetState> {
  if (!state.peer) throw new TypeError("a responder sends only after it has received");
  const own = await generateAgreement(state.mode);
  const { root, chain, nextHeaderKey } = await turnRoot(state.root, own.private, state.peer);
  const sending = { headerKey: state.nextSendingHeaderKey, chainKey: chain, next: 0 };
  return { ...state, root, own, sending, nextSendingHeaderKey: nextHeaderKey };
}
