import type { Bytes } from "../protocol/encoding.ts";

/** The most that one call of `getRandomValues` fills (W3C Web Cryptography section 10.1.1). */
const MOST_AT_ONCE = 65_536;
const UINT32_VALUES = 2 ** 32;

/** `length` bytes from the platform's CSPRNG. */
export function randomBytes(length: number): Bytes {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += MOST_AT_ONCE) {
    crypto.getRandomValues(bytes.subarray(at, at + MOST_AT_ONCE));
  }
  return bytes;
}

/**
 * A whole number from 0 to `maxExclusive - 1`, each equally likely: values from the incomplete last stretch of
 * the 32-bit range are thrown away, because a plain remainder would favour small numbers.
 * @param maxExclusive 1 to 2^32
 * @throws {RangeError} for any other bound
 */
export function randomUint(maxExclusive: number): number {
  if (!Number.isInteger(maxExclusive) || maxExclusive < 1 || maxExclusive > UINT32_VALUES) {
    throw new RangeError("bound outside 1 to 2^32");
  }
  const usable = UINT32_VALUES - UINT32_VALUES % maxExclusive;
  const drawn = new Uint32Array(1);
  do crypto.getRandomValues(drawn); while (drawn[0]! >= usable);
  return drawn[0]! % maxExclusive;
}

/** `count` decimal digits, each equally likely: the 6-digit codes. */
export function randomDigits(count: number): string {
  return Array.from({ length: count }, () => randomUint(10)).join("");
}
