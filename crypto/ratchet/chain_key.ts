import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import type { Bytes } from "../../protocol/encoding.ts";

// In JavaScript rather than WebCrypto: a step is a few blocks of SHA-256, about the price of one
// asynchronous call. Per step 8-12 us against 54-100 us on Deno, 19-20 us against 17-26 us in Chromium.
// docs/decisions/0007-ratchet-choices.md

const MESSAGE = Uint8Array.of(1);
const NEXT = Uint8Array.of(2);
const KEY_BYTES = 32;

/** One step of a chain; both keys 32 bytes. */
export interface ChainStep {
  readonly messageKey: Bytes;
  readonly next: Bytes;
}

/** Message key `HMAC(chain key, 0x01)` and following chain key `HMAC(chain key, 0x02)` (Double Ratchet, section 5.2). */
export function stepChain(chainKey: Bytes): ChainStep {
  return { messageKey: mac(chainKey, MESSAGE), next: mac(chainKey, NEXT) };
}

/** What {@link skipChain} leaves: the chain key after the skipped steps and the newest message keys, 32 bytes each. */
export interface ChainSkip {
  readonly messageKeys: Bytes;
  readonly next: Bytes;
}

/** Takes `steps` steps and keeps the message keys of the last `keep` of them, oldest first. */
export function skipChain(chainKey: Bytes, steps: number, keep: number): ChainSkip {
  const kept = Math.min(steps, keep);
  const messageKeys = new Uint8Array(kept * KEY_BYTES);
  let key = chainKey;
  for (let left = steps; left > 0; left--) {
    if (left <= kept) messageKeys.set(mac(key, MESSAGE), (kept - left) * KEY_BYTES);
    key = mac(key, NEXT);
  }
  return { messageKeys, next: key };
}

function mac(key: Bytes, message: Uint8Array): Bytes {
  return hmac(sha256, key, message) as Bytes;
}
