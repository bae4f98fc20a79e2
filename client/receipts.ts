/** "Delivered" and "read": gathered while they wait, and sent to nobody we have not answered yet. */
import { type MessageId, randomId } from "../protocol/ids.ts";
import type { Change } from "./change.ts";
import { MAX_RECEIPT_IDS } from "./content.ts";
import type { Outbox } from "./outbox.ts";
import { type OwnTelling, tellOwnDevices } from "./own_telling.ts";
import { roomOf } from "./room_records.ts";
import { type ConversationRecord, keys, type OutboxRecord } from "./records.ts";
import { ensureConversation, getConversation, putConversation } from "./timeline.ts";
import type { ConversationId } from "./types.ts";

export type ReceiptState = "delivered" | "read";

/** Queues receipts, or adds to a queued one that is not encrypted yet. */
export async function stageReceipts(
  change: Change,
  outbox: Outbox,
  receipt: {
    readonly conversation: ConversationId;
    readonly state: ReceiptState;
    readonly ids: readonly MessageId[];
    readonly time: number;
  },
): Promise<void> {
  const { conversation, state, time } = receipt;
  if (receipt.ids.length === 0) return;
  const pointer = keys.receipt(state, conversation);
  const open = await openReceipt(change, pointer, MAX_RECEIPT_IDS - receipt.ids.length);
  const ids = [...open?.ids ?? [], ...receipt.ids].slice(-MAX_RECEIPT_IDS);
  const body = { kind: "receipt", state, ids } as const;
  if (open) return change.set("outbox", keys.waiting(open.row.order), { ...open.row, body });
  // One's own other devices hear what was read, so that they stop counting it.
  const copy = state === "read";
  const row = await outbox.stage(change, { id: randomId(), conversation, body, time, copy });
  change.set("meta", pointer, row.order);
}

/** The receipt that more ids can be added to: not encrypted yet, and with no more than `most` in it. */
async function openReceipt(change: Change, pointer: string, most: number) {
  const order = await change.get<string>("meta", pointer);
  const row = order && await change.get<OutboxRecord>("outbox", keys.waiting(order));
  if (!row || row.sealed || row.body.kind !== "receipt" || row.body.ids.length > most) return null;
  return { row, ids: row.body.ids };
}

/** We have answered: from now on receipts are sent, and those held back until now go out. */
export async function acceptConversation(
  change: Change,
  outbox: Outbox,
  conversation: ConversationId,
  time: number,
): Promise<void> {
  const { owed, ...record } = await ensureConversation(change, conversation, true);
  if (owed.length === 0) return;
  await putConversation(change, { ...record, owed: [] });
  // Looked at while it was a request: now they may know.
  const state = record.unread === 0 ? "read" : "delivered";
  await stageReceipts(change, outbox, { conversation, state, ids: owed, time });
}

/** Everything in the conversation has been looked at. */
export async function readConversation(
  change: Change,
  outbox: Outbox,
  conversation: ConversationId,
  time: number,
): Promise<void> {
  const record = await getConversation(change, conversation);
  if (!record || record.unread + record.unseen.length === 0) return;
  await putConversation(change, { ...record, unread: 0, unseen: [] });
  if (!record.accepted) return;
  await stageReceipts(change, outbox, { conversation, state: "read", ids: record.unseen, time });
}

/** A room has been looked at: nobody hears of it but one's own other devices. */
export async function readRoom(
  change: Change,
  parts: OwnTelling,
  conversation: ConversationId,
): Promise<void> {
  const record = await getConversation(change, conversation);
  if (!record || record.unread + record.unseen.length === 0) return;
  await putConversation(change, { ...record, unread: 0, mentions: 0, unseen: [] });
  const ids = record.unseen.slice(-MAX_RECEIPT_IDS);
  if (ids.length === 0) return;
  await tellOwnDevices(change, parts, { kind: "room-read", room: roomOf(conversation), ids });
}

/** Another of one's own devices says that these were read there. */
export async function readElsewhere(
  change: Change,
  record: ConversationRecord,
  ids: readonly MessageId[],
): Promise<void> {
  const unseen = record.unseen.filter((id) => !ids.includes(id));
  const unread = Math.max(0, record.unread - (record.unseen.length - unseen.length));
  if (unseen.length === record.unseen.length) return;
  const mentions = unread === 0 ? 0 : record.mentions ?? 0;
  await putConversation(change, { ...record, unseen, unread, mentions });
}
