/** What a device keeps of the history archive, and what is inside a segment. */
import type { ArchiveSecret } from "../crypto/archive.ts";
import type { Cursor } from "../protocol/archive_api.ts";
import {
  bool,
  bytes,
  choice,
  decode,
  encode,
  id,
  type Infer,
  list,
  nullable,
  record,
  text,
  uint,
} from "../protocol/codec.ts";
import type { Bytes } from "../protocol/encoding.ts";
import { SnugError } from "../protocol/errors.ts";
import type { DeviceId } from "../protocol/ids.ts";
import { HASH_BYTES, KEY_BYTES, MAX_TEXT_BYTES, MAX_VERSION } from "../protocol/limits.ts";
import type { ArchiveKeyId, Segment, SegmentTag } from "../protocol/segment.ts";
import { type Change, MARKS, PAGES } from "./change.ts";
import type { ConversationId, Message } from "./types.ts";

/**
 * "device", gone with the device:
 *
 * - `archive/KEY`: ArchiveKey
 * - `archive-deposit/KEY`: DepositEntry that the server has not taken yet
 * - `archive-chain`: Head, of one's own chain
 * - `archive-stored`: Head, of one's own chain as far as the server has it
 * - `archive-vouched/DEVICE`: Head that another own device named of its chain
 * - `archive-signer/DEVICE`: Bytes, the sign key of a device that the own list has or had
 * - `archive-list`: KnownOwnList
 *
 * "meta", stays with the person:
 *
 * - `archive-mark/CONVERSATION/ORDER`: true, a message to be archived; ORDER is "~" for what is known of the person
 * - `archive-out/SEQ`: OutSegment
 * - `archive-page/CONVERSATION`: PageState
 * - `archive-restored`: true once it has been, by a device that was new then
 * - `archive-wanted`: true until the newest of every conversation has been fetched
 * - `archive-off`: "here" or "elsewhere", where the person has said that there should be none
 */
export const archiveKeys = {
  key: (key: ArchiveKeyId) => `archive/${key}`,
  allKeys: "archive/",
  deposit: (key: ArchiveKeyId) => `archive-deposit/${key}`,
  deposits: "archive-deposit/",
  chain: "archive-chain",
  stored: "archive-stored",
  vouched: (device: DeviceId) => `archive-vouched/${device}`,
  allVouched: "archive-vouched/",
  signer: (device: DeviceId) => `archive-signer/${device}`,
  signers: "archive-signer/",
  list: "archive-list",
  mark: (conversation: ConversationId, order: string) => `${MARKS}${conversation}/${order}`,
  marks: MARKS,
  out: (seq: number) => `archive-out/${String(seq).padStart(10, "0")}`,
  outs: "archive-out/",
  page: (conversation: ConversationId) => `${PAGES}${conversation}`,
  allPages: PAGES,
  wanted: "archive-wanted",
  restored: "archive-restored",
  off: "archive-off",
} as const;

/** In the place of an order: what is known of the person, not a message. */
export const PERSON_MARK = "~";

/** The archive was to be read to its beginning, and the server stopped answering. */
export class ArchiveCut extends SnugError {
  static override readonly kind = "ArchiveCut";

  constructor() {
    super("the server does not give the rest of the archive now");
  }
}

export interface ArchiveKey {
  /** Version of the own device list for which it was made. */
  readonly epoch: number;
  /** Hash of that version; null for a key that was in the vault itself. */
  readonly list: Bytes | null;
  readonly id: ArchiveKeyId;
  readonly secret: ArchiveSecret;
}

export interface Head {
  readonly seq: number;
  readonly hash: Bytes;
}

/** What the archive has last seen of the own list. */
export interface KnownOwnList {
  readonly devices: readonly DeviceId[];
  /** The version by which a device was last removed; 0 for never. Older keys are not written under any more. */
  readonly removal: number;
}

/** A segment on its way, kept for a while after: a server that was set back gets it again. */
export interface OutSegment {
  readonly device: DeviceId;
  readonly seq: number;
  /** Milliseconds since 1970, when it was made. */
  readonly at: number;
  readonly segment: Segment;
  /** The marks that it took. */
  readonly marks: readonly string[];
}

/** How far one conversation has been fetched. */
export interface PageState {
  readonly tags: readonly {
    readonly tag: SegmentTag;
    /** The oldest segment fetched; null for none yet. */
    readonly before: Cursor | null;
    readonly done: boolean;
    /** By device, the numbers of the segments that came and opened. */
    readonly have: Readonly<Record<DeviceId, readonly number[]>>;
  }[];
}

const MAX_NAME_BYTES = 320;
/** Milliseconds since 1970: the last whose minute a segment can name, and well within what calendars know. */
const MAX_TIME = 0xffff_ffff * 60_000;
/** Messages in one segment. */
export const MAX_SEGMENT_MESSAGES = 128;

const archivedMessage = record({
  id: id<"message">(),
  from: id<"account">(),
  device: id<"device">(),
  /** Milliseconds since 1970. */
  time: uint(MAX_TIME),
  /** Counts up on the device that archived it: the order of what came within one millisecond. */
  place: uint(Number.MAX_SAFE_INTEGER),
  text: text({ max: MAX_TEXT_BYTES }),
  /** Own messages only. */
  state: nullable(choice("sent", "delivered", "read")),
  /** The sender's key was verified when it came. */
  verified: bool,
  /** In a room: what people called the sender. */
  sender: nullable(text({ max: MAX_NAME_BYTES })),
  mention: bool,
});
export type ArchivedMessage = Infer<typeof archivedMessage>;

/** What this device knew of the other person; null for rooms. */
const archivedPerson = record({
  username: text({ max: 32 }),
  fullName: text({ max: MAX_NAME_BYTES }),
  /** The account key that was taken as theirs, and the newest device list under it. */
  aik: bytes(KEY_BYTES),
  list: record({
    version: uint(MAX_VERSION),
    hash: bytes(HASH_BYTES),
    head: choice("set", "revoke"),
    previous: nullable(bytes(HASH_BYTES)),
  }),
  verified: bool,
  blocked: bool,
  /** When the person last decided about either; 0 for never. Milliseconds since 1970. */
  decided: uint(Number.MAX_SAFE_INTEGER),
});
export type ArchivedPerson = Infer<typeof archivedPerson>;

export const segmentContentSchema = record({
  format: uint(1),
  conversation: id<"account">(),
  accepted: bool,
  person: nullable(archivedPerson),
  messages: list(archivedMessage, { max: MAX_SEGMENT_MESSAGES }),
});
export type SegmentContent = Infer<typeof segmentContentSchema>;

export function encodeSegmentContent(content: SegmentContent): Bytes {
  return encode(segmentContentSchema, content);
}

/** @throws {FormatError} for malformed bytes */
export function decodeSegmentContent(encoded: Uint8Array): SegmentContent {
  return decode(segmentContentSchema, encoded, 2 ** 20);
}

/** Marks a message for the archive. */
export function markMessage(change: Change, { conversation, order }: Message): void {
  change.set("meta", archiveKeys.mark(conversation, order), true);
  change.marked = true;
}

/** Marks what is known of a person for the archive. */
export function markPerson(change: Change, conversation: ConversationId): void {
  change.set("meta", archiveKeys.mark(conversation, PERSON_MARK), true);
  change.marked = true;
}
