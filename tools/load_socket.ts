/**
 * A WebSocket client that costs as little as can be: RFC 6455 over a bare connection, so that the
 * generator is not what is measured. Binary messages only; nothing is fragmented by either side.
 */
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

/** Where to connect, and as whom. */
export interface LoadPlace {
  readonly port: number;
  readonly path: string;
  /** The Host header, as the server's origin has it. */
  readonly host: string;
  readonly authorization: string;
  /** The address to come from, 127.0.0.1 to 127.255.255.254. */
  readonly from: string;
  readonly tls: boolean;
}

/** An open one. */
export interface LoadSocket {
  /** A message; everything sent in one turn leaves in one write. */
  send(message: Uint8Array): void;
  /** Ends it without a goodbye. */
  close(): void;
}

/** What it tells. The bytes are a view that the next chunk overwrites. */
export interface LoadEvents {
  readonly message: (message: Uint8Array) => void;
  readonly closed: () => void;
}

const BINARY = 0x82;
const PONG = 0x8a;
const MASKED = 0x80;
/** As good as any: the server has to take it off. Browsers choose a new one for every frame. */
const MASK = [0x37, 0xfa, 0x21, 0x3d] as const;
const KEY = "c251ZyBsb2FkIHRvb2whIQ==";

/** Connects and upgrades; rejects when the server says anything but 101. */
export function openLoadSocket(place: LoadPlace, events: LoadEvents): Promise<LoadSocket> {
  const { port, from: localAddress } = place;
  const plain = { port, host: "127.0.0.1", localAddress, noDelay: true };
  const socket = place.tls ? connectTls({ ...plain, rejectUnauthorized: false }) : connect(plain);
  return new Promise((resolve, reject) => {
    const frames = new Frames(socket, events);
    let head = "";
    const onHead = (chunk: Uint8Array) => {
      head += String.fromCharCode(...chunk);
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      socket.off("data", onHead);
      if (!head.startsWith("HTTP/1.1 101")) {
        socket.destroy();
        return reject(new Error(head.split("\r\n", 1)[0]));
      }
      socket.on("data", (chunk) => frames.take(chunk as Uint8Array));
      resolve(frames);
      const rest = chunk.subarray(chunk.length - (head.length - end - 4));
      if (rest.length > 0) frames.take(rest);
    };
    socket.on("data", onHead);
    socket.on("error", reject);
    socket.on("close", () => {
      reject(new Error("closed before it was open"));
      events.closed();
    });
    socket.on(place.tls ? "secureConnect" : "connect", () => socket.write(upgrade(place)));
  });
}

function upgrade({ path, host, authorization }: LoadPlace): string {
  return `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n` +
    `Authorization: Bearer ${authorization}\r\n\r\n`;
}

/** Frames in both directions. */
class Frames implements LoadSocket {
  readonly #socket: Socket;
  readonly #events: LoadEvents;
  #pending: Uint8Array[] = [];
  /** What came of a frame that is not whole yet. */
  #kept = new Uint8Array(0);

  constructor(socket: Socket, events: LoadEvents) {
    this.#socket = socket;
    this.#events = events;
  }

  send(message: Uint8Array): void {
    this.#queue(frame(BINARY, message));
  }

  close(): void {
    this.#socket.destroy();
  }

  take(chunk: Uint8Array): void {
    let bytes = chunk;
    if (this.#kept.length > 0) {
      bytes = new Uint8Array(this.#kept.length + chunk.length);
      bytes.set(this.#kept);
      bytes.set(chunk, this.#kept.length);
    }
    let at = 0;
    for (let next = this.#one(bytes, at); next > at; next = this.#one(bytes, at)) at = next;
    this.#kept = bytes.slice(at);
  }

  /** Takes the frame at `at`; where the next one begins, or `at` when this one is not whole. */
  #one(bytes: Uint8Array, at: number): number {
    if (bytes.length - at < 2) return at;
    let [start, length] = [at + 2, bytes[at + 1]! & 0x7f];
    if (length >= 126) {
      const wide = length === 126 ? 2 : 8;
      if (bytes.length < start + wide) return at;
      length = 0;
      for (let n = 0; n < wide; n++) length = length * 256 + bytes[start + n]!;
      start += wide;
    }
    const end = start + length;
    if (bytes.length < end) return at;
    this.#frame(bytes[at]! & 0xf, bytes.subarray(start, end));
    return end;
  }

  #frame(opcode: number, message: Uint8Array): void {
    if (opcode === 2) this.#events.message(message);
    else if (opcode === 9) this.#queue(frame(PONG, message));
    else if (opcode === 8) this.#socket.end();
  }

  #queue(bytes: Uint8Array): void {
    this.#pending.push(bytes);
    if (this.#pending.length === 1) queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    const pending = this.#pending;
    this.#pending = [];
    this.#socket.write(pending.length === 1 ? pending[0]! : joined(pending));
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** One masked frame (RFC 6455 section 5.2). */
function frame(first: number, message: Uint8Array): Uint8Array {
  const { length } = message;
  const wide = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const out = new Uint8Array(2 + wide + 4 + length);
  out[0] = first;
  out[1] = MASKED | (wide === 0 ? length : wide === 2 ? 126 : 127);
  for (let n = 0, left = length; n < wide; n++, left = Math.floor(left / 256)) {
    out[1 + wide - n] = left % 256;
  }
  const start = 2 + wide + 4;
  out.set(MASK, start - 4);
  for (let n = 0; n < length; n++) out[start + n] = message[n]! ^ MASK[n & 3]!;
  return out;
}
