/** Coming into rooms: made here, opened by a code, let in by a member, or taken over from another device. */
import type { DeviceKeys } from "../crypto/account.ts";
import { DecryptError } from "../crypto/errors.ts";
import { deriveRoomKeys, makeRoomCode, openDetails, parseRoomCode } from "../crypto/room_code.ts";
import type { RoomDetails, RoomKeys } from "../crypto/room_code.ts";
import { createRoomEntry, joinEntry, nextCode, type ProvenList } from "../crypto/room_log.ts";
import { type Bytes, equalBytes } from "../protocol/encoding.ts";
import { FormatError, VerifyError } from "../protocol/errors.ts";
import type { AccountId, RoomId } from "../protocol/ids.ts";
import { appendRoomEntry, demandInvited, findMember, readRoomBody } from "../protocol/room.ts";
import { type RoomEntry, type RoomState, verifyRoom } from "../protocol/room.ts";
import type { Change, Writer } from "./change.ts";
import type { DeviceApi } from "./device_login.ts";
import type { RoomLogs } from "./room_logs.ts";
import {
  conversationOf,
  dropOwnKey,
  getRoom,
  type HeldCode,
  roomKeys,
  type RoomRecord,
} from "./room_records.ts";
import type { RoomSending } from "./room_sending.ts";
import { putRoom } from "./room_views.ts";
import type { RoomWriting } from "./room_writing.ts";
import { CODE_WORDS, FALSE_ROOM, NOT_NOW, refusedBy } from "./room_words.ts";
import { ensureConversation, getContact, getConversation } from "./timeline.ts";
import type { ApiResult } from "./transport.ts";
import { done, type Me, type Outcome, refused, type RoomPreview } from "./types.ts";

export interface RoomEnteringOptions {
  readonly me: Me;
  readonly own: DeviceKeys;
  readonly writer: Writer;
  readonly api: DeviceApi;
  readonly logs: RoomLogs;
  readonly sending: RoomSending;
  readonly writing: RoomWriting;
  readonly wake: () => void;
  /** What came for the room before it was known here may be opened now. */
  readonly release: (room: RoomId) => void;
}

/** A code and what it opens. */
interface Opened extends RoomKeys {
  readonly code: Bytes;
}

/** What a code led to. */
interface Found {
  readonly state: RoomState;
  readonly entries: readonly RoomEntry[];
  readonly details: RoomDetails | null;
}

type Refusal = ApiResult<unknown> & { readonly ok: false };

/** How often a join that came second is signed again. */
const MOST_TRIES = 8;

const EMPTY = {
  ...{ code: null, metadata: null, details: null, nextCode: null },
  ...{ removed: [], stopped: null },
} as const;

export class RoomEntering {
  readonly #o: RoomEnteringOptions;

  constructor(options: RoomEnteringOptions) {
    this.#o = options;
  }

  /** @param name well formed, not empty, at most 128 bytes */
  async create(name: string): Promise<Outcome<RoomId>> {
    const { writing, logs, api, own: me } = this.#o;
    const server = await writing.server();
    if (!server.ok) return server;
    const own = await logs.prove(me.account);
    if (own === null) return NOT_NOW;
    const code = makeRoomCode();
    const opened = { ...await deriveRoomKeys(code, server.value, "sealed"), code };
    const details: RoomDetails = { name, topic: "", picture: null };
    const entry = await createRoomEntry(
      writing.author(),
      own,
      await nextCode(null, opened, details),
    );
    const state = await appendRoomEntry(null, entry);
    await this.#keepCode(state, code);
    const answer = await api.appendToRoom(null, entry);
    if (!answer.ok) return await this.#refused(state.id, answer);
    return await this.#begin({ state, entries: [entry], details }, opened);
  }

  async preview(typed: string): Promise<Outcome<RoomPreview>> {
    const opened = await this.#open(typed);
    if (!opened.ok) return opened;
    const found = await this.#find(opened.value);
    if (!found.ok) return found;
    const { state, details } = found.value;
    const present = state.members.filter(({ role }) => role !== "waiting");
    const known = await this.#o.writer.change((change) => {
      return Promise.all(present.map(({ account }) => getContact(change, account)));
    });
    return done({
      name: details?.name ?? "",
      topic: details?.topic ?? "",
      picture: details?.picture ?? null,
      members: present.length,
      known: known.flatMap((one) =>
        one ? [{ username: one.username, fullName: one.fullName }] : []
      ),
      newcomers: state.newcomers,
      alreadyIn: findMember(state, this.#o.own.account) ? state.id : null,
    });
  }

  async join(typed: string): Promise<Outcome<RoomId>> {
    const opened = await this.#open(typed);
    if (!opened.ok) return opened;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const joined = await this.#join(opened.value);
      if (joined !== "again") return joined;
    }
    return NOT_NOW;
  }

  /** A room that another device of this account came into, or that a member let this account into. */
  async adopt(room: RoomId): Promise<boolean> {
    const { api, writing, writer, own, me, logs } = this.#o;
    if (!(await writing.server()).ok) return false;
    const entries = await this.#wholeLog((since) => api.roomLog(room, since));
    const state = Array.isArray(entries) ? await verified(entries, room) : null;
    if (state === null || !Array.isArray(entries) || !findMember(state, own.account)) return false;
    // Whoever let this account in may be somebody new.
    await logs.meetAll(room, state.members.map(({ account }) => account));
    const adopted = await writer.change(async (change) => {
      if (await getRoom(change, room)) return "known";
      if (await isTaken(change, room)) return false;
      const record: RoomRecord = { ...EMPTY, id: room, state };
      await putRoom(change, me.account, record);
      const welcome = await isWelcome(change, record, entries, own.account);
      await ensureConversation(change, conversationOf(room), welcome);
      const told = await change.get<HeldCode>("sessions", roomKeys.code(room));
      if (told) await logs.takeCode(change, told.message);
      change.remove("sessions", roomKeys.code(room));
      await logs.tellEntrance(change, record, entries);
      return true;
    });
    // Taken over a moment ago from a log that may have been shorter than this one.
    return adopted === "known" ? (await logs.catchUp(room)).kind === "done" : adopted;
  }

  /** A log from its beginning, page by page; or why not. */
  async #wholeLog(
    page: (since: number) => ReturnType<DeviceApi["roomLog"]>,
  ): Promise<RoomEntry[] | Refusal> {
    const entries: RoomEntry[] = [];
    for (;;) {
      const answer = await page(entries.length);
      if (!answer.ok) return answer;
      entries.push(...answer.value.entries);
      if (answer.value.entries.length === 0 || entries.length >= answer.value.seq) return entries;
    }
  }

  async #open(typed: string): Promise<Outcome<Opened>> {
    const parsed = parseRoomCode(typed);
    if (!parsed.ok) return refused("bad-input", CODE_WORDS[parsed.problem]);
    const server = await this.#o.writing.server();
    if (!server.ok) return server;
    const { code } = parsed;
    return done({ ...await deriveRoomKeys(code, server.value, "sealed"), code });
  }

  /** The room that a code opens: its log, verified, and proven to be this code's. */
  async #find({ lookup, join, metadata }: Opened): Promise<Outcome<Found>> {
    const { api } = this.#o;
    const entries = await this.#wholeLog((since) => api.lookUpRoom({ lookup, since }));
    if (!Array.isArray(entries)) return refusedBy(entries);
    const state = await verified(entries);
    const code = { lookup, joinKey: join.public };
    if (state === null || !isInvited(state, code, this.#o.own.account)) return FALSE_ROOM;
    const details = await openDetails(metadata, state.code.details, state.code.epoch)
      .catch(unreadable);
    return done({ state, entries, details });
  }

  async #join(opened: Opened): Promise<Outcome<RoomId> | "again"> {
    const { api, logs, writing, own: me } = this.#o;
    const found = await this.#find(opened);
    if (!found.ok) return found;
    const { state, entries } = found.value;
    const own = await logs.prove(me.account);
    if (own === null) return NOT_NOW;
    if (isSameMember(state, own)) return await this.#begin(found.value, opened);
    const entry = await joinEntry(state, writing.author(), own, opened.join);
    await this.#keepCode(state, opened.code);
    const answer = await api.appendToRoom(state.id, entry);
    if (!answer.ok && answer.code === "stale-room-list") return "again";
    if (!answer.ok) return await this.#refused(state.id, answer);
    if (answer.value.outcome === "conflict") return "again";
    const after = await appendRoomEntry(state, entry);
    return await this.#begin(
      { ...found.value, state: after, entries: [...entries, entry] },
      opened,
    );
  }

  async #begin(found: Found, { code, metadata }: Opened): Promise<Outcome<RoomId>> {
    const { writer, me, sending, logs, wake, release } = this.#o;
    const { state, details, entries } = found;
    const { id } = state;
    return await writer.change(async (change) => {
      if (await isTaken(change, id)) return FALSE_ROOM;
      const before = await getRoom(change, id);
      const opened = { code, metadata, details };
      const current = before?.stopped === null && before.state.code.epoch === state.code.epoch;
      const record: RoomRecord = current && before.state.seq >= state.seq
        ? { ...before, ...opened }
        : { ...EMPTY, ...opened, id, state };
      if (before?.stopped !== null) dropOwnKey(change, id);
      await putRoom(change, me.account, record);
      change.remove("sessions", roomKeys.code(id));
      await ensureConversation(change, conversationOf(id), true);
      if (before?.stopped !== null) await logs.tellEntrance(change, record, entries);
      await sending.tellCode(change, record, me.account);
      change.after.push(wake, () => release(id));
      return done(id);
    });
  }

  /** The code is on disk before the log can have the entry: a crash must not lose it. */
  async #keepCode({ id, code: { epoch } }: RoomState, code: Bytes): Promise<void> {
    const { writer, logs } = this.#o;
    await writer.change((change) => logs.takeCode(change, { room: id, epoch, code }));
  }

  /** Without an answer nobody knows whether the log has the entry: then the code is kept. */
  async #refused(room: RoomId, answer: Refusal): Promise<Outcome<never>> {
    if (answer.status !== 0) {
      await this.#o.writer.change((change) => {
        return Promise.resolve(change.remove("sessions", roomKeys.code(room)));
      });
    }
    return refusedBy(answer);
  }
}

/** Came in by oneself, or was added by somebody one talks with. Whoever else adds people only asks them. */
async function isWelcome(
  change: Change,
  { state }: RoomRecord,
  entries: readonly RoomEntry[],
  me: AccountId,
): Promise<boolean> {
  const since = findMember(state, me)?.since;
  const entrance = entries.map(readRoomBody).find((body) =>
    body.kind === "add" && body.seq === since
  );
  if (!entrance || entrance.account === me) return true;
  const [conversation, contact] = [
    await getConversation(change, entrance.account),
    await getContact(change, entrance.account),
  ];
  return conversation?.accepted === true && contact?.blocked !== true;
}

/** Accounts and rooms draw their ids from the same random bytes; a server could make one of the other. */
async function isTaken(change: Change, room: RoomId): Promise<boolean> {
  return await getContact(change, conversationOf(room)) !== undefined;
}

async function verified(entries: readonly RoomEntry[], room?: RoomId): Promise<RoomState | null> {
  try {
    return await verifyRoom(entries, room);
  } catch (error) {
    if (error instanceof VerifyError || error instanceof FormatError) return null;
    throw error;
  }
}

function isInvited(
  state: RoomState,
  code: Parameters<typeof demandInvited>[1],
  account: Parameters<typeof demandInvited>[2],
): boolean {
  // Who is in it already may look at a closed room too.
  const open = findMember(state, account) ? { ...state, newcomers: "open" as const } : state;
  try {
    demandInvited(open, code, account);
    return true;
  } catch (error) {
    if (error instanceof VerifyError) return false;
    throw error;
  }
}

/** In the room already, under the account key of today: another device of this account came in. */
function isSameMember(state: RoomState, { list }: ProvenList): boolean {
  const member = findMember(state, list.account);
  return member !== null && equalBytes(member.aik, list.aik);
}

/** A moderator may seal anything: the room is shown without a name. */
function unreadable(error: unknown): null {
  if (error instanceof DecryptError) return null;
  throw error;
}
