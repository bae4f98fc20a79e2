import { expand, extract } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { type Bytes, concat, utf8 } from "../../protocol/encoding.ts";
import { open, seal } from "../aead.ts";
import { DecryptError } from "../errors.ts";
import { pad, unpad } from "../padding.ts";

// HKDF in JavaScript for the reason given in chain_key.ts: 14-18 us against 28-80 us on Deno; Chromium
// gives 19 us against 9-15 us. The keys are bytes at hand in either case, so nothing is less protected.

/** What a content is for. Content sealed for one context never opens in another. */
export type Context = "pairwise" | "control" | "room";

/** Everything a body is tied to besides its key. */
export interface Binding {
  /** Transcript T of the handshake, 32 bytes. */
  readonly transcript: Bytes;
  /** IV and sealed header, 68 bytes. */
  readonly header: Bytes;
  /** Encoded opening, empty in an ordinary envelope: the parts of it that T does not cover are bound here. */
  readonly opening: Bytes;
}

/** A content and the context it was sealed for. */
export interface Opened {
  readonly content: Bytes;
  readonly context: Context;
}

// The order is that of the trials when opening: what is most frequent comes first.
const CONTEXTS: readonly Context[] = ["pairwise", "control", "room"];
const CODES: Readonly<Record<Context, number>> = { pairwise: 1, control: 2, room: 3 };

/**
 * Pads `content` and seals it with AES-256-GCM. Key and IV: `HKDF(salt, message key,
 * "snug/1 message " || context)`, 44 bytes; associated data: `context || T || header || opening`.
 * @param messageKey 32 bytes, used once
 * @param salt 16 fresh random bytes: even a store that was rolled back and uses a message key twice
 *   does not use a key and IV twice
 */
export async function sealBody(
  messageKey: Bytes,
  salt: Bytes,
  binding: Binding,
  { content, context }: Opened,
): Promise<Bytes> {
  const { key, iv } = bodyKey(extract(sha256, messageKey, salt), context);
  return await seal(key, iv, pad(content), associatedData(binding, context));
}

/**
 * Opens what {@link sealBody} sealed. The context is not on the wire (the server would tell receipts
 * from messages), so each is tried; only the one it was sealed for has the key and the associated data.
 * @throws {DecryptError} when the tag verifies in no context, or the padding is malformed
 */
export async function openBody(
  messageKey: Bytes,
  salt: Bytes,
  binding: Binding,
  ciphertext: Bytes,
): Promise<Opened> {
  const prk = extract(sha256, messageKey, salt);
  for (const context of CONTEXTS) {
    const { key, iv } = bodyKey(prk, context);
    const padded = await openOrNull(key, iv, ciphertext, associatedData(binding, context));
    if (padded) return { content: unpad(padded), context };
  }
  throw new DecryptError();
}

function bodyKey(prk: Uint8Array, context: Context): { key: Bytes; iv: Bytes } {
  const okm = expand(sha256, prk, utf8(`snug/1 message ${context}`), 44);
  return { key: okm.slice(0, 32), iv: okm.slice(32) };
}

function associatedData({ transcript, header, opening }: Binding, context: Context): Bytes {
  return concat(Uint8Array.of(CODES[context]), transcript, header, opening);
}

async function openOrNull(key: Bytes, iv: Bytes, ciphertext: Bytes, ad: Bytes) {
  try {
    return await open(key, iv, ciphertext, ad);
  } catch (error) {
    if (error instanceof DecryptError) return null;
    throw error;
  }
}
