import { type Bytes, fromBase64Url, toBase64Url } from "./encoding.ts";

export type { Bytes } from "./encoding.ts";

/** Every id is this many bytes. */
export const ID_BYTES = 16;

/** 16 bytes as 22 characters of base64url. The type parameter keeps one kind from passing for another. */
export type Id<K extends string> = string & { readonly __id: K };
export type AccountId = Id<"account">;
export type DeviceId = Id<"device">;
export type SessionId = Id<"session">;
export type MessageId = Id<"message">;
export type SubmitId = Id<"submit">;
export type RoomId = Id<"room">;

const ID_PATTERN = /^[A-Za-z0-9_-]{21}[AQgw]$/;

/**
 * The id made of these 16 bytes.
 * @throws {RangeError} for any other length
 */
export function idFrom<K extends string>(bytes: Uint8Array): Id<K> {
  if (bytes.length !== ID_BYTES) throw new RangeError("an id is 16 bytes");
  return toBase64Url(bytes) as Id<K>;
}

/** The 16 bytes of an id, in `into` if it is given: its own array costs more than the id. */
export function idBytes(id: Id<string>, into?: Bytes): Bytes {
  return fromBase64Url(id, into);
}

/** A fresh id of 128 random bits. */
export function randomId<K extends string>(): Id<K> {
  return idFrom(crypto.getRandomValues(new Uint8Array(ID_BYTES)));
}

const STAMP_BYTES = 6;

/**
 * A fresh id that sorts behind those made before: the milliseconds since 1970 in 6 bytes, then 80
 * random bits. For what the server keeps by the million: it then writes next to what it wrote last.
 */
export function risingId<K extends string>(now: number): Id<K> {
  const bytes = crypto.getRandomValues(new Uint8Array(ID_BYTES));
  for (let at = STAMP_BYTES - 1, left = Math.max(0, now); at >= 0; at--) {
    bytes[at] = left % 256;
    left = Math.floor(left / 256);
  }
  return idFrom(bytes);
}

/** `text` as an id when it is the one encoding of 16 bytes, else null. For ids that come in URLs and forms. */
export function parseId<K extends string>(text: string): Id<K> | null {
  return ID_PATTERN.test(text) ? text as Id<K> : null;
}
