/** What a decrypted content does to the timeline, the receipts and what is known of device lists. */
import { equalBytes } from "../protocol/encoding.ts";
import type { AccountId } from "../protocol/ids.ts";
import type { Change } from "./change.ts";
import { type Decision, takeDecision } from "./decisions.ts";
import type { Directory } from "./directory.ts";
import { messages } from "./healing.ts";
import type { History } from "./history.ts";
import { type Arrived, misdirected, needsPerson } from "./inbox.ts";
import { cameLate, tellMissing } from "./missing.ts";
import type { Outbox } from "./outbox.ts";
import { readElsewhere, stageReceipts } from "./receipts.ts";
import type { Contact } from "./records.ts";
import type { Rooms } from "./rooms.ts";
import {
  addLine,
  addMessage,
  findMessage,
  getContact,
  getConversation,
  nameOf,
  setState,
} from "./timeline.ts";
import type { ConversationId } from "./types.ts";

export interface ArrivalsOptions {
  readonly me: AccountId;
  readonly outbox: Outbox;
  readonly directory: Directory;
  readonly now: () => number;
  /** A device knows a newer list of this account than we do: look it up, after the change. */
  readonly refresh: (account: AccountId) => void;
  /** Messages were missing: counted once, whether the server or the session said so first. */
  readonly missing: (
    change: Change,
    conversation: ConversationId | null,
    count: number,
  ) => Promise<void>;
  /** A message that was counted as missing has come. */
  readonly late: (change: Change) => Promise<void>;
  /** The same, from one of our own devices, and no line said that it was missing. */
  readonly lateOwn: (change: Change) => Promise<void>;
  /** What devices tell each other about rooms. */
  readonly rooms: Pick<Rooms, "control">;
  readonly history: Pick<History, "control">;
}

/** Where a content belongs, and whose it is. */
interface Place extends Arrived {
  readonly conversation: ConversationId;
  /** From one of our own other devices. */
  readonly mine: boolean;
  readonly contact: Contact;
}

export class Arrivals {
  readonly #options: ArrivalsOptions;

  constructor(options: ArrivalsOptions) {
    this.#options = options;
  }

  /** Applies one content. Throws what the inbox turns into setting aside or fetching. */
  async apply(change: Change, arrived: Arrived): Promise<void> {
    const place = await this.#place(change, arrived);
    await this.#compareLists(change, place);
    if (isHushed(place)) return;
    if (place.gap > 0) await this.#tellGap(change, place);
    if (place.late) await this.#late(change, place);
    switch (place.content.body.kind) {
      case "text":
        return await this.#text(change, place, place.content.body.text);
      case "receipt":
        return await this.#receipt(change, place, place.content.body);
      case "healing":
        return await this.#healing(change, place, place.content.body.lost);
      case "sender-key":
      case "sender-key-request":
      case "room-code":
      case "room-code-request":
      case "room-entry":
      case "room-read":
        return await this.#options.rooms.control(change, place, place.content.body);
      case "archive-key":
      case "archive-head":
        return await this.#archive(change, place);
      case "decision":
        return await this.#decision(change, place, place.content.body);
    }
  }

  /** The sender is the session's device, the conversation what the ciphertext says: never the frame. */
  async #place(change: Change, arrived: Arrived): Promise<Place> {
    const { me } = this.#options;
    const { account, content } = arrived;
    const mine = account === me;
    const conversation = mine ? content.to : account;
    const toItself = mine && content.to === me;
    if (!mine && content.to !== me) throw misdirected();
    const { kind } = content.body;
    if (toItself && (kind === "text" || kind === "receipt")) throw misdirected();
    const contact = await getContact(change, conversation);
    if (!contact) throw needsPerson(conversation);
    return { ...arrived, conversation, mine, contact };
  }

  /** Sender and receiver show each other the lists they see, so a server cannot show two worlds. */
  async #compareLists(change: Change, place: Place): Promise<void> {
    const { directory, me, refresh } = this.#options;
    const { content, account, peer } = place;
    const sender = await getContact(change, account);
    // Under a key that was not accepted, the sender's idea of lists proves nothing about the old one.
    if (!sender || !equalBytes(sender.list.aik, peer.aik)) return;
    const about = content.to;
    for (const [whose, head] of [[account, content.own], [about, content.peer]] as const) {
      const current = await directory.compare(change, whose, head, place);
      if (!current) change.after.push(() => refresh(whose));
      if (about === me && account === me) return;
    }
  }

  async #tellGap(change: Change, place: Place): Promise<void> {
    const { conversation, gap } = place;
    const about = { ...place, name: whose(place) };
    const stands = await tellMissing(change, about, gap, this.#options.now());
    // Of what somebody else's devices tell this one alone nobody is told: they could skip numbers to raise any alarm.
    if (!stands && !place.mine) return;
    await this.#options.missing(change, stands ? conversation : null, gap);
  }

  async #late(change: Change, place: Place): Promise<void> {
    const { late, lateOwn } = this.#options;
    if (await cameLate(change, { ...place, name: whose(place) })) await late(change);
    else if (place.mine) await lateOwn(change);
  }

  async #text(change: Change, place: Place, text: string): Promise<void> {
    const { content, account, device, conversation, mine, contact, peer } = place;
    const verified = mine || contact.verified && equalBytes(contact.list.aik, peer.aik);
    const common = { id: content.id, conversation, from: account, device, mine, text, verified };
    const time = this.#timeOf(content.time);
    const added = await addMessage(change, {
      ...common,
      time,
      ...mine ? { state: "sent" as const } : {},
    });
    if (!added || mine) return;
    const record = await getConversation(change, conversation);
    if (!record?.accepted) return;
    const ids = [content.id];
    const now = this.#options.now();
    const receipt = { conversation, state: "delivered", ids, time: now } as const;
    await stageReceipts(change, this.#options.outbox, receipt);
  }

  /** A sender whose clock runs ahead does not make messages from the future. */
  #timeOf(claimed: number): number {
    return Math.min(claimed, this.#options.now());
  }

  async #receipt(
    change: Change,
    place: Place,
    { state, ids }: {
      readonly state: "delivered" | "read";
      readonly ids: readonly Arrived["content"]["id"][];
    },
  ): Promise<void> {
    const { conversation, account, mine } = place;
    if (mine) {
      const record = await getConversation(change, conversation);
      if (record && state === "read") await readElsewhere(change, record, ids);
      return;
    }
    for (const id of ids) {
      const message = await findMessage(change, this.#options.me, id);
      // A receipt counts for messages of this conversation only: nobody confirms another's.
      if (message?.conversation === conversation) setState(change, message, state, { by: account });
    }
  }

  /** One's own devices tell each other about the archive; nobody else has a say in it. */
  async #archive(change: Change, { mine, device, content: { body } }: Place): Promise<void> {
    const { history, me } = this.#options;
    if (!mine) throw misdirected();
    if (!await history.control(change, device, body)) throw needsPerson(me);
  }

  /** One's own devices tell each other what the person decided; nobody else has a say in it. */
  async #decision(change: Change, { mine }: Place, decision: Decision): Promise<void> {
    if (!mine) throw misdirected();
    if (!await takeDecision(change, decision)) throw needsPerson(decision.account);
  }

  async #healing(change: Change, place: Place, lost: number): Promise<void> {
    const { conversation, account, device, contact, mine } = place;
    if (mine) return;
    const text = `${nameOf(contact)} could not read ${
      messages(lost)
    } of yours. Send again what matters.`;
    const words = { conversation, text, time: this.#options.now() };
    await addLine(change, "missing", words, { account, device });
    change.tell({
      kind: "warning",
      what: "peer-lost-messages",
      words: text,
      conversation,
      account,
      device,
    });
  }
}

/** Of somebody who is blocked: nothing is shown and nothing is answered. What rooms need goes on. */
function isHushed({ mine, contact, content }: Place): boolean {
  if (mine || !contact.blocked) return false;
  const { kind } = content.body;
  return kind === "text" || kind === "receipt" || kind === "healing";
}

/** Who wrote it, in a line about what is missing. */
function whose({ mine, contact }: Place): string {
  return mine ? "your other device" : nameOf(contact);
}
