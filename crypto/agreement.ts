import { type Bytes, fromHex } from "../protocol/encoding.ts";
import { KEY_BYTES } from "../protocol/limits.ts";
import { equalConstantTime } from "./compare.ts";
import { KeyError } from "./errors.ts";
import { generatePair, importSeed, type KeyMode } from "./private_key.ts";

export { exportPrivate, type KeyMode } from "./private_key.ts";

/** An X25519 pair (RFC 7748): `public` is 32 bytes, `private` a WebCrypto key for deriving bits. */
export interface AgreementPair {
  readonly public: Bytes;
  readonly private: CryptoKey;
}

/** u = 9 (RFC 7748 section 4.1). */
const BASE_POINT = fromHex("09" + "00".repeat(31));
const ZERO = new Uint8Array(KEY_BYTES);
/** p = 2^255 - 19, little endian. */
const FIELD = fromHex("ed" + "ff".repeat(30) + "7f");

/** A fresh X25519 pair. */
export function generateAgreement(mode: KeyMode): Promise<AgreementPair> {
  return generatePair("X25519", mode);
}

/**
 * The X25519 pair of a 32-byte seed (the scalar before clamping).
 * @throws {KeyError} for any other length
 */
export async function importAgreement(seed: Bytes, mode: KeyMode): Promise<AgreementPair> {
  const privateKey = await importSeed("X25519", seed, mode);
  return { public: await multiply(privateKey, BASE_POINT), private: privateKey };
}

/**
 * The X25519 shared secret, 32 bytes.
 *
 * Stricter than RFC 7748: a public key that is not fully reduced, or has its top bit set, is refused, because no
 * honest device makes one and two forms of one key must not pass for two keys. A key of small order, which
 * gives the same all-zero secret with everybody (section 6.1), is refused as well.
 * @param publicKey 32 bytes
 * @throws {KeyError} `length`, `non-canonical` or `low-order`
 */
export async function agree(privateKey: CryptoKey, publicKey: Bytes): Promise<Bytes> {
  if (publicKey.length !== KEY_BYTES) throw new KeyError("length");
  if (!isReduced(publicKey)) throw new KeyError("non-canonical");
  const secret = await multiply(privateKey, publicKey);
  if (equalConstantTime(secret, ZERO)) throw new KeyError("low-order");
  return secret;
}

async function multiply(privateKey: CryptoKey, publicKey: Bytes): Promise<Bytes> {
  const peer = await crypto.subtle.importKey("raw", publicKey, "X25519", false, []);
  const algorithm = { name: "X25519", public: peer };
  try {
    return new Uint8Array(await crypto.subtle.deriveBits(algorithm, privateKey, 256));
  } catch (error) {
    // Conforming platforms refuse the all-zero result themselves (W3C Secure Curves, X25519 derive bits).
    if (error instanceof DOMException && error.name === "OperationError") {
      throw new KeyError("low-order");
    }
    throw error;
  }
}

function isReduced(u: Uint8Array): boolean {
  for (let i = KEY_BYTES - 1; i >= 0; i--) {
    if (u[i] !== FIELD[i]) return u[i]! < FIELD[i]!;
  }
  return false;
}
