/** Whole numbers and bytes packed one behind the other, for rows that only this program reads. */

const SPARE = 65_536;
/** Of a number; seven bits each. */
const MOST_DIGITS = 8;

/** Appends to one growing buffer, which is used again and again. */
export class Packer {
  #bytes = new Uint8Array(2 * SPARE);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  clear(): void {
    this.#length = 0;
  }

  /**
   * A whole number from 0 on, in as many bytes as it needs.
   * @throws {RangeError} for anything else: written, it would make the row one that cannot be read
   */
  number(value: number): void {
    if (!(value >= 0 && Number.isSafeInteger(value))) throw new RangeError("no number to pack");
    this.#reserve(MOST_DIGITS);
    while (value > 127) {
      this.#bytes[this.#length++] = value % 128 | 128;
      value = Math.floor(value / 128);
    }
    this.#bytes[this.#length++] = value;
  }

  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Everything, not copied: it is only what it is until more is packed. */
  get packed(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const grown = new Uint8Array(2 * this.#bytes.length + bytes);
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}

/** A row is not what this program writes. Nothing is guessed: what waits for people is in it. */
export class BrokenRow extends Error {
  override readonly name = "BrokenRow";

  /** @param row which it is, once that is known */
  constructor(
    message: string,
    readonly row?: { readonly table: "turns" | "taken"; readonly no: number },
  ) {
    super(message);
  }
}

/** The same, of a row that is known. */
export function brokenIn(table: "turns" | "taken", no: number, { message }: Error): BrokenRow {
  return new BrokenRow(`row ${no} of the table ${table} cannot be read: ${message}`, { table, no });
}

/** Reads what {@link Packer} wrote. */
export class Unpacker {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Where the next thing begins. */
  get at(): number {
    return this.#at;
  }

  /** @throws {BrokenRow} where the bytes end, or for a number that is too large or too long */
  number(): number {
    let value = 0;
    for (let scale = 1, digits = 0; digits < MOST_DIGITS; digits++, scale *= 128) {
      const digit = this.#bytes[this.#at++];
      if (digit === undefined) break;
      value += (digit & 127) * scale;
      if (digit < 128 && Number.isSafeInteger(value)) return value;
    }
    throw new BrokenRow("a number is cut off or too large");
  }

  /** So many bytes, not copied. */
  bytes(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new BrokenRow("the row is cut off");
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }

  /** @throws {BrokenRow} unless everything was read */
  end(): void {
    if (this.#at !== this.#bytes.length) {
      throw new BrokenRow("the row has something behind its end");
    }
  }
}
