/**
 * The socket half of the wire: one WebSocket that is opened again, with growing, jittered waits,
 * whenever it ends. Frames in, items out. It knows nothing of messages.
 */
import { FormatError } from "../protocol/errors.ts";
import {
  type ClientItem,
  CLOSE,
  decodeServerFrame,
  encodeClientFrames,
  type ServerItem,
} from "../protocol/frame.ts";
import type { Bytes } from "../protocol/encoding.ts";

export interface SocketHandlers {
  opened(): void;
  received(frame: Uint8Array): void;
  /** Once, whether it was ever open or not. `code` as in RFC 6455 section 7.4. */
  closed(code: number): void;
}

export interface Socket {
  send(frame: Bytes): void;
  close(): void;
}

/** Opens a WebSocket to the server. `login` is a terminal's bearer login, null in a browser. */
export type SocketFactory = (login: string | null, handlers: SocketHandlers) => Socket;

/** Runs something later; returns the way to call it off. Tests hand in a clock of their own. */
export type After = (ms: number, run: () => void) => () => void;

export interface LinkOptions {
  readonly open: SocketFactory;
  readonly login: () => string | null;
  readonly after: After;
  /** A number from 0 up to 1, for jitter. */
  readonly random: () => number;
  readonly handlers: LinkHandlers;
}

export interface LinkHandlers {
  /** The socket is open: the hello goes out here. */
  opened(): void;
  items(items: readonly ServerItem[]): void;
  closed(code: number, wasOpen: boolean): void;
}

/** First wait after a lost connection; it doubles up to the longest. Milliseconds. */
const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;
/** A socket that did not open by then is given up: some servers and proxies never answer one they refuse. */
const OPENS_WITHIN = 15_000;
/** Silence after which the server is asked whether it is there, and after which it is not. */
const PING_AFTER = 25_000;
const SILENCE_ENDS = 20_000;

export class Link {
  readonly #options: LinkOptions;
  #socket: Socket | null = null;
  #open = false;
  #wanted = false;
  #failures = 0;
  #callOff: () => void = () => {};
  #callOffWatch: () => void = () => {};

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** Connects now, also when a wait is on: the network may just have come back. */
  start(): void {
    this.#wanted = true;
    if (this.#socket === null) this.#connect();
  }

  /** Closes and stays closed until `start`. */
  stop(): void {
    this.#wanted = false;
    this.#callOff();
    this.#end();
  }

  /** Closes and tries again after the next wait. */
  restart(): void {
    if (this.#socket === null) return;
    this.#end();
    this.#later();
  }

  /** This is a good connection: the next wait is a short one again. */
  settled(): void {
    this.#failures = 0;
  }

  /** Sends what is given, if the socket is open. What got lost is sent again by who wanted it sent. */
  send(items: readonly ClientItem[]): void {
    if (!this.#open || this.#socket === null) return;
    for (const frame of encodeClientFrames(items)) this.#socket.send(frame);
  }

  #connect(): void {
    this.#callOff();
    const socket = this.#options.open(this.#options.login(), {
      opened: () => this.#ifCurrent(socket, () => this.#opened()),
      received: (frame) => this.#ifCurrent(socket, () => this.#received(frame)),
      closed: (code) => this.#ifCurrent(socket, () => this.#closed(code)),
    });
    this.#socket = socket;
    this.#callOffWatch = this.#options.after(OPENS_WITHIN, () => this.#closed(1006));
  }

  /** A socket that was given up may still speak; nobody listens. */
  #ifCurrent(socket: Socket, run: () => void): void {
    if (socket === this.#socket) run();
  }

  #opened(): void {
    this.#open = true;
    this.#expect();
    this.#options.handlers.opened();
  }

  #received(frame: Uint8Array): void {
    this.#expect();
    let items: ServerItem[];
    try {
      items = decodeServerFrame(frame);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return this.#closed(CLOSE.format);
    }
    this.#options.handlers.items(items);
  }

  /** By the socket's word or by ours; it is closed only once it is the current one no more, and may say so at once. */
  #closed(code: number): void {
    const wasOpen = this.#open;
    this.#end();
    if (this.#wanted) this.#later();
    this.#options.handlers.closed(code, wasOpen);
  }

  #end(): void {
    const socket = this.#socket;
    this.#socket = null;
    this.#open = false;
    this.#callOffWatch();
    socket?.close();
  }

  #later(): void {
    const most = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(this.#failures++, 10));
    // Half fixed, half random: a thousand clients of a restarted server do not come at once.
    const wait = most / 2 + this.#options.random() * most / 2;
    this.#callOff();
    this.#callOff = this.#options.after(wait, () => {
      if (this.#wanted && this.#socket === null) this.#connect();
    });
  }

  /** Arms the next ping; anything received re-arms it. */
  #expect(): void {
    this.#callOffWatch();
    this.#callOffWatch = this.#options.after(PING_AFTER, () => {
      this.send([{ type: "ping" }]);
      this.#callOffWatch = this.#options.after(SILENCE_ENDS, () => this.#closed(1006));
    });
  }
}
