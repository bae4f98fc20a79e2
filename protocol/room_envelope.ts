/** The envelope of a room message: one ciphertext for every device in the room. Kind 3, fixed layout. */
import type { Bytes } from "./encoding.ts";
import { ENVELOPE_KINDS, ENVELOPE_VERSION } from "./envelope.ts";
import { FormatError } from "./errors.ts";
import { FrameReader, FrameWriter } from "./frame_bytes.ts";
import type { AccountId, DeviceId, Id, RoomId } from "./ids.ts";
import { HASH_BYTES, MAX_ENVELOPE_BYTES, SIGNATURE_BYTES } from "./limits.ts";
import { SMALLEST_BUCKET_BYTES, TAG_BYTES } from "./limits.ts";

/** Names a sender key of one device: 16 random bytes. */
export type SenderKeyId = Id<"sender-key">;

/** What stands in clear before the ciphertext. All of it is signed, and is the body's associated data. */
export interface RoomHeader {
  readonly room: RoomId;
  /** The sender's head of the room's log. */
  readonly seq: number;
  readonly hash: Bytes;
  /** Who says to have sent it; true when the signature verifies under a key that this device gave out. */
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly key: SenderKeyId;
  /** Which message under this key, from 0. */
  readonly number: number;
  /** 16 random bytes, salt of the body key. */
  readonly salt: Bytes;
}

/** A room message as it travels. */
export interface RoomEnvelope extends RoomHeader {
  /** The padded content under AES-256-GCM, tag (16) included. */
  readonly ciphertext: Bytes;
  /** Ed25519 by the sender key, label `sender`, over everything before it: 64 bytes. */
  readonly signature: Bytes;
}

const SALT_BYTES = 16;
/** Bytes before the ciphertext. */
export const ROOM_HEADER_BYTES = 2 + 16 + 4 + HASH_BYTES + 16 + 16 + 16 + 4 + SALT_BYTES;

/**
 * The bytes of a header: version, kind, room, seq, hash, account, device, key, number, salt.
 * @throws {RangeError} when a part has the wrong length: a bug of the caller
 */
export function encodeRoomHeader(header: RoomHeader): Bytes {
  const out = new FrameWriter();
  out.u8(ENVELOPE_VERSION);
  out.u8(ENVELOPE_KINDS.room);
  out.id(header.room);
  out.u32(header.seq);
  out.bytes(header.hash, HASH_BYTES);
  out.id(header.account);
  out.id(header.device);
  out.id(header.key);
  out.u32(header.number);
  out.bytes(header.salt, SALT_BYTES);
  return out.take();
}

/**
 * The bytes of an envelope.
 * @throws {RangeError} when a part has the wrong length or the whole is over 64 KiB: a bug of the caller
 */
export function encodeRoomEnvelope(envelope: RoomEnvelope): Bytes {
  const out = new FrameWriter();
  out.bytes(encodeRoomHeader(envelope), ROOM_HEADER_BYTES);
  out.bytes(envelope.ciphertext, envelope.ciphertext.length);
  out.bytes(envelope.signature, SIGNATURE_BYTES);
  if (out.length > MAX_ENVELOPE_BYTES) throw new RangeError("envelope too large");
  return out.take();
}

/**
 * The parts of an envelope, copied.
 * @throws {FormatError} for anything that {@link encodeRoomEnvelope} would not have written
 */
export function decodeRoomEnvelope(bytes: Uint8Array): RoomEnvelope {
  if (bytes.length > MAX_ENVELOPE_BYTES) throw new FormatError("envelope too large");
  const input = new FrameReader(bytes);
  const header = readHeader(input);
  const length = bytes.length - ROOM_HEADER_BYTES - SIGNATURE_BYTES;
  if (length < SMALLEST_BUCKET_BYTES + TAG_BYTES) {
    throw new FormatError("ciphertext shorter than the smallest bucket");
  }
  return { ...header, ciphertext: input.bytes(length), signature: input.bytes(SIGNATURE_BYTES) };
}

/**
 * The header of an envelope whose rest nobody has looked at: what the server routes by.
 * @throws {FormatError}
 */
export function readRoomHeader(envelope: Uint8Array): RoomHeader {
  return readHeader(new FrameReader(envelope));
}

function readHeader(input: FrameReader): RoomHeader {
  if (input.u8() !== ENVELOPE_VERSION) throw new FormatError("unknown envelope version");
  if (input.u8() !== ENVELOPE_KINDS.room) throw new FormatError("not a room envelope");
  return {
    room: input.id(),
    seq: input.u32(),
    hash: input.bytes(HASH_BYTES),
    account: input.id(),
    device: input.id(),
    key: input.id(),
    number: input.u32(),
    salt: input.bytes(SALT_BYTES),
  };
}
