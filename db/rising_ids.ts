/**
 * Ids in rising order, in one piece of memory: as thousands of arrays they would live just long
 * enough to be copied by every collection of the young.
 */
import { equalBytes } from "../protocol/encoding.ts";
import { ID_BYTES } from "../protocol/ids.ts";

const [FIRST_ROOM, KEPT_ROOM] = [4 * ID_BYTES, 64 * ID_BYTES];

/** See the head of this file. */
export class RisingIds {
  #bytes = new Uint8Array(FIRST_ROOM);
  #length = 0;

  /** All of them, one behind the other: a view that the next change overwrites. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** On its own; null when there is none. */
  get highest(): Uint8Array | null {
    return this.#length === 0 ? null : this.#bytes.slice(this.#length - ID_BYTES, this.#length);
  }

  has(id: Uint8Array): boolean {
    const at = this.#placeOf(id);
    return at < this.#length && equalBytes(this.#bytes.subarray(at, at + ID_BYTES), id);
  }

  add(id: Uint8Array): void {
    const at = this.#placeOf(id);
    if (this.#length === this.#bytes.length) this.#grow();
    this.#bytes.copyWithin(at + ID_BYTES, at, this.#length);
    this.#bytes.set(id, at);
    this.#length += ID_BYTES;
  }

  clear(): void {
    this.#length = 0;
    if (this.#bytes.length > KEPT_ROOM) this.#bytes = new Uint8Array(FIRST_ROOM);
  }

  #grow(): void {
    const bytes = new Uint8Array(2 * this.#bytes.length);
    bytes.set(this.#bytes);
    this.#bytes = bytes;
  }

  /** Where in the order an id belongs, in bytes: mostly at the end. */
  #placeOf(id: Uint8Array): number {
    let [from, to] = [0, this.#length / ID_BYTES];
    if (to === 0 || this.#isHigher(id, to - 1)) return this.#length;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (this.#isHigher(id, middle)) from = middle + 1;
      else to = middle;
    }
    return from * ID_BYTES;
  }

  #isHigher(id: Uint8Array, than: number): boolean {
    for (let at = 0, other = than * ID_BYTES; at < ID_BYTES; at++, other++) {
      if (id[at] !== this.#bytes[other]) return id[at]! > this.#bytes[other]!;
    }
    return false;
  }
}
