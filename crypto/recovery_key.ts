import { type Bytes, concat, utf8 } from "../protocol/encoding.ts";
import { fromCrockford, inGroups, normaliseCrockford, toCrockford } from "./crockford.ts";
import { sha256 } from "./kdf.ts";
import { randomBytes } from "./random.ts";
import { wipe } from "./wipe.ts";

/** 160 bits: 32 characters of Crockford base 32. */
export const RECOVERY_KEY_BYTES = 20;
const KEY_CHARACTERS = 32;
const CHECKSUM_CHARACTERS = 4;
const CHECKSUM_BITS = 20;
const CHECKSUM_LABEL = utf8("snug/1 recovery key\0");

export type ParsedRecoveryKey =
  | { readonly ok: true; readonly key: Bytes }
  | { readonly ok: false; readonly problem: "character" | "length" | "checksum" };

/** A fresh recovery key: 20 random bytes. */
export function makeRecoveryKey(): Bytes {
  return randomBytes(RECOVERY_KEY_BYTES);
}

/**
 * The key as a person keeps it: eight groups of four characters, then the checksum group, joined by dashes.
 * @param key 20 bytes
 * @throws {RangeError} for any other length
 */
export async function formatRecoveryKey(key: Bytes): Promise<string> {
  if (key.length !== RECOVERY_KEY_BYTES) throw new RangeError("a recovery key is 20 bytes");
  return inGroups(toCrockford(key) + await checksum(key));
}

/**
 * Reads what a person typed: any case, spaces and dashes anywhere, O for 0, I or L for 1.
 * A wrong checksum group is told apart from a wrong length or a foreign character, so that the page can say
 * where to look. Typing errors are values, not exceptions.
 */
export async function parseRecoveryKey(typed: string): Promise<ParsedRecoveryKey> {
  const text = normaliseCrockford(typed);
  if (text === null) return { ok: false, problem: "character" };
  if (text.length !== KEY_CHARACTERS + CHECKSUM_CHARACTERS) return { ok: false, problem: "length" };
  const key = fromCrockford(text.slice(0, KEY_CHARACTERS));
  if (await checksum(key) === text.slice(KEY_CHARACTERS)) return { ok: true, key };
  wipe(key);
  return { ok: false, problem: "checksum" };
}

/** The first 20 bits of SHA-256 over label and key. It finds slips of the pen; it does not protect the key. */
async function checksum(key: Bytes): Promise<string> {
  return toCrockford(await sha256(concat(CHECKSUM_LABEL, key)), CHECKSUM_BITS);
}
