/**
 * The terminal's WebSocket, over a connection of our own making. On Deno 2.4.2 neither the built-in
 * WebSocket nor `ws` takes a certificate authority, and `tls.connect` calls untrusted certificates
 * trusted; `Deno.startTls` judges them right on every version (security.md M12).
 */
import { randomBytes } from "../../crypto/random.ts";
import { type Bytes, fromUtf8, utf8 } from "../../protocol/encoding.ts";
import { MAX_FRAME_BYTES } from "../../protocol/limits.ts";
import type { Socket, SocketFactory, SocketHandlers } from "../link.ts";
import { encodeFrame, FrameParser, OPCODE, WsError, type WsMessage } from "./ws_frames.ts";

/** RFC 6455 section 1.3. */
const ACCEPT_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** Longest answer to the upgrade, in bytes. How long it may take is the link's to say. */
const MOST_HEAD_BYTES = 16 * 1024;
/** How long the server's close frame is waited for. Milliseconds. */
const GOODBYE_WITHIN = 1_000;
/** RFC 6455 section 7.4.1: the connection ended without a close frame. */
const ABNORMAL = 1006;
const NORMAL = 1000;

/** How to reach the server's sockets: `caCerts` (PEM) are the only ones trusted; null trusts the system's. */
export interface SocketPlace {
  readonly origin: string;
  readonly caCerts: readonly string[] | null;
}

export function terminalSocket(place: SocketPlace): SocketFactory {
  return (login, handlers) => new TerminalSocket(place, login, handlers);
}

class TerminalSocket implements Socket {
  readonly #handlers: SocketHandlers;
  readonly #parser = new FrameParser(MAX_FRAME_BYTES);
  #connection: Deno.Conn | null = null;
  #writing: Promise<unknown> = Promise.resolve();
  #closing = false;
  #ended = false;
  #callOff: () => void = () => {};

  constructor(place: SocketPlace, login: string | null, handlers: SocketHandlers) {
    this.#handlers = handlers;
    this.#run(place, login).catch((error) =>
      this.#end(error instanceof WsError ? error.code : ABNORMAL)
    );
  }

  send(frame: Bytes): void {
    this.#write(OPCODE.binary, frame);
  }

  /** Says goodbye and waits a little for the answer: a connection that just vanishes holds up a server's end. */
  close(): void {
    if (this.#ended || this.#closing) return;
    this.#goodbye(closePayload(NORMAL), NORMAL);
    if (!this.#connection) this.#end(NORMAL);
  }

  /** Answers the server's goodbye, so that it need not wait for one (RFC 6455 section 5.5.1), and ends. */
  #answer(payload: Bytes): void {
    const code = closeCode(payload);
    if (this.#closing) return this.#end(code);
    this.#goodbye(payload.subarray(0, 2), code);
    this.#writing.then(() => this.#end(code));
  }

  #goodbye(payload: Uint8Array, code: number): void {
    this.#write(OPCODE.close, payload);
    this.#closing = true;
    const timer = setTimeout(() => this.#end(code), GOODBYE_WITHIN);
    Deno.unrefTimer(timer);
    this.#callOff = () => clearTimeout(timer);
  }

  async #run(place: SocketPlace, login: string | null): Promise<void> {
    const url = new URL("/socket", place.origin);
    this.#connection = await connect(url, place.caCerts);
    if (this.#ended) return this.#connection.close();
    const rest = await upgrade(this.#connection, url, login);
    this.#handlers.opened();
    this.#take(rest);
    await this.#read(this.#connection);
  }

  async #read(connection: Deno.Conn): Promise<void> {
    const chunk = new Uint8Array(64 * 1024);
    while (!this.#ended) {
      const count = await connection.read(chunk);
      if (count === null) return this.#end(ABNORMAL);
      this.#take(chunk.subarray(0, count));
    }
  }

  #take(chunk: Uint8Array): void {
    for (const message of this.#parser.push(chunk)) {
      if (this.#ended) return;
      this.#message(message);
    }
  }

  #message({ opcode, payload }: WsMessage): void {
    switch (opcode) {
      case OPCODE.binary:
        return this.#closing ? undefined : this.#handlers.received(payload);
      case OPCODE.ping:
        return this.#write(OPCODE.pong, payload);
      case OPCODE.pong:
        return;
      case OPCODE.close:
        return this.#answer(payload);
      default:
        throw new WsError(1003);
    }
  }

  #write(opcode: number, payload: Uint8Array): void {
    const connection = this.#connection;
    if (!connection || this.#ended || this.#closing) return;
    const frame = encodeFrame(opcode, payload, randomBytes(4));
    this.#writing = this.#writing.then(() => writeAll(connection, frame))
      .catch(() => this.#end(ABNORMAL));
  }

  #end(code: number): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#callOff();
    try {
      this.#connection?.close();
    } catch {
      // It was gone already.
    }
    this.#handlers.closed(code);
  }
}

async function connect(url: URL, caCerts: readonly string[] | null): Promise<Deno.Conn> {
  const secure = url.protocol === "https:";
  // URL writes IPv6 addresses in brackets; sockets do not.
  const hostname = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const port = Number(url.port || (secure ? 443 : 80));
  const plain = await Deno.connect({ hostname, port });
  // Without this a message waits 44 ms for the next (M12).
  plain.setNoDelay(true);
  if (!secure) return plain;
  const trust = caCerts ? { caCerts: [...caCerts] } : {};
  return await Deno.startTls(plain, { hostname, alpnProtocols: ["http/1.1"], ...trust });
}

/** Asks for the upgrade and checks the answer; returns what came after its head. */
async function upgrade(connection: Deno.Conn, url: URL, login: string | null): Promise<Uint8Array> {
  const key = btoa(String.fromCharCode(...randomBytes(16)));
  const lines = [
    `GET ${url.pathname} HTTP/1.1`,
    `Host: ${url.host}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${key}`,
    "Snug-Client: terminal",
    ...login === null ? [] : [`Authorization: Bearer ${login}`],
  ];
  await writeAll(connection, utf8(lines.join("\r\n") + "\r\n\r\n"));
  const { head, rest } = await readHead(connection);
  const accepted = head[0]?.startsWith("HTTP/1.1 101") &&
    headerOf(head, "sec-websocket-accept") === await acceptFor(key);
  if (!accepted) throw new WsError(ABNORMAL);
  return rest;
}

async function readHead(connection: Deno.Conn): Promise<{ head: string[]; rest: Uint8Array }> {
  const held = new Uint8Array(MOST_HEAD_BYTES);
  let length = 0;
  for (;;) {
    const count = length < held.length ? await connection.read(held.subarray(length)) : null;
    if (count === null) throw new WsError(ABNORMAL);
    length += count;
    const end = endOfHead(held.subarray(0, length));
    if (end === null) continue;
    const head = fromUtf8(held.subarray(0, end)).split("\r\n");
    return { head, rest: held.subarray(end, length) };
  }
}

function endOfHead(bytes: Uint8Array): number | null {
  for (let i = 3; i < bytes.length; i++) {
    if (bytes[i - 3] === 13 && bytes[i - 2] === 10 && bytes[i - 1] === 13 && bytes[i] === 10) {
      return i + 1;
    }
  }
  return null;
}

function headerOf(head: readonly string[], name: string): string | null {
  const line = head.find((one) => one.toLowerCase().startsWith(`${name}:`));
  return line === undefined ? null : line.slice(name.length + 1).trim();
}

async function acceptFor(key: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-1", utf8(key + ACCEPT_SUFFIX));
  return btoa(String.fromCharCode(...new Uint8Array(digest)));
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

function closePayload(code: number): Bytes {
  return Uint8Array.of(code >> 8, code & 0xff);
}

function closeCode(payload: Bytes): number {
  return payload.length >= 2 ? payload[0]! << 8 | payload[1]! : 1005;
}
