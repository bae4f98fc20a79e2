/** WebSocket frames as a client writes and reads them (RFC 6455 section 5): binary messages only, no extensions. */
import { type Bytes, concat } from "../../protocol/encoding.ts";

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

const FINAL = 0x80;
const RESERVED = 0x70;
const MASKED = 0x80;
const LENGTH_16 = 126;
const LENGTH_64 = 127;
const MOST_CONTROL_BYTES = 125;

/** A frame that the protocol does not allow, or one that is too large. The connection ends. */
export class WsError extends Error {
  override readonly name = "WsError";
  /** @param code RFC 6455 section 7.4.1 */
  constructor(readonly code: number) {
    super(`WebSocket protocol error ${code}`);
  }
}

/** One whole frame, masked with `mask` (4 random bytes) as every client frame must be. */
export function encodeFrame(opcode: number, payload: Uint8Array, mask: Uint8Array): Bytes {
  const masked = new Uint8Array(payload.length);
  for (let i = 0; i < payload.length; i++) masked[i] = payload[i]! ^ mask[i & 3]!;
  return concat(Uint8Array.of(FINAL | opcode), lengthOf(payload.length), mask, masked);
}

function lengthOf(length: number): Bytes {
  if (length < LENGTH_16) return Uint8Array.of(MASKED | length);
  const small = length <= 0xffff;
  const bytes = new Uint8Array(small ? 3 : 9);
  const view = new DataView(bytes.buffer);
  bytes[0] = MASKED | (small ? LENGTH_16 : LENGTH_64);
  if (small) view.setUint16(1, length);
  else view.setBigUint64(1, BigInt(length));
  return bytes;
}

export interface WsMessage {
  readonly opcode: number;
  readonly payload: Bytes;
}

/** Cuts a byte stream into messages; fragments of one message are put together. */
export class FrameParser {
  readonly #most: number;
  #held: Bytes = new Uint8Array(0);
  #parts: Bytes[] = [];
  #opcode: number | null = null;

  /** @param most bytes of one message, fragments together */
  constructor(most: number) {
    this.#most = most;
  }

  /** @throws {WsError} */
  push(chunk: Uint8Array): WsMessage[] {
    this.#held = this.#held.length === 0 ? new Uint8Array(chunk) : concat(this.#held, chunk);
    const messages: WsMessage[] = [];
    for (let frame = this.#next(); frame; frame = this.#next()) {
      const message = this.#take(frame);
      if (message) messages.push(message);
    }
    return messages;
  }

  #next(): { final: boolean; opcode: number; payload: Bytes } | null {
    const held = this.#held;
    if (held.length < 2) return null;
    const [first, second] = [held[0]!, held[1]!];
    // Nothing was negotiated, and a server must not mask (RFC 6455 section 5.1).
    if ((first & RESERVED) !== 0 || (second & MASKED) !== 0) throw new WsError(1002);
    const head = second === LENGTH_16 ? 4 : second === LENGTH_64 ? 10 : 2;
    if (held.length < head) return null;
    const length = this.#length(second);
    if (length > this.#most) throw new WsError(1009);
    if (held.length < head + length) return null;
    this.#held = held.slice(head + length);
    const payload = held.slice(head, head + length);
    return { final: (first & FINAL) !== 0, opcode: first & 0x0f, payload };
  }

  #length(second: number): number {
    const view = new DataView(this.#held.buffer, this.#held.byteOffset);
    if (second === LENGTH_16) return view.getUint16(2);
    return second === LENGTH_64 ? Number(view.getBigUint64(2)) : second;
  }

  #take(frame: { final: boolean; opcode: number; payload: Bytes }): WsMessage | null {
    const { final, opcode, payload } = frame;
    if (opcode >= OPCODE.close) {
      if (!final || payload.length > MOST_CONTROL_BYTES) throw new WsError(1002);
      return { opcode, payload };
    }
    if ((opcode === OPCODE.continuation) !== (this.#opcode !== null)) throw new WsError(1002);
    this.#opcode ??= opcode;
    this.#parts.push(payload);
    const size = this.#parts.reduce((sum, part) => sum + part.length, 0);
    if (size > this.#most) throw new WsError(1009);
    if (!final) return null;
    const message = { opcode: this.#opcode, payload: concat(...this.#parts) };
    [this.#parts, this.#opcode] = [[], null];
    return message;
  }
}
