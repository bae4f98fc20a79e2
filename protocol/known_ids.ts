/** Ids that come again and again: the text of one is made once, and maps have its hash already. */
import { type Id, ID_BYTES, idFrom } from "./ids.ts";

/** Places for ids; each has one, by its first bytes. A power of two. */
const PLACES = 4_096;

/** See the head of this file. Bounded: an id takes the place of another. */
export class KnownIds {
  readonly #bytes = new Uint8Array(PLACES * ID_BYTES);
  readonly #ids: (Id<string> | undefined)[] = Array(PLACES).fill(undefined);

  /**
   * As `idFrom`: the id made of these 16 bytes.
   * @throws {RangeError} for any other length
   */
  of<K extends string>(bytes: Uint8Array): Id<K> {
    const place = (bytes[0]! << 8 | bytes[1]!) % PLACES;
    const known = this.#ids[place];
    if (known !== undefined && this.#holds(place * ID_BYTES, bytes)) return known as Id<K>;
    const id = idFrom<K>(bytes);
    this.#bytes.set(bytes, place * ID_BYTES);
    this.#ids[place] = id;
    return id;
  }

  #holds(at: number, bytes: Uint8Array): boolean {
    if (bytes.length !== ID_BYTES) return false;
    for (let n = 0; n < ID_BYTES; n++) if (this.#bytes[at + n] !== bytes[n]) return false;
    return true;
  }
}
