/**
 * Frames on their way out. `ws` writes a message as two chunks, header and content, which the
 * runtime joins again for each one; here they are joined once, into memory shared by many.
 */
import { Buffer } from "node:buffer";
import type { Writable } from "node:stream";

/** A whole binary message (RFC 6455 section 5.2). */
const BINARY = 0x82;
/** Where the length stands when it does not fit into seven bits. */
const [LENGTH_OF_2, LENGTH_OF_8] = [126, 127];

/** Writes one message, unmasked as a server does. `done` when the system has it. */
export function writeMessage(wire: Writable, content: Uint8Array, done: () => void): void {
  const { length } = content;
  const head = length < LENGTH_OF_2 ? 2 : length < 0x10000 ? 4 : 10;
  const chunk = Buffer.allocUnsafe(head + length);
  chunk[0] = BINARY;
  if (head === 2) chunk[1] = length;
  else writeLength(chunk, length, head);
  chunk.set(content, head);
  wire.write(chunk, done);
}

function writeLength(chunk: Buffer, length: number, head: 4 | 10): void {
  chunk[1] = head === 4 ? LENGTH_OF_2 : LENGTH_OF_8;
  if (head === 4) chunk.writeUInt16BE(length, 2);
  else chunk.writeBigUInt64BE(BigInt(length), 2);
}
