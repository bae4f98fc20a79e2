/**
 * Keys of people who may open backups: X25519 (RFC 7748), written as text with a checksum.
 *
 * A recipient is "snug-recipient-" and a private key "snug-backup-key-", each with 36 bytes in
 * base64url: the key (32) and the beginning of its SHA-256 (4), so that a slip of the pen is known
 * for one before a backup is locked for nobody.
 */
import { type Bytes, concat, equalBytes, fromHex, utf8 } from "../protocol/encoding.ts";
import { BackupError } from "./backup_error.ts";

/** Bytes of a public key, and of a private one. */
export const PUBLIC_BYTES = 32;
const CHECK_BYTES = 4;
const RECIPIENT = "snug-recipient-";
const PRIVATE = "snug-backup-key-";
/** PKCS #8 (RFC 8410) before the 32 bytes of an X25519 key. */
const PKCS8 = fromHex("302e020100300506032b656e04220420");

/** Raw keys. */
export interface KeyPair {
  readonly publicKey: Bytes;
  readonly privateKey: Bytes;
}

/** A new pair. */
export async function newKeyPair(): Promise<KeyPair> {
  const made = await crypto.subtle.generateKey("X25519", true, ["deriveBits"]) as CryptoKeyPair;
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", made.privateKey));
  const publicKey = new Uint8Array(await crypto.subtle.exportKey("raw", made.publicKey));
  return { publicKey, privateKey: pkcs8.slice(-PUBLIC_BYTES) };
}

/** The public key of a private one. */
export async function publicOf(privateKey: Bytes): Promise<Bytes> {
  const nine = new Uint8Array(PUBLIC_BYTES);
  nine[0] = 9;
  return await agree(privateKey, nine);
}

/**
 * What both sides can make of one private and one public key (RFC 7748 section 6.1).
 * @throws {BackupError} for a public key that gives everybody the same
 */
export async function agree(privateKey: Bytes, publicKey: Bytes): Promise<Bytes> {
  try {
    const mine = await crypto.subtle.importKey(
      "pkcs8",
      concat(PKCS8, privateKey),
      "X25519",
      false,
      ["deriveBits"],
    );
    const theirs = await crypto.subtle.importKey("raw", publicKey, "X25519", false, []);
    const secret = await crypto.subtle.deriveBits({ name: "X25519", public: theirs }, mine, 256);
    const bytes = new Uint8Array(secret);
    if (bytes.some((byte) => byte !== 0)) return bytes;
  } catch (error) {
    // The platform refuses points of small order itself.
    if (!(error instanceof DOMException) && !(error instanceof TypeError)) throw error;
  }
  throw new BackupError("That is no key for backups.");
}

/** A public key as people copy it. */
export function recipientText(publicKey: Bytes): Promise<string> {
  return write(RECIPIENT, publicKey);
}

/** A private key as a file holds it. */
export function privateKeyText(privateKey: Bytes): Promise<string> {
  return write(PRIVATE, privateKey);
}

/** The key in a recipient's text; null when it is not whole. */
export function readRecipient(text: string): Promise<Bytes | null> {
  return read(RECIPIENT, text);
}

/** The key in a private key's text; null when it is not whole. */
export function readPrivateKey(text: string): Promise<Bytes | null> {
  return read(PRIVATE, text);
}

async function write(mark: string, key: Bytes): Promise<string> {
  const bytes = concat(key, await checkOf(mark, key));
  const text = btoa(String.fromCharCode(...bytes));
  return mark + text.replaceAll("+", "-").replaceAll("/", "_");
}

async function read(mark: string, text: string): Promise<Bytes | null> {
  const trimmed = text.trim();
  const body = trimmed.startsWith(mark) ? trimmed.slice(mark.length) : "";
  if (!/^[A-Za-z0-9_-]{48}$/.test(body)) return null;
  const binary = atob(body.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
  const key = bytes.slice(0, PUBLIC_BYTES);
  return equalBytes(bytes.slice(PUBLIC_BYTES), await checkOf(mark, key)) ? key : null;
}

/** With the mark, so that a private key written as a recipient is not one. */
async function checkOf(mark: string, key: Bytes): Promise<Bytes> {
  const digest = await crypto.subtle.digest("SHA-256", concat(utf8(mark), key));
  return new Uint8Array(digest).slice(0, CHECK_BYTES);
}
