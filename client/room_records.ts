/**
 * What a device keeps of its rooms, all in "sessions": like session states these rows are never backed up.
 *
 * - `room/ROOM`: RoomRecord
 * - `room-own/ROOM`: OwnSenderKey without whom it was given to, which is long and seldom changes
 * - `room-given/ROOM`: GivenKey, beside it
 * - `room-key/ROOM/ACCOUNT/DEVICE`: PeerSenderKey[], newest first
 * - `room-held/ROOM/ORDER`: HeldItem
 * - `room-code/ROOM`: HeldCode of a room that is not known here yet
 */
import type { RoomDetails } from "../crypto/room_code.ts";
import type { RoomCodeMessage } from "../crypto/room_code.ts";
import type { OwnSenderKey, PeerSenderKey, SenderKeyMessage } from "../crypto/sender_key.ts";
import type { Bytes } from "../protocol/encoding.ts";
import type { AccountId, DeviceId, RoomId } from "../protocol/ids.ts";
import { DAY_MS } from "../protocol/limits.ts";
import type { RoomEntry, RoomState } from "../protocol/room.ts";
import type { Change } from "./change.ts";
import type { ConversationRecord } from "./records.ts";
import type { LocalStore } from "./store.ts";
import type { ConversationId } from "./types.ts";

export interface RoomRecord {
  readonly id: RoomId;
  /** Verified, as far as the log has been fetched. */
  readonly state: RoomState;
  /** The current code, 10 bytes, and what it opens; null until a member has told this device. */
  readonly code: Bytes | null;
  readonly metadata: Bytes | null;
  readonly details: RoomDetails | null;
  /** A code that a member told before the entry that brings it. Anybody may tell anything. */
  readonly nextCode: RoomCodeMessage | null;
  /** A code that an entry of this very device is to bring: nobody else knows it. */
  readonly ownCode?: RoomCodeMessage | null;
  /** Removed here, not yet in the log: nothing goes to them any more. */
  readonly removed: readonly AccountId[];
  /** The entries that remove them, where they are known. Absent in records from before. */
  readonly removals?: readonly Removal[];
  /** Why nothing is sent or taken here any more. */
  readonly stopped: "fork" | "left" | "ended" | null;
}

/** Whom the own key `key` was given to. */
export interface GivenKey {
  readonly key: OwnSenderKey["id"];
  readonly devices: OwnSenderKey["given"];
}

/** A removal that a moderator has signed and told, and the log does not show. */
export interface Removal {
  readonly member: AccountId;
  /** The moderator's device. */
  readonly by: { readonly account: AccountId; readonly device: DeviceId };
  readonly entry: RoomEntry;
  /** When it came, in milliseconds since 1970. */
  readonly at: number;
}

/** A code that came before its room. */
export interface HeldCode {
  readonly message: RoomCodeMessage;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Something that came too early: the log or a key is missing. */
export type HeldItem =
  & (
    | { readonly kind: "message"; readonly envelope: Bytes }
    | {
      readonly kind: "key";
      readonly account: AccountId;
      readonly device: DeviceId;
      readonly message: SenderKeyMessage;
    }
  )
  /** Milliseconds since 1970; absent in rows from before this was kept. */
  & { readonly at?: number };

/** Things held for one room, and for all rooms that are not known here together; more are dropped. */
export const MOST_HELD = 1_000;
/** As long as an envelope may wait for its device, its room or key may come after it. Milliseconds. */
export const HELD_FOR = 30 * DAY_MS;
/** Whoever is let into a room is online with it soon, or asks for the log then. Milliseconds. */
export const HELD_FOR_STRANGE_ROOMS = 7 * DAY_MS;

export const roomKeys = {
  room: (room: RoomId) => `room/${room}`,
  own: (room: RoomId) => `room-own/${room}`,
  given: (room: RoomId) => `room-given/${room}`,
  peer: (room: RoomId, account: AccountId, device: DeviceId) =>
    `room-key/${room}/${account}/${device}`,
  peersOf: (room: RoomId, account: AccountId) => `room-key/${room}/${account}/`,
  held: (room: RoomId, order: string) => `room-held/${room}/${order}`,
  code: (room: RoomId) => `room-code/${room}`,
  heldOf: (room: RoomId) => `room-held/${room}/`,
  allHeld: "room-held/",
  allCodes: "room-code/",
} as const;

/** A room as a conversation: rooms and accounts draw their ids from the same 16 random bytes. */
export function conversationOf(room: RoomId): ConversationId {
  return room as string as ConversationId;
}

/** The room that a conversation would be, if it is one. */
export function roomOf(conversation: ConversationId): RoomId {
  return conversation as string as RoomId;
}

export function getRoom(change: Change, room: RoomId): Promise<RoomRecord | undefined> {
  return change.get<RoomRecord>("sessions", roomKeys.room(room));
}

/** Whether somebody here has said yes to a room: before that nothing is sent. */
export async function isAccepted(change: Change, room: RoomId): Promise<boolean> {
  const id = conversationOf(room);
  return (await change.get<ConversationRecord>("conversations", id))?.accepted === true;
}

/** The own key as the next message needs it: `given` is not filled in. */
export function getOwnChain(change: Change, room: RoomId): Promise<OwnSenderKey | undefined> {
  return change.get<OwnSenderKey>("sessions", roomKeys.own(room));
}

/** None when it is not on record who has it: a key that somebody may have who is gone is not used. */
export async function getOwnKey(change: Change, room: RoomId): Promise<OwnSenderKey | undefined> {
  const own = await getOwnChain(change, room);
  const given = own && await change.get<GivenKey>("sessions", roomKeys.given(room));
  return given && given.key === own.id ? { ...own, given: given.devices } : undefined;
}

/** After a step of the chain: whom it was given to is as it was. */
export function putOwnChain(change: Change, own: OwnSenderKey): void {
  change.set("sessions", roomKeys.own(own.room), { ...own, given: [] });
}

export function putOwnKey(change: Change, own: OwnSenderKey): void {
  putOwnChain(change, own);
  const given: GivenKey = { key: own.id, devices: own.given };
  change.set("sessions", roomKeys.given(own.room), given);
}

export function dropOwnKey(change: Change, room: RoomId): void {
  change.remove("sessions", roomKeys.own(room));
  change.remove("sessions", roomKeys.given(room));
}

export async function getPeerKeys(
  change: Change,
  room: RoomId,
  account: AccountId,
  device: DeviceId,
): Promise<readonly PeerSenderKey[]> {
  return await change.get<PeerSenderKey[]>("sessions", roomKeys.peer(room, account, device)) ?? [];
}

/** Forgets what an account would be heard with. */
export async function dropPeerKeys(
  change: Change,
  store: LocalStore,
  room: RoomId,
  account: AccountId,
): Promise<void> {
  const rows = await store.list("sessions", { prefix: roomKeys.peersOf(room, account) });
  for (const { key } of rows) change.remove("sessions", key);
}
