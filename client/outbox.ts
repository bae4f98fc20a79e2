/**
 * What waits to be sent. A message is encrypted once: the stepped sessions, the envelopes and the
 * message go to disk in one transaction, and from then on the same bytes are sent until the server
 * has them. A stale device list adds envelopes or takes some away; it never encrypts one again.
 */
import type { DeviceKeys } from "../crypto/account.ts";
import { KeyError } from "../crypto/errors.ts";
import { encryptMessage, openSession, type SessionState } from "../crypto/session.ts";
import { dayOf, type FetchedBundle, findDevice, verifyFetched } from "../protocol/bundle.ts";
import type { Bytes } from "../protocol/encoding.ts";
import { FormatError, VerifyError } from "../protocol/errors.ts";
import type { Addressed, Destination } from "../protocol/frame.ts";
import { type AccountId, type DeviceId, type MessageId, risingId } from "../protocol/ids.ts";
import type { RoomId } from "../protocol/ids.ts";
import { MAX_SESSIONS_PER_DEVICE } from "../protocol/limits.ts";
import { type Content, type ContentBody, contextOf, encodeContent } from "./content.ts";
import type { Change } from "./change.ts";
import { type Contact, keys, type OutboxRecord } from "./records.ts";
import { activeSession, peerDevice, putSent, putSession } from "./sessions.ts";
import { findMessage, getContact, nameOf, setState } from "./timeline.ts";
import type { ConversationId, Message } from "./types.ts";

/** What must come from the server before a message can be encrypted. */
export interface Needs {
  /** Accounts whose device list must be fetched. */
  readonly lists: readonly AccountId[];
  /** Devices to which no session exists. */
  readonly bundles: readonly {
    readonly account: AccountId;
    readonly devices: readonly DeviceId[];
  }[];
}

/** `waits`: nothing can be done for now, in words. `again`: what must go first was queued before it. */
export type Sealing =
  | { readonly kind: "again" }
  | { readonly kind: "sealed"; readonly row: OutboxRecord }
  | { readonly kind: "needs"; readonly needs: Needs }
  | { readonly kind: "waits"; readonly words: string }
  | { readonly kind: "parked" };

export interface Staged {
  readonly id: MessageId;
  readonly conversation: ConversationId;
  readonly body: ContentBody;
  readonly time: number;
  readonly copy: boolean;
  readonly only?: readonly DeviceId[];
  readonly room?: RoomId;
  /** The order key of a queued row that this one goes in front of. */
  readonly before?: string | null;
}

/** Encrypts a room's message: rooms have their own keys. */
export type SealRoom = (change: Change, row: OutboxRecord) => Promise<Sealing>;

/** How long a device counts as out of reach before its bundle is asked for again. Milliseconds. */
const UNREACHABLE_FOR = 10 * 60_000;
/** Stands for an envelope to a device that cannot be reached: present in the set, nothing to queue. */
const SKIPPED: Bytes = new Uint8Array(0);

export class Outbox {
  readonly #own: DeviceKeys;
  readonly #now: () => number;
  /** Devices without a usable bundle, and until when nobody asks again. */
  readonly #unreachable = new Map<DeviceId, number>();
  /** Set once, by whoever puts the device together. */
  sealRoom: SealRoom = (change, row) => this.park(change, row, "There are no rooms here.");

  constructor(own: DeviceKeys, now: () => number) {
    this.#own = own;
    this.#now = now;
  }

  /** Puts a content at the end of the queue, not yet encrypted. */
  async stage(change: Change, { before = null, ...staged }: Staged): Promise<OutboxRecord> {
    const own = await change.nextOrder();
    const order = before === null ? own : orderBefore(before, own);
    const row: OutboxRecord = { ...staged, order, sealed: null };
    change.set("outbox", keys.waiting(order), row);
    return row;
  }

  /**
   * Encrypts a queued content for every device that has no envelope yet, and drops envelopes for
   * devices that are gone. Does nothing at all unless everything needed is there.
   */
  async seal(change: Change, row: OutboxRecord): Promise<Sealing> {
    if (row.room !== undefined) return await this.sealRoom(change, row);
    const peer = await getContact(change, row.conversation);
    const own = await getContact(change, this.#own.account);
    if (!peer || !own) return await this.park(change, row, "This person is not known here.");
    if (peer.changed) return await this.park(change, row, keyChangedWords(peer));
    const contacts = row.copy ? [peer, own] : [peer];
    const needs = await this.#needs(change, row, contacts);
    if (needs) return { kind: "needs", needs };
    const meant = this.#wanted(peer).filter((device) => isMeant(row, device));
    if (row.only && meant.length === 0) return await this.park(change, row, "");
    if (meant.every((device) => this.#isUnreachable(device))) {
      return { kind: "waits", words: dormantWords(peer) };
    }
    const encoded = encodeContent(this.#contentOf(row, own, peer));
    const destinations: Destination[] = [];
    for (const contact of contacts) {
      destinations.push(await this.#destination(change, row, contact, encoded));
    }
    const sealed = { ...row, sealed: { submit: risingId<"submit">(this.#now()), destinations } };
    change.set("outbox", keys.waiting(row.order), sealed);
    return { kind: "sealed", row: sealed };
  }

  /** Begins sessions from fetched bundles. Returns the devices whose bundle must not be used. */
  async open(
    change: Change,
    account: AccountId,
    bundles: readonly FetchedBundle[],
  ): Promise<{ readonly device: DeviceId; readonly code: string }[]> {
    const contact = await getContact(change, account);
    const own = await getContact(change, this.#own.account);
    if (!contact || !own) return [];
    const failed: { device: DeviceId; code: string }[] = [];
    for (const fetched of bundles) {
      const { device } = fetched;
      if (!findDevice(contact.list, device)) continue;
      try {
        const bundle = await verifyFetched(contact.list, fetched, dayOf(this.#now()));
        const supersedes = await this.#superseded(change, account, device);
        const state = await openSession(this.#own, own.list, bundle, supersedes, this.#now());
        await putSession(change, state, this.#now());
        this.#unreachable.delete(device);
      } catch (error) {
        failed.push({ device, code: verdict(error) });
      }
    }
    return failed;
  }

  /** Nobody asks for this device's bundle again for a while; messages go to the others. */
  setUnreachable(device: DeviceId): void {
    this.#unreachable.set(device, this.#now() + UNREACHABLE_FOR);
  }

  /** The server has it. */
  async accepted(change: Change, order: string): Promise<void> {
    const row = await change.get<OutboxRecord>("outbox", keys.waiting(order));
    if (!row) return;
    change.remove("outbox", keys.waiting(order));
    const message = await this.#messageOf(change, row);
    if (message) setState(change, message, "sent");
  }

  /** Sets a message aside with words; the person may try again. Receipts are simply dropped. */
  async park(change: Change, row: OutboxRecord, reason: string): Promise<{ kind: "parked" }> {
    const message = await this.#messageOf(change, row);
    change.remove("outbox", keys.waiting(row.order));
    if (message) {
      change.set("outbox", keys.parked(row.id), row);
      setState(change, message, "not sent", { reason });
    }
    return { kind: "parked" };
  }

  /** Puts a parked message back where it was in the queue; null when it is not parked. */
  async unpark(change: Change, message: Message): Promise<OutboxRecord | null> {
    const row = await change.get<OutboxRecord>("outbox", keys.parked(message.id));
    if (!row) return null;
    change.remove("outbox", keys.parked(message.id));
    change.set("outbox", keys.waiting(row.order), row);
    setState(change, message, "sending");
    return row;
  }

  /** Says in the bubble what a message waits for. */
  async explain(change: Change, row: OutboxRecord, reason: string): Promise<void> {
    const message = await this.#messageOf(change, row);
    if (message?.state === "sending") setState(change, message, "sending", { reason });
  }

  #messageOf(change: Change, row: OutboxRecord) {
    if (row.body.kind !== "text") return Promise.resolve(undefined);
    return findMessage(change, this.#own.account, row.id);
  }

  async #needs(
    change: Change,
    row: OutboxRecord,
    contacts: readonly Contact[],
  ): Promise<Needs | null> {
    const lists = contacts.filter(({ list, required }) => list.version < required)
      .map(({ account }) => account);
    const bundles = [];
    for (const contact of contacts) {
      const devices: DeviceId[] = [];
      for (const device of this.#wanted(contact).filter((one) => isMeant(row, one))) {
        if (envelopeFor(row, contact.account, device) || this.#isUnreachable(device)) continue;
        if (!await activeSession(change, contact.account, device)) devices.push(device);
      }
      if (devices.length > 0) bundles.push({ account: contact.account, devices });
    }
    return lists.length + bundles.length > 0 ? { lists, bundles } : null;
  }

  async #destination(
    change: Change,
    row: OutboxRecord,
    contact: Contact,
    encoded: Bytes,
  ): Promise<Destination> {
    const { account, list } = contact;
    const envelopes: Addressed[] = [];
    for (const device of this.#wanted(contact)) {
      const kept = envelopeFor(row, account, device);
      const skipped = kept !== null || !isMeant(row, device);
      const session = skipped ? null : await activeSession(change, account, device);
      const envelope = kept ??
        (session ? await encrypt(change, session, encoded, row.body) : SKIPPED);
      envelopes.push({ device, envelope });
    }
    return { account, listVersion: list.version, envelopes };
  }

  #contentOf(row: OutboxRecord, own: Contact, peer: Contact): Content {
    const { id, conversation, time, body } = row;
    return { id, to: conversation, time, own: headOf(own), peer: headOf(peer), body };
  }

  /** Every listed device but this one. */
  #wanted({ list }: Contact): DeviceId[] {
    return list.devices.map(({ device }) => device)
      .filter((device) => device !== this.#own.device);
  }

  #isUnreachable(device: DeviceId): boolean {
    const until = this.#unreachable.get(device);
    return until !== undefined && until > this.#now();
  }

  /** What a new session takes the place of: all we have with the device, and unknown ones it uses. */
  async #superseded(change: Change, account: AccountId, device: DeviceId) {
    const peer = await peerDevice(change, account, device);
    const ids = [...peer.healing.unknown, ...peer.sessions.map(({ id }) => id)];
    return ids.slice(0, MAX_SESSIONS_PER_DEVICE);
  }
}

async function encrypt(
  change: Change,
  session: SessionState,
  encoded: Bytes,
  body: ContentBody,
): Promise<Bytes> {
  const { state, envelope } = await encryptMessage(session, encoded, contextOf(body.kind));
  putSent(change, state);
  return envelope;
}

/** An envelope made before; one that was skipped may be made now. */
function envelopeFor(row: OutboxRecord, account: AccountId, device: DeviceId): Uint8Array | null {
  const made = row.sealed?.destinations.find((one) => one.account === account)
    ?.envelopes.find((one) => one.device === device)?.envelope;
  return made && made.length > 0 ? made : null;
}

function isMeant({ only }: OutboxRecord, device: DeviceId): boolean {
  return only === undefined || only.includes(device);
}

/** Above every key up to the one before `order`, below `order` itself. */
function orderBefore(order: string, own: string): string {
  const whole = order.split("~")[0]!;
  return `${String(Number(whole) - 1).padStart(whole.length, "0")}~${own}`;
}

function headOf({ list }: Contact) {
  return { version: list.version, hash: list.hash };
}

function verdict(error: unknown): string {
  if (error instanceof VerifyError) return error.code;
  // Keys of small order, malformed structures: nothing that an honest server hands out.
  if (error instanceof FormatError || error instanceof KeyError) {
    return "malformed";
  }
  throw error;
}

function keyChangedWords(peer: Contact): string {
  return `${nameOf(peer)}'s key has changed. Look at it and accept it, then send again.`;
}

function dormantWords(peer: Contact): string {
  return `${nameOf(peer)} has not been here for over 30 days. It is sent when they come back.`;
}
