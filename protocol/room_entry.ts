/**
 * The entries of a room's log: what members sign, and what travels. docs/protocol.md "Rooms" has the
 * bytes; room.ts has the rules.
 */
import { bytes, choice, decode, encode, id, type Infer, list, nullable } from "./codec.ts";
import { record, type Schema, tagged, uint } from "./codec.ts";
import { listEntrySchema, type Signed, signedSchema } from "./device_list.ts";
import type { Bytes } from "./encoding.ts";
import { type Id, ID_BYTES, idFrom, type RoomId } from "./ids.ts";
import { HASH_BYTES, KEY_BYTES, MAX_LIST_ENTRY_BYTES, SIGNATURE_BYTES } from "./limits.ts";
import { MAX_LIST_PROOF, MAX_ROOM_ENTRY_BYTES, MAX_SEALED_DETAILS_BYTES } from "./limits.ts";
import { MAX_VERSION } from "./limits.ts";
import { sha256 } from "./verify.ts";

/** Derived from the room code; all that the server learns of it. 16 bytes. */
export type LookupId = Id<"lookup">;

/** One entry as it travels. */
export interface RoomEntry {
  /** Deterministic CBOR of a {@link RoomBody}. */
  readonly body: Bytes;
  /** By the author's device, label `log`, over `body`: 64 bytes. */
  readonly signature: Bytes;
  /**
   * By the join key, label `join`, over `body`: 64 bytes. In `create`, `rotate`, `remove` and `ban` it is the
   * join key that the entry brings, in `join` the room's current one, elsewhere null.
   */
  readonly joinSignature: Bytes | null;
  /**
   * Proof of the device list that the body names: its newest `set` and what follows. In `create`, `join`,
   * `add` and `devices`, elsewhere none. Not part of the hash, since the body has the list's own.
   */
  readonly lists: readonly Signed[];
}

/** Where an entry stands and who wrote it. */
const place = {
  room: id<"room">(),
  /** The `create` is 1. */
  seq: uint(MAX_VERSION),
  /** {@link roomHashOf} the entry before. */
  previous: bytes(HASH_BYTES),
  /** Of the code that was current before this entry. */
  epoch: uint(MAX_VERSION),
};
const author = {
  account: id<"account">(),
  device: id<"device">(),
  /** Minutes since 1970 by the author's clock: a claim, for display only. */
  minute: uint(),
};
/** An account key and the head of the list under it: what a membership binds. */
const identity = {
  aik: bytes(KEY_BYTES),
  listVersion: uint(MAX_VERSION),
  listHash: bytes(HASH_BYTES),
};

/** A room code's public side. */
export const roomCodeSchema = record({
  /** One more than the one before; 1 in `create`. */
  epoch: uint(MAX_VERSION),
  lookup: id<"lookup">(),
  /** Ed25519. */
  joinKey: bytes(KEY_BYTES),
  /** Name, topic and picture under this code's metadata key. */
  details: bytes({ max: MAX_SEALED_DETAILS_BYTES }),
});
export type RoomCode = Infer<typeof roomCodeSchema>;

/** Who may come in with the code: anybody, anybody whom a moderator approves, nobody. */
export const newcomersSchema = choice("open", "approve", "closed");
export type Newcomers = Infer<typeof newcomersSchema>;

const entry = <F extends Record<string, Schema<unknown>>>(fields: F) =>
  record({ ...place, ...author, ...fields });
const about = { member: id<"account">() };

/** The kinds of entry. */
export const roomBodyVariants = {
  create: record({ ...author, ...identity, newcomers: newcomersSchema, code: roomCodeSchema }),
  join: entry(identity),
  add: entry({ ...about, ...identity }),
  leave: entry({}),
  remove: entry({ ...about, code: roomCodeSchema }),
  ban: entry({ ...about, code: roomCodeSchema }),
  role: entry({ ...about, role: choice("member", "moderator", "owner") }),
  rename: entry({ details: bytes({ max: MAX_SEALED_DETAILS_BYTES }) }),
  rotate: entry({ code: roomCodeSchema }),
  devices: entry({ ...about, listVersion: uint(MAX_VERSION), listHash: bytes(HASH_BYTES) }),
  close: entry({ newcomers: newcomersSchema }),
  approve: entry(about),
  end: entry({}),
};

/** The signed body of an entry. */
export const roomBodySchema = tagged("kind", roomBodyVariants);
export type RoomBody = Infer<typeof roomBodySchema>;
export type RoomBodyOf<K extends RoomBody["kind"]> = Extract<RoomBody, { kind: K }>;
/** Every kind but `create`: what can follow. */
export type LaterBody = Exclude<RoomBody, { kind: "create" }>;

/** What the hash of an entry covers. */
const chainedSchema = record({
  body: bytes({ max: MAX_ROOM_ENTRY_BYTES }),
  signature: bytes(SIGNATURE_BYTES),
  joinSignature: nullable(bytes(SIGNATURE_BYTES)),
});

export const roomEntrySchema: Schema<RoomEntry> = record({
  ...chainedSchema.fields,
  lists: list(signedSchema, { max: MAX_LIST_PROOF }),
});

/**
 * What an entry says, unverified.
 * @throws {FormatError}
 */
export function readRoomBody({ body }: RoomEntry): RoomBody {
  return decode(roomBodySchema, body, MAX_ROOM_ENTRY_BYTES);
}

/** SHA-256 (32 bytes) by which the next entry, messages and key distributions name this one. */
export function roomHashOf({ body, signature, joinSignature }: RoomEntry): Promise<Bytes> {
  return sha256(encode(chainedSchema, { body, signature, joinSignature }));
}

/** The id of the room that begins with the entry of this hash: its first 16 bytes. */
export function roomIdOf(createHash: Bytes): RoomId {
  return idFrom(createHash.subarray(0, ID_BYTES));
}

/**
 * The part of a device list that proves its head to somebody who knows only the account key: the newest
 * `set` and the entries after it.
 * @param entries a whole list, oldest first, verified
 */
export function listProof(entries: readonly Signed[]): Signed[] {
  const kinds = entries.map(({ body }) => decode(listEntrySchema, body, MAX_LIST_ENTRY_BYTES).kind);
  return entries.slice(Math.max(0, kinds.lastIndexOf("set")));
}
