/**
 * Sender keys: a chain and a signing key with which one device encrypts once for a whole room. They travel over
 * pairwise sessions only, to devices in the verified log only, always as they stand: whoever gets one reads
 * nothing from before.
 */
import { bytes, id, type Infer, record, uint } from "../protocol/codec.ts";
import { type Bytes, equalBytes } from "../protocol/encoding.ts";
import { VerifyError } from "../protocol/errors.ts";
import { type AccountId, type DeviceId, randomId, type RoomId } from "../protocol/ids.ts";
import { DAY_MS, HASH_BYTES, KEY_BYTES, MAX_KEYS_PER_SENDER } from "../protocol/limits.ts";
import { MAX_SENDER_KEY_MESSAGES, MAX_VERSION } from "../protocol/limits.ts";
import { OLD_SENDER_KEY_LIFETIME_MS, SENDER_KEY_LIFETIME_MS } from "../protocol/limits.ts";
import type { SenderKeyId } from "../protocol/room_envelope.ts";
import { judgeSender, type RoomDevice, type RoomState } from "../protocol/room_state.ts";
import { randomBytes } from "./random.ts";
import { dropExpired, type SkippingChain } from "./ratchet/receiver_chain.ts";
import { generateSigning, type KeyMode, type SigningPair } from "./signature.ts";

/**
 * The own sender key of one room. Plain values, fit for `structuredClone`. Like every ratchet state it is never
 * backed up and never restored.
 */
export interface OwnSenderKey {
  /** Version of this layout; states of every older version must load. */
  readonly format: 1;
  readonly room: RoomId;
  readonly id: SenderKeyId;
  readonly sign: SigningPair;
  /** Chain key of message `next`, 32 bytes. */
  readonly chainKey: Bytes;
  readonly next: number;
  /** ms since 1970 by this device's clock. */
  readonly madeAt: number;
  /** Every device that it was ever given to. */
  readonly given: readonly RoomDevice[];
}

/** Another device's sender key. Plain values. */
export interface PeerSenderKey {
  readonly format: 1;
  readonly room: RoomId;
  /** Whose session it came over: the only device that it can speak for. */
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly id: SenderKeyId;
  /** Ed25519 public key, 32 bytes. */
  readonly verify: Bytes;
  readonly chain: SkippingChain;
  /** When a newer key of the same device came, in ms since 1970; null for the newest. */
  readonly replacedAt: number | null;
}

/** What goes over a pairwise session, in the context `control`. */
export const senderKeyMessageSchema = record({
  room: id<"room">(),
  /** The sender's head of the room's log. */
  seq: uint(MAX_VERSION),
  hash: bytes(HASH_BYTES),
  key: id<"sender-key">(),
  /** Ed25519 public key that signs under this key. */
  verify: bytes(KEY_BYTES),
  /** Chain key of message `number`: the next one to be sent, never an earlier one. */
  chainKey: bytes(KEY_BYTES),
  number: uint(MAX_SENDER_KEY_MESSAGES),
});
export type SenderKeyMessage = Infer<typeof senderKeyMessageSchema>;

/** "I have a message of yours in this room and no key for it": likewise in the context `control`. */
export const senderKeyRequestSchema = record({
  room: id<"room">(),
  key: id<"sender-key">(),
});
export type SenderKeyRequest = Infer<typeof senderKeyRequestSchema>;

/** What became of a key that came. Commit `keys` in place of the sending device's old ones. */
export type SenderKeyOutcome =
  | { readonly kind: "accepted"; readonly keys: readonly PeerSenderKey[] }
  /** Nothing new. */
  | { readonly kind: "known" }
  /** Hold it, fetch the log, ask again. */
  | { readonly kind: "newer" }
  /** Another log: stop sending, show it. */
  | { readonly kind: "fork" }
  /** Drop it, with a notice. */
  | { readonly kind: "not-member" };

/** A fresh sender key, not given to anybody. */
export async function makeSenderKey(
  room: RoomId,
  mode: KeyMode,
  now: number,
): Promise<OwnSenderKey> {
  const sign = await generateSigning(mode);
  const fresh = { id: randomId<"sender-key">(), chainKey: randomBytes(KEY_BYTES), next: 0 };
  return { format: 1, room, sign, ...fresh, madeAt: now, given: [] };
}

/**
 * Why the next message needs a fresh key, or null: there is none; a device that has it is no recipient any more
 * (its owner left, was removed or has revoked it); 1,000 messages; 7 days, or a clock that ran a day backwards.
 * @param recipients `roomRecipients` at the head, without what is being removed
 * @param now ms since 1970
 */
export function renewReason(
  own: OwnSenderKey | null,
  recipients: readonly RoomDevice[],
  now: number,
): "first" | "left" | "count" | "age" | null {
  if (own === null) return "first";
  if (without(own.given, recipients).length > 0) return "left";
  return usedUp(own, now);
}

/** The part of {@link renewReason} that has nothing to do with who is in the room. */
export function usedUp(
  { next, madeAt }: Pick<OwnSenderKey, "next" | "madeAt">,
  now: number,
): "count" | "age" | null {
  if (next >= MAX_SENDER_KEY_MESSAGES) return "count";
  const age = now - madeAt;
  return age >= SENDER_KEY_LIFETIME_MS || age <= -DAY_MS ? "age" : null;
}

/** The recipients who have not been given the key: each gets it before the next message leaves. */
export function missingRecipients(
  own: OwnSenderKey,
  recipients: readonly RoomDevice[],
): RoomDevice[] {
  return without(recipients, own.given);
}

/**
 * What to send to each of `devices`, and the key with them on record. Commit it together with the pairwise states,
 * before anything leaves: a device that might have the key counts as having it.
 */
export function giveSenderKey(
  own: OwnSenderKey,
  room: RoomState,
  devices: readonly RoomDevice[],
): { own: OwnSenderKey; message: SenderKeyMessage } {
  const { id: key, sign, chainKey, next: number } = own;
  const head = { room: room.id, seq: room.seq, hash: room.hash };
  const message = { ...head, key, verify: sign.public, chainKey, number };
  return { own: { ...own, given: [...own.given, ...without(devices, own.given)] }, message };
}

/**
 * Takes a key that came over the session with `from`. One that is known stays where it stands: going back would let
 * old messages in again.
 * @param keys what is kept of this device in this room, newest first
 * @param now ms since 1970
 * @throws {VerifyError} `wrong-room`; `duplicate`: another key under a known id
 */
export function acceptSenderKey(
  room: RoomState,
  keys: readonly PeerSenderKey[],
  from: { readonly account: AccountId; readonly device: DeviceId },
  message: SenderKeyMessage,
  now: number,
): SenderKeyOutcome {
  if (message.room !== room.id) throw new VerifyError("wrong-room");
  const { account, device } = from;
  const judged = judgeSender(room, { ...message, account, device });
  if (judged !== "ok") return { kind: judged };
  const { key: id, verify, chainKey, number } = message;
  const known = keys.find((one) => isKeyOf(one, room.id, account, device) && one.id === id);
  if (known && !equalBytes(known.verify, verify)) throw new VerifyError("duplicate");
  if (known) return { kind: "known" };
  const chain = { chainKey, next: number, skipped: [] };
  const names = { room: room.id, account, device, id, verify };
  const older = keys.map((one) => ({ ...one, replacedAt: one.replacedAt ?? now }));
  const added: PeerSenderKey = { format: 1, ...names, chain, replacedAt: null };
  return { kind: "accepted", keys: pruneSenderKeys([added, ...older], now) };
}

/** The newest 5 keys of one device, without those replaced 30 days ago and message keys that waited as long. */
export function pruneSenderKeys(keys: readonly PeerSenderKey[], now: number): PeerSenderKey[] {
  return keys.slice(0, MAX_KEYS_PER_SENDER)
    .filter(({ replacedAt }) => now - (replacedAt ?? now) <= OLD_SENDER_KEY_LIFETIME_MS)
    .map((one) => ({ ...one, chain: dropExpired(one.chain, now) }));
}

/** Whether a key is of this device in this room. */
export function isKeyOf(
  key: PeerSenderKey,
  room: RoomId,
  account: AccountId,
  device: DeviceId,
): boolean {
  return key.room === room && key.account === account && key.device === device;
}

/** By key, not by name alone: an account that was reset could come back under the old device id. */
function without(devices: readonly RoomDevice[], others: readonly RoomDevice[]): RoomDevice[] {
  const named = new Map(others.map((one) => [`${one.account} ${one.device}`, one]));
  return devices.filter((one) => {
    const other = named.get(`${one.account} ${one.device}`);
    return other === undefined || !equalBytes(other.sign, one.sign);
  });
}
