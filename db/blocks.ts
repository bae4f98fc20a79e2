/** Bytes that are kept for a while, in few large blocks: each small array of its own costs four allocations. */

const BLOCK_BYTES = 65_536;

/** A block is let go of with the last of what it holds. */
export class Blocks {
  #block = new Uint8Array();
  #used = 0;

  /** A copy that nobody overwrites. */
  keep(bytes: Uint8Array): Uint8Array {
    const { length } = bytes;
    if (length > BLOCK_BYTES / 4) return bytes.slice();
    if (this.#used + length > this.#block.length) {
      this.#block = new Uint8Array(BLOCK_BYTES);
      this.#used = 0;
    }
    const kept = this.#block.subarray(this.#used, this.#used += length);
    kept.set(bytes);
    return kept;
  }
}
