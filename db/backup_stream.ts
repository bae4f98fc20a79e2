/**
 * A long secret stream in pieces, each AES-256-GCM under one key that is used for this stream only.
 *
 * Every piece but the last holds exactly {@link PIECE_BYTES} of plaintext. Its IV is 7 zero bytes ||
 * number u32 || last u8, as for attachments: pieces cannot be dropped, repeated, put in another
 * order or cut off at the end without being noticed (the STREAM construction; Hoang, Reyhanitabar,
 * Rogaway, Vizár 2015).
 */
import type { Bytes } from "../protocol/encoding.ts";
import { BackupError } from "./backup_error.ts";

/** Plaintext bytes of a full piece. */
export const PIECE_BYTES = 262_144;
const TAG_BYTES = 16;
const SEALED_BYTES = PIECE_BYTES + TAG_BYTES;

/** Takes sealed bytes, all of them. */
export type Output = (bytes: Uint8Array) => Promise<void>;
/** Fills the buffer, or less at the end; says how much. */
export type Input = (buffer: Uint8Array) => Promise<number>;

/** Seals what is written to it. */
export class SealedWriter {
  readonly #piece = new Uint8Array(PIECE_BYTES);
  #filled = 0;
  #number = 0;

  constructor(readonly key: CryptoKey, readonly output: Output) {}

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      // Only when more comes is it known that a full piece is not the last one.
      if (this.#filled === PIECE_BYTES) await this.#seal(false);
      const part = bytes.subarray(at, at + PIECE_BYTES - this.#filled);
      this.#piece.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
    }
  }

  /** Seals what is left as the last piece. */
  async finish(): Promise<void> {
    await this.#seal(true);
    this.#piece.fill(0);
  }

  async #seal(last: boolean): Promise<void> {
    const algorithm = { name: "AES-GCM", iv: ivOf(this.#number++, last) };
    const plain = this.#piece.subarray(0, this.#filled);
    await this.output(new Uint8Array(await crypto.subtle.encrypt(algorithm, this.key, plain)));
    this.#filled = 0;
  }
}

/** Opens what a {@link SealedWriter} sealed. */
export class SealedReader {
  #ahead: Bytes | null = null;
  #piece: Bytes = new Uint8Array();
  #at = 0;
  #number = 0;
  #ended = false;

  constructor(readonly key: CryptoKey, readonly input: Input) {}

  /**
   * The next `length` bytes.
   * @throws {BackupError} when they are not there or not what was written
   */
  async read(length: number): Promise<Bytes> {
    const result = new Uint8Array(length);
    for (let filled = 0; filled < length;) {
      const part = await this.#some(length - filled);
      if (part.length === 0) throw damaged("it is too short");
      result.set(part, filled);
      filled += part.length;
    }
    return result;
  }

  /** @throws {BackupError} unless everything was read */
  async end(): Promise<void> {
    if ((await this.#some(1)).length > 0) throw damaged("something follows its end");
  }

  async #some(most: number): Promise<Bytes> {
    while (this.#at === this.#piece.length && !this.#ended) await this.#open();
    const part = this.#piece.subarray(this.#at, this.#at + most);
    this.#at += part.length;
    return part;
  }

  async #open(): Promise<void> {
    const sealed = this.#ahead ?? await this.#sealed();
    this.#ahead = await this.#sealed();
    this.#ended = this.#ahead.length === 0;
    const algorithm = { name: "AES-GCM", iv: ivOf(this.#number++, this.#ended) };
    try {
      this.#piece = new Uint8Array(await crypto.subtle.decrypt(algorithm, this.key, sealed));
    } catch {
      throw damaged(`its part ${this.#number} is not what was written`);
    }
    this.#at = 0;
  }

  async #sealed(): Promise<Bytes> {
    const buffer = new Uint8Array(SEALED_BYTES);
    let filled = 0;
    for (let more = 1; more > 0 && filled < SEALED_BYTES; filled += more) {
      more = await this.input(buffer.subarray(filled));
    }
    return buffer.subarray(0, filled);
  }
}

function damaged(how: string): BackupError {
  return new BackupError(`The backup is damaged or cut short: ${how}. Use another one.`);
}

function ivOf(number: number, last: boolean): Bytes {
  const iv = new Uint8Array(12);
  new DataView(iv.buffer).setUint32(7, number);
  iv[11] = last ? 1 : 0;
  return iv;
}
