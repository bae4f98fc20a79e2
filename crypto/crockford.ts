import type { Bytes } from "../protocol/encoding.ts";

/** Douglas Crockford's base 32: no I, L, O or U, so that people can read it aloud and type it back. */
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LOOK_ALIKES: Record<string, string> = { O: "0", I: "1", L: "1" };
const BITS = 5;

/**
 * Upper-case Crockford base 32, most significant bits first.
 * @throws {RangeError} when the bits do not fill whole characters
 */
export function toCrockford(bytes: Uint8Array, bits: number = bytes.length * 8): string {
  if (bits % BITS || bits > bytes.length * 8) {
    throw new RangeError("not a whole number of characters");
  }
  let text = "";
  for (let at = 0; at < bits; at += BITS) {
    const pair = bytes[at >> 3]! << 8 | (bytes[(at >> 3) + 1] ?? 0);
    text += ALPHABET[pair >> (16 - BITS - (at & 7)) & 31]!;
  }
  return text;
}

/**
 * The bytes of Crockford base 32 in the one form that {@link normaliseCrockford} gives.
 * @throws {RangeError} when the characters do not fill whole bytes
 */
export function fromCrockford(text: string): Bytes {
  if (text.length * BITS % 8) throw new RangeError("not a whole number of bytes");
  const bytes = new Uint8Array(text.length * BITS / 8);
  for (let i = 0; i < text.length; i++) {
    const bit = i * BITS;
    const shifted = ALPHABET.indexOf(text[i]!) << (16 - BITS - (bit & 7));
    bytes[bit >> 3]! |= shifted >> 8;
    if ((bit >> 3) + 1 < bytes.length) bytes[(bit >> 3) + 1]! |= shifted & 255;
  }
  return bytes;
}

/**
 * What a person typed in the one form: upper case, no spaces or dashes, O read as 0 and I or L as 1.
 * Null when another character is left over.
 */
export function normaliseCrockford(typed: string): string | null {
  const letters = typed.normalize("NFKC").toUpperCase().replace(/[\s\p{Dash}]/gu, "");
  const text = letters.replace(/[OIL]/g, (letter) => LOOK_ALIKES[letter]!);
  return /^[0-9A-HJKMNP-TV-Z]*$/.test(text) ? text : null;
}

/** Groups of four characters joined by dashes. */
export function inGroups(text: string): string {
  return (text.match(/.{1,4}/g) ?? []).join("-");
}
