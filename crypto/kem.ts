import type { Bytes } from "../protocol/encoding.ts";
import { KEM_CIPHERTEXT_BYTES, KEM_PUBLIC_BYTES, KEM_SEED_BYTES } from "../protocol/limits.ts";
import { KeyError } from "./errors.ts";
import { type KemPath, platformHasKem, platformPath } from "./kem_path.ts";
import type { KeyMode } from "./private_key.ts";
import { randomBytes } from "./random.ts";
import { wipe } from "./wipe.ts";

/** The part of an encapsulation key that holds coefficients of 12 bits each; the rest is the seed rho. */
const COEFFICIENT_BYTES = 1_152;
const MODULUS = 3_329;

/**
 * An ML-KEM-768 pair: `public` is 1,184 bytes. `private` is a sealed WebCrypto key where mode and platform
 * allow it, else the 64-byte seed.
 */
export interface KemPair {
  readonly public: Bytes;
  readonly private: CryptoKey | Bytes;
}

export interface Kem {
  generateKem(mode: KeyMode): Promise<KemPair>;
  importKem(seed: Bytes, mode: KeyMode): Promise<KemPair>;
  encapsulate(publicKey: Bytes): Promise<{ ciphertext: Bytes; secret: Bytes }>;
  decapsulate(privateKey: CryptoKey | Bytes, ciphertext: Bytes): Promise<Bytes>;
}

/** ML-KEM-768 with Snug's checks over one implementation. */
export function kemOver(path: KemPath): Kem {
  return {
    generateKem: (mode) => generate(path, mode),
    importKem: (seed, mode) => importPair(path, seed, mode),
    encapsulate: (publicKey) => encapsulateOver(path, publicKey),
    decapsulate: (privateKey, ciphertext) => decapsulateOver(path, privateKey, ciphertext),
  };
}

let chosen: Promise<Kem> | undefined;

/** Asked once: the platform does not change while it runs. */
function platformOrScript(): Promise<Kem> {
  return chosen ??= choose();
}

async function choose(): Promise<Kem> {
  if (await platformHasKem()) return kemOver(platformPath);
  const { scriptPath } = await import("./kem_script.ts");
  return kemOver(scriptPath);
}

/** A fresh ML-KEM-768 pair. */
export async function generateKem(mode: KeyMode): Promise<KemPair> {
  return await (await platformOrScript()).generateKem(mode);
}

/**
 * The pair of a 64-byte seed (d || z). The seed is copied; the caller may wipe its own.
 * @throws {KeyError} `length`
 */
export async function importKem(seed: Bytes, mode: KeyMode): Promise<KemPair> {
  return await (await platformOrScript()).importKem(seed, mode);
}

/**
 * A fresh shared secret (32 bytes) and its ciphertext (1,088 bytes) for a peer's key.
 * @param publicKey 1,184 bytes
 * @throws {KeyError} `length`, or `modulus` when a coefficient is not below 3,329 (FIPS 203 section 7.2)
 */
export async function encapsulate(
  publicKey: Bytes,
): Promise<{ ciphertext: Bytes; secret: Bytes }> {
  return await (await platformOrScript()).encapsulate(publicKey);
}

/**
 * The shared secret (32 bytes) in a ciphertext. A ciphertext that was not made for this key gives another
 * secret, never an error (implicit rejection, FIPS 203 section 7.3): only the tag under the derived key tells.
 * @param ciphertext 1,088 bytes
 * @throws {KeyError} `length`
 */
export async function decapsulate(
  privateKey: CryptoKey | Bytes,
  ciphertext: Bytes,
): Promise<Bytes> {
  return await (await platformOrScript()).decapsulate(privateKey, ciphertext);
}

async function generate(path: KemPath, mode: KeyMode): Promise<KemPair> {
  const seed = randomBytes(KEM_SEED_BYTES);
  try {
    return await importPair(path, seed, mode);
  } finally {
    wipe(seed);
  }
}

async function importPair(path: KemPath, seed: Bytes, mode: KeyMode): Promise<KemPair> {
  if (seed.length !== KEM_SEED_BYTES) throw new KeyError("length");
  const own = seed.slice();
  const publicKey = await path.publicOf(own);
  const sealed = mode === "sealed" ? await path.seal(own) : null;
  if (sealed) wipe(own);
  return { public: publicKey, private: sealed ?? own };
}

function encapsulateOver(
  path: KemPath,
  publicKey: Bytes,
): Promise<{ ciphertext: Bytes; secret: Bytes }> {
  if (publicKey.length !== KEM_PUBLIC_BYTES) return Promise.reject(new KeyError("length"));
  if (!isReduced(publicKey)) return Promise.reject(new KeyError("modulus"));
  return path.encapsulate(publicKey);
}

function decapsulateOver(
  path: KemPath,
  privateKey: CryptoKey | Bytes,
  ciphertext: Bytes,
): Promise<Bytes> {
  const wrongSeed = privateKey instanceof Uint8Array && privateKey.length !== KEM_SEED_BYTES;
  if (wrongSeed || ciphertext.length !== KEM_CIPHERTEXT_BYTES) {
    return Promise.reject(new KeyError("length"));
  }
  // A sealed key was made by the platform and only the platform can use it.
  const able = privateKey instanceof Uint8Array ? path : platformPath;
  return able.decapsulate(privateKey, ciphertext);
}

/** The encapsulation-key check of FIPS 203 section 7.2, made here so that it never depends on the platform. */
function isReduced(publicKey: Uint8Array): boolean {
  for (let i = 0; i < COEFFICIENT_BYTES; i += 3) {
    const low = publicKey[i]! | (publicKey[i + 1]! & 15) << 8;
    const high = publicKey[i + 1]! >> 4 | publicKey[i + 2]! << 4;
    if (low >= MODULUS || high >= MODULUS) return false;
  }
  return true;
}
