import type { Bytes } from "../protocol/encoding.ts";
import { HASH_BYTES } from "../protocol/limits.ts";

export { sha256 } from "../protocol/verify.ts";

/** RFC 5869 section 2.3: at most 255 blocks of output. */
const HKDF_MOST = 255 * HASH_BYTES;

/** HMAC-SHA-256 (RFC 2104): 32 bytes. `key` may have any length, none included. */
export async function hmac(key: Bytes, message: Bytes): Promise<Bytes> {
  // WebCrypto refuses an empty HMAC key; one zero byte is the same key, since keys are padded with zeros.
  const material = key.length > 0 ? key : new Uint8Array(1);
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", material, algorithm, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, message));
}

/**
 * HKDF-SHA-256 (RFC 5869), extract and expand.
 * @param ikm secret input, any length
 * @param salt any length; none means 32 zero bytes
 * @param info label and context, any length
 * @param length bytes wanted, 1 to 8,160
 * @throws {RangeError} for another length
 */
export async function hkdf(ikm: Bytes, salt: Bytes, info: Bytes, length: number): Promise<Bytes> {
  if (!Number.isInteger(length) || length < 1 || length > HKDF_MOST) {
    throw new RangeError("HKDF length outside 1 to 8160");
  }
  const key = await crypto.subtle.importKey("raw", ikm, "HKDF", false, ["deriveBits"]);
  const algorithm = { name: "HKDF", hash: "SHA-256", salt, info };
  return new Uint8Array(await crypto.subtle.deriveBits(algorithm, key, length * 8));
}

/**
 * PBKDF2-HMAC-SHA-256 (RFC 8018 section 5.2). For room codes only: they have 80 random bits. Passwords go
 * through OPAQUE with Argon2id.
 * @param secret the code's bytes, any length
 * @param rounds at least 1; 600,000 for room codes
 * @param length bytes wanted, at least 1
 * @throws {RangeError} for other rounds or lengths
 */
export async function pbkdf2(
  secret: Bytes,
  salt: Bytes,
  rounds: number,
  length: number,
): Promise<Bytes> {
  if (!Number.isInteger(rounds) || rounds < 1) throw new RangeError("PBKDF2 rounds below 1");
  if (!Number.isInteger(length) || length < 1) throw new RangeError("PBKDF2 length below 1");
  const key = await crypto.subtle.importKey("raw", secret, "PBKDF2", false, ["deriveBits"]);
  const algorithm = { name: "PBKDF2", hash: "SHA-256", salt, iterations: rounds };
  return new Uint8Array(await crypto.subtle.deriveBits(algorithm, key, length * 8));
}
