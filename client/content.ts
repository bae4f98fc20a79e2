/**
 * Contents: what is inside a pairwise ciphertext. Message id, conversation and time are in here and
 * nowhere else; the sender is the device whose session decrypted it (security.md P6).
 */
import {
  bool,
  bytes,
  choice,
  decode,
  encode,
  id,
  type Infer,
  list,
  record,
  tagged,
  text,
  uint,
} from "../protocol/codec.ts";
import type { Bytes } from "../protocol/encoding.ts";
import { FormatError } from "../protocol/errors.ts";
import { HASH_BYTES, KEY_BYTES, MAX_TEXT_BYTES, MAX_VERSION } from "../protocol/limits.ts";
import { roomEntrySchema } from "../protocol/room_entry.ts";
import { roomCodeMessageSchema } from "../crypto/room_code.ts";
import { senderKeyMessageSchema, senderKeyRequestSchema } from "../crypto/sender_key.ts";
import type { Context } from "../crypto/session.ts";

/** Message ids in one receipt: 17 bytes each, so that a full one still fits the 4,096-byte bucket. */
export const MAX_RECEIPT_IDS = 200;

/** Largest encoded content: a text of 4,000 bytes and everything round it is under 4,400. */
const MAX_CONTENT_BYTES = 8_192;

/** Version and SHA-256 (32 bytes) of a device list. */
const head = record({ version: uint(MAX_VERSION), hash: bytes(HASH_BYTES) });

const body = tagged("kind", {
  text: record({ text: text({ max: MAX_TEXT_BYTES }) }),
  receipt: record({
    state: choice("delivered", "read"),
    ids: list(id<"message">(), { min: 1, max: MAX_RECEIPT_IDS }),
  }),
  /** "I could not read `lost` of your messages: here is a fresh session." */
  healing: record({ lost: uint() }),
  "sender-key": senderKeyMessageSchema,
  "sender-key-request": senderKeyRequestSchema,
  "room-code": roomCodeMessageSchema,
  /** "I am in this room and do not know its code." */
  "room-code-request": record({ room: id<"room">() }),
  /** A `remove` or `ban` by the sending device, told to every member at once. */
  "room-entry": record({ entry: roomEntrySchema }),
  /** To one's own other devices: read in a room, at most the newest 200. Nobody else hears of it. */
  "room-read": record({
    room: id<"room">(),
    ids: list(id<"message">(), { min: 1, max: MAX_RECEIPT_IDS }),
  }),
  /** To one's own other devices: an archive key, made for a version of the own device list. */
  "archive-key": record({
    epoch: uint(MAX_VERSION),
    list: bytes(HASH_BYTES),
    key: bytes(KEY_BYTES),
  }),
  /** To one's own other devices: how far the sender's chain of segments goes. */
  "archive-head": record({ seq: uint(MAX_VERSION), hash: bytes(HASH_BYTES) }),
  /** To one's own other devices: what the person has decided about somebody, and under which account key. */
  "decision": record({
    account: id<"account">(),
    aik: bytes(KEY_BYTES),
    accepted: bool,
    verified: bool,
    blocked: bool,
    /** Milliseconds since 1970; the later decision counts. */
    decided: uint(Number.MAX_SAFE_INTEGER),
  }),
});

export const contentSchema = record({
  /** 16 random bytes; unique together with the sending device. */
  id: id<"message">(),
  /** The account the conversation is with, seen from the sender's account. */
  to: id<"account">(),
  /** Milliseconds since 1970 by the sender's clock. */
  time: uint(Number.MAX_SAFE_INTEGER),
  /** The sender's device list as the sender has it. */
  own: head,
  /** The device list of `to` as the sender has it. */
  peer: head,
  body,
});

export type Content = Infer<typeof contentSchema>;
export type ContentBody = Content["body"];

/** The encryption context of a kind: what arrives in another one is refused (security.md P4). */
export function contextOf(kind: ContentBody["kind"]): Context {
  return kind === "text" ? "pairwise" : "control";
}

/** @throws {FormatError} when a field is out of range: a bug of the caller */
export function encodeContent(content: Content): Bytes {
  return encode(contentSchema, content);
}

/** @throws {FormatError} for malformed bytes, or a kind that came in another kind's context */
export function decodeContent(encoded: Uint8Array, context: Context): Content {
  const content = decode(contentSchema, encoded, MAX_CONTENT_BYTES);
  if (contextOf(content.body.kind) !== context) throw new FormatError("content of another context");
  return content;
}
