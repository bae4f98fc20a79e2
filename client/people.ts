/** What a person decides about other people: who is who, who may write, who is not heard any more. */
import type { DeviceKeys } from "../crypto/account.ts";
import { safetyNumber } from "../crypto/safety_number.ts";
import { encode } from "../protocol/codec.ts";
import { directoryAnswer, directoryRequest, MAX_FIND_BYTES } from "../protocol/directory_api.ts";
import { utf8 } from "../protocol/encoding.ts";
import type { AccountId } from "../protocol/ids.ts";
import type { DeviceList } from "../protocol/bundle.ts";
import { markPerson } from "./archive_records.ts";
import { type Change, StoreFailed, type Writer } from "./change.ts";
import { keepDecision } from "./decisions.ts";
import type { DeviceApi } from "./device_login.ts";
import type { Outbox } from "./outbox.ts";
import { blockedWords, keyChanged, unknownConversation } from "./person_change.ts";
import { withContact, withPerson } from "./person_change.ts";
import type { Pump } from "./pump.ts";
import { acceptConversation } from "./receipts.ts";
import type { Contact } from "./records.ts";
import { removePeer } from "./sessions.ts";
import type { LocalStore } from "./store.ts";
import {
  addLine,
  getContact,
  getConversation,
  nameOf,
  putConversation,
  verificationOf,
  viewConversation,
} from "./timeline.ts";
import {
  type Blocked,
  done,
  type Found,
  type Me,
  type Outcome,
  type PeopleEngine,
  type PersonConversation,
  refused,
  type Verification,
} from "./types.ts";

export interface PeopleOptions {
  readonly me: Me;
  readonly own: DeviceKeys;
  readonly store: LocalStore;
  readonly writer: Writer;
  readonly api: DeviceApi;
  readonly outbox: Outbox;
  readonly pump: Pick<Pump, "wake">;
  readonly now: () => number;
}

export class People implements PeopleEngine {
  readonly #o: PeopleOptions;

  constructor(options: PeopleOptions) {
    this.#o = options;
  }

  async accept(account: AccountId): Promise<Outcome<PersonConversation>> {
    const { writer, outbox, now } = this.#o;
    return await withPerson(writer, account, async (change, contact, record) => {
      if (contact.blocked) return refused("blocked", blockedWords(contact));
      if (record.accepted) return done(viewConversation(record, contact));
      await acceptConversation(change, outbox, account, now());
      const next = await this.#decide(change, contact, {});
      return done(viewConversation((await getConversation(change, account))!, next));
    });
  }

  async block(account: AccountId): Promise<Outcome<null>> {
    return await this.#setBlocked(account, true);
  }

  async unblock(account: AccountId): Promise<Outcome<null>> {
    return await this.#setBlocked(account, false);
  }

  /** By username. */
  async blocked(): Promise<Blocked[]> {
    const contacts = await this.#o.store.list<Contact>("accounts").catch((error) => {
      throw new StoreFailed(error);
    });
    return contacts.map(({ value }) => value).filter(({ blocked }) => blocked)
      .map(({ account, username, fullName }) => ({ account, username, fullName }))
      .sort((a, b) => a.username < b.username ? -1 : 1);
  }

  async find(words: string): Promise<Outcome<Found[]>> {
    const wanted = words.trim().toWellFormed();
    if (utf8(wanted).length > MAX_FIND_BYTES) return done([]);
    const body = encode(directoryRequest, { words: wanted });
    const answer = await this.#o.api.ask("/api/directory", body, directoryAnswer);
    if (answer.ok) return done([...answer.value.people]);
    if (answer.status === 0) return refused("offline", "The server cannot be reached.");
    const wait = answer.retryAfter ?? undefined;
    return refused(answer.status === 429 ? "rate-limited" : "internal", answer.words, wait);
  }

  async safetyNumber(
    account: AccountId,
  ): Promise<Outcome<{ readonly number: string; readonly state: Verification }>> {
    const { writer } = this.#o;
    const contact = await writer.change((change) => getContact(change, account));
    if (!contact) return unknownConversation();
    const number = await this.#numberOf(account, contact.changed ?? contact.list);
    return done({ number, state: verificationOf(contact) });
  }

  async setVerified(account: AccountId, verified: boolean): Promise<Outcome<PersonConversation>> {
    return await withPerson(this.#o.writer, account, async (change, contact, record) => {
      if (contact.changed) return keyChanged(contact);
      const next = await this.#decide(change, contact, { verified });
      await putConversation(change, record);
      return done(viewConversation(record, next));
    });
  }

  async acceptChange(account: AccountId, number: string): Promise<Outcome<PersonConversation>> {
    return await withPerson(this.#o.writer, account, async (change, contact, record) => {
      if (!contact.changed) return done(viewConversation(record, contact));
      const shown = number.replace(/\D/g, "");
      if (shown !== await this.#numberOf(account, contact.changed)) return changedAgain(contact);
      const next = await this.#takeNewKey(change, contact, contact.changed);
      await putConversation(change, record);
      return done(viewConversation(record, next));
    });
  }

  #numberOf(account: AccountId, { aik }: Pick<DeviceList, "aik">): Promise<string> {
    const { own } = this.#o;
    return safetyNumber({ account: own.account, aik: own.aik }, { account, aik });
  }

  async #setBlocked(account: AccountId, blocked: boolean): Promise<Outcome<null>> {
    const { me, writer } = this.#o;
    if (account === me.account) return refused("yourself", "That is you.");
    return await withContact(writer, account, async (change, contact) => {
      if ((contact.blocked ?? false) === blocked) return done(null);
      await this.#decide(change, contact, { blocked });
      const record = await getConversation(change, account);
      if (record) await putConversation(change, record);
      return done(null);
    });
  }

  async #decide(
    change: Change,
    contact: Contact,
    decision: Partial<Pick<Contact, "verified" | "blocked">>,
  ): Promise<Contact> {
    change.after.push(() => this.#o.pump.wake());
    return await keepDecision(change, this.#o, contact, decision);
  }

  async #takeNewKey(change: Change, contact: Contact, changed: DeviceList): Promise<Contact> {
    const { now, me: { device }, pump } = this.#o;
    const { account, list } = contact;
    const next: Contact = {
      ...contact,
      ...{ list: changed, required: changed.version, verified: false },
      ...{ decided: now(), changed: null, warned: null },
    };
    change.set("accounts", account, next);
    markPerson(change, account);
    for (const { device } of list.devices) await removePeer(change, account, device);
    const text = `You accepted ${nameOf(contact)}'s new key. Compare the safety number again.`;
    const words = { conversation: account, text, time: now() };
    await addLine(change, "key-accepted", words, { account, device });
    change.after.push(() => pump.wake());
    return next;
  }
}

function changedAgain(contact: Contact): Outcome<never> {
  const words = `${nameOf(contact)}'s key has changed once more. Compare the number again.`;
  return refused("changed-key", words);
}
