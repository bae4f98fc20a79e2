/** Rooms: their logs, who may read them, and the lookup ids that codes derive. */
import type { DatabaseSync } from "node:sqlite";
import { decode, encode } from "../protocol/codec.ts";
import type { Bytes } from "../protocol/encoding.ts";
import type { AccountId, RoomId } from "../protocol/ids.ts";
import { MAX_ROOM_ENTRIES } from "../protocol/limits.ts";
import {
  findMember,
  type LookupId,
  readRoomBody,
  type RoomEntry,
  roomEntrySchema,
  type RoomState,
  roomStateSchema,
} from "../protocol/room.ts";
import { all, later, one, transaction } from "./transaction.ts";

/** A room that an account is in, and the head of its log. */
export interface RoomRow {
  readonly room: RoomId;
  readonly seq: number;
}

/** A verified entry, the room it was verified against and the room it makes. */
export interface RoomAppend {
  readonly before: RoomState | null;
  readonly after: RoomState;
  readonly entry: RoomEntry;
}

/** `conflict`: another entry came first. `lookup-taken`: some room has or had this lookup id. */
export type AppendResult = "done" | "conflict" | "lookup-taken";

/** Rooms. */
export interface RoomsStore {
  /** 16 bytes, the same for ever. */
  serverId(): Promise<Bytes>;
  state(room: RoomId): Promise<RoomState | null>;
  /** The room whose current code has this lookup id. */
  byLookup(lookup: LookupId): Promise<RoomState | null>;
  /** The seq up to which an account may read the log: all of it is Infinity, nothing is 0. */
  readableTo(room: RoomId, account: AccountId): Promise<number>;
  /** Rooms that an account is in, by id, after `after`. */
  ofAccount(account: AccountId, after: RoomId | null, limit: number): Promise<RoomRow[]>;
  /** Entries with `since < seq <= to`, oldest first: at most 256 and `bytes`, but one if there is one. */
  entries(room: RoomId, since: number, to: number, bytes: number): Promise<RoomEntry[]>;
  /** All of it, or nothing. */
  append(what: RoomAppend): Promise<AppendResult>;
}

/** Rooms inside a transaction. */
export interface RoomRows {
  /** The head's seq: when it is the same, so is the state. */
  seq(room: RoomId): number | null;
  state(room: RoomId): RoomState | null;
}

/** The rows on one SQLite connection. */
export function roomRows(db: DatabaseSync): RoomRows {
  const seq = db.prepare("select seq from rooms where id = ?");
  const state = db.prepare("select state from rooms where id = ?");
  return {
    seq: (room) => one<{ seq: number }>(seq, room)?.seq ?? null,
    state(room) {
      const row = one<{ state: Bytes }>(state, room);
      return row && decode(roomStateSchema, row.state, row.state.length);
    },
  };
}

/** The store on one SQLite connection. */
export function createRooms(db: DatabaseSync): RoomsStore {
  const rows = roomRows(db);
  const append = appender(db, rows);
  const serverId = db.prepare("select id from server_id");
  const lookup = db.prepare("select room from room_lookups where lookup = ?");
  const membership = db.prepare(
    "select left_by as leftBy from room_members where room = ? and account = ?",
  );
  const ofAccount = db.prepare(`
    select r.id as room, r.seq from room_members m join rooms r on r.id = m.room
    where m.account = ? and m.left_by is null and m.room > ? order by m.room limit ?
  `);
  const entries = db.prepare(`
    select entry from room_entries where room = ? and seq > ? and seq <= ? order by seq limit ?
  `);

  function byLookup(wanted: LookupId): RoomState | null {
    const row = one<{ room: RoomId }>(lookup, wanted);
    const state = row && rows.state(row.room);
    return state?.code.lookup === wanted ? state : null;
  }

  function read(room: RoomId, since: number, to: number, bytes: number): RoomEntry[] {
    const last = Math.min(to, Number.MAX_SAFE_INTEGER);
    const found: RoomEntry[] = [];
    let left = bytes;
    for (const { entry } of all<{ entry: Bytes }>(entries, room, since, last, MAX_ROOM_ENTRIES)) {
      left -= entry.length;
      if (left < 0 && found.length > 0) break;
      found.push(decode(roomEntrySchema, entry, entry.length));
    }
    return found;
  }

  function readableTo(room: RoomId, account: AccountId): number {
    const row = one<{ leftBy: number | null }>(membership, room, account);
    return row === null ? 0 : row.leftBy ?? Infinity;
  }

  return {
    serverId: () => later(() => one<{ id: Bytes }>(serverId)!.id),
    state: (room) => later(() => rows.state(room)),
    byLookup: (wanted) => later(() => byLookup(wanted)),
    readableTo: (room, account) => later(() => readableTo(room, account)),
    ofAccount: (account, after, limit) =>
      later(() => all<RoomRow>(ofAccount, account, after ?? "", limit)),
    entries: (room, since, to, bytes) => later(() => read(room, since, to, bytes)),
    append: (what) => later(() => transaction(db, () => append(what))),
  };
}

/** What {@link RoomsStore.append} does, for use in a transaction. */
function appender(db: DatabaseSync, rows: RoomRows): (what: RoomAppend) => AppendResult {
  const lookup = db.prepare("select 1 from room_lookups where lookup = ?");
  const create = db.prepare("insert into rooms (id, seq, state) values (?, ?, ?)");
  const move = db.prepare("update rooms set seq = ?, state = ? where id = ?");
  const add = db.prepare("insert into room_entries (room, seq, author, entry) values (?, ?, ?, ?)");
  const keepLookup = db.prepare(
    "insert into room_lookups (lookup, room, epoch) values (?, ?, ?)",
  );
  const enter = db.prepare(`
    insert into room_members (room, account, left_by) values (?, ?, null)
    on conflict (room, account) do update set left_by = null
  `);
  const leave = db.prepare("update room_members set left_by = ? where room = ? and account = ?");

  function moveMembers({ before, after }: RoomAppend): void {
    const [old, now] = [before?.members ?? [], after.members];
    for (const { account } of now) {
      if (before === null || !findMember(before, account)) enter.run(after.id, account);
    }
    for (const { account } of old) {
      if (!findMember(after, account)) leave.run(after.seq, after.id, account);
    }
  }

  return (what) => {
    const { before, after, entry } = what;
    const { id, seq, code } = after;
    if (rows.seq(id) !== (before?.seq ?? null)) return "conflict";
    const fresh = code.lookup !== before?.code.lookup;
    if (fresh && lookup.get(code.lookup) !== undefined) return "lookup-taken";
    const state = encode(roomStateSchema, after);
    if (before === null) create.run(id, seq, state);
    else move.run(seq, state, id);
    const { account } = readRoomBody(entry);
    add.run(id, seq, account, encode(roomEntrySchema, entry));
    if (fresh) keepLookup.run(code.lookup, id, code.epoch);
    moveMembers(what);
    return "done";
  };
}
