import type { Bytes } from "../protocol/encoding.ts";
import { type Label, signedBytes } from "../protocol/verify.ts";
import { ed25519Public, generatePair, importSeed, type KeyMode } from "./private_key.ts";

export { verifySignature } from "../protocol/verify.ts";
export { exportPrivate, type KeyMode } from "./private_key.ts";

/** An Ed25519 pair (RFC 8032): `public` is 32 bytes, `private` a WebCrypto key for signing. */
export interface SigningPair {
  readonly public: Bytes;
  readonly private: CryptoKey;
}

/** A fresh Ed25519 pair. */
export function generateSigning(mode: KeyMode): Promise<SigningPair> {
  return generatePair("Ed25519", mode);
}

/**
 * The Ed25519 pair of a 32-byte seed.
 * @throws {KeyError} for any other length
 */
export async function importSigning(seed: Bytes, mode: KeyMode): Promise<SigningPair> {
  const [publicKey, privateKey] = await Promise.all([
    ed25519Public(seed),
    importSeed("Ed25519", seed, mode),
  ]);
  return { public: publicKey, private: privateKey };
}

/**
 * A 64-byte signature over label and structure. The public half that goes into an Ed25519 signature is always
 * the private key's own: a signer that takes it from the caller leaks the key (RUSTSEC-2022-0093).
 * @param structure deterministic CBOR of what is signed
 */
export async function sign(pair: SigningPair, label: Label, structure: Bytes): Promise<Bytes> {
  const message = signedBytes(label, structure);
  return new Uint8Array(await crypto.subtle.sign("Ed25519", pair.private, message));
}
