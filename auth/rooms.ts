/**
 * Rooms' logs: what a signed-in device may read and append. The rules of the log are protocol/room.ts's, the
 * same as on devices; here is who may ask. Whoever has no business with a room hears one thing only: there is none.
 */
import type { RoomAppend, RoomRow } from "../db/rooms.ts";
import { type Bytes, equalBytes } from "../protocol/encoding.ts";
import { FormatError, VerifyError } from "../protocol/errors.ts";
import type { AccountId, RoomId } from "../protocol/ids.ts";
import { MAX_LIST_ENTRIES } from "../protocol/limits.ts";
import {
  appendRoomEntry,
  findMember,
  hashAt,
  readRoomBody,
  type RoomBody,
  type RoomEntry,
  roomHashOf,
  roomIdOf,
  type RoomState,
} from "../protocol/room.ts";
import {
  type AppendAnswer,
  type LogAnswer,
  type LookupRequest,
  MAX_LOG_BYTES,
  MAX_ROOMS,
  type PeopleAnswer,
  type RoomsAnswer,
} from "../protocol/room_api.ts";
import { verifySignature } from "../protocol/verify.ts";
import type { AuthDeps } from "./deps.ts";
import type { Limiter } from "./limits.ts";
import type { DeviceLogin } from "./logins.ts";
import { done, type Outcome, refused } from "./outcome.ts";

/** Reading and appending, for signed-in devices. `address` is the client's, for counting. */
export interface Rooms {
  list(login: DeviceLogin, after: RoomId | null): Promise<RoomsAnswer>;
  /** By the lookup id that a code derives. A wrong, dead or closed one, and who is banned, are answered alike. */
  lookup(login: DeviceLogin, address: string, wanted: LookupRequest): Promise<Outcome<LogAnswer>>;
  /** Entries after `since`. Former members get those up to the one they left by. */
  log(login: DeviceLogin, room: RoomId, since: number): Promise<Outcome<LogAnswer>>;
  /** Who is in a room, for those who are: names and device lists, as {@link People} gives them one by one. */
  people(
    login: DeviceLogin,
    room: RoomId,
    after: AccountId | null,
  ): Promise<Outcome<PeopleAnswer>>;
  /** `room` is null for a `create`. */
  append(
    login: DeviceLogin,
    address: string,
    room: RoomId | null,
    entry: RoomEntry,
  ): Promise<Outcome<AppendAnswer>>;
}

/** Rooms over the store. */
export function createRooms(deps: AuthDeps, limiter: Limiter): Rooms {
  const { accounts, devices, rooms } = deps.store;

  async function pageOf(room: RoomId, since: number, to: number): Promise<LogAnswer> {
    const entries = await rooms.entries(room, since, to, MAX_LOG_BYTES);
    return { room, entries, seq: to };
  }

  async function list({ account }: DeviceLogin, after: RoomId | null): Promise<RoomsAnswer> {
    const found: RoomRow[] = await rooms.ofAccount(account, after, MAX_ROOMS);
    const next = found.length < MAX_ROOMS ? null : found.at(-1)!.room;
    return { server: await rooms.serverId(), rooms: found, next };
  }

  async function lookup(
    login: DeviceLogin,
    address: string,
    { lookup: wanted, since }: LookupRequest,
  ): Promise<Outcome<LogAnswer>> {
    const allowed = await limiter.roomLookup(login.account, address);
    if (!allowed.ok) return allowed;
    const room = await rooms.byLookup(wanted);
    if (room === null || !isOpenTo(room, login.account)) return refused("no-such-room");
    return done(await pageOf(room.id, since, room.seq));
  }

  async function log(
    { account }: DeviceLogin,
    id: RoomId,
    since: number,
  ): Promise<Outcome<LogAnswer>> {
    const room = await rooms.state(id);
    const readable = await rooms.readableTo(id, account);
    if (room === null || readable === 0) return refused("no-such-room");
    return done(await pageOf(id, since, Math.min(readable, room.seq)));
  }

  /** A page counts as one look-up: it tells of nobody who is not in the room. */
  async function people(
    login: DeviceLogin,
    id: RoomId,
    after: AccountId | null,
  ): Promise<Outcome<PeopleAnswer>> {
    const allowed = await limiter.lookup(login.account);
    if (!allowed.ok) return allowed;
    const room = await rooms.state(id);
    const role = room && findMember(room, login.account)?.role;
    if (!room || !role || role === "waiting") return refused("no-such-room");
    const wanted = room.members.map(({ account }) => account)
      .filter((account) => after === null || account > after).sort();
    return done(await peopleOf(wanted));
  }

  async function peopleOf(wanted: readonly AccountId[]): Promise<PeopleAnswer> {
    const found: PeopleAnswer["people"] = [];
    let left = MAX_LOG_BYTES;
    for (const [index, account] of wanted.entries()) {
      const row = await accounts.byId(account);
      if (row === null) continue;
      const entries = await devices.entries(account, 0, MAX_LIST_ENTRIES);
      for (const { body, signature } of entries) left -= body.length + signature.length;
      const next = found.at(-1)?.account;
      if (left < 0 && next) return { people: found, next };
      found.push({ account, username: row.username, fullName: row.fullName, entries });
      if (left < 0 && index + 1 < wanted.length) return { people: found, next: account };
    }
    return { people: found, next: null };
  }

  async function append(
    login: DeviceLogin,
    address: string,
    id: RoomId | null,
    entry: RoomEntry,
  ): Promise<Outcome<AppendAnswer>> {
    const body = bodyOf(entry);
    if (body === null || (body.kind === "create") !== (id === null)) return refused("bad-input");
    if (body.account !== login.account || body.device !== login.device) {
      return refused("bad-room-entry");
    }
    const allowed = await limiter.roomEntry(login.account);
    if (!allowed.ok) return allowed;
    if (id === null || body.kind === "create") return await create(entry);
    const room = await rooms.state(id);
    if (room === null) return refused("no-such-room");
    if (!findMember(room, login.account)) {
      const invited = await isInvited(room, login.account, address, body, entry);
      if (!invited.ok) return invited;
    }
    return await follow(room, body, entry);
  }

  async function create(entry: RoomEntry): Promise<Outcome<AppendAnswer>> {
    const hash = await roomHashOf(entry);
    const room = roomIdOf(hash);
    const known = await rooms.state(room);
    // Sent again because the answer was lost.
    if (known !== null) return done({ outcome: "accepted", room, seq: 1 });
    return await write(null, entry);
  }

  /** A join is a guess at the code until its signature verifies: counted and answered like a look-up. */
  async function isInvited(
    room: RoomState,
    account: AccountId,
    address: string,
    body: RoomBody,
    { body: signed, joinSignature }: RoomEntry,
  ): Promise<Outcome<null>> {
    if (body.kind !== "join" || joinSignature === null) return refused("no-such-room");
    const allowed = await limiter.roomLookup(account, address);
    if (!allowed.ok) return allowed;
    const valid = isOpenTo(room, account) &&
      await verifySignature(room.code.joinKey, "join", signed, joinSignature);
    return valid ? done(null) : refused("no-such-room");
  }

  async function follow(
    room: RoomState,
    body: Exclude<RoomBody, { kind: "create" }>,
    entry: RoomEntry,
  ): Promise<Outcome<AppendAnswer>> {
    if (body.seq > room.seq) return await write(room, entry);
    const there = hashAt(room, body.seq);
    if (there !== null && equalBytes(there, await roomHashOf(entry))) {
      return done({ outcome: "accepted", room: room.id, seq: body.seq });
    }
    return await conflict(room.id, body.seq - 1);
  }

  async function conflict(room: RoomId, since: number): Promise<Outcome<AppendAnswer>> {
    const now = await rooms.state(room);
    if (now === null) return refused("no-such-room");
    return done({ outcome: "conflict", ...await pageOf(room, since, now.seq) });
  }

  async function write(
    before: RoomState | null,
    entry: RoomEntry,
  ): Promise<Outcome<AppendAnswer>> {
    const current = await provesCurrentList(entry);
    if (!current.ok) return current;
    const verified = await verify(before, entry);
    if (!verified.ok) return verified;
    const after = verified.value;
    const result = await rooms.append({ before, after, entry });
    if (result === "lookup-taken") return refused("bad-room-entry");
    if (result === "conflict") return await conflict(after.id, before?.seq ?? 0);
    deps.events.roomChanged(after.id, after.seq, concerned({ before, after, entry }));
    return done({ outcome: "accepted", room: after.id, seq: after.seq });
  }

  /** The list that an entry proves must be the account's newest: nobody pins a device that is gone. */
  async function provesCurrentList(entry: RoomEntry): Promise<Outcome<null>> {
    const named = listNamedIn(readRoomBody(entry));
    if (named === null) return done(null);
    const head = await devices.head(named.account);
    const current = head !== null && head.version === named.version &&
      equalBytes(head.hash, named.hash);
    return current ? done(null) : refused("stale-room-list");
  }

  return { list, lookup, log, people, append };
}

async function verify(before: RoomState | null, entry: RoomEntry): Promise<Outcome<RoomState>> {
  try {
    return done(await appendRoomEntry(before, entry));
  } catch (error) {
    if (error instanceof FormatError) return refused("bad-room-entry");
    if (!(error instanceof VerifyError)) throw error;
    return refused(error.code === "full" ? "room-full" : "bad-room-entry");
  }
}

function bodyOf(entry: RoomEntry): RoomBody | null {
  try {
    return readRoomBody(entry);
  } catch (error) {
    if (error instanceof FormatError) return null;
    throw error;
  }
}

/** Members may look their room up too. */
function isOpenTo(room: RoomState, account: AccountId): boolean {
  if (findMember(room, account)) return true;
  return !room.ended && room.newcomers !== "closed" && !room.banned.includes(account);
}

function listNamedIn(
  body: RoomBody,
): { readonly account: AccountId; readonly version: number; readonly hash: Bytes } | null {
  switch (body.kind) {
    case "create":
    case "join":
      return { account: body.account, version: body.listVersion, hash: body.listHash };
    case "add":
    case "devices":
      return { account: body.member, version: body.listVersion, hash: body.listHash };
    default:
      return null;
  }
}

/** Those in the room, and those who just left it. */
function concerned({ before, after }: RoomAppend): AccountId[] {
  const accounts = [...before?.members ?? [], ...after.members].map(({ account }) => account);
  return [...new Set(accounts)];
}
