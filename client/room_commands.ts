/** What a person asks of rooms: make one, come in, go, send somebody away, change the code, write. */
import type { DeviceKeys } from "../crypto/account.ts";
import {
  deriveRoomKeys,
  makeRoomCode,
  openDetails,
  parseRoomCode,
  type RoomCodeMessage,
  type RoomDetails,
  type RoomKeys,
} from "../crypto/room_code.ts";
import { codeEntry, createRoomEntry, joinEntry, listEntry, nextCode } from "../crypto/room_log.ts";
import { plainEntry, type ProvenList, type RoomAuthor } from "../crypto/room_log.ts";
import { type Bytes, utf8 } from "../protocol/encoding.ts";
import { FormatError, VerifyError } from "../protocol/errors.ts";
import { type AccountId, type MessageId, randomId, type RoomId } from "../protocol/ids.ts";
import { MAX_ROOM_NAME_BYTES, MAX_TEXT_BYTES } from "../protocol/limits.ts";
import {
  appendRoomEntry,
  demandInvited,
  findMember,
  isPinBehind,
  type RoomEntry,
  type RoomState,
  verifyRoom,
} from "../protocol/room.ts";
import type { Change, Writer } from "./change.ts";
import type { DeviceApi } from "./device_login.ts";
import type { Outbox } from "./outbox.ts";
import { conversationOf, dropPeerKeys, getRoom, putRoom } from "./room_records.ts";
import { roomKeys, type RoomRecord, viewRoom } from "./room_records.ts";
import type { RoomLogs } from "./room_logs.ts";
import type { RoomSending } from "./room_sending.ts";
import type { LocalStore } from "./store.ts";
import type { Supplies } from "./supplies.ts";
import { CODE_WORDS, FALSE_ROOM, FALSE_SERVER, NOT_ALLOWED, NOT_NOW } from "./room_words.ts";
import { refusedBy, STOPPED, UNKNOWN_ROOM } from "./room_words.ts";
import { addMessage, findMessage } from "./timeline.ts";
import { done, type Me, type Message, type Outcome, refused, type Room } from "./types.ts";

export interface RoomCommandsOptions {
  readonly me: Me;
  readonly own: DeviceKeys;
  readonly store: LocalStore;
  readonly writer: Writer;
  readonly api: DeviceApi;
  readonly logs: RoomLogs;
  readonly sending: RoomSending;
  readonly outbox: Outbox;
  readonly supplies: Supplies;
  readonly now: () => number;
  /** Wakes whatever sends. */
  readonly wake: () => void;
  /** What came for the room before it was known here may be opened now. */
  readonly release: (room: RoomId) => void;
}

/** How often an entry that came second is signed again on top of the other. */
const MOST_TRIES = 8;
const MINUTE_MS = 60_000;

export class RoomCommands {
  readonly #o: RoomCommandsOptions;

  constructor(options: RoomCommandsOptions) {
    this.#o = options;
  }

  async createRoom(typed: string): Promise<Outcome<Room>> {
    const name = typed.toWellFormed().trim();
    if (name === "") return refused("bad-input", "Give the room a name.");
    if (utf8(name).length > MAX_ROOM_NAME_BYTES) return refused("too-long", "That is too long.");
    const server = await this.#server();
    if (!server.ok) return server;
    const own = await this.#o.logs.prove(this.#o.own.account);
    if (own === null) return NOT_NOW;
    const code = makeRoomCode();
    const opened = await deriveRoomKeys(code, server.value, "sealed");
    const details: RoomDetails = { name, topic: "", picture: null };
    const next = await nextCode(null, opened, details);
    const entry = await createRoomEntry(this.#author(), own, next);
    const answer = await this.#o.api.appendToRoom(null, entry);
    if (!answer.ok) return refusedBy(answer);
    const state = await appendRoomEntry(null, entry);
    return await this.#begin(state, code, opened, details);
  }

  async joinRoom(typed: string): Promise<Outcome<Room>> {
    const parsed = parseRoomCode(typed);
    if (!parsed.ok) return refused("bad-input", CODE_WORDS[parsed.problem]);
    const server = await this.#server();
    if (!server.ok) return server;
    const opened = await deriveRoomKeys(parsed.code, server.value, "sealed");
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const joined = await this.#join(parsed.code, opened);
      if (joined !== "again") return joined;
    }
    return NOT_NOW;
  }

  async leaveRoom(room: RoomId): Promise<Outcome<Room>> {
    return await this.#write(room, (record) => {
      return plainEntry(record.state, this.#author(), { kind: "leave" });
    });
  }

  /** The removal counts here at once; the new code goes to those who stay. */
  async removeMember(room: RoomId, username: string): Promise<Outcome<Room>> {
    const wanted = username.trim().replace(/^@/, "").toLowerCase();
    const view = await this.room(room);
    if (!view.ok) return view;
    const member = view.value.members.find((one) => one.username === wanted)?.account;
    if (member === undefined || member === this.#o.me.account) {
      return refused("unknown-person", "There is nobody of that name in this room to remove.");
    }
    await this.#setRemoved(room, member, true);
    const outcome = await this.#recode(room, { kind: "remove", member });
    // Refused by the rules, not lost on the way: then it does not count here either.
    if (!outcome.ok && outcome.code !== "offline") await this.#setRemoved(room, member, false);
    return outcome;
  }

  async rotateCode(room: RoomId): Promise<Outcome<Room>> {
    return await this.#recode(room, { kind: "rotate" });
  }

  /** The room as it is known here; members not met yet are looked up first. */
  async room(room: RoomId): Promise<Outcome<Room>> {
    const { writer, supplies, me } = this.#o;
    const before = await writer.change(async (change) => {
      const record = await getRoom(change, room);
      return record && await viewRoom(change, me.account, record);
    });
    if (!before) return UNKNOWN_ROOM;
    const strangers = before.members.filter(({ username }) => username === null);
    for (const { account } of strangers) await supplies.list(account);
    return await this.#view(room);
  }

  async rooms(): Promise<Room[]> {
    const { store, writer, me } = this.#o;
    const rows = await store.list<RoomRecord>("sessions", { prefix: "room/" });
    return await writer.change((change) => {
      return Promise.all(rows.map(({ value }) => viewRoom(change, me.account, value)));
    });
  }

  async send(
    room: RoomId,
    typed: string,
    id: MessageId = randomId<"message">(),
  ): Promise<Outcome<Message>> {
    const text = typed.toWellFormed().replace(/^\ufeff+/, "");
    if (text.trim() === "") return refused("bad-input", "Write something first.");
    if (utf8(text).length > MAX_TEXT_BYTES) return refused("too-long", "That is too long.");
    const { writer, me, outbox, now, wake } = this.#o;
    return await writer.change(async (change) => {
      const record = await getRoom(change, room);
      if (!record) return UNKNOWN_ROOM;
      if (record.stopped) return STOPPED[record.stopped];
      const before = await findMessage(change, me.account, id);
      if (before) return done(before);
      const [time, conversation] = [now(), conversationOf(room)];
      const own = { from: me.account, device: me.device, mine: true, verified: true } as const;
      const words = { id, conversation, text, time, state: "sending" } as const;
      const message = await addMessage(change, { ...words, ...own });
      const body = { kind: "text", text } as const;
      await outbox.stage(change, { id, conversation, body, time, copy: false, room });
      change.after.push(wake);
      return done(message!);
    });
  }

  /** Says in the log which devices a member has now, so that they get messages, or get none. */
  async pinDevices(room: RoomId, account: AccountId): Promise<void> {
    const proven = await this.#o.logs.prove(account);
    if (proven === null) return;
    await this.#write(room, (record) => {
      if (!isPinBehind(record.state, proven.list)) return null;
      return listEntry(record.state, this.#author(), "devices", proven);
    });
  }

  /** The log pins a new device of this account, whoever said so: it needs the code. */
  async tellOwnDevices(room: RoomId): Promise<void> {
    await this.#o.supplies.list(this.#o.own.account);
    await this.#o.writer.change(async (change) => {
      const record = await getRoom(change, room);
      if (record) await this.#o.sending.tellCode(change, record, "own");
      change.after.push(this.#o.wake);
    });
  }

  /** A room of this account that another of its devices made or joined. */
  async adopt(room: RoomId): Promise<boolean> {
    if (!(await this.#server()).ok) return false;
    const answer = await this.#o.api.roomLog(room, 0);
    if (!answer.ok) return false;
    const state = await verified(answer.value.entries, room);
    if (state === null || !findMember(state, this.#o.own.account)) return false;
    await this.#o.writer.change(async (change) => {
      if (await getRoom(change, room)) return;
      await putRoom(change, this.#o.me.account, { ...EMPTY, id: room, state });
      const told = await change.get<RoomCodeMessage>("sessions", roomKeys.code(room));
      if (told) await this.#o.logs.takeCode(change, told);
      change.remove("sessions", roomKeys.code(room));
    });
    await this.#o.logs.catchUp(room);
    return true;
  }

  async #join(code: Bytes, opened: RoomKeys): Promise<Outcome<Room> | "again"> {
    const { api, own: me } = this.#o;
    const log: RoomEntry[] = [];
    for (;;) {
      const answer = await api.lookUpRoom({ lookup: opened.lookup, since: log.length });
      if (!answer.ok) return refusedBy(answer);
      log.push(...answer.value.entries);
      if (answer.value.entries.length === 0 || log.length >= answer.value.seq) break;
    }
    const code2 = { lookup: opened.lookup, joinKey: opened.join.public };
    const state = await verified(log);
    if (state === null || !invited(state, code2, me.account)) return FALSE_ROOM;
    const own = await this.#o.logs.prove(me.account);
    if (own === null) return NOT_NOW;
    const details = await openDetails(opened.metadata, state.code.details, state.code.epoch)
      .catch(() => null);
    if (findMember(state, me.account)?.aik !== undefined && isSameMember(state, own)) {
      return await this.#begin(state, code, opened, details);
    }
    const entry = await joinEntry(state, this.#author(), own, opened.join);
    const answer = await api.appendToRoom(state.id, entry);
    if (!answer.ok) return answer.code === "stale-room-list" ? "again" : refusedBy(answer);
    if (answer.value.outcome === "conflict") return "again";
    return await this.#begin(await appendRoomEntry(state, entry), code, opened, details);
  }

  async #begin(
    state: RoomState,
    code: Bytes,
    { metadata }: RoomKeys,
    details: RoomDetails | null,
  ): Promise<Outcome<Room>> {
    const { writer, me, sending, wake, release } = this.#o;
    await writer.change(async (change) => {
      const record: RoomRecord = { ...EMPTY, id: state.id, state, code, metadata, details };
      change.remove("sessions", roomKeys.own(state.id));
      await putRoom(change, me.account, record);
      await sending.tellCode(change, record, "own");
      change.after.push(wake, () => release(state.id));
    });
    return await this.room(state.id);
  }

  async #recode(
    room: RoomId,
    change: { readonly kind: "remove"; readonly member: AccountId } | { readonly kind: "rotate" },
  ): Promise<Outcome<Room>> {
    const server = await this.#server();
    if (!server.ok) return server;
    const code = makeRoomCode();
    const opened = await deriveRoomKeys(code, server.value, "sealed");
    const outcome = await this.#write(room, async (record) => {
      const details = record.details ?? { name: "", topic: "", picture: null };
      const next = await nextCode(record.state, opened, details);
      return await codeEntry(record.state, this.#author(), change, next);
    });
    if (!outcome.ok) return outcome;
    // The code goes to people whose devices are known: whoever joined unseen is looked up first.
    await this.room(room);
    await this.#o.writer.change(async (change) => {
      const before = await getRoom(change, room);
      if (!before) return;
      await this.#o.logs.takeCode(change, { room, epoch: before.state.code.epoch, code });
      const record = await getRoom(change, room);
      if (record) await this.#o.sending.tellCode(change, record, "everybody");
      change.after.push(this.#o.wake);
    });
    return await this.#view(room);
  }

  /** Signs an entry on top of the log and again on top of whatever came first. Null: there is no need any more. */
  async #write(
    room: RoomId,
    make: (record: RoomRecord) => Promise<RoomEntry> | null,
  ): Promise<Outcome<Room>> {
    const { writer, api, logs } = this.#o;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const record = await writer.change((change) => getRoom(change, room));
      if (!record) return UNKNOWN_ROOM;
      if (record.stopped) return STOPPED[record.stopped];
      const entry = await make(record);
      if (entry === null) return await this.#view(room);
      const allowed = await judged(record.state, entry);
      if (!allowed.ok) return allowed;
      const answer = await api.appendToRoom(room, entry);
      if (!answer.ok) return refusedBy(answer);
      const accepted = answer.value.outcome === "accepted";
      const entries = answer.value.outcome === "conflict" ? answer.value.entries : [entry];
      const good = await writer.change((change) => logs.take(change, room, entries));
      if (!good) return STOPPED.fork;
      if (accepted) return await this.#view(room);
    }
    return NOT_NOW;
  }

  async #setRemoved(room: RoomId, member: AccountId, isRemoved: boolean): Promise<void> {
    const { writer, store, me } = this.#o;
    await writer.change(async (change) => {
      const record = await getRoom(change, room);
      if (!record) return;
      const others = record.removed.filter((account) => account !== member);
      const removed = isRemoved ? [...others, member] : others;
      await putRoom(change, me.account, { ...record, removed });
      if (isRemoved) await dropPeerKeys(change, store, room, member);
    });
  }

  async #server(): Promise<Outcome<Bytes>> {
    const server = await this.#o.logs.serverId();
    if ("ok" in server) return refusedBy(server);
    return server.id === null ? FALSE_SERVER : done(server.id);
  }

  async #view(room: RoomId): Promise<Outcome<Room>> {
    const { writer, me } = this.#o;
    return await writer.change(async (change: Change) => {
      const record = await getRoom(change, room);
      return record ? done(await viewRoom(change, me.account, record)) : UNKNOWN_ROOM;
    });
  }

  #author(): RoomAuthor {
    return { keys: this.#o.own, minute: Math.floor(this.#o.now() / MINUTE_MS) };
  }
}

const EMPTY = {
  code: null,
  metadata: null,
  details: null,
  nextCode: null,
  removed: [],
  stopped: null,
} as const;

async function verified(entries: readonly RoomEntry[], room?: RoomId): Promise<RoomState | null> {
  try {
    return await verifyRoom(entries, room);
  } catch (error) {
    if (error instanceof VerifyError || error instanceof FormatError) return null;
    throw error;
  }
}

function invited(
  state: RoomState,
  code: Parameters<typeof demandInvited>[1],
  account: AccountId,
): boolean {
  try {
    demandInvited(state, code, account);
    return true;
  } catch (error) {
    if (error instanceof VerifyError) return false;
    throw error;
  }
}

/** In the room already, under the account key of today: another device of this account came in. */
function isSameMember(state: RoomState, { list }: ProvenList): boolean {
  const aik = findMember(state, list.account)?.aik;
  return aik !== undefined && aik.every((byte, at) => byte === list.aik[at]);
}

/** The room's rules, before the server is asked. */
async function judged(state: RoomState, entry: RoomEntry): Promise<Outcome<RoomState>> {
  try {
    return done(await appendRoomEntry(state, entry));
  } catch (error) {
    if (error instanceof VerifyError) return NOT_ALLOWED;
    throw error;
  }
}
