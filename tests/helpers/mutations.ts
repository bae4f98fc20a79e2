/** Every way in which one bit, or the end, of a byte string can be wrong. */
import fc from "fast-check";
import type { Bytes } from "../../protocol/encoding.ts";

/** All copies of `whole` in which one bit is the other way round; with `step`, every step-th of them. */
export function* bitFlips(whole: Uint8Array, step = 1): Generator<Bytes> {
  for (let bit = 0; bit < 8 * whole.length; bit += step) {
    const copy = new Uint8Array(whole);
    copy[bit >> 3]! ^= 1 << (bit & 7);
    yield copy;
  }
}

/** All shorter beginnings of `whole`, the empty one first. */
export function* prefixes(whole: Uint8Array): Generator<Bytes> {
  for (let length = 0; length < whole.length; length++) {
    yield new Uint8Array(whole.slice(0, length));
  }
}

/** Arbitrary bytes for property tests. */
export function anyBytes(size: fc.IntArrayConstraints = {}): fc.Arbitrary<Bytes> {
  return fc.uint8Array(size).map((drawn) => new Uint8Array(drawn));
}
