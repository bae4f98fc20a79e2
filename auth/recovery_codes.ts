/** Recovery codes: ten, each good once, kept as HMACs. Not the recovery key, which never gets here. */
import type { Bytes } from "../protocol/encoding.ts";
import type { AccountId } from "../protocol/ids.ts";
import type { RandomSource } from "./deps.ts";
import { macOf } from "./digest.ts";

/** How many there are at first. */
export const RECOVERY_CODES = 10;
/** 14 characters of 5 bits: 70 bits, beyond guessing even for whoever has the database. */
const CHARACTERS = 14;
/** Crockford's base32 in small letters: no i, l, o, u to misread. */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

/** Ten codes to show, once: two groups of seven characters. */
export function newRecoveryCodes(random: RandomSource): string[] {
  return Array.from({ length: RECOVERY_CODES }, () => {
    // 32 divides 256, so every character is equally likely.
    const text = Array.from(random(CHARACTERS), (byte) => ALPHABET[byte % 32]).join("");
    return `${text.slice(0, 7)}-${text.slice(7)}`;
  });
}

/** A code as somebody typed it: any case, spaces, hyphens, look-alikes; or null. */
export function readRecoveryCode(typed: string): string | null {
  if (typed.length > 60) return null;
  const text = typed.toLowerCase().replace(/[\s-]/g, "").replace(/o/g, "0").replace(/[il]/g, "1");
  const good = text.length === CHARACTERS && [...text].every((one) => ALPHABET.includes(one));
  return good ? text : null;
}

/** What is kept of a code; the account is part of it, so that equal codes do not look equal. */
export function recoveryCodeMac(codeKey: Bytes, account: AccountId, code: string): Bytes {
  return macOf(codeKey, "recovery code", account, code.replace("-", ""));
}
