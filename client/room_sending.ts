/**
 * Room messages on their way out: sender keys to whom they are missing, then one envelope for all. A key is on
 * record as given in the transaction that queues it, so whoever might have it counts as having it.
 */
import type { DeviceKeys } from "../crypto/account.ts";
import type { KeyMode } from "../crypto/private_key.ts";
import { encryptForRoom } from "../crypto/room_cipher.ts";
import {
  giveSenderKey,
  makeSenderKey,
  missingRecipients,
  type OwnSenderKey,
  renewReason,
  type SenderKeyRequest,
  usedUp,
} from "../crypto/sender_key.ts";
import { type AccountId, type DeviceId, randomId, risingId, type RoomId } from "../protocol/ids.ts";
import { isPinBehind, type Role, type RoomDevice } from "../protocol/room.ts";
import { type Change, StoreFailed } from "./change.ts";
import type { ContentBody } from "./content.ts";
import type { Outbox, Sealing } from "./outbox.ts";
import { type Contact, keys, type OutboxRecord } from "./records.ts";
import { encodeRoomContent } from "./room_content.ts";
import { getOwnChain, getOwnKey, getRoom, isAccepted, putOwnChain } from "./room_records.ts";
import { putOwnKey, type RoomRecord } from "./room_records.ts";
import { membersKnown, recipientsOf } from "./room_views.ts";
import { STOPPED } from "./room_words.ts";
import type { LocalStore } from "./store.ts";

export interface RoomSendingOptions {
  readonly own: DeviceKeys;
  readonly mode: KeyMode;
  readonly outbox: Outbox;
  readonly now: () => number;
  readonly store: LocalStore;
  /** Another number whenever anything that is known of people may be another. */
  readonly peopleVersion: () => number;
  /** A message of this room is on its way: the request is to be answered once the server has decided on it. */
  readonly later: (from: Asking, request: SenderKeyRequest) => void;
  /** A member's devices are not those that the log pins: somebody should say so in the log. */
  readonly pinBehind: (room: RoomId, account: AccountId) => void;
  /** Whether an account was looked up lately and this version of its list not found: messages do not wait for it. */
  readonly isMissing: (account: AccountId, version: number) => boolean;
}

/** What was looked at when all was well: the room, this device's key, and what was known of people. */
interface Ready {
  readonly record: RoomRecord;
  readonly key: OwnSenderKey["id"];
  readonly people: number;
}

export interface Asking {
  readonly account: AccountId;
  readonly device: DeviceId;
}

/** A device is told its key again at most this often. Milliseconds. */
const ANSWER_EVERY = 60_000;
/** Members asked for a code at a time. */
const MOST_ASKED = 3;
const ASKED_IN_ORDER: readonly Role[] = ["owner", "moderator", "member"];

export class RoomSending {
  readonly #o: RoomSendingOptions;
  /** Rooms where nobody lacks the key and nobody has it who should not, as long as nothing changes. */
  readonly #ready = new Map<RoomId, Ready>();
  /** When a device was last told what it asked for: a key, by device; a code, by room and device. */
  readonly #told = new Map<string, number>();

  constructor(options: RoomSendingOptions) {
    this.#o = options;
  }

  /** Encrypts a queued message; before it, in a pass of its own, queues the keys that it needs. */
  async seal(change: Change, row: OutboxRecord): Promise<Sealing> {
    const { own: me, outbox } = this.#o;
    const record = await getRoom(change, row.room!);
    if (!record || record.stopped) return await outbox.park(change, row, stoppedWords(record));
    const chain = await getOwnChain(change, record.id);
    if (chain && this.#isReady(record, chain)) {
      return await this.#encrypt(change, row, record, chain);
    }
    const known = await membersKnown(change, record.state);
    const unknown = unknownIn(record, known);
    const lists = unknown.filter(({ account, version }) => !this.#o.isMissing(account, version))
      .map(({ account }) => account);
    if (lists.length > 0) return { kind: "needs", needs: { lists, bundles: [] } };
    const ahead = [...known].filter(([, { list }]) => isPinBehind(record.state, list));
    for (const [account] of ahead) {
      change.after.push(() => this.#o.pinBehind(record.id, account));
    }
    // Whoever is not known as the log names them is looked for again with the next message.
    const isSettled = unknown.length + ahead.length === 0;
    return await this.#sealFor(change, row, record, {
      recipients: recipientsOf(record, me.device, known),
      isSettled,
    });
  }

  async #sealFor(
    change: Change,
    row: OutboxRecord,
    record: RoomRecord,
    { recipients, isSettled }: {
      readonly recipients: readonly RoomDevice[];
      readonly isSettled: boolean;
    },
  ): Promise<Sealing> {
    const { mode, now, peopleVersion } = this.#o;
    const kept = await getOwnKey(change, record.id) ?? null;
    const renew = renewReason(kept, recipients, now());
    const own = renew === null ? kept! : await makeSenderKey(record.id, mode, now());
    const missing = missingRecipients(own, recipients);
    if (renew === null && missing.length === 0) {
      if (isSettled) this.#ready.set(record.id, { record, key: own.id, people: peopleVersion() });
      return await this.#encrypt(change, row, record, own);
    }
    await this.#give(change, record, own, missing, row.order);
    return missing.length > 0 ? { kind: "again" } : await this.#encrypt(change, row, record, own);
  }

  /** The server did not take it, the log has gone on: it is encrypted anew, under the same number. */
  async unseal(change: Change, row: OutboxRecord): Promise<void> {
    const before = row.sealed?.before;
    const own = await getOwnChain(change, row.room!);
    // Nobody was given that envelope, and under the fresh salt key and IV are others.
    if (before && own?.id === before.id && own.next === before.next + 1) {
      const { chainKey, next } = before;
      putOwnChain(change, { ...own, chainKey, next });
    }
    change.set("outbox", keys.waiting(row.order), { ...row, sealed: null });
  }

  /** A device that lacks the key asks for it. Answered when it is a recipient, with the key as it stands. */
  async answer(
    change: Change,
    from: Asking,
    request: SenderKeyRequest,
  ): Promise<void> {
    const record = await getRoom(change, request.room);
    const own = await getOwnKey(change, request.room);
    if (!record || record.stopped || own?.id !== request.key) return;
    if (!await isAccepted(change, request.room)) return;
    const to = await this.#find(change, record, from);
    if (!to || this.#isTold(from.device)) return;
    // A message that is refused goes back on the chain: whoever got the key behind it could not read it.
    if (await this.#isUnderway(request.room)) {
      return void change.after.push(() => this.#o.later(from, request));
    }
    this.#told.set(from.device, this.#o.now());
    await this.#give(change, record, own, [to], null);
  }

  /** A device in the room does not know its code. Answered when it is a recipient. */
  async answerCode(change: Change, from: Asking, room: RoomId): Promise<void> {
    const record = await getRoom(change, room);
    if (!record || record.stopped || record.code === null) return;
    if (!await isAccepted(change, room)) return;
    const to = await this.#find(change, record, from);
    const name = `${room} ${from.device}`;
    if (!to || this.#isTold(name)) return;
    this.#told.set(name, this.#o.now());
    const { code, state: { code: { epoch } } } = record;
    await this.tell(change, to.account, [to.device], { kind: "room-code", room, epoch, code });
  }

  /** Asks a few who should know it for a room's code: owners and moderators first. */
  async askForCode(change: Change, record: RoomRecord): Promise<void> {
    const devices = byAccount(await this.recipients(change, record));
    const asked = record.state.members.filter(({ account }) => devices.has(account))
      .toSorted((a, b) => ASKED_IN_ORDER.indexOf(a.role) - ASKED_IN_ORDER.indexOf(b.role))
      .slice(0, MOST_ASKED);
    for (const { account } of asked) {
      const body = { kind: "room-code-request", room: record.id } as const;
      await this.tell(change, account, devices.get(account)!, body);
    }
  }

  /** Queues a control content for some devices of one account. */
  async tell(
    change: Change,
    account: AccountId,
    only: readonly DeviceId[],
    body: ContentBody,
    before: string | null = null,
  ): Promise<void> {
    const staged = { id: randomId<"message">(), conversation: account, body, only };
    await this.#o.outbox.stage(change, { ...staged, time: this.#o.now(), copy: false, before });
  }

  /** Tells the room's code to everybody in it, or to the devices of one account. */
  async tellCode(
    change: Change,
    record: RoomRecord,
    to: AccountId | "everybody",
  ): Promise<void> {
    if (record.code === null) return;
    const { id: room, code, state: { code: { epoch } } } = record;
    await this.tellEverybody(change, record, { kind: "room-code", room, epoch, code }, to);
  }

  /** Queues a control content for everybody in a room, or for the devices of one account in it. */
  async tellEverybody(
    change: Change,
    record: RoomRecord,
    body: ContentBody,
    to: AccountId | "everybody" = "everybody",
  ): Promise<void> {
    const all = await this.recipients(change, record);
    const meant = to === "everybody" ? all : all.filter(({ account }) => account === to);
    for (const [account, devices] of byAccount(meant)) {
      await this.tell(change, account, devices, body);
    }
  }

  #isTold(name: string): boolean {
    return this.#o.now() - (this.#told.get(name) ?? -Infinity) < ANSWER_EVERY;
  }

  /** The devices of a room that something may go to now. */
  async recipients(change: Change, record: RoomRecord): Promise<RoomDevice[]> {
    return recipientsOf(record, this.#o.own.device, await membersKnown(change, record.state));
  }

  async #find(change: Change, record: RoomRecord, from: Asking): Promise<RoomDevice | undefined> {
    const all = await this.recipients(change, record);
    return all.find(({ account, device }) => account === from.account && device === from.device);
  }

  /**
   * Whether all is as it was at the last message: then what a message costs does not grow with the room. The record
   * is the very same object as long as it is the same row.
   */
  #isReady(record: RoomRecord, own: OwnSenderKey): boolean {
    const ready = this.#ready.get(record.id);
    if (ready?.record !== record || ready.key !== own.id) return false;
    return ready.people === this.#o.peopleVersion() && usedUp(own, this.#o.now()) === null;
  }

  async #isUnderway(room: RoomId): Promise<boolean> {
    const waiting = { prefix: keys.waiting("") };
    const rows = await this.#o.store.list<OutboxRecord>("outbox", waiting).catch((error) => {
      throw new StoreFailed(error);
    });
    return rows.some(({ value }) => value.room === room && value.sealed !== null);
  }

  async #encrypt(
    change: Change,
    row: OutboxRecord,
    record: RoomRecord,
    own: OwnSenderKey,
  ): Promise<Sealing> {
    const { id, time, body } = row;
    if (body.kind !== "text") return await this.#o.outbox.park(change, row, "");
    const content = encodeRoomContent({ id, time, body });
    const sent = await encryptForRoom(own, record.state, this.#o.own, content);
    putOwnChain(change, sent.own);
    const { id: key, next, chainKey } = own;
    const before = { id: key, next, chainKey };
    const submit = risingId<"submit">(this.#o.now());
    const sealed = { submit, destinations: [], envelope: sent.envelope, before };
    const done: OutboxRecord = { ...row, sealed };
    change.set("outbox", keys.waiting(row.order), done);
    return { kind: "sealed", row: done };
  }

  async #give(
    change: Change,
    record: RoomRecord,
    key: OwnSenderKey,
    devices: readonly RoomDevice[],
    before: string | null,
  ): Promise<void> {
    const { own, message } = giveSenderKey(key, record.state, devices);
    putOwnKey(change, own);
    for (const [account, only] of byAccount(devices)) {
      await this.tell(change, account, only, { kind: "sender-key", ...message }, before);
    }
  }
}

/** Members of whom the log names a list that is not known here yet, and its version. */
function unknownIn(
  { state, removed }: RoomRecord,
  known: ReadonlyMap<AccountId, Contact>,
): { readonly account: AccountId; readonly version: number }[] {
  return state.members.filter(({ account, role, pin }) => {
    const version = known.get(account)?.list.version ?? 0;
    return role !== "waiting" && !removed.includes(account) && version < pin.version;
  }).map(({ account, pin: { version } }) => ({ account, version }));
}

/** The devices of each account. */
export function byAccount(devices: readonly RoomDevice[]): Map<AccountId, DeviceId[]> {
  const grouped = new Map<AccountId, DeviceId[]>();
  for (const { account, device } of devices) {
    grouped.set(account, [...grouped.get(account) ?? [], device]);
  }
  return grouped;
}

function stoppedWords(record: RoomRecord | undefined): string {
  return STOPPED[record?.stopped ?? "left"].words;
}
