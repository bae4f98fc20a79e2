import { sha256 } from "@noble/hashes/sha2.js";
import { type Bytes, concat, utf8 } from "../protocol/encoding.ts";
import { type AccountId, idBytes } from "../protocol/ids.ts";
import { SAFETY_NUMBER_ROUNDS } from "../protocol/limits.ts";

/** One side of a comparison: account id and account key (AIK, 32 bytes). */
export interface SafetyNumberSide {
  readonly account: AccountId;
  readonly aik: Bytes;
}

const LABEL = utf8("snug/1 safety number\0");
const GROUPS_PER_SIDE = 6;
const BYTES_PER_GROUP = 5;
const DIGITS_PER_GROUP = 5;

/**
 * The safety number of a pair of accounts: 60 digits, the same on both sides and in either order.
 * Covers account keys, not devices, so it outlives a new device and changes when an account is reset.
 * Takes tens of milliseconds.
 */
export function safetyNumber(a: SafetyNumberSide, b: SafetyNumberSide): Promise<string> {
  return Promise.resolve([digitsOf(a), digitsOf(b)].sort().join(""));
}

/** One side's half: the same 30 digits stand, first or last, in the numbers of all pairs with this account. */
export function safetyNumberHalf(side: SafetyNumberSide): string {
  return digitsOf(side);
}

/** Sixty digits as twelve groups of five, for reading aloud. */
export function safetyNumberGroups(number: string): string[] {
  return number.match(/.{5}/g) ?? [];
}

/** In JavaScript: ten thousand calls of WebCrypto, each a trip to another thread, take ten times as long. */
function digitsOf({ account, aik }: SafetyNumberSide): string {
  const identity = concat(idBytes(account), aik);
  let hash = sha256(concat(LABEL, identity));
  for (let round = 1; round < SAFETY_NUMBER_ROUNDS; round++) hash = sha256(concat(hash, identity));
  return Array.from({ length: GROUPS_PER_SIDE }, (_, group) => digitGroup(hash, group)).join("");
}

/** Five bytes, big endian, modulo 100,000: 2^40 is so much larger that no digit is favoured noticeably. */
function digitGroup(hash: Uint8Array, group: number): string {
  let value = 0;
  for (let i = 0; i < BYTES_PER_GROUP; i++) {
    value = value * 256 + hash[group * BYTES_PER_GROUP + i]!;
  }
  return String(value % 10 ** DIGITS_PER_GROUP).padStart(DIGITS_PER_GROUP, "0");
}
