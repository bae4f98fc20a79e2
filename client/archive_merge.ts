/** Puts what comes out of the history archive into the local store: once, in its place, and never over what is there. */
import { type DeviceList, verifyDeviceList } from "../protocol/bundle.ts";
import { FormatError, VerifyError } from "../protocol/errors.ts";
import { randomId } from "../protocol/ids.ts";
import { type ArchivedMessage, type ArchivedPerson, markMessage } from "./archive_records.ts";
import type { SegmentContent } from "./archive_records.ts";
import { type Change, StoreFailed } from "./change.ts";
import { decide } from "./decisions.ts";
import type { Directory, PersonClaim } from "./directory.ts";
import { type Contact, type ConversationRecord, keys, type SeenMessage } from "./records.ts";
import type { LocalStore } from "./store.ts";
import { getContact, getConversation, putConversation, RANK, viewStored } from "./timeline.ts";
import type { ConversationId, Me, Message } from "./types.ts";

export interface ArchiveMergeOptions {
  readonly me: Me;
  readonly store: LocalStore;
  readonly directory: Directory;
}

/** Before every row that arrived here. */
const BEGINNING = "0".repeat(12);
/** Local rows looked at a time, to find where an older message belongs. */
const PAGE = 200;
const NOTHING = new Uint8Array(0);

/** Whether a row's place is between those of rows that arrived here. */
export function isFromArchive(order: string): boolean {
  return order.includes("~");
}

/** Nothing but the pin is known: the list itself is still to be fetched. */
export function isOnlyPinned({ list }: Contact): boolean {
  return list.deposit.agree.length === 0;
}

export class ArchiveMerge {
  readonly #o: ArchiveMergeOptions;

  constructor(options: ArchiveMergeOptions) {
    this.#o = options;
  }

  /**
   * Takes segments of one conversation, in any order; returns how many messages were new.
   * @param mark whether what is new goes into this account's archive
   */
  async take(
    change: Change,
    contents: readonly SegmentContent[],
    mark = false,
  ): Promise<number> {
    const [first] = contents;
    if (!first) return 0;
    const { conversation } = first;
    let added = 0;
    const places = new Places(this.#o.store, conversation);
    let newest: Message | null = null;
    for (const message of contents.flatMap(({ messages }) => messages)) {
      const row = await this.#message(change, conversation, message, places);
      if (row) added++;
      if (row && mark) markMessage(change, row);
      if (row && (newest === null || row.order > newest.order)) newest = row;
    }
    await this.#conversation(change, contents, newest);
    return added;
  }

  /** A person of the archive, and what the server says of them now; null when it said nothing. */
  async person(change: Change, known: ArchivedPerson, claim: PersonClaim): Promise<void> {
    const { account } = claim;
    const contact = await getContact(change, account);
    if (contact && !isOnlyPinned(contact)) {
      const next = decide(contact, known);
      if (next) change.set("accounts", account, next);
      return;
    }
    const pinned = pinOf(account, known);
    change.set("accounts", account, pinned);
    if (claim.entries.length === 0) return;
    try {
      const list = await verifyDeviceList(account, claim.entries, pinned.list);
      change.set("accounts", account, { ...pinned, list, required: list.version });
    } catch (error) {
      if (!(error instanceof VerifyError || error instanceof FormatError)) throw error;
      // What this means, and whether it is shown, is the directory's to judge: the pin is in place.
      await this.#o.directory.learn(change, claim);
    }
  }

  async #message(
    change: Change,
    conversation: ConversationId,
    message: ArchivedMessage,
    places: Places,
  ): Promise<Message | null> {
    const seen = keys.seenMessage(message.from, message.id);
    const place = await change.get<SeenMessage>("seen", seen);
    if (place) {
      await this.#again(change, place, message);
      return null;
    }
    const order = await places.of(message);
    const row = this.#row(conversation, message, order);
    change.setArchived(keys.message(conversation, order), row);
    change.set("seen", seen, { conversation, order } satisfies SeenMessage);
    return row;
  }

  #row(conversation: ConversationId, message: ArchivedMessage, order: string): Message {
    const { id, from, device, text, time, verified, state, sender, mention } = message;
    const mine = from === this.#o.me.account;
    return {
      ...{ id, conversation, kind: "text", from, device, mine, text, time, verified, order },
      ...state === null ? {} : { state },
      ...sender === null ? {} : { sender },
      ...mention ? { mention } : {},
    };
  }

  /** The same message once more: its state may be newer. The same number with other words is shown. */
  async #again(change: Change, place: SeenMessage, message: ArchivedMessage): Promise<void> {
    const at = keys.message(place.conversation, place.order);
    const row = await change.get<Message>("messages", at);
    if (!row) return;
    if (row.text !== message.text) return await this.#conflict(change, row, message);
    const { state } = message;
    if (!row.mine || state === null || RANK[state] <= RANK[row.state ?? "sending"]) return;
    const { reason: _, ...rest } = row;
    change.setArchived(at, { ...rest, state });
  }

  async #conflict(change: Change, row: Message, message: ArchivedMessage): Promise<void> {
    const { conversation, from, device, time, order } = row;
    const known = `archive-conflict/${from}/${row.id}/${device}/${message.device}`;
    if (await change.get("seen", known)) return;
    change.set("seen", known, true);
    const text = `Another of your devices got this message with other words: “${message.text}”`;
    const line: Message = {
      ...{ id: randomId(), conversation, kind: "line", line: "missing", from, device },
      ...{ mine: false, text, time, verified: false, order: `${order}~conflict` },
    };
    change.setArchived(keys.message(conversation, line.order), line);
    change.tell({ kind: "warning", what: "history-conflict", words: text, conversation });
  }

  async #conversation(
    change: Change,
    contents: readonly SegmentContent[],
    newest: Message | null,
  ): Promise<void> {
    const { conversation: id } = contents[0]!;
    const known = await getConversation(change, id);
    const accepted = contents.some((content) => content.accepted);
    const fresh = { id, unread: 0, last: null, owed: [], unseen: [], order: "" };
    const record: ConversationRecord = { ...known ?? { ...fresh, accepted } };
    const shown = newest && (record.last === null || newest.order > record.order);
    if (known && !shown && (known.accepted || !accepted)) return await tellAgain(change, known);
    if (!known && !newest) return;
    const { text, time, mine, sender } = newest ?? { text: "", time: 0, mine: false };
    await putConversation(change, {
      ...record,
      accepted: record.accepted || accepted,
      ...shown
        ? {
          last: { text, time, mine, ...sender === undefined ? {} : { sender } },
          order: newest.order > record.order ? newest.order : record.order,
        }
        : {},
    });
  }
}

/** It may have been here without its person, whom the archive has brought back. */
async function tellAgain(change: Change, record: ConversationRecord): Promise<void> {
  const conversation = await viewStored(change, record);
  if (conversation) change.tell({ kind: "conversation", conversation });
}

/** Where messages of one conversation belong among those that arrived here: after the last that is not newer. */
class Places {
  readonly #store: LocalStore;
  readonly #conversation: ConversationId;
  /** Newest first. */
  readonly #rows: Message[] = [];
  #whole = false;

  constructor(store: LocalStore, conversation: ConversationId) {
    this.#store = store;
    this.#conversation = conversation;
  }

  async of({ time, place, id }: ArchivedMessage): Promise<string> {
    while (!this.#whole && (this.#rows.at(-1)?.time ?? Infinity) > time) await this.#more();
    const base = this.#rows.find((row) => row.time <= time)?.order ?? BEGINNING;
    return [base, digits(time), digits(place), id].join("~");
  }

  async #more(): Promise<void> {
    const prefix = keys.messagesOf(this.#conversation);
    const last = this.#rows.at(-1);
    const before = last ? { before: `${prefix}${last.order}` } : {};
    // Behind everything of the archive's that comes before the first arrival.
    const after = `${prefix}${BEGINNING}~~`;
    const page = { prefix, after, ...before, reverse: true, limit: PAGE };
    const found = await this.#store.list<Message>("messages", page).catch((error) => {
      throw new StoreFailed(error);
    });
    this.#rows.push(
      ...found.map(({ value }) => value).filter(({ order }) => !isFromArchive(order)),
    );
    this.#whole = found.length < PAGE;
    // A page of nothing but the archive's: go on from its end.
    if (!this.#whole && this.#rows.at(-1) === last) this.#whole = true;
  }
}

function digits(n: number): string {
  return String(n).padStart(16, "0");
}

function pinOf(account: Contact["account"], known: ArchivedPerson): Contact {
  const { username, fullName, aik, list, verified, blocked, decided } = known;
  const pin: DeviceList = {
    ...{ account, aik, ...list, hashes: [list.hash], devices: [], vaultGeneration: 0 },
    deposit: { agree: NOTHING, kem: NOTHING },
  };
  const state = { required: list.version, changed: null, warned: null };
  return { account, username, fullName, list: pin, verified, blocked, decided, ...state };
}

/** What the list shows of a person's name, for those who are known by the archive only. */
export function claimOf(
  account: Contact["account"],
  known: ArchivedPerson,
  answer: Omit<PersonClaim, "account"> | null,
): PersonClaim {
  const { username, fullName } = known;
  return { account, ...answer ?? { username, fullName, entries: [] } };
}

/** Nothing that the server says: of this person only the file knows. */
export function strangerOf({ conversation, person }: SegmentContent): PersonClaim {
  const { username = "", fullName = "" } = person ?? {};
  return { account: conversation, username, fullName, entries: [] };
}

/**
 * A content of a file as it is here: other accounts, no time that is still to come, and of somebody else's file nobody
 * that one has verified oneself.
 */
export function movedTo(
  content: SegmentContent,
  who: (account: Contact["account"]) => Contact["account"],
  { now, own }: { readonly now: number; readonly own: boolean },
): SegmentContent {
  const messages = content.messages.map((row) => {
    return { ...row, from: who(row.from), time: Math.min(row.time, now) };
  });
  const stranger = own ? content.person : content.person &&
    { ...content.person, verified: false, decided: 0 };
  return { ...content, conversation: who(content.conversation), messages, person: stranger };
}
