import type { Bytes } from "../protocol/encoding.ts";
import { PADDING_BUCKETS } from "../protocol/limits.ts";
import { DecryptError } from "./errors.ts";

/** ISO/IEC 7816-4: the content ends at the last 0x80, so every content has exactly one padded form. */
const END = 0x80;

/**
 * The padded size for content of this many bytes: room for one end byte, then the next bucket, and above
 * 4,096 the next Padmé size (Nikitin et al., "Reducing Metadata Leakage from Encrypted Files", section 4:
 * at most 12 % more, O(log log size) bits leaked).
 */
export function paddedLength(contentLength: number): number {
  const needed = contentLength + 1;
  return PADDING_BUCKETS.find((bucket) => needed <= bucket) ?? padme(needed);
}

/** The content, 0x80, then zeros up to {@link paddedLength}. */
export function pad(content: Uint8Array): Bytes {
  const padded = new Uint8Array(paddedLength(content.length));
  padded.set(content);
  padded[content.length] = END;
  return padded;
}

/**
 * The content of {@link pad}'s result. Takes that one form only: a size that is no bucket, or more padding than
 * the content needs, is refused, so padding carries nothing.
 * @throws {DecryptError} for anything else
 */
export function unpad(padded: Uint8Array): Bytes {
  let end = padded.length - 1;
  while (end >= 0 && padded[end] === 0) end--;
  if (end < 0 || padded[end] !== END || paddedLength(end) !== padded.length) {
    throw new DecryptError();
  }
  return padded.slice(0, end) as Bytes;
}

function padme(length: number): number {
  const exponent = Math.floor(Math.log2(length));
  const kept = Math.floor(Math.log2(exponent)) + 1;
  const step = 2 ** (exponent - kept);
  return Math.ceil(length / step) * step;
}
