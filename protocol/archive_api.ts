/**
 * Requests and answers of the HTTP interface that concern the history archive: as in api.ts, of
 * which errors and logins hold here too. All of it is about the account of the login.
 *
 * | method and path            | request          | answer          |
 * | -------------------------- | ---------------- | --------------- |
 * | GET /api/archive           |                  | archiveAnswer   |
 * | POST /api/archive          | appendRequest    | headAnswer      |
 * | POST /api/archive/recent   | recentRequest    | segmentsAnswer  |
 * | POST /api/archive/read     | readRequest      | segmentsAnswer  |
 * | POST /api/archive/chain    | chainRequest     | chainAnswer     |
 * | POST /api/archive/deposit  | depositEntrySchema | empty map     |
 * | POST /api/archive/switch   | switchRequest    | empty map       |
 */
import { bool, id, type Infer, list, nullable, record, uint } from "./codec.ts";
import { MAX_VERSION } from "./limits.ts";
import { segmentHeadSchema, segmentSchema } from "./segment.ts";

/** Segments of one upload. */
export const MAX_APPENDED = 64;
/** Bytes of sealed segments in one upload: with heads and framing under the server's limit of a request. */
export const MAX_APPENDED_BYTES = 196_608;
/** Segments in one answer. */
export const MAX_SEGMENTS = 512;
/** Bytes of sealed segments in one answer; at least one segment always goes. */
export const MAX_SEGMENTS_BYTES = 1_048_576;
/** Heads in one answer about a chain. */
export const MAX_HEADS = 512;
/** Archive keys that wait for the vault: one for each removal of a device. */
export const MAX_DEPOSITS = 1_000;
/** Devices that ever wrote to one archive, in one answer. */
export const MAX_CHAINS = 1_024;

export const nothing = record({});

export const archiveAnswer = record({
  /** By device, its newest segment. Devices that were removed too. */
  chains: list(record({ device: id<"device">(), seq: uint(MAX_VERSION) }), { max: MAX_CHAINS }),
  /** Whether the person wants one; devices go by it when they connect. */
  on: bool,
  /** Bytes kept and allowed. */
  bytes: uint(Number.MAX_SAFE_INTEGER),
  most: uint(Number.MAX_SAFE_INTEGER),
});
export type ArchiveAnswer = Infer<typeof archiveAnswer>;

/** `erase`: all segments go, of every device. */
export const switchRequest = record({ on: bool, erase: bool });
export type SwitchRequest = Infer<typeof switchRequest>;

/** In the order of their seq, of the login's device. Those that are there already are passed over. */
export const appendRequest = record({
  segments: list(segmentSchema, { min: 1, max: MAX_APPENDED }),
});
export type AppendRequest = Infer<typeof appendRequest>;

/** The newest segment of the login's device; 0 where there is none. */
export const headAnswer = record({ seq: uint(MAX_VERSION) });
export type HeadAnswer = Infer<typeof headAnswer>;

/** Before which segment, in the order of minute and number. */
export const cursorSchema = record({ minute: uint(), no: uint(Number.MAX_SAFE_INTEGER) });
export type Cursor = Infer<typeof cursorSchema>;

/** The newest of every conversation: at least one segment each, then until there are `bytes` of it. */
export const recentRequest = record({
  bytes: uint(MAX_SEGMENTS_BYTES),
  /** Conversations whose newest segment is before this; null for the newest. */
  before: nullable(cursorSchema),
});
export type RecentRequest = Infer<typeof recentRequest>;

/** One conversation, newest first. */
export const readRequest = record({
  tag: id<"segment-tag">(),
  before: nullable(cursorSchema),
});
export type ReadRequest = Infer<typeof readRequest>;

export const segmentsAnswer = record({
  segments: list(
    record({ at: cursorSchema, segment: segmentSchema }),
    { max: MAX_SEGMENTS },
  ),
  /** Ask again from here; null when there is no more. */
  next: nullable(cursorSchema),
});
export type SegmentsAnswer = Infer<typeof segmentsAnswer>;

export const chainRequest = record({ device: id<"device">(), after: uint(MAX_VERSION) });
export type ChainRequest = Infer<typeof chainRequest>;

/** Oldest first. Fewer than {@link MAX_HEADS}: that was all. */
export const chainAnswer = record({ heads: list(segmentHeadSchema, { max: MAX_HEADS }) });
export type ChainAnswer = Infer<typeof chainAnswer>;
