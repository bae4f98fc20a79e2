/**
 * Frames: the binary WebSocket messages between a device and its server. A frame is one or more
 * items, each a type byte, a length and a body of fixed layout; docs/protocol.md "Frames" has the
 * offsets. Several items ride in one frame both ways, so that frames per second are not the limit.
 */
import type { Bytes } from "./encoding.ts";
import { FormatError } from "./errors.ts";
import { FrameReader, FrameWriter } from "./frame_bytes.ts";
import { CLIENT_TYPES, type IdOf, readClient, writeClient } from "./frame_client.ts";
import {
  type ClientItem,
  ITEM_HEAD_BYTES,
  type ServerItem,
  type StoredDeliver,
} from "./frame_items.ts";
import { readServer, SERVER_TYPES, writeServer } from "./frame_server.ts";
import { idFrom } from "./ids.ts";
import { MAX_FRAME_BYTES } from "./limits.ts";

export type { IdOf } from "./frame_client.ts";
export * from "./frame_items.ts";

/** Where frames are put together; null while it is in use. */
let shared: FrameWriter | null = newWriter();

/**
 * Items as frames of at most 128 KiB each, in order, as few as can be.
 * @throws {RangeError} when a value is out of range or one item is over 128 KiB: a bug of the caller
 */
export function encodeClientFrames(items: readonly ClientItem[]): Bytes[] {
  const frames: Bytes[] = [];
  eachFrame(
    items,
    (item) => CLIENT_TYPES[item.type],
    writeClient,
    (one) => frames.push(one.slice()),
  );
  return frames;
}

/** The server's side of {@link encodeClientFrames}. */
export function encodeServerFrames(items: readonly (ServerItem | StoredDeliver)[]): Bytes[] {
  const frames: Bytes[] = [];
  eachServerFrame(items, (one) => frames.push(one.slice()));
  return frames;
}

/** The same without copies: a frame is only what it is until `use` returns. */
export function eachServerFrame(
  items: readonly (ServerItem | StoredDeliver)[],
  use: (frame: Bytes) => void,
): void {
  eachFrame(items, (item) => SERVER_TYPES[item.type], writeServer, use);
}

/**
 * The items of a frame that a device sent. Envelopes are views of `frame`.
 * @param idOf makes the ids of the accounts and devices that a submission names
 * @throws {FormatError} for anything else than what {@link encodeClientFrames} writes
 */
export function decodeClientFrame(frame: Uint8Array, idOf: IdOf = idFrom): ClientItem[] {
  return decodeFrame(frame, (type, body) => readClient(type, body, idOf));
}

/** The items of a frame that the server sent, as {@link decodeClientFrame}. */
export function decodeServerFrame(frame: Uint8Array): ServerItem[] {
  return decodeFrame(frame, readServer);
}

function newWriter(): FrameWriter {
  return new FrameWriter(new Uint8Array(2 * MAX_FRAME_BYTES));
}

function eachFrame<T>(
  items: readonly T[],
  typeOf: (item: T) => number,
  write: (out: FrameWriter, item: T) => void,
  use: (frame: Bytes) => void,
): void {
  // `use` may lead back here.
  const out = shared ?? newWriter();
  shared = null;
  try {
    for (const item of items) {
      const start = out.length;
      out.u8(typeOf(item));
      out.u32(0);
      write(out, item);
      endItem(out, start);
      if (out.length > MAX_FRAME_BYTES) useUpTo(out, start, use);
    }
    if (out.length > 0) use(out.written);
  } finally {
    out.clear();
    shared = out;
  }
}

function endItem(out: FrameWriter, start: number): void {
  const length = out.length - start;
  out.u32At(start + 1, length - ITEM_HEAD_BYTES);
  if (length > MAX_FRAME_BYTES) throw new RangeError("item over 128 KiB");
}

/** What was written before `start` is a frame; what follows begins the next. */
function useUpTo(out: FrameWriter, start: number, use: (frame: Bytes) => void): void {
  const late = out.cutTo(start);
  use(out.written);
  out.clear();
  out.bytes(late, late.length);
}

function decodeFrame<T>(frame: Uint8Array, read: (type: number, body: FrameReader) => T): T[] {
  if (frame.length > MAX_FRAME_BYTES) throw new FormatError("frame over 128 KiB");
  if (frame.length === 0) throw new FormatError("empty frame");
  const input = new FrameReader(frame);
  const items: T[] = [];
  while (!input.done) {
    const type = input.u8();
    const body = input.part(input.u32());
    items.push(read(type, body));
    if (!body.done) throw new FormatError("item too long");
  }
  return items;
}
