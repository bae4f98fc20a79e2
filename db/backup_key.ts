/**
 * The head of a backup file, and the keys that a passphrase or a recipient's key gives.
 *
 * Head 1, 44 bytes: "snug backup" (11) || version u8 = 1 || salt (16) || tag (16). The passphrase, in
 * Unicode NFC and UTF-8, goes through Argon2id (RFC 9106: its second recommended choice) to 32
 * bytes, from which HKDF-SHA-256 makes two keys. The tag is AES-256-GCM's, of nothing, under the
 * first, over what is before it: a wrong passphrase is known for one before anything is read.
 *
 * Head 2, 60 bytes: "snug backup" (11) || version u8 = 2 || X25519 public key made for this file (32)
 * || tag (16). The 32 bytes are what X25519 makes of that key and the recipient's, and HKDF's salt is
 * both public keys. Whoever makes such a backup cannot open it again.
 */
import { argon2id } from "hash-wasm";
import { type Bytes, concat, equalBytes, utf8 } from "../protocol/encoding.ts";
import { BackupError } from "./backup_error.ts";
import { agree, newKeyPair, PUBLIC_BYTES, publicOf } from "./backup_recipient.ts";

const MAGIC = utf8("snug backup");
const SALT_BYTES = 16;
const TAG_BYTES = 16;
/** What comes before the version's own part. */
export const PREFIX_BYTES = MAGIC.length + 1;
/** Bytes of salt or public key, by version. */
const OWN_BYTES: Readonly<Record<number, number>> = { 1: SALT_BYTES, 2: PUBLIC_BYTES };
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

/** What a backup is locked with. */
export type Lock = { readonly passphrase: string } | { readonly recipient: Bytes };
/** What opens it. */
export type Unlock = { readonly passphrase: string } | { readonly privateKey: Bytes };

/** A head and the key of what follows it. */
export interface BackupHead {
  readonly head: Bytes;
  readonly key: CryptoKey;
}

/** A new head, with 16 random bytes or a key of its own. */
export async function makeHead(
  lock: Lock,
  random: (length: number) => Bytes,
  stretch: Stretch = stretchPassphrase,
): Promise<BackupHead> {
  if ("passphrase" in lock) {
    const salt = random(SALT_BYTES);
    return await sealHead(1, salt, await fromPassphrase(lock.passphrase, salt, stretch));
  }
  const own = await newKeyPair();
  const secret = await agree(own.privateKey, lock.recipient);
  const keys = await keysFrom(secret, concat(own.publicKey, lock.recipient));
  return await sealHead(2, own.publicKey, keys);
}

async function sealHead(version: number, own: Bytes, keys: Keys): Promise<BackupHead> {
  const start = concat(MAGIC, new Uint8Array([version]), own);
  return { head: concat(start, await tagOf(keys.head, start)), key: keys.stream };
}

/**
 * Bytes of the head that begins with these {@link PREFIX_BYTES}.
 * @throws {BackupError} for another kind of file and a newer version
 */
export function headBytes(prefix: Bytes): number {
  if (prefix.length < PREFIX_BYTES || !equalBytes(prefix.subarray(0, MAGIC.length), MAGIC)) {
    throw new BackupError("That file is no backup of Snug.");
  }
  const own = OWN_BYTES[prefix[MAGIC.length]!];
  if (own === undefined) {
    throw new BackupError("That backup is of a newer Snug, or damaged at its beginning.");
  }
  return PREFIX_BYTES + own + TAG_BYTES;
}

/**
 * The key of the file that begins with `head`.
 * @throws {BackupError} for another kind of file, a newer version and what does not open it
 */
export async function openHead(
  head: Bytes,
  unlock: Unlock,
  stretch: Stretch = stretchPassphrase,
): Promise<CryptoKey> {
  if (head.length !== headBytes(head)) throw new BackupError("That file is no backup of Snug.");
  const start = head.slice(0, head.length - TAG_BYTES);
  const keys = await keysOf(start.slice(PREFIX_BYTES), head[MAGIC.length] === 2, unlock, stretch);
  // Both are public to whoever can ask: the key is what cannot be guessed.
  if (!equalBytes(await tagOf(keys.head, start), head.subarray(start.length))) {
    const what = "passphrase" in unlock
      ? "The passphrase is wrong"
      : "That is another backup's key";
    throw new BackupError(`${what}, or the file is damaged at its beginning.`);
  }
  return keys.stream;
}

async function keysOf(
  own: Bytes,
  forRecipient: boolean,
  unlock: Unlock,
  stretch: Stretch,
): Promise<Keys> {
  if (forRecipient) {
    if (!("privateKey" in unlock)) {
      throw new BackupError("That backup is locked with a key: give --key-file FILE.");
    }
    const mine = await publicOf(unlock.privateKey);
    return await keysFrom(await agree(unlock.privateKey, own), concat(own, mine));
  }
  if (!("passphrase" in unlock)) {
    throw new BackupError("That backup is locked with a passphrase, not with a key.");
  }
  return await fromPassphrase(unlock.passphrase, own, stretch);
}

interface Keys {
  readonly head: CryptoKey;
  readonly stream: CryptoKey;
}

async function fromPassphrase(passphrase: string, salt: Bytes, stretch: Stretch): Promise<Keys> {
  const secret = new Uint8Array(await stretch(utf8(passphrase.normalize("NFC")), salt));
  return await keysFrom(secret, new Uint8Array());
}

async function keysFrom(secret: Bytes, salt: Bytes): Promise<Keys> {
  const material = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveKey"]);
  secret.fill(0);
  const derive = (info: string, use: KeyUsage[]) =>
    crypto.subtle.deriveKey(
      { name: "HKDF", hash: "SHA-256", salt, info: utf8(info) },
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
