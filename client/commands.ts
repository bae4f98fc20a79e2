/** What a person asks of the engine: start, write, read, compare, accept. */
import type { DeviceKeys } from "../crypto/account.ts";
import { USERNAME_PATTERN } from "../protocol/api.ts";
import { utf8 } from "../protocol/encoding.ts";
import { type AccountId, type MessageId, randomId } from "../protocol/ids.ts";
import { MAX_TEXT_BYTES } from "../protocol/limits.ts";
import { type Change, StoreFailed, type Writer } from "./change.ts";
import { keepDecision } from "./decisions.ts";
import type { DeviceApi } from "./device_login.ts";
import type { Directory } from "./directory.ts";
import type { Outbox } from "./outbox.ts";
import {
  blockedWords,
  keyChanged,
  saved,
  unknownConversation,
  withPerson,
} from "./person_change.ts";
import type { Pump } from "./pump.ts";
import { acceptConversation, readConversation, readRoom } from "./receipts.ts";
import { type Contact, type ConversationRecord, keys, type OutboxRecord } from "./records.ts";
import type { RoomCommands } from "./room_commands.ts";
import { conversationOf, getRoom, roomOf, type RoomRecord } from "./room_records.ts";
import type { LocalStore } from "./store.ts";
import {
  addMessage,
  ensureConversation,
  findMessage,
  getContact,
  getConversation,
  nameOf,
  putConversation,
  viewConversation,
  viewRoomConversation,
  viewStored,
} from "./timeline.ts";
import {
  type Conversation,
  type ConversationId,
  done,
  type Me,
  type Message,
  type MessagesOptions,
  type Outcome,
  type PersonConversation,
  refused,
} from "./types.ts";

export interface CommandsOptions {
  readonly me: Me;
  readonly own: DeviceKeys;
  readonly store: LocalStore;
  readonly writer: Writer;
  readonly api: DeviceApi;
  readonly directory: Directory;
  readonly outbox: Outbox;
  readonly pump: Pump;
  readonly rooms: Pick<RoomCommands, "send" | "barred">;
  readonly now: () => number;
}

const DEFAULT_MESSAGES = 50;
const MOST_MESSAGES = 500;
/** A longer queue is not gone over while somebody types; the pump encrypts in order. */
const MOST_LOOKED_AT = 32;

export class Commands {
  readonly #o: CommandsOptions;

  constructor(options: CommandsOptions) {
    this.#o = options;
  }

  async startConversation(typed: string): Promise<Outcome<PersonConversation>> {
    const username = typed.trim().replace(/^@/, "").toLowerCase();
    if (username === this.#o.me.username) return refused("yourself", YOURSELF);
    if (!USERNAME_PATTERN.test(username)) return unknownPerson(username);
    const answer = await this.#o.api.person(username);
    if (!answer.ok) {
      const known = await this.#knownAs(username);
      if (known && answer.status !== 404) return await this.#begin(known.account);
      return refusedBy(answer, username);
    }
    const claim = answer.value;
    // Somebody else than was asked for, and under a name that might not be one.
    if (claim.username !== username) return refused("untrusted-server", OTHER_NAME);
    if (claim.account === this.#o.me.account) return refused("yourself", YOURSELF);
    const learned = await this.#o.writer.change((change) => this.#o.directory.learn(change, claim));
    if (learned === "refused") return refused("untrusted-server", UNTRUSTED);
    await this.#warnOfNamesake(username, claim.account);
    return await this.#begin(claim.account);
  }

  async conversations(): Promise<Conversation[]> {
    const { store, me } = this.#o;
    const records = await store.list<ConversationRecord>("conversations");
    const contacts = await store.list<Contact>("accounts");
    const rooms = await store.list<RoomRecord>("sessions", { prefix: "room/" });
    const byAccount = new Map(contacts.map(({ value }) => [value.account, value]));
    const byRoom = new Map(rooms.map(({ value }) => [conversationOf(value.id), value]));
    return records.map(({ value }) => value)
      .sort((a, b) => a.order < b.order ? 1 : -1)
      .flatMap((record): Conversation[] => {
        const [room, contact] = [byRoom.get(record.id), byAccount.get(record.id)];
        if (room) return [viewRoomConversation(record, room, me.account)];
        return contact ? [viewConversation(record, contact)] : [];
      });
  }

  async messages(id: ConversationId, options: MessagesOptions): Promise<Message[]> {
    const limit = Math.min(Math.max(0, options.limit ?? DEFAULT_MESSAGES), MOST_MESSAGES);
    const page = { prefix: keys.messagesOf(id), reverse: true, limit };
    const before = options.before === undefined ? {} : { before: keys.message(id, options.before) };
    const rows = await this.#o.store.list<Message>("messages", { ...page, ...before });
    return await this.#named(id, rows.map(({ value }) => value).reverse());
  }

  /** In a room, senders by the names they have now: somebody may have been looked up since. */
  async #named(id: ConversationId, messages: Message[]): Promise<Message[]> {
    return await this.#o.writer.change(async (change) => {
      if (!await getRoom(change, roomOf(id))) return messages;
      const named = messages.map(async (message): Promise<Message> => {
        const contact = message.mine ? undefined : await getContact(change, message.from);
        return contact ? withName(message, contact) : message;
      });
      return await Promise.all(named);
    });
  }

  async send(
    conversation: ConversationId,
    typed: string,
    id: MessageId = randomId<"message">(),
  ): Promise<Outcome<Message>> {
    if (await this.#isRoom(conversation)) {
      return await this.#o.rooms.send(roomOf(conversation), typed, id);
    }
    const text = typed.toWellFormed().replace(/^\ufeff+/, "");
    const bytes = utf8(text).length;
    if (text.trim() === "") return refused("bad-input", "Write something first.");
    if (bytes > MAX_TEXT_BYTES) return refused("too-long", tooLong(bytes));
    return await this.#written(conversation, async (change) => {
      const sentBefore = await findMessage(change, this.#o.me.account, id);
      return sentBefore ? done(sentBefore) : await this.#send(change, conversation, text, id);
    });
  }

  async retry(conversation: ConversationId, id: MessageId): Promise<Outcome<Message>> {
    const { me, outbox, pump } = this.#o;
    return await this.#saved(async (change) => {
      const message = await findMessage(change, me.account, id);
      if (!message || message.conversation !== conversation) return unknownMessage();
      const contact = await getContact(change, conversation);
      const barred = await this.#o.rooms.barred(change, roomOf(conversation));
      if (barred && !contact) return barred;
      const stopped = contact && stoppedBy(contact);
      if (stopped) return stopped;
      const row = message.state === "not sent" ? await outbox.unpark(change, message) : null;
      if (!row) return unknownMessage();
      change.after.push(() => {
        pump.markStale(row);
        pump.wake();
      });
      const { reason: _, ...rest } = message;
      return done<Message>({ ...rest, state: "sending" });
    });
  }

  async markRead(conversation: ConversationId): Promise<void> {
    const { writer, outbox, own, pump, now } = this.#o;
    await writer.change(async (change) => {
      change.after.push(() => pump.wake());
      if (await getRoom(change, roomOf(conversation))) {
        return await readRoom(change, { own, outbox, now }, conversation);
      }
      await readConversation(change, outbox, conversation, now());
    });
  }

  async mute(conversation: ConversationId, muted: boolean): Promise<Outcome<Conversation>> {
    return await this.#saved(async (change) => {
      const record = await getConversation(change, conversation);
      const next = record && { ...record, muted };
      const view = next && await viewStored(change, next);
      if (!next || !view) return unknownConversation();
      await putConversation(change, next);
      return done(view);
    });
  }

  /** Message, conversation, stepped sessions and envelopes: one transaction, where all is at hand. */
  async #send(
    change: Change,
    conversation: ConversationId,
    text: string,
    id: MessageId,
  ): Promise<Outcome<Message>> {
    const { me, outbox, pump, now } = this.#o;
    const contact = await getContact(change, conversation);
    const stopped = contact && stoppedBy(contact);
    if (stopped) return stopped;
    const time = now();
    const { account: from, device } = me;
    const own = { from, device, mine: true, state: "sending", verified: true } as const;
    const message = await addMessage(change, { id, conversation, text, time, ...own });
    const body = { kind: "text", text } as const;
    const row = await outbox.stage(change, { id, conversation, body, time, copy: true });
    if (!pump.holds(conversation) && await this.#isFirstToSeal()) await outbox.seal(change, row);
    // After the message, so that receipts held back until now get later numbers of the session.
    await acceptConversation(change, outbox, conversation, time);
    change.after.push(() => pump.wake());
    return done(message!);
  }

  /** Sessions number what they encrypt: a message must not be encrypted before one that will be sent earlier. */
  async #isFirstToSeal(): Promise<boolean> {
    const waiting = { prefix: keys.waiting(""), limit: MOST_LOOKED_AT };
    const rows = await this.#o.store.list<OutboxRecord>("outbox", waiting).catch((error) => {
      throw new StoreFailed(error);
    });
    return rows.length < MOST_LOOKED_AT && rows.every(({ value }) => value.sealed !== null);
  }

  async #isRoom(conversation: ConversationId): Promise<boolean> {
    const room = await this.#o.writer.change((change) => getRoom(change, roomOf(conversation)));
    return room !== undefined;
  }

  /** A change in a conversation with a person, which must exist. */
  #written<T>(
    conversation: ConversationId,
    work: (change: Change, contact: Contact, record: ConversationRecord) => Promise<Outcome<T>>,
  ): Promise<Outcome<T>> {
    return withPerson(this.#o.writer, conversation, work);
  }

  #saved<T>(work: (change: Change) => Promise<Outcome<T>>): Promise<Outcome<T>> {
    return saved(this.#o.writer, work);
  }

  async #begin(account: AccountId): Promise<Outcome<PersonConversation>> {
    const { writer, outbox, pump, now } = this.#o;
    return await writer.change(async (change) => {
      const contact = await getContact(change, account);
      const request = (await getConversation(change, account))?.accepted === false;
      if (contact?.blocked) await ensureConversation(change, account, false);
      else await acceptConversation(change, outbox, account, now());
      if (contact && request && !contact.blocked) await keepDecision(change, this.#o, contact, {});
      change.after.push(() => pump.wake());
      const record = await getConversation(change, account);
      return record && contact ? done(viewConversation(record, contact)) : unknownConversation();
    });
  }

  async #knownAs(username: string): Promise<Contact | undefined> {
    const contacts = await this.#o.store.list<Contact>("accounts");
    return contacts.map(({ value }) => value).find((contact) => contact.username === username);
  }

  /** One name, two accounts: deleted and registered anew, or a server that passes one off as the other. */
  async #warnOfNamesake(username: string, account: AccountId): Promise<void> {
    const contacts = await this.#o.store.list<Contact>("accounts");
    const other = contacts.find(({ value }) => {
      return value.username === username && value.account !== account;
    });
    if (!other) return;
    const words = `@${username} is another account than the one you have talked to before.`;
    await this.#o.writer.change((change) => {
      change.tell({ kind: "warning", what: "key-changed", words, account, conversation: account });
      return Promise.resolve();
    });
  }
}

const YOURSELF = "That is you. Find somebody else to talk to.";
const OTHER_NAME = "The server answered with somebody else. Nothing was started.";
const UNTRUSTED =
  "The server's list of this person's devices is not signed as it must be. Nothing was started.";

function unknownPerson(username: string): Outcome<never> {
  return refused("unknown-person", `There is nobody called @${username.slice(0, 40)} here.`);
}

function unknownMessage(): Outcome<never> {
  return refused("unknown-message", "There is no such message waiting to be sent again.");
}

/** Why nothing is sent to somebody; undefined while everything is open. */
function stoppedBy(contact: Contact): Outcome<never> | undefined {
  if (contact.blocked) return refused("blocked", blockedWords(contact));
  return contact.changed ? keyChanged(contact) : undefined;
}

/** By the name they have now, and as blocked or not as they are now. */
function withName({ blocked: _, ...message }: Message, contact: Contact): Message {
  const sender = nameOf(contact);
  return contact.blocked ? { ...message, sender, blocked: true } : { ...message, sender };
}

function tooLong(bytes: number): string {
  const over = bytes - MAX_TEXT_BYTES;
  return `That is ${over} bytes too long: a message holds ${MAX_TEXT_BYTES.toLocaleString("en")}.`;
}

function refusedBy(
  answer: {
    readonly status: number;
    readonly words: string;
    readonly retryAfter: number | null;
  },
  username: string,
): Outcome<never> {
  if (answer.status === 404) return unknownPerson(username);
  if (answer.status === 0) return refused("offline", "You are offline. Try again once connected.");
  if (answer.status === 401) return refused("signed-out", "Sign in again first.");
  if (answer.status === 429) {
    return refused("rate-limited", answer.words, answer.retryAfter ?? undefined);
  }
  return refused("internal", answer.words);
}
