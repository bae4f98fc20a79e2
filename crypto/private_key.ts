import { type Bytes, concat, fromBase64Url, fromHex } from "../protocol/encoding.ts";
import { KEY_BYTES } from "../protocol/limits.ts";
import { KeyError } from "./errors.ts";
import { wipe } from "./wipe.ts";

/**
 * Whether a private key may leave WebCrypto: `sealed` keys never can (the browser keeps them in IndexedDB),
 * `portable` ones can (the terminal keeps them in SQLite).
 */
export type KeyMode = "sealed" | "portable";
export type Curve = "X25519" | "Ed25519";

/** RFC 8410 section 7: everything in front of the 32-byte seed in a PKCS #8 private key. */
const PKCS8_PREFIX: Record<Curve, Bytes> = {
  X25519: fromHex("302e020100300506032b656e04220420"),
  Ed25519: fromHex("302e020100300506032b657004220420"),
};
const USAGES: Record<Curve, KeyUsage[]> = { X25519: ["deriveBits"], Ed25519: ["sign"] };

/** A fresh pair and the public half's 32 bytes. */
export async function generatePair(
  curve: Curve,
  mode: KeyMode,
): Promise<{ public: Bytes; private: CryptoKey }> {
  const usages: KeyUsage[] = curve === "Ed25519" ? ["sign", "verify"] : ["deriveBits"];
  const extractable = mode === "portable";
  const pair = await crypto.subtle.generateKey(curve, extractable, usages) as CryptoKeyPair;
  const publicKey = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  return { public: publicKey, private: pair.privateKey };
}

/**
 * The private key whose seed is these 32 bytes.
 * @throws {KeyError} for any other length
 */
export async function importSeed(curve: Curve, seed: Bytes, mode: KeyMode): Promise<CryptoKey> {
  if (seed.length !== KEY_BYTES) throw new KeyError("length");
  const encoded = concat(PKCS8_PREFIX[curve], seed);
  try {
    const extractable = mode === "portable";
    return await crypto.subtle.importKey("pkcs8", encoded, curve, extractable, USAGES[curve]);
  } finally {
    wipe(encoded);
  }
}

/**
 * The 32-byte seed of a portable X25519 or Ed25519 private key.
 * @throws {KeyError} when the key is sealed
 */
export async function exportPrivate(key: CryptoKey): Promise<Bytes> {
  if (!key.extractable) throw new KeyError("not-extractable");
  const encoded = new Uint8Array(await crypto.subtle.exportKey("pkcs8", key));
  // WebKit and others may append the public half after the seed (RFC 8410 section 7, version 2).
  const start = PKCS8_PREFIX.X25519.length;
  const seed = encoded.slice(start, start + KEY_BYTES);
  wipe(encoded);
  return seed;
}

/** The public half of an Ed25519 private key, which WebCrypto gives out as a JWK only. */
export async function ed25519Public(seed: Bytes): Promise<Bytes> {
  const key = await importSeed("Ed25519", seed, "portable");
  const jwk = await crypto.subtle.exportKey("jwk", key);
  return fromBase64Url(jwk.x ?? "");
}
