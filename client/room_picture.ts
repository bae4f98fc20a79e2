/** What a room's picture must look like before it is sealed: shown as an image it is hostile all the same. */
import { utf8 } from "../protocol/encoding.ts";

const PNG = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const JPEG = Uint8Array.of(0xff, 0xd8, 0xff);
const RIFF = utf8("RIFF");
const WEBP = utf8("WEBP");

/** Whether these bytes begin as a PNG, a JPEG or a WebP does. */
export function isPicture(bytes: Uint8Array): boolean {
  return has(bytes, PNG, 0) || has(bytes, JPEG, 0) || (has(bytes, RIFF, 0) && has(bytes, WEBP, 8));
}

function has(bytes: Uint8Array, signature: Uint8Array, at: number): boolean {
  return signature.every((byte, index) => bytes[at + index] === byte);
}
