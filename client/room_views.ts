/** Rooms as they are shown, and what the members' accounts have to do with it. */
import { formatRoomCode } from "../crypto/room_code.ts";
import { type DeviceList, findDevice } from "../protocol/bundle.ts";
import { equalBytes } from "../protocol/encoding.ts";
import type { AccountId, DeviceId, RoomId } from "../protocol/ids.ts";
import { findMember, type RoomDevice, type RoomMember, roomRecipients } from "../protocol/room.ts";
import type { RoomState } from "../protocol/room.ts";
import type { Change } from "./change.ts";
import type { Contact } from "./records.ts";
import { conversationOf, getRoom, roomKeys, type RoomRecord } from "./room_records.ts";
import { getContact, getConversation, putConversation, verificationOf } from "./timeline.ts";
import type { Member, Room, Verification } from "./types.ts";

/** Stores a room and tells of it. */
export async function putRoom(change: Change, me: AccountId, record: RoomRecord): Promise<void> {
  change.set("sessions", roomKeys.room(record.id), record);
  await tellRoom(change, me, record.id);
}

/** Tells of a room as it stands in this change: its names may have become known. */
export async function tellRoom(change: Change, me: AccountId, room: RoomId): Promise<void> {
  const record = await getRoom(change, room);
  if (!record) return;
  change.tell({ kind: "room", room: await viewRoom(change, me, record) });
  const conversation = await getConversation(change, conversationOf(room));
  if (conversation) await putConversation(change, conversation);
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

/** A room as the page and programs see it. */
export async function viewRoom(change: Change, me: AccountId, record: RoomRecord): Promise<Room> {
  const { id, state, code, details, stopped, removed } = record;
  const known = await membersKnown(change, state);
  const present = state.members.filter(({ account }) => !removed.includes(account));
  const everybody = present.map((one) => viewMember(one, me, known.get(one.account)));
  return {
    ...{ id, conversation: conversationOf(id), stopped },
    name: details?.name ?? "",
    topic: details?.topic ?? "",
    picture: details?.picture ?? null,
    code: code === null ? null : formatRoomCode(code),
    newcomers: state.newcomers,
    members: everybody.filter(({ role }) => role !== "waiting"),
    waiting: everybody.filter(({ role }) => role === "waiting"),
    role: findMember(state, me)?.role ?? null,
  };
}

function viewMember(
  { account, aik, role }: RoomMember,
  me: AccountId,
  contact: Contact | undefined,
): Member {
  const names = { username: contact?.username ?? null, fullName: contact?.fullName ?? null };
  const verification = account === me ? "verified" : verificationIn(aik, contact);
  const blocked = contact?.blocked ? { blocked: true } as const : {};
  return { account, ...names, role, verification, ...blocked, you: account === me };
}

/** Membership binds an account key: verified is who is in under the key that was compared. */
function verificationIn(aik: RoomMember["aik"], contact: Contact | undefined): Verification {
  if (!contact) return "unverified";
  return equalBytes(contact.list.aik, aik) ? verificationOf(contact) : "changed";
}
