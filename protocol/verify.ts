/** The public-key side of every signature: servers and devices check with the same code. */
import { verifyEd25519 } from "./ed25519_strict.ts";
import { type Bytes, concat, utf8 } from "./encoding.ts";

/** One label per kind of signed structure, so that no signature is ever taken for another kind's. */
export type Label =
  | "set"
  | "revoke"
  | "device"
  | "bundle"
  | "kem-once"
  | "kem-last"
  | "log"
  | "join"
  | "sender"
  | "segment"
  | "deposit"
  | "login";

/** What an Ed25519 signature covers: the label in ASCII, a zero byte, the structure. */
export function signedBytes(label: Label, structure: Uint8Array): Bytes {
  return concat(utf8(label), Uint8Array.of(0), structure);
}

/**
 * Strict Ed25519 (RFC 8032 section 5.1.7; small-order and non-canonical A and R and an S of L or more are
 * refused, because runtimes disagree on them and a disagreement is a fork).
 * @param publicKey 32 bytes
 * @param structure any length
 * @param signature 64 bytes
 * @returns false for every reason alike; never throws
 */
export function verifySignature(
  publicKey: Bytes,
  label: Label,
  structure: Uint8Array,
  signature: Bytes,
): Promise<boolean> {
  return verifyEd25519(publicKey, signedBytes(label, structure), signature);
}

/** SHA-256 (FIPS 180-4): 32 bytes. */
export async function sha256(message: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", message));
}
