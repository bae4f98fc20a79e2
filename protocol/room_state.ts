/** What a room's log amounts to, and what follows from it: recipients, heads, forks. No signatures here. */
import { bytes, choice, id, list, nullable } from "./codec.ts";
import { bool, record, type Schema, uint } from "./codec.ts";
import type { DeviceList } from "./device_list.ts";
import { type Bytes, equalBytes } from "./encoding.ts";
import type { AccountId, DeviceId, RoomId } from "./ids.ts";
import { HASH_BYTES, KEY_BYTES, MAX_DEVICES, MAX_REMEMBERED_HASHES } from "./limits.ts";
import { MAX_ROOM_BANNED, MAX_ROOM_MEMBERS, MAX_VERSION } from "./limits.ts";
import { type Newcomers, newcomersSchema, type RoomCode, roomCodeSchema } from "./room_entry.ts";

/** `waiting`: has the code, waits for approval, gets nothing. Each role can do what those before it can. */
export type Role = "waiting" | "member" | "moderator" | "owner";

/** A device that speaks for a member. */
export interface PinnedDevice {
  readonly device: DeviceId;
  /** Ed25519 public key, 32 bytes. */
  readonly sign: Bytes;
}

/** The device list under which a member is in the room. Versions never go back. */
export interface Pin {
  readonly version: number;
  readonly hash: Bytes;
  /** As in {@link DeviceList}: a `set` may take the place of a `revoke`. */
  readonly head: "set" | "revoke";
  readonly previous: Bytes | null;
  readonly devices: readonly PinnedDevice[];
}

/** One member. */
export interface RoomMember {
  readonly account: AccountId;
  /** Account key, 32 bytes: under another one this account is somebody else. */
  readonly aik: Bytes;
  readonly role: Role;
  /** Seq of the entry that let them in. */
  readonly since: number;
  readonly pin: Pin;
}

/** A verified room, as of the entry `seq`. Plain values: fit for `structuredClone` and {@link roomStateSchema}. */
export interface RoomState {
  readonly id: RoomId;
  readonly seq: number;
  /** Hash of the entry `seq`, 32 bytes. */
  readonly hash: Bytes;
  /** Hashes of the newest entries, oldest first; the last one is `hash`. */
  readonly hashes: readonly Bytes[];
  readonly newcomers: Newcomers;
  /** The current code; its details are the newest ones. */
  readonly code: RoomCode;
  /** In the order in which they came. */
  readonly members: readonly RoomMember[];
  readonly banned: readonly AccountId[];
  /** Nothing follows: deleted by an owner, or everybody left. */
  readonly ended: boolean;
}

/** A place in the log, as messages and key distributions name it. */
export interface RoomHead {
  readonly seq: number;
  /** 32 bytes. */
  readonly hash: Bytes;
}

/** A device of a member by name and key. */
export interface RoomDevice extends PinnedDevice {
  readonly account: AccountId;
}

const pinSchema = record({
  version: uint(MAX_VERSION),
  hash: bytes(HASH_BYTES),
  head: choice("set", "revoke"),
  previous: nullable(bytes(HASH_BYTES)),
  devices: list(record({ device: id<"device">(), sign: bytes(KEY_BYTES) }), { max: MAX_DEVICES }),
});

/** For stores that keep bytes, the server's among them. */
export const roomStateSchema: Schema<RoomState> = record({
  id: id<"room">(),
  seq: uint(MAX_VERSION),
  hash: bytes(HASH_BYTES),
  hashes: list(bytes(HASH_BYTES), { min: 1, max: MAX_REMEMBERED_HASHES }),
  newcomers: newcomersSchema,
  code: roomCodeSchema,
  members: list(
    record({
      account: id<"account">(),
      aik: bytes(KEY_BYTES),
      role: choice("waiting", "member", "moderator", "owner"),
      since: uint(MAX_VERSION),
      pin: pinSchema,
    }),
    { max: MAX_ROOM_MEMBERS },
  ),
  banned: list(id<"account">(), { max: MAX_ROOM_BANNED }),
  ended: bool,
});

/** What a device list pins. */
export function pinOf({ version, hash, head, previous, devices }: DeviceList): Pin {
  const named = devices.map(({ device, sign }) => ({ device, sign }));
  return { version, hash, head, previous, devices: named };
}

/** The member of this account, those who wait among them, or null. */
export function findMember(room: RoomState, account: AccountId): RoomMember | null {
  return room.members.find((one) => one.account === account) ?? null;
}

/** The pinned device of a member who is not waiting, or null: whose messages may be taken. */
export function findSpeaker(
  room: RoomState,
  account: AccountId,
  device: DeviceId,
): PinnedDevice | null {
  const member = findMember(room, account);
  if (member === null || member.role === "waiting") return null;
  return member.pin.devices.find((one) => one.device === device) ?? null;
}

/** What a sender knows beyond the log. */
export interface Withheld {
  /** Accounts whose removal is on its way: it counts before the log has it. */
  readonly removed?: readonly AccountId[];
  /** The newest verified list of an account, if one is known: a device it no longer has gets nothing. */
  readonly newest?: (account: AccountId) => DeviceList | undefined;
}

/**
 * The devices that a message of `own` goes to: those pinned at the head, of members who are not waiting,
 * without the sending one. A device that is on an account's list but not pinned waits for its `devices` entry.
 */
export function roomRecipients(
  room: RoomState,
  own: DeviceId,
  { removed = [], newest }: Withheld = {},
): RoomDevice[] {
  const members = room.members.filter((one) =>
    one.role !== "waiting" && !removed.includes(one.account)
  );
  return members.flatMap(({ account, aik, pin }) => {
    const known = newest?.(account);
    // Another account key: whoever that is, it is not the member, and the member may be gone.
    if (known && !equalBytes(known.aik, aik)) return [];
    const revoked = ({ device }: PinnedDevice) =>
      known !== undefined && known.version >= pin.version &&
      !known.devices.some((one) => one.device === device);
    return pin.devices.filter((one) => one.device !== own && !revoked(one))
      .map((one) => ({ account, ...one }));
  });
}

/** Whether a member's pin is behind this list: then any member should add a `devices` entry. */
export function isPinBehind(room: RoomState, known: DeviceList): boolean {
  const member = findMember(room, known.account);
  if (member === null || !equalBytes(member.aik, known.aik)) return false;
  const replaced = known.version === member.pin.version && !equalBytes(known.hash, member.pin.hash);
  return known.version > member.pin.version || (replaced && known.head === "set");
}

/**
 * A head that somebody else named, beside our own.
 * - `newer`: hold what names it and fetch the log
 * - `older`: something that was on its way while the log went on, `forgotten` when too long ago to check
 * - `fork`: two logs with one beginning. Stop sending, show it.
 */
export function compareHeads(
  room: RoomState,
  theirs: RoomHead,
): "same" | "newer" | "older" | "forgotten" | "fork" {
  if (theirs.seq > room.seq) return "newer";
  const ours = hashAt(room, theirs.seq);
  if (ours === null) return "forgotten";
  if (!equalBytes(ours, theirs.hash)) return "fork";
  return theirs.seq === room.seq ? "same" : "older";
}

/** What to do with something that a device says to have sent under a head. */
export type Judgement = "ok" | "newer" | "fork" | "not-member";

/**
 * Judges a sender by the newest head: whoever has left, was removed or has had the device revoked speaks no more,
 * also under a head from before. Of a fork only members are believed, with whatever device: their log may have pinned
 * another one.
 */
export function judgeSender(
  room: RoomState,
  from: RoomHead & { readonly account: AccountId; readonly device: DeviceId },
): Judgement {
  const head = compareHeads(room, from);
  if (head === "newer") return head;
  // Nobody stops a room that they are not in: whoever was sent away knows its id and its log.
  const isIn = (findMember(room, from.account)?.role ?? "waiting") !== "waiting";
  if (head === "fork") return isIn ? "fork" : "not-member";
  return findSpeaker(room, from.account, from.device) ? "ok" : "not-member";
}

/** Whether these are the lookup id and join key (32 bytes) of the room's current code. */
export function isCurrentCode(
  room: RoomState,
  { lookup, joinKey }: Pick<RoomCode, "lookup" | "joinKey">,
): boolean {
  return room.code.lookup === lookup && equalBytes(room.code.joinKey, joinKey);
}

/** The hash of an earlier entry, or null when it is too far back. */
export function hashAt(room: RoomState, seq: number): Bytes | null {
  return room.hashes[room.hashes.length - 1 - (room.seq - seq)] ?? null;
}
