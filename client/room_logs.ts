/** The logs of this device's rooms: fetched, verified, and what follows from a new entry. */
import type { DeviceKeys } from "../crypto/account.ts";
import { DecryptError } from "../crypto/errors.ts";
import { deriveRoomKeys, openDetails, type RoomCodeMessage } from "../crypto/room_code.ts";
import { type ProvenList } from "../crypto/room_log.ts";
import { verifyDeviceList } from "../protocol/bundle.ts";
import { type Bytes, equalBytes } from "../protocol/encoding.ts";
import { FormatError, VerifyError } from "../protocol/errors.ts";
import type { AccountId, DeviceId, RoomId } from "../protocol/ids.ts";
import { countUndoubted, extendRoom, findMember, isCurrentCode } from "../protocol/room.ts";
import { findSpeaker, readRoomBody, type RoomEntry, type RoomState } from "../protocol/room.ts";
import type { Change, Writer } from "./change.ts";
import type { DeviceApi } from "./device_login.ts";
import { type Contact, keys, type OutboxRecord } from "./records.ts";
import {
  conversationOf,
  dropPeerKeys,
  getRoom,
  putRoom,
  roomKeys,
  type RoomRecord,
} from "./room_records.ts";
import type { LocalStore } from "./store.ts";
import type { Supply } from "./supplies.ts";
import { getContact } from "./timeline.ts";
import type { ApiResult } from "./transport.ts";

export interface RoomLogsOptions {
  readonly own: DeviceKeys;
  readonly store: LocalStore;
  readonly writer: Writer;
  readonly api: DeviceApi;
  /** The room has changed: what was held for it is looked at again, after the change. */
  readonly grown: (room: RoomId) => void;
  /** The log pins other devices of this account than before; called after the change. */
  readonly ownPinned: (room: RoomId) => void;
}

/** "meta": the server's id, 16 bytes, as it was at first sight. */
const SERVER_ID = "server-id";
/** Answers of one log that are asked for in a row. */
const MOST_PAGES = 1_000;
const TROUBLE_WAIT = 10;

export class RoomLogs {
  readonly #o: RoomLogsOptions;
  readonly #running = new Map<RoomId, Promise<Supply>>();

  constructor(options: RoomLogsOptions) {
    this.#o = options;
  }

  /** The server's id; null, with a warning, when it is not the one this device has seen. */
  async serverId(): Promise<{ readonly id: Bytes | null } | (ApiResult<unknown> & { ok: false })> {
    const answer = await this.#o.api.rooms(null);
    if (!answer.ok) return answer;
    const { server } = answer.value;
    return await this.#o.writer.change(async (change) => {
      const pinned = await change.get<Bytes>("meta", SERVER_ID);
      if (pinned === undefined) change.set("meta", SERVER_ID, server);
      if (pinned === undefined || equalBytes(pinned, server)) return { id: server };
      change.tell({ kind: "warning", what: "server-id-changed", words: SERVER_ID_WORDS });
      return { id: null };
    });
  }

  /** Brings a room up to date. Those who ask at the same time share one answer. */
  catchUp(room: RoomId): Promise<Supply> {
    const running = this.#running.get(room);
    if (running) return running;
    const fetching = this.#fetch(room).finally(() => this.#running.delete(room));
    this.#running.set(room, fetching);
    return fetching;
  }

  /** Takes entries that follow; false when they are not to be believed, which has been told. */
  async take(change: Change, room: RoomId, entries: readonly RoomEntry[]): Promise<boolean> {
    const record = await getRoom(change, room);
    if (!record || record.stopped === "fork") return false;
    try {
      const certain = await this.#undoubted(change, record.state, entries);
      const state = await extendRoom(record.state, certain);
      if (state.seq > record.state.seq) await this.#become(change, record, state);
      return true;
    } catch (error) {
      if (!(error instanceof VerifyError || error instanceof FormatError)) throw error;
      await this.#disbelieve(change, record, error);
      return false;
    }
  }

  /** Stops a room whose log the server, or a member, shows in two versions. */
  async fork(change: Change, record: RoomRecord): Promise<void> {
    if (record.stopped === "fork") return;
    await putRoom(change, this.#o.own.account, { ...record, stopped: "fork" });
    this.#warn(change, record.id, "room-fork", FORK_WORDS);
  }

  /** Takes a code that a member told: at once when it is the current one, else when the log gets there. */
  async takeCode(change: Change, message: RoomCodeMessage): Promise<void> {
    const record = await getRoom(change, message.room);
    // Another device of this account has come in: the log follows.
    if (!record) return change.set("sessions", roomKeys.code(message.room), message);
    if (message.epoch < record.state.code.epoch) return;
    if (message.epoch === record.state.code.epoch && record.code !== null) return;
    await putRoom(change, this.#o.own.account, await this.#withCode(change, record, message));
  }

  /** An account's list with its proof, as entries carry it; null when the server gives none we believe. */
  async prove(account: AccountId): Promise<ProvenList | null> {
    const answer = await this.#o.api.account(account);
    const contact = await this.#o.writer.change((change) => getContact(change, account));
    if (!answer.ok || !contact) return null;
    try {
      const list = await verifyDeviceList(account, answer.value.entries, contact.list);
      return { list, entries: answer.value.entries };
    } catch (error) {
      if (error instanceof VerifyError || error instanceof FormatError) return null;
      throw error;
    }
  }

  async #fetch(room: RoomId): Promise<Supply> {
    for (let page = 0; page < MOST_PAGES; page++) {
      const record = await this.#o.writer.change((change) => getRoom(change, room));
      if (!record) return { kind: "refused", words: NO_ROOM };
      const answer = await this.#o.api.roomLog(room, record.state.seq);
      if (!answer.ok) return supplyOf(answer);
      const { entries, seq } = answer.value;
      const good = await this.#o.writer.change((change) => this.take(change, room, entries));
      if (!good) return { kind: "refused", words: FORK_WORDS };
      if (entries.length === 0 || (record.state.seq + entries.length) >= seq) break;
    }
    return { kind: "done" };
  }

  /** Entries by a device that its account has since revoked wait for somebody to sign on top of them. */
  async #undoubted(
    change: Change,
    state: RoomState,
    entries: readonly RoomEntry[],
  ): Promise<readonly RoomEntry[]> {
    const contacts = new Map<AccountId, Contact>();
    for (const entry of entries) {
      const { account } = readRoomBody(entry);
      const contact = await getContact(change, account);
      if (contact) contacts.set(account, contact);
    }
    const isListed = (account: AccountId, device: DeviceId) => {
      const contact = contacts.get(account);
      const pinned = findSpeaker(state, account, device) !== null;
      // Only a device that was pinned and is gone from a newer list is in doubt.
      if (!contact || !pinned) return true;
      return contact.list.devices.some((one) => one.device === device);
    };
    return entries.slice(0, countUndoubted(state, entries, isListed));
  }

  async #become(change: Change, before: RoomRecord, state: RoomState): Promise<void> {
    const { own, store } = this.#o;
    const gone = before.state.members.filter(({ account }) => !findMember(state, account));
    for (const { account } of gone) {
      await dropPeerKeys(change, store, state.id, account);
      await this.#dropStaged(change, state.id, account);
    }
    const present = findMember(state, own.account) !== null;
    const stopped = present ? state.ended ? "ended" : null : "left";
    const removed = before.removed.filter((account) => findMember(state, account));
    const moved: RoomRecord = { ...before, state, removed, stopped };
    if (stopped !== null) change.remove("sessions", roomKeys.own(state.id));
    await putRoom(change, own.account, await this.#recoded(change, before, moved));
    const [pinned, now] = [before.state, state].map((one) => findMember(one, own.account)?.pin);
    const repinned = now !== undefined && now.version !== pinned?.version;
    change.after.push(() => this.#o.grown(state.id));
    if (repinned) change.after.push(() => this.#o.ownPinned(state.id));
  }

  /** After an entry: the details anew, or a new code's. */
  async #recoded(change: Change, before: RoomRecord, record: RoomRecord): Promise<RoomRecord> {
    const { state, metadata, nextCode } = record;
    if (state.code.epoch !== before.state.code.epoch) {
      const without = { ...record, code: null, metadata: null };
      return nextCode?.epoch === state.code.epoch
        ? await this.#withCode(change, without, nextCode)
        : without;
    }
    if (metadata === null || equalBytes(state.code.details, before.state.code.details)) {
      return record;
    }
    return { ...record, details: await readDetails(record, metadata) };
  }

  async #withCode(
    change: Change,
    record: RoomRecord,
    message: RoomCodeMessage,
  ): Promise<RoomRecord> {
    if (message.epoch > record.state.code.epoch) return { ...record, nextCode: message };
    const server = await change.get<Bytes>("meta", SERVER_ID);
    if (server === undefined) return { ...record, nextCode: message };
    const derived = await deriveRoomKeys(message.code, server, "sealed");
    const code = { lookup: derived.lookup, joinKey: derived.join.public };
    // A member may tell anything: only the code that the log calls for is taken.
    if (!isCurrentCode(record.state, code)) return { ...record, nextCode: null };
    const { metadata } = derived;
    const details = await readDetails(record, metadata);
    return { ...record, code: message.code, metadata, details, nextCode: null };
  }

  /** Keys on their way to somebody who is gone are not sent. */
  async #dropStaged(change: Change, room: RoomId, account: AccountId): Promise<void> {
    const rows = await this.#o.store.list<OutboxRecord>("outbox", { prefix: keys.waiting("") });
    for (const { key, value: { conversation, body } } of rows) {
      const about = body.kind === "sender-key" || body.kind === "room-code";
      if (about && body.room === room && conversation === account) change.remove("outbox", key);
    }
  }

  async #disbelieve(
    change: Change,
    record: RoomRecord,
    error: VerifyError | FormatError,
  ): Promise<void> {
    const code = error instanceof VerifyError ? error.code : "malformed";
    if (code === "fork" || code === "rollback") return await this.fork(change, record);
    this.#warn(change, record.id, "room-log", BAD_LOG_WORDS);
  }

  #warn(change: Change, room: RoomId, what: "room-fork" | "room-log", words: string): void {
    change.tell({ kind: "warning", what, words, conversation: conversationOf(room) });
  }
}

async function readDetails(record: RoomRecord, metadata: Bytes): Promise<RoomRecord["details"]> {
  const { details, epoch } = record.state.code;
  try {
    return await openDetails(metadata, details, epoch);
  } catch (error) {
    if (error instanceof DecryptError) return record.details;
    throw error;
  }
}

function supplyOf(answer: ApiResult<unknown> & { ok: false }): Supply {
  if (answer.status === 0) return { kind: "offline" };
  if (answer.status === 404) return { kind: "refused", words: NO_ROOM };
  const seconds = answer.retryAfter ?? TROUBLE_WAIT;
  return { kind: "later", seconds, words: "Waiting: the server has trouble with this room." };
}

const NO_ROOM = "The server says that there is no such room for you.";
const FORK_WORDS =
  "This room's log exists in two versions. Somebody, or the server, shows different rooms to " +
  "different people. Nothing is sent here any more.";
const BAD_LOG_WORDS =
  "The server shows an entry of this room's log that no member could have signed. It was ignored.";
const SERVER_ID_WORDS =
  "This server calls itself another one than before. Room codes will not work until that is clear.";
