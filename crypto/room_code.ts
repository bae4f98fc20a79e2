/**
 * Room codes: 80 random bits that open a room. The code itself never leaves the members' devices; the server
 * sees the lookup id that is derived from it.
 */
import {
  bytes,
  decode,
  encode,
  id,
  type Infer,
  nullable,
  record,
  text,
  uint,
} from "../protocol/codec.ts";
import { type Bytes, concat, utf8 } from "../protocol/encoding.ts";
import { FormatError } from "../protocol/errors.ts";
import { idFrom } from "../protocol/ids.ts";
import {
  KEY_BYTES,
  ROOM_CODE_BYTES,
  ROOM_CODE_ROUNDS,
  SERVER_ID_BYTES,
} from "../protocol/limits.ts";
import { MAX_ROOM_NAME_BYTES, MAX_ROOM_PICTURE_BYTES } from "../protocol/limits.ts";
import {
  MAX_ROOM_TOPIC_BYTES,
  MAX_VERSION,
  SMALLEST_BUCKET_BYTES,
  TAG_BYTES,
} from "../protocol/limits.ts";
import type { LookupId } from "../protocol/room_entry.ts";
import { open, seal } from "./aead.ts";
import { fromCrockford, inGroups, normaliseCrockford, toCrockford } from "./crockford.ts";
import { DecryptError } from "./errors.ts";
import { hkdf, pbkdf2 } from "./kdf.ts";
import { pad, unpad } from "./padding.ts";
import { randomBytes } from "./random.ts";
import { importSigning, type KeyMode, type SigningPair } from "./signature.ts";
import { wipe } from "./wipe.ts";

const CODE_CHARACTERS = 16;
const SALT_LABEL = utf8("snug/1 room code\0");
const NO_SALT: Bytes = new Uint8Array();
const SALT_BYTES = 16;

/** Everything a code opens. */
export interface RoomKeys {
  /** What the server finds the room by. */
  readonly lookup: LookupId;
  /** Signs joins; its public half stands in the log. */
  readonly join: SigningPair;
  /** Seals name, topic and picture, 32 bytes. */
  readonly metadata: Bytes;
}

export type ParsedRoomCode =
  | { readonly ok: true; readonly code: Bytes }
  | { readonly ok: false; readonly problem: "character" | "length" };

/** What only members read about a room. */
export const roomDetailsSchema = record({
  name: text({ max: MAX_ROOM_NAME_BYTES }),
  topic: text({ max: MAX_ROOM_TOPIC_BYTES }),
  /** A small image, PNG, JPEG or WebP. Hostile like any other content. */
  picture: nullable(bytes({ max: MAX_ROOM_PICTURE_BYTES })),
});
export type RoomDetails = Infer<typeof roomDetailsSchema>;

/** A room's current code, for those in it: goes over pairwise sessions only, in the context `control`. */
export const roomCodeMessageSchema = record({
  room: id<"room">(),
  epoch: uint(MAX_VERSION),
  code: bytes(ROOM_CODE_BYTES),
});
export type RoomCodeMessage = Infer<typeof roomCodeMessageSchema>;

/** A fresh code: 10 random bytes. */
export function makeRoomCode(): Bytes {
  return randomBytes(ROOM_CODE_BYTES);
}

/**
 * The code as people pass it on: `XXXX-XXXX-XXXX-XXXX`.
 * @param code 10 bytes
 * @throws {RangeError} for any other length
 */
export function formatRoomCode(code: Bytes): string {
  if (code.length !== ROOM_CODE_BYTES) throw new RangeError("a room code is 10 bytes");
  return inGroups(toCrockford(code));
}

/**
 * Reads what a person typed or pasted: any case, spaces and dashes anywhere, O for 0, I or L for 1; also a whole
 * link, of which only what follows the `#` counts. Typing errors are values, not exceptions.
 */
export function parseRoomCode(typed: string): ParsedRoomCode {
  const text = normaliseCrockford(typed.slice(typed.indexOf("#") + 1));
  if (text === null) return { ok: false, problem: "character" };
  if (text.length !== CODE_CHARACTERS) return { ok: false, problem: "length" };
  return { ok: true, code: fromCrockford(text) };
}

/**
 * What a code opens on one server: `S = PBKDF2-SHA-256(code, label || server id, 600,000)`, 32 bytes, and from it
 * by HKDF (no salt) lookup id, join key seed and metadata key. Takes some tenths of a second on purpose.
 * @param code 10 bytes
 * @param server the server's id, 16 bytes: the same code elsewhere is another room
 * @param mode whether the join key may be exported, for stores that keep bytes
 * @throws {RangeError} for other lengths
 */
export async function deriveRoomKeys(
  code: Bytes,
  server: Bytes,
  mode: KeyMode,
): Promise<RoomKeys> {
  if (code.length !== ROOM_CODE_BYTES) throw new RangeError("a room code is 10 bytes");
  if (server.length !== SERVER_ID_BYTES) throw new RangeError("a server id is 16 bytes");
  const secret = await pbkdf2(code, concat(SALT_LABEL, server), ROOM_CODE_ROUNDS, KEY_BYTES);
  const [lookup, seed, metadata] = await Promise.all([
    hkdf(secret, NO_SALT, utf8("snug/1 room lookup"), 16),
    hkdf(secret, NO_SALT, utf8("snug/1 room join"), KEY_BYTES),
    hkdf(secret, NO_SALT, utf8("snug/1 room metadata"), KEY_BYTES),
  ]);
  const join = await importSigning(seed, mode);
  wipe(secret, seed);
  return { lookup: idFrom(lookup), join, metadata };
}

/**
 * Seals a room's details under a code's metadata key: `salt 16 || AES-256-GCM(padded)`. Key and IV:
 * `HKDF(salt, metadata key, "snug/1 room details")`, 44 bytes; associated data: the epoch as u32.
 * @param metadata 32 bytes
 * @param epoch of the code, so that details of one never pass for those of another
 * @throws {FormatError} when a part is too long: a bug of the caller
 */
export async function sealDetails(
  metadata: Bytes,
  details: RoomDetails,
  epoch: number,
): Promise<Bytes> {
  const salt = randomBytes(SALT_BYTES);
  const { key, iv } = await detailsKey(metadata, salt);
  return concat(salt, await seal(key, iv, pad(encode(roomDetailsSchema, details)), u32(epoch)));
}

/**
 * Opens what {@link sealDetails} sealed.
 * @throws {DecryptError} of another code or epoch, damaged, or no details at all
 */
export async function openDetails(
  metadata: Bytes,
  sealed: Bytes,
  epoch: number,
): Promise<RoomDetails> {
  if (sealed.length < SALT_BYTES + SMALLEST_BUCKET_BYTES + TAG_BYTES) throw new DecryptError();
  const { key, iv } = await detailsKey(metadata, sealed.slice(0, SALT_BYTES));
  const content = unpad(await open(key, iv, sealed.slice(SALT_BYTES), u32(epoch)));
  try {
    return decode(roomDetailsSchema, content);
  } catch (error) {
    // A moderator may seal anything; what is no name is as good as unreadable.
    throw error instanceof FormatError ? new DecryptError() : error;
  }
}

async function detailsKey(metadata: Bytes, salt: Bytes): Promise<{ key: Bytes; iv: Bytes }> {
  const okm = await hkdf(metadata, salt, utf8("snug/1 room details"), 44);
  return { key: okm.slice(0, 32), iv: okm.slice(32) };
}

function u32(value: number): Bytes {
  const encoded = new Uint8Array(4);
  new DataView(encoded.buffer).setUint32(0, value);
  return encoded;
}
