/**
 * What a device keeps of its rooms, all in "sessions": like session states these rows are never backed up.
 *
 * - `room/ROOM`: RoomRecord
 * - `room-own/ROOM`: OwnSenderKey
 * - `room-key/ROOM/ACCOUNT/DEVICE`: PeerSenderKey[], newest first
 * - `room-held/ROOM/ORDER`: HeldItem
 * - `room-code/ROOM`: RoomCodeMessage of a room that is not known here yet
 */
import type { RoomDetails } from "../crypto/room_code.ts";
import type { RoomCodeMessage } from "../crypto/room_code.ts";
import { formatRoomCode } from "../crypto/room_code.ts";
import type { OwnSenderKey, PeerSenderKey, SenderKeyMessage } from "../crypto/sender_key.ts";
import { type DeviceList, findDevice } from "../protocol/bundle.ts";
import type { Bytes } from "../protocol/encoding.ts";
import type { AccountId, DeviceId, RoomId } from "../protocol/ids.ts";
import { findMember, type RoomDevice, roomRecipients, type RoomState } from "../protocol/room.ts";
import type { Change } from "./change.ts";
import type { Contact } from "./records.ts";
import type { LocalStore } from "./store.ts";
import { getContact } from "./timeline.ts";
import type { ConversationId, Room } from "./types.ts";

export interface RoomRecord {
  readonly id: RoomId;
  /** Verified, as far as the log has been fetched. */
  readonly state: RoomState;
  /** The current code, 10 bytes, and what it opens; null until a member has told this device. */
  readonly code: Bytes | null;
  readonly metadata: Bytes | null;
  readonly details: RoomDetails | null;
  /** A code that came before the entry that brings it. */
  readonly nextCode: RoomCodeMessage | null;
  /** Removed here, not yet in the log: nothing goes to them any more. */
  readonly removed: readonly AccountId[];
  /** Why nothing is sent or taken here any more. */
  readonly stopped: "fork" | "left" | "ended" | null;
}

/** Something that came too early: the log or a key is missing. */
export type HeldItem =
  | { readonly kind: "message"; readonly envelope: Bytes }
  | {
    readonly kind: "key";
    readonly account: AccountId;
    readonly device: DeviceId;
    readonly message: SenderKeyMessage;
  };

/** Things held for one room; more are dropped, and show as missing. */
export const MOST_HELD = 1_000;

export const roomKeys = {
  room: (room: RoomId) => `room/${room}`,
  own: (room: RoomId) => `room-own/${room}`,
  peer: (room: RoomId, account: AccountId, device: DeviceId) =>
    `room-key/${room}/${account}/${device}`,
  peersOf: (room: RoomId, account: AccountId) => `room-key/${room}/${account}/`,
  held: (room: RoomId, order: string) => `room-held/${room}/${order}`,
  code: (room: RoomId) => `room-code/${room}`,
  heldOf: (room: RoomId) => `room-held/${room}/`,
} as const;

/** A room as a conversation: rooms and accounts draw their ids from the same 16 random bytes. */
export function conversationOf(room: RoomId): ConversationId {
  return room as string as ConversationId;
}

export function getRoom(change: Change, room: RoomId): Promise<RoomRecord | undefined> {
  return change.get<RoomRecord>("sessions", roomKeys.room(room));
}

/** Stores a room and tells of it. */
export async function putRoom(change: Change, me: AccountId, record: RoomRecord): Promise<void> {
  change.set("sessions", roomKeys.room(record.id), record);
  change.tell({ kind: "room", room: await viewRoom(change, me, record) });
}

export function getOwnKey(change: Change, room: RoomId): Promise<OwnSenderKey | undefined> {
  return change.get<OwnSenderKey>("sessions", roomKeys.own(room));
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

/** What is known of the members' accounts. */
export async function membersKnown(
  change: Change,
  state: RoomState,
): Promise<Map<AccountId, Contact>> {
  const known = new Map<AccountId, Contact>();
  for (const { account } of state.members) {
    const contact = await getContact(change, account);
    if (contact) known.set(account, contact);
  }
  return known;
}

/**
 * Whom a key may go to: pinned at the head, still on the newest list known, under the account key that the log
 * binds. Who is not known here yet is not in it.
 */
export function recipientsOf(
  record: RoomRecord,
  own: DeviceId,
  known: ReadonlyMap<AccountId, Contact>,
): RoomDevice[] {
  const newest = (account: AccountId): DeviceList | undefined => {
    const contact = known.get(account);
    return contact && (contact.changed ?? contact.list);
  };
  return roomRecipients(record.state, own, { removed: record.removed, newest })
    .filter(({ account, device }) => {
      const contact = known.get(account);
      return contact !== undefined && findDevice(contact.list, device) !== null;
    });
}

export async function viewRoom(
  change: Change,
  me: AccountId,
  { id, state, code, details, stopped, removed }: RoomRecord,
): Promise<Room> {
  const known = await membersKnown(change, state);
  const members = state.members.filter(({ account }) => !removed.includes(account));
  return {
    id,
    name: details?.name ?? "",
    code: code === null ? null : formatRoomCode(code),
    members: members.map(({ account, role }) => {
      return { account, role, username: known.get(account)?.username ?? null };
    }),
    role: findMember(state, me)?.role ?? null,
    stopped,
  };
}
