import type { Bytes } from "../protocol/encoding.ts";
import { IV_BYTES, KEY_BYTES } from "../protocol/limits.ts";
import { DecryptError } from "./errors.ts";

/**
 * AES-256-GCM (NIST SP 800-38D). The caller never uses one key and IV for two plaintexts.
 * @param key 32 bytes
 * @param iv 12 bytes; platforms disagree on other sizes, so there are none
 * @param plaintext any length
 * @param ad authenticated, not encrypted, any length
 * @returns ciphertext followed by its 16-byte tag
 * @throws {RangeError} for a key or IV of another size
 */
export async function seal(
  key: Bytes,
  iv: Bytes,
  plaintext: Bytes,
  ad: Bytes,
): Promise<Bytes> {
  checkSizes(key, iv);
  const imported = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt"]);
  const algorithm = { name: "AES-GCM", iv, additionalData: ad };
  return new Uint8Array(await crypto.subtle.encrypt(algorithm, imported, plaintext));
}

/**
 * Opens what {@link seal} made with the same key, IV and associated data.
 * @param sealed at least the 16-byte tag
 * @throws {DecryptError} when anything does not fit
 * @throws {RangeError} for a key or IV of another size, which is the caller's mistake
 */
export async function open(key: Bytes, iv: Bytes, sealed: Bytes, ad: Bytes): Promise<Bytes> {
  checkSizes(key, iv);
  const imported = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["decrypt"]);
  const algorithm = { name: "AES-GCM", iv, additionalData: ad };
  try {
    return new Uint8Array(await crypto.subtle.decrypt(algorithm, imported, sealed));
  } catch {
    throw new DecryptError();
  }
}

function checkSizes(key: Bytes, iv: Bytes): void {
  if (key.length !== KEY_BYTES) throw new RangeError("AES-GCM key is not 32 bytes");
  if (iv.length !== IV_BYTES) throw new RangeError("AES-GCM IV is not 12 bytes");
}
