/**
 * The submissions that one turn took, packed into a row of `taken` (see migration 12):
 *
 *     1 (the version), day, entries, 0, number of entries
 *
 * An entry: twice the number of the sender's queue, and one more when the id stands below one of
 * the sender's in `submits`; then the id (16 bytes). Numbers as packing.ts has them.
 */
import { ID_BYTES } from "../protocol/ids.ts";
import { BrokenRow, Packer, Unpacker } from "./packing.ts";

const VERSION = 1;
const END = 0;

/** Writes one row after another. */
export class TakenWriter {
  readonly #packer = new Packer();
  #entries = 0;

  begin(day: number): void {
    this.#packer.clear();
    this.#packer.number(VERSION);
    this.#packer.number(day);
    this.#entries = 0;
  }

  add(sender: number, submit: Uint8Array, rises: boolean): void {
    this.#packer.number(2 * sender + (rises ? 0 : 1));
    this.#packer.bytes(submit);
    this.#entries++;
  }

  /** The row, only until the next one begins. */
  end(): Uint8Array<ArrayBuffer> {
    this.#packer.number(END);
    this.#packer.number(this.#entries);
    return this.#packer.packed;
  }
}

/**
 * Tells of every entry of a row.
 * @throws {BrokenRow} for anything but a whole row
 */
export function readTaken(
  row: Uint8Array,
  entry: (sender: number, submit: Uint8Array, rises: boolean, day: number) => void,
): void {
  const unpacker = new Unpacker(row);
  if (unpacker.number() !== VERSION) throw new BrokenRow("a row of another version");
  const day = unpacker.number();
  let entries = 0;
  for (let who = unpacker.number(); who !== END; who = unpacker.number(), entries++) {
    entry(Math.floor(who / 2), unpacker.bytes(ID_BYTES), who % 2 === 0, day);
  }
  if (unpacker.number() !== entries) throw new BrokenRow("entries are missing");
  unpacker.end();
}
