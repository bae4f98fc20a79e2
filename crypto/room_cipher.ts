/** Room messages: encrypted once under the sender key, signed, bound to the room and its log. */
import { expand, extract } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { type Bytes, concat, utf8 } from "../protocol/encoding.ts";
import type { AccountId, DeviceId } from "../protocol/ids.ts";
import { MAX_SENDER_KEY_MESSAGES } from "../protocol/limits.ts";
import { encodeRoomEnvelope, encodeRoomHeader } from "../protocol/room_envelope.ts";
import type { RoomEnvelope, RoomHeader } from "../protocol/room_envelope.ts";
import { judgeSender, type RoomState } from "../protocol/room_state.ts";
import { open, seal } from "./aead.ts";
import { DecryptError } from "./errors.ts";
import { pad, unpad } from "./padding.ts";
import { randomBytes } from "./random.ts";
import { stepChain } from "./ratchet/chain_key.ts";
import { type SkippingChain, skipTo, type TakenKey } from "./ratchet/receiver_chain.ts";
import { takeNext, takeSkipped } from "./ratchet/receiver_chain.ts";
import { isKeyOf, type OwnSenderKey, type PeerSenderKey } from "./sender_key.ts";
import { sign, verifySignature } from "./signature.ts";
import { wipe } from "./wipe.ts";

const INFO = utf8("snug/1 room message");
const SALT_BYTES = 16;

/** What came of a room message. Only `content` brings a new state. */
export type RoomOpened =
  | {
    readonly kind: "content";
    readonly content: Bytes;
    /** The sender key to commit with what came of it. */
    readonly key: PeerSenderKey;
    /** Messages newly known to be missing before this one; they may still come. */
    readonly gap: number;
    /** Whether this one was itself missing. */
    readonly late: boolean;
  }
  /** Keep it, and ask the sending device for the key over the pairwise session. */
  | { readonly kind: "unknown-key" }
  /** Sent under a newer head: keep it, fetch the log, try again. */
  | { readonly kind: "newer" }
  /** The sender has another log. Signed by the sender. Stop sending, show it. */
  | { readonly kind: "fork" }
  /** The sender is not in the room, or not any more: drop it with a notice. */
  | { readonly kind: "not-member" };

/**
 * One message for everybody who was given the key. Commit the state before the envelope leaves the device.
 * @param room the head that recipients were taken from
 * @param from the own names
 * @throws {RangeError} when the key is used up (ask `renewReason` first) or the padded content does not fit
 */
export async function encryptForRoom(
  own: OwnSenderKey,
  room: RoomState,
  from: { readonly account: AccountId; readonly device: DeviceId },
  content: Bytes,
): Promise<{ own: OwnSenderKey; envelope: Bytes }> {
  if (own.room !== room.id) throw new RangeError("a sender key of another room");
  if (own.next >= MAX_SENDER_KEY_MESSAGES) throw new RangeError("the sender key is used up");
  const { messageKey, next } = stepChain(own.chainKey);
  const header: RoomHeader = {
    ...{ room: room.id, seq: room.seq, hash: room.hash },
    ...{ account: from.account, device: from.device, key: own.id, number: own.next },
    salt: randomBytes(SALT_BYTES),
  };
  const clear = encodeRoomHeader(header);
  const { key, iv } = bodyKey(messageKey, header.salt);
  const ciphertext = await seal(key, iv, pad(content), clear);
  wipe(messageKey, key);
  const signature = await sign(own.sign, "sender", concat(clear, ciphertext));
  const envelope = encodeRoomEnvelope({ ...header, ciphertext, signature });
  return { own: { ...own, chainKey: next, next: own.next + 1 }, envelope };
}

/**
 * Opens a room message. The signature comes first: without it neither the chain moves nor is a fork believed.
 * `keys` are left as they were.
 * @param keys the sender keys at hand for this room, of the sending device at least
 * @param now ms since 1970; dates the skipped keys
 * @throws {DecryptError} forged, damaged, seen before, of another room, or too far ahead
 */
export async function openRoomMessage(
  room: RoomState,
  keys: readonly PeerSenderKey[],
  envelope: RoomEnvelope,
  now: number,
): Promise<RoomOpened> {
  if (envelope.room !== room.id) throw new DecryptError();
  const { account, device } = envelope;
  const key = keys.find((one) => one.id === envelope.key && isKeyOf(one, room.id, account, device));
  if (key) await demandSigned(key, envelope);
  const judged = judgeSender(room, envelope);
  if (key && judged === "ok") return await openSigned(key, envelope, now);
  // Whoever carries an envelope can write any head into it; the sender's own word comes with the key.
  if (!key && judged === "fork") return { kind: "unknown-key" };
  return { kind: judged === "ok" ? "unknown-key" : judged };
}

async function openSigned(
  key: PeerSenderKey,
  envelope: RoomEnvelope,
  now: number,
): Promise<RoomOpened> {
  const { messageKey, chain, gap, late } = takeKey(key.chain, envelope.number, now);
  const body = bodyKey(messageKey, envelope.salt);
  const clear = encodeRoomHeader(envelope);
  const padded = await open(body.key, body.iv, envelope.ciphertext, clear);
  wipe(messageKey, body.key);
  return { kind: "content", content: unpad(padded), key: { ...key, chain }, gap, late };
}

interface Taken extends TakenKey<SkippingChain> {
  readonly gap: number;
  readonly late: boolean;
}

/** Each number once: later ones are skipped to, earlier ones must have been skipped. */
function takeKey(chain: SkippingChain, number: number, now: number): Taken {
  if (number >= MAX_SENDER_KEY_MESSAGES || chain.chainKey === null) throw new DecryptError();
  if (number < chain.next) {
    const taken = takeSkipped(chain, number);
    if (!taken) throw new DecryptError();
    return { ...taken, gap: 0, late: true };
  }
  const live = { ...chain, chainKey: chain.chainKey };
  const gap = number - chain.next;
  const there = gap ? skipTo(live, number, MAX_SENDER_KEY_MESSAGES, now) : live;
  return { ...takeNext(there), gap, late: false };
}

async function demandSigned(key: PeerSenderKey, envelope: RoomEnvelope): Promise<void> {
  const covered = concat(encodeRoomHeader(envelope), envelope.ciphertext);
  const valid = await verifySignature(key.verify, "sender", covered, envelope.signature);
  if (!valid) throw new DecryptError();
}

function bodyKey(messageKey: Bytes, salt: Bytes): { key: Bytes; iv: Bytes } {
  const okm = expand(sha256, extract(sha256, messageKey, salt), INFO, 44);
  return { key: okm.slice(0, 32), iv: okm.slice(32) };
}
