/**
 * One socket of one device: what comes in is checked, limited and handed to delivery; what goes out
 * is the outflow's. Whatever a device sends, the worst that happens is that its socket is closed.
 */
import type { Writable } from "node:stream";
import type { RawData, WebSocket } from "ws";
import type { ConfirmWork, HelloResult, Queued, QueueStore } from "../db/queue.ts";
import type { RoomSubmissionWork, SubmissionWork } from "../db/queue.ts";
import type { Limits } from "../limits.ts";
import type { Log } from "../log.ts";
import { concat } from "../protocol/encoding.ts";
import { FormatError } from "../protocol/errors.ts";
import {
  type ClientItem,
  CLOSE,
  decodeClientFrame,
  type Hello,
  type IdOf,
  type News,
  type Refusal,
  type Submit,
  type SubmitToRoom,
} from "../protocol/frame.ts";
import { type AccountId, type DeviceId, idBytes } from "../protocol/ids.ts";
import { MAX_ENVELOPE_BYTES } from "../protocol/limits.ts";
import { readRoomHeader } from "../protocol/room_envelope.ts";
import type { Meter } from "./meter.ts";
import { Outflow } from "./outflow.ts";
import { TokenBucket } from "./rate.ts";

/** Who is at the other end, as the login says. */
export interface SocketUser {
  readonly loginId: string;
  readonly account: AccountId;
  readonly device: DeviceId;
}

/** The limits of one socket. */
export type ConnectionLimits = Pick<
  Limits,
  "socketMessagesPerSecond" | "socketBytesPerSecond" | "socketBacklogBytes"
>;

/** What a connection hands on. */
export interface ConnectionParts {
  readonly hello: (connection: Connection, item: Hello) => void;
  /** The hello was good: from now on this is the device's connection. */
  readonly opened: (connection: Connection) => void;
  readonly confirm: (work: ConfirmWork) => void;
  readonly submit: (
    connection: Connection,
    ref: number,
    work: SubmissionWork | RoomSubmissionWork,
  ) => void;
  readonly ack: (device: DeviceId, position: number) => void;
  readonly dirty: (connection: Connection) => void;
  readonly closed: (connection: Connection) => void;
  readonly heard: (connection: Connection) => void;
  /** Runs its argument when this turn of the event loop is over, after what was submitted in it. */
  readonly afterTurn: (work: () => void) => void;
  readonly idOf: IdOf;
  readonly queue: Pick<QueueStore, "read">;
  readonly limits: ConnectionLimits;
  readonly meter: Meter;
  readonly now: () => number;
  readonly log: Log;
}

/** What does nothing (refused submissions, pings, bytes beyond their limit) may come this many times faster. */
const FLOOD_FACTOR = 20;
/** Close code for what is the server's own fault (RFC 6455 section 7.4.1). */
const BUG = 1011;
/** Bytes after which the other sockets come first: a turn takes what the system has, and that can be megabytes. */
const SHARE_BYTES = 256 * 1024;
/** A device has so many ticks, one a second, to say hello: no clock that is set makes it longer. */
const HELLO_TICKS = 10;
/** A socket that is asked to close has so many to say goodbye. */
const CLOSE_TICKS = 2;

type Phase = "new" | "greeting" | "open" | "closing";

/** See the head of this file. */
export class Connection {
  readonly user: SocketUser;
  readonly #socket: WebSocket;
  readonly #parts: ConnectionParts;
  readonly #out: Outflow;
  readonly #sender: Uint8Array;
  readonly #messages: TokenBucket;
  readonly #bytes: TokenBucket;
  readonly #flood: TokenBucket;
  #phase: Phase = "new";
  #windowSize = 0;
  /** The incarnation of the hello, until something was done under it. */
  #unconfirmed: Uint8Array | null = null;
  #alive = true;
  /** Bytes since it last let the others come first. */
  #taken = 0;
  /** Ticks that are left for a hello, or for a goodbye. */
  #patience = HELLO_TICKS;
  /** The last refusal that said to come again, and when it was. Milliseconds. */
  #wait:
    | { readonly code: "rate" | "unavailable"; readonly from: number; readonly ms: number }
    | null = null;

  constructor(socket: WebSocket, wire: Writable, user: SocketUser, parts: ConnectionParts) {
    this.user = user;
    this.#socket = socket;
    this.#parts = parts;
    this.#sender = concat(idBytes(user.account), idBytes(user.device));
    const { socketMessagesPerSecond: messages, socketBytesPerSecond: bytes } = parts.limits;
    this.#messages = new TokenBucket(messages, messages, parts.now);
    this.#bytes = new TokenBucket(bytes, bytes, parts.now);
    this.#flood = new TokenBucket(messages * FLOOD_FACTOR, messages * FLOOD_FACTOR, parts.now);
    this.#out = new Outflow(socket, wire, {
      device: user.device,
      meter: parts.meter,
      backlogBytes: parts.limits.socketBacklogBytes,
      read: (device, position, want) => parts.queue.read(device, position, want),
      dirty: () => parts.dirty(this),
      failed: (reason, error) => this.#fail(reason, error),
    });
    this.#listen();
  }

  /** Answer to the hello, after the commit. */
  welcome(result: HelloResult): void {
    if (this.#phase !== "greeting") return;
    if (result.kind === "gone") return this.signOut();
    const { restored, queued, gaps } = result;
    this.#out.send({ type: "welcome", restored, queued, gaps });
    if (restored) return this.close(CLOSE.restored, "this store is a restored copy");
    this.#phase = "open";
    this.#parts.opened(this);
    this.#parts.heard(this);
    this.#out.open(this.#windowSize);
  }

  accepted(ref: number): void {
    this.#out.send({ type: "accepted", ref });
  }

  refused(ref: number, refusal: Refusal): void {
    this.#out.send({ type: "refused", ref, refusal });
    this.#parts.meter.refused.add(refusal.code);
    const { code } = refusal;
    if (code !== "rate" && code !== "unavailable" || this.#waitLeft() > 0) return;
    this.#wait = { code, from: this.#parts.now(), ms: refusal.retryAfter * 1000 };
  }

  notify(news: News): void {
    if (this.#phase === "open") this.#out.send({ type: "notice", news });
  }

  /** Just queued for this device by this process. */
  offer(queued: Queued): void {
    if (this.#phase === "open") this.#out.offer(queued);
  }

  /** Something was queued for this device. */
  wake(): void {
    if (this.#phase === "open") this.#out.wake();
  }

  flush(): void {
    this.#guard(() => this.#out.flush());
  }

  /** The login or the device is no more. */
  signOut(): void {
    if (this.#phase === "closing") return;
    this.#out.send({ type: "notice", news: { kind: "signed-out" } });
    this.close(CLOSE.signedOut, "signed out");
  }

  /** Sends what is waiting, says goodbye, and listens no more. */
  close(code: number, reason: string): void {
    if (this.#phase === "closing") return;
    this.flush();
    this.#phase = "closing";
    this.#patience = CLOSE_TICKS;
    this.#parts.meter.closed.add(String(code));
    this.#socket.close(code, reason);
  }

  /** Cuts off who was told to close and did not, or who came and said nothing. */
  tick(): void {
    if (this.#phase !== "new" && this.#phase !== "closing") return;
    if (--this.#patience > 0) return;
    if (this.#phase === "closing") this.#socket.terminate();
    else this.close(CLOSE.policy, "no hello");
  }

  /** Cuts off who has not been heard since the last beat, else asks for a sign of life. */
  beat(): void {
    if (!this.#alive) return this.#socket.terminate();
    this.#alive = false;
    this.#guard(() => this.#socket.ping());
  }

  #listen(): void {
    this.#socket.on("message", (frame, binary) => this.#guard(() => this.#frame(frame, binary)));
    this.#socket.on("pong", () => this.#guard(() => this.#ponged()));
    this.#socket.on("ping", () => this.#guard(() => this.#countFlood()));
    this.#socket.on("error", () => this.#socket.terminate());
    this.#socket.on("close", () => {
      this.#phase = "closing";
      this.#guard(() => this.#parts.closed(this));
    });
  }

  /** No exception leaves a handler: one that did would end the process (M1). */
  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (error instanceof FormatError) return this.close(CLOSE.format, error.message);
      this.#parts.log.error("socket.failed", { error });
      this.#fail("bug");
    }
  }

  #fail(reason: "slow" | "unreadable" | "bug", error?: unknown): void {
    if (reason === "unreadable") this.#parts.log.warn("queue.unreadable", { error });
    this.#parts.meter.closed.add(String(reason === "slow" ? CLOSE.slow : BUG));
    // A slow reader would not read a goodbye either.
    if (reason === "slow") this.#socket.terminate();
    else this.#socket.close(BUG);
    this.#phase = "closing";
    this.#patience = CLOSE_TICKS;
  }

  #ponged(): void {
    this.#alive = true;
    this.#countFlood();
    if (this.#phase === "open") this.#parts.heard(this);
  }

  #frame(data: RawData, binary: boolean): void {
    this.#alive = true;
    if (this.#phase === "closing") return;
    if (!binary) throw new FormatError("not a binary frame");
    const frame = bytesOf(data);
    if ((this.#taken += frame.length) >= SHARE_BYTES) this.#letOthers();
    const withinBytes = this.#bytes.take(frame.length);
    if (!withinBytes) this.#countFlood(this.#share(frame.length));
    for (const item of decodeClientFrame(frame, this.#parts.idOf)) {
      if (this.#isOpen()) this.#item(item, withinBytes);
    }
  }

  #letOthers(): void {
    this.#taken = 0;
    this.#socket.pause();
    this.#parts.afterTurn(() => this.#socket.resume());
  }

  #isOpen(): boolean {
    return this.#phase !== "closing";
  }

  #item(item: ClientItem, withinBytes: boolean): void {
    if (item.type === "hello") return this.#hello(item);
    if (this.#phase !== "open") return this.close(CLOSE.policy, "hello and welcome come first");
    if (item.type === "submit") return this.#submit(item, withinBytes);
    if (item.type === "submit-to-room") return this.#submitToRoom(item, withinBytes);
    if (item.type === "ping") {
      this.#countFlood();
      return this.#out.send({ type: "pong" });
    }
    if (!this.#out.acknowledge(item.position)) return this.#countFlood();
    this.#confirm();
    this.#parts.ack(this.user.device, item.position);
  }

  #confirm(): void {
    if (this.#unconfirmed === null) return;
    this.#parts.confirm({ device: this.user.device, incarnation: this.#unconfirmed });
    this.#unconfirmed = null;
  }

  #hello(item: Hello): void {
    if (this.#phase !== "new") return this.close(CLOSE.policy, "one hello only");
    this.#phase = "greeting";
    this.#windowSize = item.windowSize;
    this.#unconfirmed = item.next;
    this.#parts.hello(this, item);
  }

  #submit({ ref, submit, destinations }: Submit, withinBytes: boolean): void {
    if (!this.#isInTime(ref, withinBytes)) return;
    const tooLarge = destinations.some(({ envelopes }) =>
      envelopes.some(({ envelope }) => envelope.length > MAX_ENVELOPE_BYTES)
    );
    if (tooLarge) return this.refused(ref, { code: "too-large" });
    const { account, device } = this.user;
    this.#confirm();
    this.#parts.submit(this, ref, { account, device, sender: this.#sender, submit, destinations });
  }

  /** The header says which room, head and sender; the receivers hold the sender to it by its signature. */
  #submitToRoom({ ref, submit, envelope }: SubmitToRoom, withinBytes: boolean): void {
    if (!this.#isInTime(ref, withinBytes)) return;
    if (envelope.length > MAX_ENVELOPE_BYTES) return this.refused(ref, { code: "too-large" });
    const { room, seq, hash, ...from } = readRoomHeader(envelope);
    const { account, device } = this.user;
    if (from.account !== account || from.device !== device) {
      return this.refused(ref, { code: "unknown-room", room });
    }
    this.#confirm();
    const common = { account, device, sender: this.#sender, submit };
    this.#parts.submit(this, ref, { ...common, room, head: { seq, hash }, envelope });
  }

  /** Refuses what comes faster than the limits, and what was sent behind something refused. */
  #isInTime(ref: number, withinBytes: boolean): boolean {
    const left = this.#waitLeft();
    if (left > 0) {
      this.#countFlood();
      this.refused(ref, { code: this.#wait!.code, retryAfter: Math.ceil(left / 1000) });
      return false;
    }
    if (withinBytes && this.#messages.take(1)) return true;
    this.#countFlood();
    const retryAfter = withinBytes ? this.#messages.wait(1) : this.#bytes.wait(1);
    this.refused(ref, { code: "rate", retryAfter });
    return false;
  }

  /**
   * Until its sender has heard of a refusal, more is on the way. None of it may be taken before what was refused:
   * the sessions inside have numbered it, and their other ends would miss the one overtaken.
   */
  #waitLeft(): number {
    if (this.#wait === null) return 0;
    const { from, ms } = this.#wait;
    const past = this.#parts.now() - from;
    // A clock that jumps back must not make the wait longer.
    return past < 0 ? 0 : Math.max(0, ms - past);
  }

  /** As many messages as so many bytes are worth, at least one: few huge frames are a flood too. */
  #share(bytes: number): number {
    const { socketMessagesPerSecond, socketBytesPerSecond } = this.#parts.limits;
    return Math.max(1, bytes * socketMessagesPerSecond / socketBytesPerSecond);
  }

  #countFlood(messages = 1): void {
    if (!this.#flood.take(messages)) this.close(CLOSE.policy, "too fast");
  }
}

/** The bytes of a message, not copied. */
function bytesOf(data: RawData): Uint8Array {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (Array.isArray(data)) return concat(...data);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
