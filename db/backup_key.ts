/**
 * The head of a backup file, and the keys that its passphrase gives.
 *
 * Head, 44 bytes: "snug backup" (11) || version u8 = 1 || salt (16) || tag (16). The passphrase, in
 * Unicode NFC and UTF-8, goes through Argon2id (RFC 9106: its second recommended choice) to 32
 * bytes, from which HKDF-SHA-256 makes two keys. The tag is AES-256-GCM's, of nothing, under the
 * first, over the 28 bytes before it: a wrong passphrase is known for one before anything is read.
 */
import { argon2id } from "hash-wasm";
import { type Bytes, concat, equalBytes, utf8 } from "../protocol/encoding.ts";
import { BackupError } from "./backup_error.ts";

const MAGIC = utf8("snug backup");
const VERSION = 1;
const SALT_BYTES = 16;
const TAG_BYTES = 16;
/** Bytes of the head. */
export const HEAD_BYTES = MAGIC.length + 1 + SALT_BYTES + TAG_BYTES;
/** A short passphrase can be guessed by whoever has the file: there is no server to count tries. */
export const MIN_PASSPHRASE = 12;
/** Longer than this is a wrong file, not a passphrase. */
export const MAX_PASSPHRASE = 1024;

/** A passphrase made slow to guess: 32 bytes. Compiled in, so that no file can ask for less. */
export type Stretch = (passphrase: Bytes, salt: Bytes) => Promise<Uint8Array>;

/** Argon2id with 64 MiB, 3 passes and 4 lanes: about half a second. */
export function stretchPassphrase(password: Bytes, salt: Bytes): Promise<Uint8Array> {
  return argon2id({
    password,
    salt,
    iterations: 3,
    memorySize: 65_536,
    parallelism: 4,
    hashLength: 32,
    outputType: "binary",
  });
}

/** A head and the key of what follows it. */
export interface BackupHead {
  readonly head: Bytes;
  readonly key: CryptoKey;
}

/** A new head, whose salt is 16 random bytes. */
export async function makeHead(
  passphrase: string,
  salt: Bytes,
  stretch: Stretch = stretchPassphrase,
): Promise<BackupHead> {
  const start = concat(MAGIC, new Uint8Array([VERSION]), salt);
  const keys = await keysFrom(passphrase, salt, stretch);
  return { head: concat(start, await tagOf(keys.head, start)), key: keys.stream };
}

/**
 * The key of the file that begins with `head`.
 * @throws {BackupError} for another kind of file, a newer version and a wrong passphrase
 */
export async function openHead(
  head: Bytes,
  passphrase: string,
  stretch: Stretch = stretchPassphrase,
): Promise<CryptoKey> {
  if (head.length < HEAD_BYTES || !equalBytes(head.subarray(0, MAGIC.length), MAGIC)) {
    throw new BackupError("That file is no backup of Snug.");
  }
  if (head[MAGIC.length] !== VERSION) {
    throw new BackupError("That backup is of a newer Snug, or damaged at its beginning.");
  }
  const start = head.slice(0, HEAD_BYTES - TAG_BYTES);
  const keys = await keysFrom(passphrase, start.slice(-SALT_BYTES), stretch);
  // Both are public to whoever can ask: the key is what cannot be guessed.
  if (!equalBytes(await tagOf(keys.head, start), head.subarray(start.length, HEAD_BYTES))) {
    throw new BackupError("The passphrase is wrong, or the file is damaged at its beginning.");
  }
  return keys.stream;
}

async function keysFrom(passphrase: string, salt: Bytes, stretch: Stretch) {
  const secret = new Uint8Array(await stretch(utf8(passphrase.normalize("NFC")), salt));
  const material = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveKey"]);
  secret.fill(0);
  const derive = (info: string, use: KeyUsage[]) =>
    crypto.subtle.deriveKey(
      { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: utf8(info) },
      material,
      { name: "AES-GCM", length: 256 },
      false,
      use,
    );
  return {
    head: await derive("snug/1 backup head", ["encrypt"]),
    stream: await derive("snug/1 backup stream", ["encrypt", "decrypt"]),
  };
}

/** This key seals one thing once, so a fixed IV is used once. */
async function tagOf(key: CryptoKey, start: Bytes): Promise<Bytes> {
  const iv = new Uint8Array(12);
  const algorithm = { name: "AES-GCM", iv, additionalData: start };
  return new Uint8Array(await crypto.subtle.encrypt(algorithm, key, new Uint8Array()));
}
