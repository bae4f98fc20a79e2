/**
 * What goes out of one socket: answers at once, envelopes as the window and the reader allow.
 *
 * Envelopes come from the queue in order, or straight from the transaction that queued them when
 * nothing older waits. A slow reader costs bounded memory: envelopes stop at 256 KiB unsent (the
 * queue keeps the rest), and whoever lets answers pile up beyond the limit is cut off.
 */
import type { Writable } from "node:stream";
import type { WebSocket } from "ws";
import type { Queued, ReadLimits } from "../db/queue.ts";
import { eachServerFrame, type ServerItem, type StoredDeliver } from "../protocol/frame.ts";
import type { DeviceId } from "../protocol/ids.ts";
import type { Meter } from "./meter.ts";
import { writeMessage } from "./wire.ts";

/** Unsent bytes at which no more envelopes are put in. */
const PAUSE_BYTES = 256 * 1024;
/** Envelopes in flight at most, whatever window a device asks for. */
const MAX_WINDOW = 2_048;
/** One read of the queue: about one frame. */
const READ: ReadLimits = { envelopes: 256, bytes: 96 * 1024 };

/** What an outflow needs from around it. */
export interface OutflowParts {
  readonly device: DeviceId;
  readonly meter: Meter;
  /** Unsent bytes at which the socket is cut off. */
  readonly backlogBytes: number;
  readonly read: (device: DeviceId, position: number, want: ReadLimits) => Promise<Queued[]>;
  /** Something is to be flushed at the end of this turn. */
  readonly dirty: () => void;
  /** The reader is too slow, or the queue could not be read. */
  readonly failed: (reason: "slow" | "unreadable", error?: unknown) => void;
}

/** See the head of this file. */
export class Outflow {
  readonly #socket: Pick<WebSocket, "bufferedAmount" | "OPEN" | "readyState">;
  readonly #wire: Writable;
  /** One for all writes. */
  readonly #sent = () => this.#behind && this.pump();
  readonly #parts: OutflowParts;
  readonly #items: (ServerItem | StoredDeliver)[] = [];
  /** Positions delivered on this connection and not acknowledged, in order. */
  #inFlight: number[] = [];
  #window = 0;
  #delivered = 0;
  /** Does the queue hold, or may it hold, envelopes after {@link Outflow.#delivered}? */
  #behind = true;
  #reading = false;
  /** Bytes of envelopes in {@link Outflow.#items}. */
  #pendingBytes = 0;
  /** Was anything queued since the read began? */
  #missed = false;

  constructor(socket: WebSocket, wire: Writable, parts: OutflowParts) {
    this.#socket = socket;
    this.#wire = wire;
    this.#parts = parts;
  }

  /** Starts delivering, from the oldest that waits. */
  open(windowSize: number): void {
    this.#window = Math.min(windowSize, MAX_WINDOW);
    this.pump();
  }

  /** An answer or a notice. Not held back by the window. */
  send(item: ServerItem): void {
    this.#items.push(item);
    this.#parts.dirty();
  }

  /** Something was just queued for the device, on any node. */
  wake(): void {
    this.#behind = true;
    this.#missed = true;
    this.pump();
  }

  /** This was just queued for the device, after everything offered before. */
  offer(queued: Queued): void {
    if (this.#behind || this.#room() <= 0) return this.wake();
    this.#deliver(queued);
  }

  /**
   * The device has everything up to `position`. False, and nothing happens, for a position beyond
   * what was delivered on this connection or one that is acknowledged already.
   */
  acknowledge(position: number): boolean {
    const known = position <= this.#delivered && position >= (this.#inFlight[0] ?? Infinity);
    if (!known) return false;
    const kept = this.#inFlight.findIndex((one) => one > position);
    this.#parts.meter.acked += kept < 0 ? this.#inFlight.length : kept;
    this.#inFlight = kept < 0 ? [] : this.#inFlight.slice(kept);
    this.pump();
    return true;
  }

  /** Everything sent in this turn, in as few frames as can be. */
  flush(): void {
    if (this.#items.length === 0) return;
    const items = this.#items.splice(0);
    this.#pendingBytes = 0;
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    eachServerFrame(items, (frame) => writeMessage(this.#wire, frame, this.#sent));
    if (this.#socket.bufferedAmount > this.#parts.backlogBytes) this.#parts.failed("slow");
  }

  /** Reads on when there is something to read and room for it. */
  pump(): void {
    if (this.#reading || !this.#behind || this.#room() <= 0) return;
    this.#reading = true;
    this.#missed = false;
    const want = { ...READ, envelopes: Math.min(READ.envelopes, this.#room()) };
    this.#parts.read(this.#parts.device, this.#delivered, want)
      .then((queued) => this.#readDone(queued))
      .catch((error) => this.#parts.failed("unreadable", error));
  }

  #readDone(queued: readonly Queued[]): void {
    this.#reading = false;
    for (const one of queued) this.#deliver(one);
    if (queued.length === 0 && !this.#missed) this.#behind = false;
    this.pump();
  }

  #room(): number {
    if (this.#socket.readyState !== this.#socket.OPEN) return 0;
    if (this.#socket.bufferedAmount + this.#pendingBytes > PAUSE_BYTES) return 0;
    return this.#window - this.#inFlight.length;
  }

  #deliver({ position, sender, minute, envelope }: Queued): void {
    if (position <= this.#delivered) return;
    this.#delivered = position;
    this.#inFlight.push(position);
    this.#parts.meter.delivered++;
    this.#pendingBytes += envelope.length;
    this.#items.push({ type: "stored", position, sender, minute, envelope });
    this.#parts.dirty();
  }
}
