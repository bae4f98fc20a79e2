/**
 * The part of CBOR (RFC 8949) that Snug uses, in its one deterministic form (section 4.2.1): whole
 * numbers from 0 to 2^53 - 1, byte strings, text, arrays, maps with ASCII keys, booleans and null.
 * Definite lengths, shortest heads, keys sorted by their encoded bytes. No tags, floats, negative
 * numbers or `undefined`: what is not written here cannot be read here.
 */
import { type Bytes, fromUtf8, utf8 } from "./encoding.ts";
import { FormatError } from "./errors.ts";
import { MAX_CBOR_DEPTH, MAX_CBOR_ITEMS } from "./limits.ts";

/** What CBOR can carry here. Maps are `Map`, so that a key such as `__proto__` is only a string. */
export type CborValue =
  | number
  | string
  | boolean
  | null
  | Uint8Array
  | CborValue[]
  | Map<string, CborValue>;

const UINT = 0;
const BYTES = 2;
const TEXT = 3;
const ARRAY = 4;
const MAP = 5;
const SIMPLE = 7;
const [FALSE, TRUE, NULL] = [20, 21, 22];
/** From here on, the head's low five bits say how many bytes of the argument follow. */
const FIRST_LONG = 24;
const WORD = 2 ** 32;
const LAST_ASCII = 0x7f;

/**
 * The one encoding of `value`. Text is taken as well-formed; a lone surrogate would become U+FFFD.
 * @throws {FormatError} for a key that is not ASCII
 */
export function encodeCbor(value: CborValue): Bytes {
  const writer = new Writer();
  writer.value(value);
  return writer.done();
}

/**
 * The value of `input`. Its maps may be in another order than the deterministic one; whoever needs one encoding
 * for one value encodes again and compares.
 * @throws {FormatError} for everything that {@link encodeCbor} never writes, for trailing bytes, and beyond
 * `MAX_CBOR_DEPTH` and `MAX_CBOR_ITEMS`, before anything is built
 */
export function decodeCbor(input: Uint8Array): CborValue {
  const reader = new Reader(input);
  const value = reader.value(0);
  if (!reader.isAtEnd) throw new FormatError("not CBOR: bytes after its end");
  return value;
}

class Writer {
  #bytes = new Uint8Array(256);
  #length = 0;

  done(): Bytes {
    return this.#bytes.slice(0, this.#length);
  }

  value(value: CborValue): void {
    if (value === null) this.#head(SIMPLE, NULL);
    else if (typeof value === "boolean") this.#head(SIMPLE, value ? TRUE : FALSE);
    else if (typeof value === "number") this.#head(UINT, value);
    else if (typeof value === "string") this.#string(TEXT, utf8(value));
    else if (value instanceof Uint8Array) this.#string(BYTES, value);
    else if (value instanceof Map) this.#map(value);
    else {
      this.#head(ARRAY, value.length);
      for (const item of value) this.value(item);
    }
  }

  /** Among ASCII strings, encoded order is: shorter first, then by code units. */
  #map(map: ReadonlyMap<string, CborValue>): void {
    const entries = [...map].sort(([a], [b]) => a.length - b.length || (a < b ? -1 : 1));
    this.#head(MAP, entries.length);
    for (const [key, value] of entries) {
      this.#key(key);
      this.value(value);
    }
  }

  #key(key: string): void {
    this.#head(TEXT, key.length);
    const at = this.#grow(key.length);
    for (let i = 0; i < key.length; i++) {
      const code = key.charCodeAt(i);
      if (code > LAST_ASCII) throw new FormatError("a key is a field's name, in ASCII");
      this.#bytes[at + i] = code;
    }
  }

  #string(major: number, bytes: Uint8Array): void {
    this.#head(major, bytes.length);
    const at = this.#grow(bytes.length);
    this.#bytes.set(bytes, at);
  }

  #head(major: number, argument: number): void {
    const extra = argument < FIRST_LONG
      ? 0
      : argument < 2 ** 8
      ? 1
      : argument < 2 ** 16
      ? 2
      : argument < WORD
      ? 4
      : 8;
    const low = extra === 0 ? argument : FIRST_LONG + Math.log2(extra);
    const at = this.#grow(1 + extra);
    this.#bytes[at] = major << 5 | low;
    for (let i = extra, rest = argument; i > 0; i--, rest = Math.floor(rest / 256)) {
      this.#bytes[at + i] = rest % 256;
    }
  }

  /** Makes room for `more` bytes; where they begin. */
  #grow(more: number): number {
    const at = this.#length;
    this.#length += more;
    if (this.#length <= this.#bytes.length) return at;
    const larger = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length));
    larger.set(this.#bytes);
    this.#bytes = larger;
    return at;
  }
}

class Reader {
  readonly #input: Uint8Array;
  #at = 0;
  #items = 0;

  constructor(input: Uint8Array) {
    this.#input = input;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#input.length;
  }

  /** `depth`: how many arrays and maps are open around it. */
  value(depth: number): CborValue {
    if (++this.#items > MAX_CBOR_ITEMS) throw new FormatError("not CBOR: too many items");
    const head = this.#byte();
    const [major, low] = [head >> 5, head & 31];
    if (major === SIMPLE) return simple(low);
    const argument = this.#argument(low);
    if (major === UINT) return argument;
    if (major === BYTES) return this.#take(argument);
    if (major === TEXT) return this.#text(argument);
    if (major !== ARRAY && major !== MAP) throw new FormatError("not CBOR that is used here");
    if (depth >= MAX_CBOR_DEPTH) throw new FormatError("not CBOR: nested too deep");
    return major === ARRAY ? this.#array(argument, depth + 1) : this.#map(argument, depth + 1);
  }

  /** Items come out of bytes that are there: a length alone reserves nothing. */
  #array(length: number, depth: number): CborValue[] {
    const items: CborValue[] = [];
    for (let i = 0; i < length; i++) items.push(this.value(depth));
    return items;
  }

  #map(size: number, depth: number): Map<string, CborValue> {
    const map = new Map<string, CborValue>();
    for (let i = 0; i < size; i++) {
      const key = this.value(depth);
      if (typeof key !== "string" || !isAscii(key)) {
        throw new FormatError("not CBOR: a key that names no field");
      }
      if (map.has(key)) throw new FormatError("not CBOR: the same key twice");
      map.set(key, this.value(depth));
    }
    return map;
  }

  #text(length: number): string {
    try {
      return fromUtf8(this.#take(length));
    } catch {
      throw new FormatError("not CBOR: text that is not UTF-8");
    }
  }

  #argument(low: number): number {
    if (low < FIRST_LONG) return low;
    if (low > FIRST_LONG + 3) throw new FormatError("not CBOR: no definite length");
    const extra = 1 << (low - FIRST_LONG);
    let argument = 0;
    for (let i = 0; i < extra; i++) argument = 256 * argument + this.#byte();
    // A number above 2^53 would have lost its last bits here; a smaller one has a shorter head.
    const least = extra === 1 ? FIRST_LONG : 256 ** (extra / 2);
    if (argument < least || !Number.isSafeInteger(argument)) {
      throw new FormatError("not CBOR: not the shortest head");
    }
    return argument;
  }

  #byte(): number {
    const byte = this.#input[this.#at++];
    if (byte === undefined) throw new FormatError("not CBOR: it ends too early");
    return byte;
  }

  /** A view of the input. */
  #take(length: number): Uint8Array {
    if (length > this.#input.length - this.#at) {
      throw new FormatError("not CBOR: it ends too early");
    }
    return this.#input.subarray(this.#at, this.#at += length);
  }
}

function simple(low: number): boolean | null {
  if (low === NULL) return null;
  if (low === TRUE || low === FALSE) return low === TRUE;
  throw new FormatError("not CBOR that is used here");
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > LAST_ASCII) return false;
  return true;
}
