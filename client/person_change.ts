/** Changes about a person, and why they do not happen, in words. */
import type { AccountId } from "../protocol/ids.ts";
import { type Change, StoreFailed, type Writer } from "./change.ts";
import type { Contact, ConversationRecord } from "./records.ts";
import { getContact, getConversation, nameOf } from "./timeline.ts";
import { type ConversationId, type Outcome, refused } from "./types.ts";

/** A full disk is an answer, not an exception. */
export async function saved<T>(
  writer: Writer,
  work: (change: Change) => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  try {
    return await writer.change(work);
  } catch (error) {
    if (!(error instanceof StoreFailed)) throw error;
    return refused("internal", "This could not be saved on this device. Is its disk full?");
  }
}

/** A change in a conversation with a person, which must exist. */
export function withPerson<T>(
  writer: Writer,
  conversation: ConversationId,
  work: (change: Change, contact: Contact, record: ConversationRecord) => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  return saved(writer, async (change) => {
    const record = await getConversation(change, conversation);
    const contact = await getContact(change, conversation);
    if (!record || !contact) return unknownConversation();
    return await work(change, contact, record);
  });
}

/** A change about somebody who is known here, with or without a conversation. */
export function withContact<T>(
  writer: Writer,
  account: AccountId,
  work: (change: Change, contact: Contact) => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  return saved(writer, async (change) => {
    const contact = await getContact(change, account);
    return contact ? await work(change, contact) : unknownConversation();
  });
}

export function unknownConversation(): Outcome<never> {
  return refused("unknown-conversation", "There is no such conversation on this device.");
}

export function keyChanged(contact: Contact): Outcome<never> {
  return refused("changed-key", `${nameOf(contact)}'s key has changed. Look at it and accept it.`);
}

export function blockedWords(contact: Contact): string {
  return `You have blocked ${nameOf(contact)}. Unblock them to write to them.`;
}
