import type { Bytes } from "./encoding.ts";
import { KEY_BYTES, SIGNATURE_BYTES } from "./limits.ts";

const SIGN_BIT = 0x80;

/**
 * The y coordinates (little endian, sign bit clear) of the eight points whose order divides 8.
 * They verify for many messages or under many keys, and libraries disagree on them.
 */
const SMALL_ORDER_Y = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
].map(littleEndian);

/** p = 2^255 - 19, the field of the curve (RFC 7748 section 4.1). */
const FIELD = littleEndian("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
/** L, the order of the base point (RFC 8032 section 5.1). */
const ORDER = littleEndian("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");

/**
 * Whether an Ed25519 public key (32 bytes) and signature (64 bytes, R || S) have the one form that every
 * verifier must judge alike: A and R canonical and not of small order, S below L (RFC 8032 section 5.1.7).
 *
 * Runtimes disagree on the other forms, and where two devices disagree about a signed list they fork. One
 * form is left over: a signer can make a key or R with a small-order part added. Only the signer itself can,
 * and finding it takes a scalar multiplication, so the verifier's own equation decides.
 *
 * Says nothing about whether the signature verifies; never throws.
 */
export function isStrictEd25519(publicKey: Uint8Array, signature: Uint8Array): boolean {
  return signature.length === SIGNATURE_BYTES && isStrictEd25519Key(publicKey) &&
    isStrictPoint(signature.subarray(0, 32)) && isBelow(signature.subarray(32), ORDER);
}

/** Whether 32 bytes are a public key that {@link isStrictEd25519} would take. For keys that are stored before use. */
export function isStrictEd25519Key(publicKey: Uint8Array): boolean {
  return publicKey.length === KEY_BYTES && isStrictPoint(publicKey);
}

/**
 * Strict Ed25519 over the message as given, with no label: callers want `verifySignature` of verify.ts.
 * @param publicKey 32 bytes
 * @param message any length
 * @param signature 64 bytes
 * @returns false for every reason alike, wrong lengths and keys off the curve among them; never throws
 */
export async function verifyEd25519(
  publicKey: Bytes,
  message: Bytes,
  signature: Bytes,
): Promise<boolean> {
  if (!isStrictEd25519(publicKey, signature)) return false;
  try {
    const key = await crypto.subtle.importKey("raw", publicKey, "Ed25519", false, ["verify"]);
    return await crypto.subtle.verify("Ed25519", key, signature, message);
  } catch {
    return false;
  }
}

function isStrictPoint(encoded: Uint8Array): boolean {
  const y = encoded.slice();
  y[31]! &= ~SIGN_BIT;
  return isBelow(y, FIELD) && !SMALL_ORDER_Y.some((small) => compare(y, small) === 0);
}

function isBelow(value: Uint8Array, bound: Uint8Array): boolean {
  return compare(value, bound) < 0;
}

/** Compares two little-endian numbers of 32 bytes. Public values only: leaves early. */
function compare(a: Uint8Array, b: Uint8Array): number {
  for (let i = 31; i >= 0; i--) {
    if (a[i] !== b[i]) return a[i]! - b[i]!;
  }
  return 0;
}

function littleEndian(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g)!, (byte) => parseInt(byte, 16));
}
