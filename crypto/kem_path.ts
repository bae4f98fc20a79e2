import type { Bytes } from "../protocol/encoding.ts";

/** What one implementation of ML-KEM-768 does, with sizes and key checks already made by kem.ts. */
export interface KemPath {
  /** The 1,184-byte encapsulation key of a 64-byte seed (d || z, FIPS 203 algorithm 16). */
  publicOf(seed: Bytes): Promise<Bytes>;
  /** A decapsulation key that never leaves the platform, or null where the platform has none. */
  seal(seed: Bytes): Promise<CryptoKey | null>;
  encapsulate(publicKey: Bytes): Promise<{ ciphertext: Bytes; secret: Bytes }>;
  decapsulate(key: CryptoKey | Bytes, ciphertext: Bytes): Promise<Bytes>;
}

/** The ML-KEM calls of WICG "Modern Algorithms in the Web Cryptography API"; not in every type library yet. */
interface KemSubtle {
  importKey(
    format: "raw-seed" | "raw-public",
    key: Bytes,
    algorithm: string,
    extractable: boolean,
    usages: string[],
  ): Promise<CryptoKey>;
  getPublicKey(key: CryptoKey, usages: string[]): Promise<CryptoKey>;
  exportKey(format: "raw-public", key: CryptoKey): Promise<ArrayBuffer>;
  encapsulateBits(
    algorithm: string,
    key: CryptoKey,
  ): Promise<{ ciphertext: ArrayBuffer; sharedKey: ArrayBuffer }>;
  decapsulateBits(algorithm: string, key: CryptoKey, ciphertext: Bytes): Promise<ArrayBuffer>;
}

const ALGORITHM = "ML-KEM-768";
const subtle = (): KemSubtle => crypto.subtle as unknown as KemSubtle;

/** The platform's ML-KEM: Deno 2.9 and Chromium 156 have it, Deno 2.4 does not. */
export const platformPath: KemPath = {
  async publicOf(seed) {
    const key = await importSeed(seed);
    const publicKey = await subtle().getPublicKey(key, ["encapsulateBits"]);
    return new Uint8Array(await subtle().exportKey("raw-public", publicKey));
  },
  seal: importSeed,
  async encapsulate(publicKey) {
    const key = await subtle().importKey("raw-public", publicKey, ALGORITHM, false, [
      "encapsulateBits",
    ]);
    const { ciphertext, sharedKey } = await subtle().encapsulateBits(ALGORITHM, key);
    return { ciphertext: new Uint8Array(ciphertext), secret: new Uint8Array(sharedKey) };
  },
  async decapsulate(key, ciphertext) {
    const imported = key instanceof Uint8Array ? await importSeed(key) : key;
    return new Uint8Array(await subtle().decapsulateBits(ALGORITHM, imported, ciphertext));
  },
};

/** Whether the platform's ML-KEM is there and agrees with itself. One round trip, about a millisecond. */
export async function platformHasKem(): Promise<boolean> {
  try {
    const seed = crypto.getRandomValues(new Uint8Array(64));
    const { ciphertext, secret } = await platformPath.encapsulate(
      await platformPath.publicOf(seed),
    );
    const again = await platformPath.decapsulate(seed, ciphertext);
    return secret.length === 32 && again.every((byte, i) => byte === secret[i]);
  } catch {
    return false;
  }
}

function importSeed(seed: Bytes): Promise<CryptoKey> {
  return subtle().importKey("raw-seed", seed, ALGORITHM, false, ["decapsulateBits"]);
}
