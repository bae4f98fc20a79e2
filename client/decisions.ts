/**
 * What a person decides about somebody: verified, blocked, taken up. It is kept with the contact, in the history
 * archive for devices to come, and told to one's own other devices at once. The later decision counts.
 */
import type { DeviceKeys } from "../crypto/account.ts";
import { equalBytes } from "../protocol/encoding.ts";
import type { AccountId } from "../protocol/ids.ts";
import { markPerson } from "./archive_records.ts";
import type { Change } from "./change.ts";
import type { ContentBody } from "./content.ts";
import type { Outbox } from "./outbox.ts";
import { tellOwnDevices } from "./own_telling.ts";
import type { Contact } from "./records.ts";
import { getContact, getConversation, putConversation } from "./timeline.ts";

export type Decision = Extract<ContentBody, { kind: "decision" }>;

export interface DecisionParts {
  readonly own: DeviceKeys;
  readonly outbox: Pick<Outbox, "stage">;
  readonly now: () => number;
}

/** Keeps a decision made here. */
export async function keepDecision(
  change: Change,
  parts: DecisionParts,
  contact: Contact,
  decision: Partial<Pick<Contact, "verified" | "blocked">>,
): Promise<Contact> {
  const { account } = contact;
  // A clock that was set back must not make this the older decision.
  const decided = Math.max(parts.now(), (contact.decided ?? 0) + 1);
  const next: Contact = { ...contact, ...decision, decided };
  change.set("accounts", account, next);
  if (next.blocked) await hush(change, account);
  markPerson(change, account);
  const { list: { aik }, verified, blocked = false } = next;
  const accepted = (await getConversation(change, account))?.accepted ?? false;
  const body: Decision = { kind: "decision", account, aik, accepted, verified, blocked, decided };
  await tellOwnDevices(change, parts, body);
  return next;
}

/** Takes a decision that was made on another of one's own devices. False: the person is not known here. */
export async function takeDecision(change: Change, decision: Decision): Promise<boolean> {
  const contact = await getContact(change, decision.account);
  if (!contact) return false;
  const next = decide(contact, decision);
  if (next) change.set("accounts", contact.account, next);
  if (next?.blocked) await hush(change, contact.account);
  const record = await getConversation(change, contact.account);
  if (!record) return true;
  // The device that took the request up has said what arrived.
  const taken = decision.accepted && !record.accepted ? { accepted: true, owed: [] } : {};
  await putConversation(change, { ...record, ...taken });
  return true;
}

/** The contact after another device's decision; null when a later one is known. A mark is for one key only. */
export function decide(
  contact: Contact,
  { aik, verified, blocked, decided }: Pick<Decision, "aik" | "verified" | "blocked" | "decided">,
): Contact | null {
  if (decided <= (contact.decided ?? 0)) return null;
  const sameKey = !contact.changed && equalBytes(contact.list.aik, aik);
  return { ...contact, blocked, decided, ...sameKey ? { verified } : {} };
}

/** Nothing of theirs waits to be read, and nobody hears that it came. */
async function hush(change: Change, account: AccountId): Promise<void> {
  const record = await getConversation(change, account);
  if (record) await putConversation(change, { ...record, unread: 0, unseen: [], owed: [] });
}
