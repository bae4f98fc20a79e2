/**
 * Deterministic CBOR (RFC 8949 section 4.2.1) with schemas. One value has one encoding: definite
 * lengths, shortest heads, keys sorted by their encoded bytes, no tags, floats or `undefined`
 * (cbor.ts). So a signature over the bytes is a signature over the value.
 *
 * The decoder believes nothing: it bounds size and depth before anything is built, checks every field
 * against the schema, and compares the input with the encoding of what it read. Whatever it is fed,
 * it returns a value or throws {@link FormatError}.
 */
import { type CborValue, decodeCbor, encodeCbor } from "./cbor.ts";
import { type Bytes, equalBytes, utf8 } from "./encoding.ts";
import { FormatError } from "./errors.ts";
import { type Id, ID_BYTES, idBytes, idFrom, parseId } from "./ids.ts";
import { MAX_CBOR_BYTES } from "./limits.ts";

export type { CborValue };

/**
 * Both directions between a type and CBOR. Both throw {@link FormatError} for what does not fit. (Methods, not
 * properties: so a schema of any type is a `Schema<unknown>`.)
 */
export interface Schema<T> {
  toCbor(value: T): CborValue;
  fromCbor(value: CborValue): T;
}

/** The type that a schema describes. */
export type Infer<S> = S extends Schema<infer T> ? T : never;

type AnySchema = Schema<unknown>;
type Fields = Readonly<Record<string, AnySchema>>;
type RecordOf<F extends Fields> = { readonly [K in keyof F]: Infer<F[K]> };

/** A schema of a map with fixed fields; {@link tagged} reads the fields. */
export interface RecordSchema<F extends Fields> extends Schema<RecordOf<F>> {
  readonly fields: F;
}

function demand(fits: boolean, what: string): asserts fits {
  if (!fits) throw new FormatError(`not ${what}`);
}

/** Whole numbers from 0 to `max`, which is at most 2^53 - 1. */
export function uint(max: number = 2 ** 32 - 1): Schema<number> {
  const check = (value: CborValue): number => {
    demand(typeof value === "number" && Number.isSafeInteger(value), "a whole number");
    demand(value >= 0 && value <= max, `a number up to ${max}`);
    return value;
  };
  return { toCbor: check, fromCbor: check };
}

/** Bytes: exactly `size` of them, or up to `size.max`. Decoded bytes are a copy of their own. */
export function bytes(size: number | { readonly max: number }): Schema<Bytes> {
  const [min, max] = typeof size === "number" ? [size, size] : [0, size.max];
  const check = (value: CborValue): Uint8Array => {
    demand(value instanceof Uint8Array, "bytes");
    demand(value.length >= min && value.length <= max, `${min} to ${max} bytes`);
    return value;
  };
  return { toCbor: check, fromCbor: (value) => new Uint8Array(check(value)) };
}

/**
 * Well-formed text of up to `max` bytes of UTF-8. A leading byte order mark is refused: decoders
 * disagree on whether it belongs to the text.
 */
export function text({ max }: { readonly max: number }): Schema<string> {
  const check = (value: CborValue): string => {
    demand(typeof value === "string", "text");
    demand(value.length <= max && utf8(value).length <= max, `text of up to ${max} bytes`);
    demand(value.isWellFormed() && !value.startsWith("\ufeff"), "well-formed text");
    return value;
  };
  return { toCbor: check, fromCbor: check };
}

function checkBool(value: CborValue): boolean {
  demand(typeof value === "boolean", "true or false");
  return value;
}

/** `true` or `false`. */
export const bool: Schema<boolean> = { toCbor: checkBool, fromCbor: checkBool };

/** An id: 16 bytes on the wire, 22 characters in memory. */
export function id<K extends string>(): Schema<Id<K>> {
  const raw = bytes(ID_BYTES);
  return {
    toCbor(value) {
      demand(parseId(value) !== null, "an id");
      return idBytes(value);
    },
    fromCbor: (value) => idFrom<K>(raw.fromCbor(value)),
  };
}

/** One of a few fixed words. */
export function choice<const W extends readonly string[]>(...words: W): Schema<W[number]> {
  const check = (value: CborValue): W[number] => {
    demand(typeof value === "string" && words.includes(value), "one of the known words");
    return value;
  };
  return { toCbor: check, fromCbor: check };
}

/** Up to `max` (and at least `min`, default 0) items of one kind, in order. */
export function list<T>(
  item: Schema<T>,
  { max, min = 0 }: { readonly max: number; readonly min?: number },
): Schema<T[]> {
  const fits = (length: number) =>
    demand(length >= min && length <= max, `a list of ${min} to ${max}`);
  return {
    toCbor(value) {
      fits(value.length);
      return value.map((one) => item.toCbor(one));
    },
    fromCbor(value) {
      demand(Array.isArray(value), "a list");
      fits(value.length);
      return value.map((one) => item.fromCbor(one));
    },
  };
}

/** `null`, or a value of `inner`. Fields are never left out: an absent value is written as null. */
export function nullable<T>(inner: Schema<T>): Schema<T | null> {
  return {
    toCbor: (value) => value === null ? null : inner.toCbor(value),
    fromCbor: (value) => value === null ? null : inner.fromCbor(value),
  };
}

/** A map with exactly these fields. */
export function record<F extends Fields>(fields: F): RecordSchema<F> {
  const names = Object.keys(fields);
  return {
    fields,
    toCbor(value) {
      const extra = Object.keys(value).some((name) => !Object.hasOwn(fields, name));
      demand(!extra, "a map without unknown fields");
      return new Map(names.map((name) => [name, fields[name]!.toCbor(field(value, name))]));
    },
    fromCbor(value) {
      demand(value instanceof Map && value.size === names.length, "a map with the known fields");
      const entries = names.map((name) => {
        demand(value.has(name), "a map with the known fields");
        return [name, fields[name]!.fromCbor(value.get(name)!)];
      });
      return Object.fromEntries(entries);
    },
  };
}

function field(value: object, name: string): unknown {
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}

type Variants = Readonly<Record<string, RecordSchema<Fields>>>;
type TaggedOf<K extends string, V extends Variants> = {
  [N in keyof V & string]: { readonly [P in K]: N } & Infer<V[N]>;
}[keyof V & string];

/** One of several records in one map, told apart by the text in the field `key`. */
export function tagged<K extends string, V extends Variants>(
  key: K,
  variants: V,
): Schema<TaggedOf<K, V>> {
  const names = Object.keys(variants);
  const whole = new Map(names.map((name) => {
    return [name, record({ ...variants[name]!.fields, [key]: choice(name) })];
  }));
  const pick = (name: unknown): AnySchema => {
    const schema = typeof name === "string" ? whole.get(name) : undefined;
    demand(schema !== undefined, "a known kind");
    return schema;
  };
  return {
    toCbor: (value) => pick(field(value, key)).toCbor(value),
    fromCbor(value) {
      demand(value instanceof Map, "a map");
      return pick(value.get(key)).fromCbor(value) as TaggedOf<K, V>;
    },
  };
}

/**
 * The one encoding of `value`.
 * @throws {FormatError} when `value` does not fit the schema
 */
export function encode<T>(schema: Schema<T>, value: T): Bytes {
  return encodeCbor(schema.toCbor(value));
}

/**
 * The value whose encoding is `input`.
 * @param max refuses more bytes than this before looking at any
 * @throws {FormatError} for everything else: other encodings of the same value, unknown or missing
 * fields, wrong types and lengths, trailing bytes
 */
export function decode<T>(schema: Schema<T>, input: Uint8Array, max: number = MAX_CBOR_BYTES): T {
  demand(input.length <= max, `at most ${max} bytes`);
  const value = schema.fromCbor(decodeCbor(input));
  demand(equalBytes(encode(schema, value), input), "the deterministic encoding");
  return value;
}
