/** Contents of room messages: who says it is the sender key's device, where is the room of the envelope. */
import { decode, encode, id, type Infer, record, tagged, text, uint } from "../protocol/codec.ts";
import type { Bytes } from "../protocol/encoding.ts";
import { MAX_TEXT_BYTES } from "../protocol/limits.ts";

/** A text of 4,000 bytes and what stands round it is well under this. */
const MAX_ROOM_CONTENT_BYTES = 8_192;

const roomContentSchema = record({
  /** 16 random bytes; unique together with the sending account. */
  id: id<"message">(),
  /** Milliseconds since 1970 by the sender's clock. */
  time: uint(Number.MAX_SAFE_INTEGER),
  body: tagged("kind", { text: record({ text: text({ max: MAX_TEXT_BYTES }) }) }),
});

export type RoomContent = Infer<typeof roomContentSchema>;

/** @throws {FormatError} when a field is out of range: a bug of the caller */
export function encodeRoomContent(content: RoomContent): Bytes {
  return encode(roomContentSchema, content);
}

/** @throws {FormatError} for malformed bytes */
export function decodeRoomContent(encoded: Uint8Array): RoomContent {
  return decode(roomContentSchema, encoded, MAX_ROOM_CONTENT_BYTES);
}
