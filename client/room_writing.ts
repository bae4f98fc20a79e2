/** Entries that this device signs: put on top of the log, and again on top of whatever came first. */
import type { DeviceKeys } from "../crypto/account.ts";
import { deriveRoomKeys, makeRoomCode, type RoomKeys } from "../crypto/room_code.ts";
import { codeEntry, nextCode, type RoomAuthor } from "../crypto/room_log.ts";
import { type Bytes, equalBytes } from "../protocol/encoding.ts";
import { VerifyError } from "../protocol/errors.ts";
import type { AccountId, RoomId } from "../protocol/ids.ts";
import { appendRoomEntry, findMember, type RoomEntry, type RoomState } from "../protocol/room.ts";
import type { Change, Writer } from "./change.ts";
import type { DeviceApi } from "./device_login.ts";
import type { RoomLogs } from "./room_logs.ts";
import { getRoom, roomKeys, type RoomRecord } from "./room_records.ts";
import { againstRules, FALSE_SERVER, NO_CODE, NOT_NOW } from "./room_words.ts";
import { refusedBy, STOPPED, UNKNOWN_ROOM } from "./room_words.ts";
import { done, type Outcome, type Room } from "./types.ts";

export interface RoomWritingOptions {
  readonly own: DeviceKeys;
  readonly writer: Writer;
  readonly api: DeviceApi;
  readonly logs: RoomLogs;
  readonly now: () => number;
  /** An entry of this device is about to leave: a removal counts at once, and everybody is told. */
  readonly removing: (change: Change, record: RoomRecord, entry: RoomEntry) => Promise<void>;
  /** The room as it is known here. */
  readonly view: (room: RoomId) => Promise<Outcome<Room>>;
}

/** What brings a new code. */
export type CodeChange =
  | { readonly kind: "remove" | "ban"; readonly member: AccountId }
  | { readonly kind: "rotate" };

/** An entry on top of this record; null when there is no need of one any more, or words why there is none. */
export type MakeEntry = (
  record: RoomRecord,
) => Promise<RoomEntry | Refused | null> | Refused | null;
type Prepare = (change: Change, record: RoomRecord, entry: RoomEntry) => Promise<void>;
type Refused = Outcome<never> & { readonly ok: false };

/** How often an entry that came second is signed again on top of the other. */
const MOST_TRIES = 8;
const MINUTE_MS = 60_000;

export class RoomWriting {
  readonly #o: RoomWritingOptions;
  readonly #recoding = new Map<RoomId, Promise<unknown>>();

  constructor(options: RoomWritingOptions) {
    this.#o = options;
  }

  /**
   * Writes an entry; the room with it.
   * @param prepare what must be on disk before anybody else can have the entry
   */
  async write(
    room: RoomId,
    make: MakeEntry,
    prepare: Prepare = () => Promise.resolve(),
  ): Promise<Outcome<Room>> {
    const { writer, api, logs } = this.#o;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const record = await writer.change((change) => getRoom(change, room));
      if (!record) return UNKNOWN_ROOM;
      if (record.stopped) return STOPPED[record.stopped];
      const entry = await make(record);
      if (entry === null) return await this.#o.view(room);
      if ("ok" in entry) return entry;
      const allowed = await judged(record.state, entry);
      if (!allowed.ok) return allowed;
      await writer.change(async (change) => {
        const now = await getRoom(change, room);
        if (now) await prepare(change, now, entry);
      });
      const answer = await api.appendToRoom(room, entry);
      if (!answer.ok) return await this.#refused(room, answer);
      const accepted = answer.value.outcome === "accepted";
      const entries = answer.value.outcome === "conflict" ? answer.value.entries : [entry];
      if (!await logs.takeAll(room, entries)) return STOPPED.fork;
      if (accepted) return await this.#o.view(room);
    }
    return NOT_NOW;
  }

  /**
   * Writes an entry that brings a new code; those who stay are told it once the log has the entry. One at a time for
   * each room: a device keeps one code of its own that the log does not have yet.
   */
  recode(room: RoomId, what: CodeChange): Promise<Outcome<Room>> {
    const recode = () => this.#recode(room, what);
    const before = this.#recoding.get(room);
    const mine = before ? before.then(recode, recode) : recode();
    this.#recoding.set(room, mine);
    return mine.finally(() => {
      if (this.#recoding.get(room) === mine) this.#recoding.delete(room);
    });
  }

  async #recode(room: RoomId, what: CodeChange): Promise<Outcome<Room>> {
    const server = await this.server();
    if (!server.ok) return server;
    // Deriving takes a while: once for each code.
    let mine: RoomKeys & { readonly code: Bytes } | null = null;
    const make: MakeEntry = async (record) => {
      if (isNeedless(record.state, what)) return null;
      // Sealed under the new code, the name is as it was: nobody may lose it who does not know it.
      if (record.details === null) return NO_CODE;
      const code = pendingCode(record) ?? makeRoomCode();
      if (mine === null || !equalBytes(mine.code, code)) {
        mine = { ...await deriveRoomKeys(code, server.value, "sealed"), code };
      }
      const next = await nextCode(record.state, mine, record.details);
      return await codeEntry(record.state, this.author(), what, next);
    };
    return await this.write(room, make, async (change, record, entry) => {
      // The code is on disk before the log can have it: a crash must not lose what nobody else knows.
      const ownCode = { room, epoch: record.state.code.epoch + 1, code: mine!.code };
      const next: RoomRecord = { ...record, ownCode };
      change.set("sessions", roomKeys.room(room), next);
      await this.#o.removing(change, next, entry);
    });
  }

  /** The server's id, salt of codes. */
  async server(): Promise<Outcome<Bytes>> {
    const server = await this.#o.logs.serverId();
    if ("ok" in server) return refusedBy(server);
    return server.id === null ? FALSE_SERVER : done(server.id);
  }

  author(): RoomAuthor {
    return { keys: this.#o.own, minute: Math.floor(this.#o.now() / MINUTE_MS) };
  }

  /** Refused for what the log has become meanwhile: the log says it better than the server. */
  async #refused(
    room: RoomId,
    answer: Parameters<typeof refusedBy>[0],
  ): Promise<Outcome<never>> {
    if (answer.code === "no-such-room") await this.#o.logs.catchUp(room);
    return refusedBy(answer);
  }
}

/**
 * The code of an entry that left without an answer: the log may have it, and nobody else knows it. So the next entry
 * brings the same one.
 */
function pendingCode({ ownCode, state }: RoomRecord): Bytes | null {
  return ownCode?.epoch === state.code.epoch + 1 ? ownCode.code : null;
}

/** Somebody else was faster. */
function isNeedless(state: RoomState, what: CodeChange): boolean {
  if (what.kind === "remove") return findMember(state, what.member) === null;
  return what.kind === "ban" && state.banned.includes(what.member);
}

/** The room's rules, before the server is asked. */
async function judged(state: RoomState, entry: RoomEntry): Promise<Outcome<RoomState>> {
  try {
    return done(await appendRoomEntry(state, entry));
  } catch (error) {
    if (error instanceof VerifyError) return againstRules(error.code);
    throw error;
  }
}
