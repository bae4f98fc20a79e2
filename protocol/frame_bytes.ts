/** Reading and writing the fixed layouts of frame.ts: big endian, lengths before content. */
import type { Bytes } from "./encoding.ts";
import { FormatError } from "./errors.ts";
import { type Id, ID_BYTES, idBytes, idFrom } from "./ids.ts";

const U32 = 2 ** 32;
/** Appends fields to a buffer that grows when `first` is full. Values out of range throw RangeError: a bug of the caller. */
export class FrameWriter {
  #out: Bytes;
  #view: DataView;
  #length = 0;

  constructor(first: Bytes = new Uint8Array(512)) {
    this.#out = first;
    this.#view = new DataView(first.buffer, first.byteOffset, first.byteLength);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  u8(value: number): void {
    const at = this.#room(1);
    this.#view.setUint8(at, within(value, 0xff));
  }

  u16(value: number): void {
    const at = this.#room(2);
    this.#view.setUint16(at, within(value, 0xffff));
  }

  u32(value: number): void {
    const at = this.#room(4);
    this.#view.setUint32(at, within(value, U32 - 1));
  }

  /** A u64 whose value is at most 2^53 - 1. */
  u64(value: number): void {
    within(value, Number.MAX_SAFE_INTEGER);
    this.u32(Math.floor(value / U32));
    this.u32(value % U32);
  }

  id(id: Id<string>): void {
    this.bytes(idBytes(id), ID_BYTES);
  }

  /** Exactly `length` bytes; nothing tells the reader how many. */
  bytes(bytes: Uint8Array, length: number): void {
    if (bytes.length !== length) throw new RangeError(`${bytes.length} bytes instead of ${length}`);
    const at = this.#room(length);
    this.#out.set(bytes, at);
  }

  /** A u32 length and that many bytes. */
  block(bytes: Uint8Array): void {
    this.u32(bytes.length);
    this.bytes(bytes, bytes.length);
  }

  /** Overwrites four bytes already written: a length that was not known before. */
  u32At(at: number, value: number): void {
    this.#view.setUint32(at, value);
  }

  /** What was written, NOT copied: the next thing written may overwrite it. */
  get written(): Bytes {
    return this.#out.subarray(0, this.#length);
  }

  /** What was written, as a copy; the writer starts again from nothing. */
  take(): Bytes {
    const taken = this.written.slice();
    this.clear();
    return taken;
  }

  /** Starts again from nothing. */
  clear(): void {
    this.#length = 0;
  }

  /** Forgets what was written after `length`, and returns it. */
  cutTo(length: number): Bytes {
    const cut = this.#out.slice(length, this.#length);
    this.#length = length;
    return cut;
  }

  #room(bytes: number): number {
    const at = this.#length;
    const needed = at + bytes;
    if (needed > this.#out.length) this.#grow(needed);
    this.#length = needed;
    return at;
  }

  #grow(needed: number): void {
    const wider = new Uint8Array(Math.max(needed, this.#out.length * 2));
    wider.set(this.#out.subarray(0, this.#length));
    this.#out = wider;
    this.#view = new DataView(wider.buffer);
  }
}

/** Takes fields off hostile bytes. Every method throws {@link FormatError} when too few are left. */
export class FrameReader {
  readonly #input: Uint8Array;
  readonly #view: DataView;
  readonly #end: number;
  #at: number;

  constructor(input: Uint8Array, from = 0, end = input.length) {
    this.#input = input;
    this.#view = new DataView(input.buffer, input.byteOffset, input.byteLength);
    this.#at = from;
    this.#end = end;
  }

  /** Is everything read? */
  get done(): boolean {
    return this.#at === this.#end;
  }

  u8(): number {
    return this.#view.getUint8(this.#skip(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#skip(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#skip(4));
  }

  /** A u64; values above 2^53 - 1 are refused. */
  u64(): number {
    const value = this.u32() * U32 + this.u32();
    if (!Number.isSafeInteger(value)) throw new FormatError("number too large");
    return value;
  }

  id<K extends string>(): Id<K> {
    return idFrom<K>(this.view(ID_BYTES));
  }

  /** The next `length` bytes, copied. */
  bytes(length: number): Bytes {
    return new Uint8Array(this.view(length));
  }

  /** The next `length` bytes, NOT copied. */
  view(length: number): Uint8Array {
    const at = this.#skip(length);
    return this.#input.subarray(at, at + length);
  }

  /** A u32 length and that many bytes, NOT copied. */
  block(): Uint8Array {
    return this.view(this.u32());
  }

  /** A reader of the next `length` bytes only. */
  part(length: number): FrameReader {
    const at = this.#skip(length);
    return new FrameReader(this.#input, at, at + length);
  }

  /** Everything not read yet, NOT copied. */
  rest(): Uint8Array {
    return this.view(this.#end - this.#at);
  }

  #skip(length: number): number {
    if (length > this.#end - this.#at) throw new FormatError("frame too short");
    this.#at += length;
    return this.#at - length;
  }
}

function within(value: number, max: number): number {
  if (!Number.isSafeInteger(value) || value < 0 || value > max) {
    throw new RangeError(`${value} is not a whole number up to ${max}`);
  }
  return value;
}

/** A count off the wire, when it is one of `least` to `most`; else {@link FormatError}. */
export function between(value: number, least: number, most: number, what: string): number {
  if (value < least || value > most) throw new FormatError(`bad number of ${what}`);
  return value;
}
