/** The logs of this device's rooms: fetched, verified, and what follows from a new entry. */
import type { DeviceKeys } from "../crypto/account.ts";
import { deriveRoomKeys, type RoomCodeMessage } from "../crypto/room_code.ts";
import { type ProvenList } from "../crypto/room_log.ts";
import { verifyDeviceList } from "../protocol/bundle.ts";
import { type Bytes, equalBytes } from "../protocol/encoding.ts";
import { FormatError, VerifyError } from "../protocol/errors.ts";
import type { AccountId, DeviceId, RoomId } from "../protocol/ids.ts";
import { appendRoomEntry, countUndoubted, findMember, isCurrentCode } from "../protocol/room.ts";
import {
  findSpeaker,
  readRoomBody,
  type RoomBody,
  type RoomEntry,
  type RoomState,
} from "../protocol/room.ts";
import type { Change, Writer } from "./change.ts";
import type { DeviceApi } from "./device_login.ts";
import { Looks } from "./looks.ts";
import { type Contact, keys, type OutboxRecord } from "./records.ts";
import {
  conversationOf,
  dropOwnKey,
  dropPeerKeys,
  getRoom,
  roomKeys,
  type RoomRecord,
} from "./room_records.ts";
import type { HeldCode } from "./room_records.ts";
import { standing } from "./room_standing.ts";
import { accountsIn, readSealed, type Step, tellSteps } from "./room_telling.ts";
import { putRoom } from "./room_views.ts";
import { STOPPED } from "./room_words.ts";
import type { LocalStore } from "./store.ts";
import type { Supply } from "./supplies.ts";
import { addLine, getContact } from "./timeline.ts";
import type { ApiResult } from "./transport.ts";

export interface RoomLogsOptions {
  readonly own: DeviceKeys;
  readonly store: LocalStore;
  readonly writer: Writer;
  readonly api: DeviceApi;
  readonly now: () => number;
  /** Looks up people of a room who are not known here, so that lines can name them. */
  readonly meet: (room: RoomId, accounts: readonly AccountId[]) => Promise<unknown>;
  /** This device has put a new code into the log: those who stay are told it. */
  readonly recoded: (change: Change, record: RoomRecord) => Promise<void>;
  /** Opens what was held for a room, in the same change. */
  readonly settle: (change: Change, room: RoomId) => Promise<void>;
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
  readonly #looks = new Looks((room: RoomId) => this.#fetch(room));
  readonly #warned = new Set<string>();

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

  async isKnown(room: RoomId): Promise<boolean> {
    return await this.#o.writer.change((change) => getRoom(change, room)) !== undefined;
  }

  /** Brings a room up to date, at least to where its log is now. */
  catchUp(room: RoomId): Promise<Supply> {
    return this.#looks.ask(room);
  }

  /** Takes entries that follow; false when they are not to be believed, which has been told. */
  async takeAll(room: RoomId, entries: readonly RoomEntry[]): Promise<boolean> {
    await this.#meetAuthors(room, entries);
    const { writer, own, settle } = this.#o;
    const out = entries.findIndex((entry) => sendsAway(entry, own.account));
    if (out > 0) {
      // What was sent to this device before it went is still opened.
      const good = await writer.change(async (change) => {
        if (!await this.take(change, room, entries.slice(0, out))) return false;
        await settle(change, room);
        return true;
      });
      if (!good) return false;
    }
    return await writer.change((change) =>
      this.take(change, room, entries.slice(Math.max(0, out)))
    );
  }

  /** As {@link takeAll}, as part of a change. */
  async take(change: Change, room: RoomId, entries: readonly RoomEntry[]): Promise<boolean> {
    const record = await getRoom(change, room);
    if (!record || record.stopped === "fork") return false;
    try {
      const certain = await this.#undoubted(change, record.state, entries);
      const steps = await stepsOf(record.state, certain);
      if (steps.length > 0) await this.#become(change, record, steps);
      return true;
    } catch (error) {
      if (!(error instanceof VerifyError || error instanceof FormatError)) throw error;
      await this.#disbelieve(change, record, error);
      return false;
    }
  }

  /** The line with which a room begins in the timeline: how this account came in. */
  async tellEntrance(
    change: Change,
    record: RoomRecord,
    entries: readonly RoomEntry[],
  ): Promise<void> {
    const { account: me } = this.#o.own;
    const { state } = record;
    const since = findMember(state, me)?.since;
    const entry = entries.map(readRoomBody).find((body) => seqOf(body) === since);
    if (!entry) return;
    const parts = { me, now: this.#o.now };
    const step: Step = { body: entry, before: null, after: state };
    await tellSteps(change, parts, [step], { before: null, after: record });
  }

  /** Stops a room whose log the server, or a member, shows in two versions. */
  async fork(change: Change, record: RoomRecord): Promise<void> {
    await putRoom(change, this.#o.own.account, { ...record, stopped: "fork" });
    await this.warn(change, record.id, "room-fork", STOPPED.fork.words);
  }

  /** Takes a code that a member told: at once when it is the current one, else when the log gets there. */
  async takeCode(change: Change, message: RoomCodeMessage): Promise<void> {
    const record = await getRoom(change, message.room);
    // Another device of this account has come in: the log follows.
    if (!record) {
      const held: HeldCode = { message, at: this.#o.now() };
      return change.set("sessions", roomKeys.code(message.room), held);
    }
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
      if (!await this.takeAll(room, entries)) return { kind: "refused", words: STOPPED.fork.words };
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

  async #meetAuthors(room: RoomId, entries: readonly RoomEntry[]): Promise<void> {
    const bodies = entries.map(bodyOf).filter((body) => body !== null);
    await this.meetAll(room, bodies.flatMap(accountsIn));
  }

  /** Looks up those of them who are not known here. */
  async meetAll(room: RoomId, accounts: readonly AccountId[]): Promise<void> {
    const named = new Set(accounts);
    const unknown = await this.#o.writer.change(async (change) => {
      const found = [];
      for (const account of named) if (!await getContact(change, account)) found.push(account);
      return found;
    });
    await this.#o.meet(room, unknown);
  }

  async #become(change: Change, before: RoomRecord, steps: readonly Step[]): Promise<void> {
    const { own, store, now } = this.#o;
    const state = steps.at(-1)!.after;
    const gone = before.state.members.filter(({ account }) => !findMember(state, account));
    for (const { account } of gone) {
      await dropPeerKeys(change, store, state.id, account);
      await this.dropStaged(change, state.id, account);
    }
    const present = findMember(state, own.account) !== null;
    const stopped = present ? state.ended ? "ended" : null : "left";
    const moved: RoomRecord = { ...before, ...await standing(state, before), state, stopped };
    if (stopped !== null) dropOwnKey(change, state.id);
    const after = await this.#recoded(change, before, moved);
    await putRoom(change, own.account, after);
    await tellSteps(change, { me: own.account, now }, steps, { before, after });
    if (this.#isOwnCode(after, steps)) await this.#o.recoded(change, after);
    const [pinned, pin] = [before.state, state].map((one) => findMember(one, own.account)?.pin);
    const repinned = pin !== undefined && pin.version !== pinned?.version;
    change.after.push(() => this.#o.grown(state.id));
    if (repinned) change.after.push(() => this.#o.ownPinned(state.id));
  }

  /** Whether the current code is one that an entry of this very device brought just now. */
  #isOwnCode({ state, code }: RoomRecord, steps: readonly Step[]): boolean {
    const newest = steps.findLast(({ body }) => "code" in body)?.body;
    return code !== null && newest?.device === this.#o.own.device &&
      newest.account === this.#o.own.account && state.code.epoch > 1;
  }

  /** After an entry: the details anew, or a new code's. */
  async #recoded(change: Change, before: RoomRecord, record: RoomRecord): Promise<RoomRecord> {
    const { state, metadata } = record;
    if (state.code.epoch !== before.state.code.epoch) return await this.#newCode(change, record);
    if (metadata === null || equalBytes(state.code.details, before.state.code.details)) {
      return record;
    }
    return { ...record, details: await readDetails(record, metadata) };
  }

  /** The log has a new code: this device's own one, or one that it was told. */
  async #newCode(change: Change, record: RoomRecord): Promise<RoomRecord> {
    const { state: { code: { epoch } }, nextCode, ownCode } = record;
    const later = ownCode && ownCode.epoch > epoch ? ownCode : null;
    const without: RoomRecord = { ...record, code: null, metadata: null, ownCode: later };
    for (const message of [ownCode, nextCode]) {
      if (message?.epoch !== epoch) continue;
      const next = await this.#withCode(change, without, message);
      if (next.code !== null) return next;
    }
    return without;
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
  async dropStaged(change: Change, room: RoomId, account: AccountId): Promise<void> {
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
    await this.warn(change, record.id, "room-log", BAD_LOG_WORDS);
  }

  /** Warns, and leaves a line where people of this room look: each warning once until the device starts again. */
  async warn(
    change: Change,
    room: RoomId,
    what: "room-fork" | "room-log" | "room-removal" | "not-member",
    words: string,
    about: { readonly account: AccountId; readonly device: DeviceId } = this.#o.own,
  ): Promise<void> {
    const conversation = conversationOf(room);
    const { account, device } = about;
    change.tell({ kind: "warning", what, words, conversation, account, device });
    const name = `${room} ${what} ${words}`;
    if (this.#warned.has(name)) return;
    this.#warned.add(name);
    const line = { conversation, text: words, time: this.#o.now() };
    await addLine(change, "room-warning", line, { account, device });
  }
}

/** Whether an entry, if it is true, ends this account's membership. */
function sendsAway(entry: RoomEntry, account: AccountId): boolean {
  const body = bodyOf(entry);
  if (body?.kind === "leave") return body.account === account;
  return (body?.kind === "remove" || body?.kind === "ban") && body.member === account;
}

/** Null for what cannot be read: it is judged, and told of, when it is taken. */
function bodyOf(entry: RoomEntry): RoomBody | null {
  try {
    return readRoomBody(entry);
  } catch (error) {
    if (error instanceof FormatError) return null;
    throw error;
  }
}

async function stepsOf(room: RoomState, entries: readonly RoomEntry[]): Promise<Step[]> {
  const steps: Step[] = [];
  let before = room;
  for (const entry of entries) {
    const after = await appendRoomEntry(before, entry);
    if (after.seq > before.seq) steps.push({ body: readRoomBody(entry), before, after });
    before = after;
  }
  return steps;
}

function seqOf(body: RoomBody): number {
  return body.kind === "create" ? 1 : body.seq;
}

async function readDetails(record: RoomRecord, metadata: Bytes): Promise<RoomRecord["details"]> {
  const { details, epoch } = record.state.code;
  return await readSealed(metadata, details, epoch) ?? record.details;
}

function supplyOf(answer: ApiResult<unknown> & { ok: false }): Supply {
  if (answer.status === 0) return { kind: "offline" };
  if (answer.status === 404) return { kind: "refused", words: NO_ROOM };
  const seconds = answer.retryAfter ?? TROUBLE_WAIT;
  return { kind: "later", seconds, words: "Waiting: the server has trouble with this room." };
}

const NO_ROOM = "There is no such room.";
const BAD_LOG_WORDS = "The server shows an entry that no member could have signed. It was ignored.";
const SERVER_ID_WORDS =
  "This server calls itself another one than before. Room codes will not work.";
