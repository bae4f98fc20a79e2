/** Hashes, MACs and random secrets of the server side. */
import { timingSafeEqual } from "node:crypto";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { SECRET_BYTES } from "../protocol/api.ts";
import { type Bytes, fromBase64Url, toBase64Url, utf8 } from "../protocol/encoding.ts";
import type { RandomSource } from "./deps.ts";

/** SHA-256, 32 bytes. */
export function hashOf(bytes: Uint8Array): Bytes {
  return new Uint8Array(sha256(bytes));
}

/** HMAC-SHA-256 (RFC 2104), 32 bytes. */
export function hmacSha256(key: Uint8Array, message: Uint8Array): Bytes {
  return new Uint8Array(hmac(sha256, key, message));
}

/** HMAC-SHA-256, 32 bytes, over parts that cannot run into one another: each has its length before it. */
export function macOf(key: Uint8Array, ...parts: readonly (string | Uint8Array)[]): Bytes {
  const mac = hmac.create(sha256, key);
  for (const part of parts) {
    const bytes = typeof part === "string" ? utf8(part) : part;
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, bytes.length);
    mac.update(length).update(bytes);
  }
  return new Uint8Array(mac.digest());
}

/** Equal, in a time that does not depend on where they differ. */
export function equalSecrets(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** A secret for somebody to carry, and the hash that is kept of it. */
export interface Carried {
  /** Base64url of 32 bytes, 43 characters. */
  readonly secret: string;
  readonly hash: Bytes;
}

/** 256 fresh random bits. */
export function newCarried(random: RandomSource): Carried {
  const bytes = random(SECRET_BYTES);
  return { secret: toBase64Url(bytes), hash: hashOf(bytes) };
}

/** The hash of a secret as somebody sent it, or null when it can be none. */
export function hashOfCarried(secret: string | undefined): Bytes | null {
  if (secret === undefined || !/^[A-Za-z0-9_-]{43}$/.test(secret)) return null;
  try {
    return hashOf(fromBase64Url(secret));
  } catch {
    return null;
  }
}
