/**
 * What one turn did to queues, packed into a row of `turns` (see migration 12):
 *
 *     1 (the version), minute, events, 0, number of events
 *
 * An event begins with its kind. `placed`: number of the queue, position, length, sender (32 bytes),
 * ciphertext. `again`: number of the queue, position; sender and ciphertext are those of the last
 * `placed`. `removed`: number of the queue, first and last position. Numbers as packing.ts has them.
 */
import { BrokenRow, Packer, Unpacker } from "./packing.ts";

const VERSION = 1;
const END = 0;
const PLACED = 1;
const AGAIN = 2;
const REMOVED = 3;
/** Account id and device id. */
export const SENDER_BYTES = 32;
/** A row is closed when it is so long, or says so much: it leaves memory and the table as a whole. */
const FULL_BYTES = 65_536;
const FULL_EVENTS = 512;

/** Writes one row after another. */
export class TurnWriter {
  readonly #packer = new Packer();
  #events = 0;

  /** Events since {@link TurnWriter.begin}. */
  get events(): number {
    return this.#events;
  }

  get full(): boolean {
    return this.#packer.length >= FULL_BYTES || this.#events >= FULL_EVENTS;
  }

  begin(minute: number): void {
    this.#packer.clear();
    this.#packer.number(VERSION);
    this.#packer.number(minute);
    this.#events = 0;
  }

  /** Returns where in the row the sender begins, and behind it the ciphertext. */
  placed(queue: number, position: number, sender: Uint8Array, body: Uint8Array): number {
    this.#event(PLACED, queue, position);
    this.#packer.number(body.length);
    const at = this.#packer.length;
    this.#packer.bytes(sender);
    this.#packer.bytes(body);
    return at;
  }

  /** The envelope that was placed last, for one more queue. */
  again(queue: number, position: number): void {
    this.#event(AGAIN, queue, position);
  }

  removed(queue: number, first: number, last: number): void {
    this.#event(REMOVED, queue, first);
    this.#packer.number(last);
  }

  /** The row, only until the next one begins. */
  end(): Uint8Array<ArrayBuffer> {
    this.#packer.number(END);
    this.#packer.number(this.#events);
    return this.#packer.packed;
  }

  #event(kind: number, queue: number, position: number): void {
    this.#packer.number(kind);
    this.#packer.number(queue);
    this.#packer.number(position);
    this.#events++;
  }
}

/** Told of the events of a row, in order. */
export interface TurnReader {
  begin(minute: number): void;
  /** `at` as {@link TurnWriter.placed} returned it; `bytes` of ciphertext. */
  placed(queue: number, position: number, at: number, bytes: number): void;
  removed(queue: number, first: number, last: number): void;
}

/** @throws {BrokenRow} for anything but a whole row */
export function readTurn(row: Uint8Array, reader: TurnReader): void {
  const unpacker = new Unpacker(row);
  if (unpacker.number() !== VERSION) throw new BrokenRow("a row of another version");
  reader.begin(unpacker.number());
  let envelope: { readonly at: number; readonly bytes: number } | null = null;
  let events = 0;
  for (let kind = unpacker.number(); kind !== END; kind = unpacker.number(), events++) {
    const [queue, position] = [unpacker.number(), unpacker.number()];
    if (kind === REMOVED) {
      reader.removed(queue, position, unpacker.number());
      continue;
    }
    if (kind === PLACED) envelope = readEnvelope(unpacker);
    else if (kind !== AGAIN || envelope === null) throw new BrokenRow("an event of no known kind");
    reader.placed(queue, position, envelope.at, envelope.bytes);
  }
  if (unpacker.number() !== events) throw new BrokenRow("events are missing");
  unpacker.end();
}

function readEnvelope(unpacker: Unpacker): { readonly at: number; readonly bytes: number } {
  const bytes = unpacker.number();
  const { at } = unpacker;
  unpacker.bytes(SENDER_BYTES + bytes);
  return { at, bytes };
}
