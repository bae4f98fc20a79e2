/** Bytes on their own `ArrayBuffer`: what WebCrypto accepts on every platform. */
export type Bytes = Uint8Array<ArrayBuffer>;

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const DIGITS = Array.from(ALPHABET, (digit) => digit.charCodeAt(0));
/** Bytes at a time, in threes. */
const CHUNK = 1_536;
const NOT_A_DIGIT = 255;
const SEXTETS = lookup(ALPHABET);
const NIBBLES = lookup("0123456789abcdef");
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Base64url without padding (RFC 4648 section 5). For ids and public values: not constant time. */
export function toBase64Url(bytes: Uint8Array): string {
  let text = "";
  // One string for many digits: put together one by one, an id is a chain until a map asks for it.
  for (let from = 0; from < bytes.length; from += CHUNK) {
    const digits: number[] = [];
    for (let i = from; i < bytes.length && i < from + CHUNK; i += 3) {
      const left = bytes.length - i;
      const group = bytes[i]! << 16 | (left > 1 ? bytes[i + 1]! << 8 : 0) |
        (left > 2 ? bytes[i + 2]! : 0);
      digits.push(DIGITS[group >> 18]!, DIGITS[group >> 12 & 63]!);
      if (left > 1) digits.push(DIGITS[group >> 6 & 63]!);
      if (left > 2) digits.push(DIGITS[group & 63]!);
    }
    text += String.fromCharCode(...digits);
  }
  return text;
}

/**
 * The one byte string whose {@link toBase64Url} is `text`.
 * Padding, other alphabets, white space and stray low bits are refused, so two texts never mean the same bytes.
 * @param bytes where they go, exactly as many; a new array without
 * @throws {RangeError} when `text` is not such an encoding, or one of so many bytes
 */
export function fromBase64Url(text: string, bytes = new Uint8Array(text.length * 3 >> 2)): Bytes {
  const left = text.length & 3;
  if (left === 1 || bytes.length !== text.length * 3 >> 2) throw new RangeError("not base64url");
  let at = 0, i = 0;
  // Four digits at once: every id of every frame comes through here.
  for (; i + 4 <= text.length; i += 4) {
    const group = sextet(text, i) << 18 | sextet(text, i + 1) << 12 | sextet(text, i + 2) << 6 |
      sextet(text, i + 3);
    bytes[at++] = group >> 16;
    bytes[at++] = group >> 8;
    bytes[at++] = group;
  }
  if (left === 0) return bytes;
  const high = sextet(text, i) << 12 | sextet(text, i + 1) << 6;
  const group = left === 3 ? high | sextet(text, i + 2) : high;
  if (group & (left === 3 ? 0x3 : 0x3ff)) throw new RangeError("not base64url");
  bytes[at++] = group >> 10;
  if (left === 3) bytes[at] = group >> 2;
  return bytes;
}

/** Lower-case hexadecimal. For public values: not constant time. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += HEX[byte];
  return text;
}

/**
 * The bytes of lower-case hexadecimal `text`.
 * @throws {RangeError} for an odd length or any other character
 */
export function fromHex(text: string): Bytes {
  if (text.length % 2) throw new RangeError("not hexadecimal");
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = digit(NIBBLES, text, 2 * i, "hexadecimal") << 4 |
      digit(NIBBLES, text, 2 * i + 1, "hexadecimal");
  }
  return bytes;
}

/** UTF-8 of `text`; a lone surrogate becomes U+FFFD. */
export function utf8(text: string): Bytes {
  return encoder.encode(text) as Bytes;
}

/**
 * The text whose UTF-8 is `bytes`; a byte order mark is kept.
 * @throws {TypeError} when `bytes` are not UTF-8
 */
export function fromUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** All parts, one after the other, in a new array. */
export function concat(...parts: readonly Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Equal length and content. Leaves early: for public values only, secrets need `crypto/compare.ts`. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function lookup(alphabet: string): Uint8Array {
  const table = new Uint8Array(128).fill(NOT_A_DIGIT);
  for (let i = 0; i < alphabet.length; i++) table[alphabet.charCodeAt(i)] = i;
  return table;
}

function sextet(text: string, at: number): number {
  const value = SEXTETS[text.charCodeAt(at)];
  if (value === undefined || value === NOT_A_DIGIT) throw new RangeError("not base64url");
  return value;
}

function digit(table: Uint8Array, text: string, at: number, kind: string): number {
  const value = table[text.charCodeAt(at)] ?? NOT_A_DIGIT;
  if (value === NOT_A_DIGIT) throw new RangeError(`not ${kind}`);
  return value;
}
