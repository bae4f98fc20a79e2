/** Conversations and their messages as they are stored and shown. */
import type { AccountId, DeviceId, MessageId } from "../protocol/ids.ts";
import { randomId } from "../protocol/ids.ts";
import { findMember } from "../protocol/room.ts";
import type { Change } from "./change.ts";
import { type Contact, type ConversationRecord, keys, type SeenMessage } from "./records.ts";
import { type MeRecord, META } from "./records.ts";
import { getRoom, roomOf, type RoomRecord } from "./room_records.ts";
import type {
  Conversation,
  ConversationId,
  LineKind,
  Message,
  MessageState,
  PersonConversation,
  Role,
  RoomConversation,
  Verification,
} from "./types.ts";

/** Receipts owed or withheld for longer than this many messages are never sent. */
const MOST_OWED = 200;

/** How far a message has come; a state never goes back, only "not sent" and "sending" swap. */
export const RANK: Readonly<Record<MessageState, number>> = {
  "not sent": 0,
  "sending": 0,
  "sent": 1,
  "delivered": 2,
  "read": 3,
};

export function getContact(change: Change, account: AccountId): Promise<Contact | undefined> {
  return change.get<Contact>("accounts", account);
}

export function getConversation(
  change: Change,
  id: ConversationId,
): Promise<ConversationRecord | undefined> {
  return change.get<ConversationRecord>("conversations", id);
}

/** The conversation, made when there is none. */
export async function ensureConversation(
  change: Change,
  id: ConversationId,
  accepted: boolean,
): Promise<ConversationRecord> {
  const known = await getConversation(change, id);
  if (known && (known.accepted || !accepted)) return known;
  const fresh = known ?? { id, unread: 0, last: null, owed: [], unseen: [] };
  const order = known?.order ?? await change.nextOrder();
  const record: ConversationRecord = { ...fresh, order, accepted };
  await putConversation(change, record);
  return record;
}

/** Stores a conversation and tells of it. */
export async function putConversation(change: Change, record: ConversationRecord): Promise<void> {
  change.set("conversations", record.id, record);
  const conversation = await viewStored(change, record);
  if (conversation) change.tell({ kind: "conversation", conversation });
}

/** A person's conversation, or a room's; null when neither is known here. */
export async function viewStored(
  change: Change,
  record: ConversationRecord,
): Promise<Conversation | null> {
  const room = await getRoom(change, roomOf(record.id));
  if (room) {
    const me = await change.get<MeRecord>("meta", META.me);
    return viewRoomConversation(record, room, me!.account);
  }
  const contact = await getContact(change, record.id);
  return contact ? viewConversation(record, contact) : null;
}

/** What a message is before it has its place. */
export type NewMessage = Omit<Message, "order" | "kind" | "line">;

/** Adds a message at the end; false when this sender's id is there already. */
export async function addMessage(change: Change, message: NewMessage): Promise<Message | null> {
  const seen = keys.seenMessage(message.from, message.id);
  if (await change.get("seen", seen)) return null;
  const row: Message = { ...message, kind: "text", order: await change.nextOrder() };
  const place: SeenMessage = { conversation: row.conversation, order: row.order };
  change.set("seen", seen, place);
  change.set("messages", keys.message(row.conversation, row.order), row);
  const record = await ensureConversation(change, row.conversation, row.mine);
  if (row.blocked) {
    change.tell({ kind: "message", message: row });
    return row;
  }
  const { text, time, mine, sender } = row;
  await putConversation(change, {
    ...record,
    ...mine ? {} : withUnread(record, row),
    last: { text, time, mine, ...sender === undefined ? {} : { sender } },
    order: row.order,
  });
  change.tell({ kind: "message", message: row });
  return row;
}

function withUnread(
  record: ConversationRecord,
  { id, mention }: Message,
): Partial<ConversationRecord> {
  const unseen = [...record.unseen, id].slice(-MOST_OWED);
  const owed = record.accepted ? record.owed : [...record.owed, id].slice(-MOST_OWED);
  const mentions = (record.mentions ?? 0) + (mention ? 1 : 0);
  return { unread: record.unread + 1, unseen, owed, mentions };
}

/** Adds a system line, where there is a conversation to show it in; else null. */
export async function addLine(
  change: Change,
  line: LineKind,
  words: { readonly conversation: ConversationId; readonly text: string; readonly time: number },
  about: { readonly account: AccountId; readonly device: DeviceId },
): Promise<Message | null> {
  if (!await getConversation(change, words.conversation)) return null;
  const row: Message = {
    ...words,
    id: randomId(),
    kind: "line",
    line,
    from: about.account,
    device: about.device,
    mine: false,
    verified: false,
    order: await change.nextOrder(),
  };
  change.set("messages", keys.message(row.conversation, row.order), row);
  change.tell({ kind: "message", message: row });
  return row;
}

/** A message by its sender and id. */
export async function findMessage(
  change: Change,
  sender: AccountId,
  id: MessageId,
): Promise<Message | undefined> {
  const place = await change.get<SeenMessage>("seen", keys.seenMessage(sender, id));
  return place && await change.get<Message>(
    "messages",
    keys.message(place.conversation, place.order),
  );
}

/** Moves an own message on; what would take it back is passed over. */
export function setState(
  change: Change,
  message: Message,
  state: MessageState,
  more: { readonly reason?: string; readonly by?: AccountId } = {},
): void {
  const { reason: _, ...row } = message;
  const before = message.state ?? "sending";
  if (RANK[state] < RANK[before]) return;
  if (state === before && more.reason === message.reason) return;
  const reason = more.reason === undefined ? {} : { reason: more.reason };
  change.set("messages", keys.message(row.conversation, row.order), { ...row, state, ...reason });
  const by = more.by === undefined ? {} : { by: more.by };
  const { conversation, id } = message;
  change.tell({ kind: "state", conversation, id, state, ...reason, ...by });
}

/** What people call someone: the full name, or the username where there is none. */
export function nameOf(contact: Contact): string {
  return contact.fullName.trim() || contact.username;
}

export function verificationOf(contact: Contact): Verification {
  if (contact.changed) return "changed";
  return contact.verified ? "verified" : "unverified";
}

export function viewConversation(
  record: ConversationRecord,
  contact: Contact,
): PersonConversation {
  return {
    id: record.id,
    kind: "person",
    title: nameOf(contact),
    username: contact.username,
    account: contact.account,
    ...record.last ? { last: record.last } : {},
    unread: record.unread,
    muted: record.muted ?? false,
    verification: verificationOf(contact),
    accepted: record.accepted,
    blocked: contact.blocked ?? false,
    order: record.order,
  };
}

export function viewRoomConversation(
  record: ConversationRecord,
  room: RoomRecord,
  me: AccountId,
): RoomConversation {
  const { id, details, state: { members }, removed, stopped } = room;
  const role = findMember(room.state, me)?.role ?? null;
  const present = members.filter(({ account }) => !removed.includes(account));
  const waiting = present.filter((one) => one.role === "waiting").length;
  return {
    ...{ id: record.id, kind: "room", room: id, role, stopped, accepted: record.accepted },
    title: details?.name ?? "",
    topic: details?.topic ?? "",
    picture: details?.picture ?? null,
    members: present.length - waiting,
    waiting: mayApprove(role) ? waiting : 0,
    ...record.last ? { last: record.last } : {},
    unread: record.unread,
    mentions: record.mentions ?? 0,
    muted: record.muted ?? false,
    order: record.order,
  };
}

function mayApprove(role: Role | null): boolean {
  return role === "moderator" || role === "owner";
}
