/**
 * Being connected: the hello with its incarnation swap, the login that runs out, and the words for
 * what state we are in. What arrives is handed on.
 */
import { randomBytes } from "../crypto/random.ts";
import {
  type ClientItem,
  CLOSE,
  INCARNATION_BYTES,
  type ServerItem,
  type Welcome,
} from "../protocol/frame.ts";
import type { Change, Writer } from "./change.ts";
import type { Renewal } from "./device_login.ts";
import { type After, Link, type SocketFactory } from "./link.ts";
import { type Incarnation, type MeRecord, META } from "./records.ts";
import type { ConnectionState } from "./types.ts";

export interface ConnectionOptions {
  readonly writer: Writer;
  readonly socket: SocketFactory;
  readonly login: () => string | null;
  readonly renew: () => Promise<Renewal>;
  /** Asks the server, by HTTP, whether our login is good; renews it when it is not. */
  readonly checkLogin: () => Promise<void>;
  readonly after: After;
  readonly random: () => number;
  readonly changed: (state: ConnectionState) => void;
  /** In the transaction that takes up the welcome. */
  readonly welcoming: (change: Change, welcome: Welcome) => Promise<void>;
  readonly welcomed: (welcome: Welcome) => void;
  readonly item: (item: Exclude<ServerItem, Welcome>) => void;
  readonly lost: () => void;
  readonly failed: (error: unknown) => void;
}

/** Deliveries the server may have out without an acknowledgement. */
const WINDOW = 64;
/** Another connection of this very device took our place; leave it in peace for a while. Milliseconds. */
const REPLACED_WAIT = 60_000;
/** A connection that lasted this long was a good one: the wait after it is a short one again. Milliseconds. */
const GOOD_AFTER = 10_000;
const ZERO = new Uint8Array(INCARNATION_BYTES);

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #link: Link;
  #state: ConnectionState = "offline";
  #generation = 0;
  /** The generation that a welcome has come for. */
  #greeted = 0;
  #closed = false;
  #hasRenewed = false;
  #callOff: () => void = () => {};
  #callOffGood: () => void = () => {};

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#link = new Link({
      open: options.socket,
      login: options.login,
      after: options.after,
      random: options.random,
      handlers: {
        opened: () => void this.#hello().catch(options.failed),
        items: (items) => items.forEach((item) => this.#take(item)),
        closed: (code, wasOpen) => this.#lost(code, wasOpen),
      },
    });
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get isOnline(): boolean {
    return this.#state === "online";
  }

  start(): void {
    if (this.#closed || this.#isOver || this.#state === "online") return;
    this.#become("connecting");
    this.#link.start();
  }

  /** Drops the connection and comes back after a wait: the server then sends again what was not acknowledged. */
  restart(): void {
    if (this.#closed) return;
    this.#generation++;
    this.#callOffGood();
    this.#link.restart();
    if (this.#state === "online" || this.#state === "connecting") this.#become("offline");
    this.#options.lost();
  }

  send(items: readonly ClientItem[]): void {
    if (this.isOnline) this.#link.send(items);
  }

  stop(): void {
    this.#closed = true;
    this.#generation++;
    this.#callOff();
    this.#callOffGood();
    this.#link.stop();
    this.#state = "offline";
  }

  /** The server does not take this device any more. */
  signedOut(): void {
    this.#leave("signed-out");
  }

  /** This device is on its account's list no more. */
  removed(): void {
    this.#leave("removed");
  }

  /** protocol.md: the next incarnation is on disk before it is sent, and the pair is sent until it is answered. */
  async #hello(): Promise<void> {
    const generation = ++this.#generation;
    const pair = await this.#options.writer.change(async (change) => {
      const kept = await change.get<Incarnation>("meta", META.incarnation);
      const { previous, next } = kept ?? { previous: ZERO, next: null };
      const pair = { previous, next: next ?? randomBytes(INCARNATION_BYTES) };
      change.set("meta", META.incarnation, pair);
      return pair;
    });
    if (generation !== this.#generation) return;
    this.#link.send([{ type: "hello", ...pair, windowSize: WINDOW }]);
  }

  #take(item: ServerItem): void {
    if (item.type !== "welcome") return this.#options.item(item);
    // One to a hello: each would begin everything anew.
    if (this.#greeted === this.#generation) return;
    this.#greeted = this.#generation;
    this.#welcome(item, this.#generation).catch(this.#options.failed);
  }

  async #welcome(welcome: Welcome, generation: number): Promise<void> {
    if (welcome.restored) return await this.#restored();
    await this.#options.writer.change(async (change) => {
      const kept = await change.get<Incarnation>("meta", META.incarnation);
      if (kept?.next) change.set("meta", META.incarnation, { previous: kept.next, next: null });
      await this.#options.welcoming(change, welcome);
    });
    if (generation !== this.#generation) return;
    // Not at once: what ends every connection right after its welcome would make a storm of them.
    this.#callOffGood = this.#options.after(GOOD_AFTER, () => this.#settled());
    this.#become("online");
    this.#options.welcomed(welcome);
  }

  /** This store is an old copy: its ratchets must never step again (security.md P20). */
  async #restored(): Promise<void> {
    await this.#options.writer.change(async (change) => {
      const me = await change.get<MeRecord>("meta", META.me);
      if (me) change.set("meta", META.me, { ...me, state: "restored" });
    });
    this.#leave("restored");
  }

  #lost(code: number, wasOpen: boolean): void {
    this.#generation++;
    this.#callOffGood();
    this.#options.lost();
    if (this.#closed || this.#isOver) return;
    if (code === CLOSE.restored) return void this.#restored().catch(this.#options.failed);
    if (this.#state !== "signed-out") this.#become("offline");
    if (code === CLOSE.signedOut) void this.#renew().catch(this.#options.failed);
    else if (code === CLOSE.replaced) this.#stepAside();
    // A page is not told why a socket did not open; HTTP says whether it was the login.
    else if (!wasOpen) void this.#options.checkLogin().catch(this.#options.failed);
  }

  /** Nothing brings this store back. */
  get #isOver(): boolean {
    return this.#state === "restored" || this.#state === "removed";
  }

  #settled(): void {
    this.#hasRenewed = false;
    this.#link.settled();
  }

  /** A renewed login connects at once; one that did not help the last time waits like any lost connection. */
  async #renew(): Promise<void> {
    const renewal = await this.#options.renew();
    if (renewal === "refused") return this.signedOut();
    if (renewal !== "renewed" || this.#closed || this.#hasRenewed) return;
    this.#hasRenewed = true;
    this.#link.start();
  }

  #stepAside(): void {
    this.#link.stop();
    this.#callOff();
    this.#callOff = this.#options.after(REPLACED_WAIT, () => this.start());
  }

  /** An end stays what it was: the login of a removed device is refused a moment later, too. */
  #leave(state: "restored" | "signed-out" | "removed"): void {
    if (this.#isOver) return;
    this.#generation++;
    this.#callOffGood();
    this.#link.stop();
    this.#options.lost();
    this.#become(state);
  }

  #become(state: ConnectionState): void {
    if (state === this.#state || this.#closed) return;
    this.#state = state;
    this.#options.changed(state);
  }
}
