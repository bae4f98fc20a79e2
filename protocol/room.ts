/**
 * Rooms: who is in one is what its members have signed, entry by entry, in a hash chain. The server keeps
 * and orders the log; it can add nothing to it. Servers and devices check with the same code.
 * docs/protocol.md "Rooms" has the rules in words.
 */
import { type DeviceList, type Signed, verifyDeviceList } from "./device_list.ts";
import { type Bytes, equalBytes } from "./encoding.ts";
import { FormatError, type VerifyCode, VerifyError } from "./errors.ts";
import type { AccountId, DeviceId, RoomId } from "./ids.ts";
import { MAX_REMEMBERED_HASHES } from "./limits.ts";
import { type LaterBody, readRoomBody, type RoomBodyOf, type RoomCode } from "./room_entry.ts";
import { type RoomEntry, roomHashOf, roomIdOf } from "./room_entry.ts";
import * as rules from "./room_rules.ts";
import {
  findMember,
  hashAt,
  isCurrentCode,
  pinOf,
  type RoomMember,
  type RoomState,
} from "./room_state.ts";
import { verifySignature } from "./verify.ts";

export * from "./room_entry.ts";
export * from "./room_state.ts";

/**
 * Verifies a log from its `create` on.
 * @param id the room that it must be the log of, if that is known
 * @throws {VerifyError} see the table in errors.ts
 * @throws {FormatError} for a malformed entry
 */
export async function verifyRoom(entries: readonly RoomEntry[], id?: RoomId): Promise<RoomState> {
  const [first, ...later] = entries;
  if (first === undefined) throw new VerifyError("gap");
  const room = await appendRoomEntry(null, first);
  demand(id === undefined || room.id === id, "wrong-room");
  return await extendRoom(room, later);
}

/**
 * Verifies entries that follow a room already verified; those it already has are passed over.
 * @throws {VerifyError} `fork`: another entry in the place of a known one; `rollback`: entries too old to compare;
 * otherwise as {@link verifyRoom}
 */
export async function extendRoom(
  known: RoomState,
  entries: readonly RoomEntry[],
): Promise<RoomState> {
  let room = known;
  for (const entry of entries) room = await appendRoomEntry(room, entry);
  return room;
}

/**
 * The room with one more entry; an entry it already has changes nothing.
 * @param known null only for a `create`
 * @throws {VerifyError} {@link FormatError}; `known` stays as it was
 */
export async function appendRoomEntry(
  known: RoomState | null,
  entry: RoomEntry,
): Promise<RoomState> {
  const body = readRoomBody(entry);
  const hash = await roomHashOf(entry);
  if (body.kind === "create" && known === null) return await begin(body, entry, hash);
  if (known === null) throw new VerifyError("gap");
  if (body.kind === "create") return meetFirst(known, hash);
  demand(body.room === known.id, "wrong-room");
  if (body.seq <= known.seq) return meet(known, body.seq, hash);
  demand(body.seq === known.seq + 1, "gap");
  demand(equalBytes(body.previous, known.hash), "fork");
  demand(!known.ended, "ended");
  demand(body.epoch === known.code.epoch, "wrong-code");
  const parts = await apply(known, body, entry);
  const hashes = [...known.hashes, hash].slice(-MAX_REMEMBERED_HASHES);
  return { ...known, ...parts, seq: body.seq, hash, hashes };
}

/**
 * Whether this log is the one that a code opens: what a joiner asks before joining. A server that has put
 * another room under the code's lookup id, or an older state of the right one, fails here.
 * @throws {VerifyError} `wrong-code` `closed` `banned` `ended`
 */
export function demandInvited(
  room: RoomState,
  code: Pick<RoomCode, "lookup" | "joinKey">,
  account: AccountId,
): void {
  demand(isCurrentCode(room, code), "wrong-code");
  demand(!room.ended, "ended");
  demand(room.newcomers !== "closed", "closed");
  demand(!room.banned.includes(account), "banned");
}

/**
 * Whether a `remove` or `ban` that a member told is one that this room's rules allow, wherever in the log it will
 * come to stand: it counts before the log has it. Place and code are not looked at, since the entry may lose its
 * place and be signed again.
 * @throws {VerifyError} `wrong-room` `ended` `not-member` `not-listed` `bad-signature` `not-allowed`
 * @throws {FormatError} for a malformed entry
 */
export async function demandRemoval(room: RoomState, entry: RoomEntry): Promise<void> {
  const body = readRoomBody(entry);
  if (body.kind !== "remove" && body.kind !== "ban") throw new FormatError("not a removal");
  demand(body.room === room.id, "wrong-room");
  demand(!room.ended, "ended");
  const by = rules.demandMember(room, body.account);
  await demandSigned(by.pin.devices, body.device, entry);
  rules.demandMember(room, body.member);
  rules.demandAllowed(room, by, body);
}

/**
 * How many of `entries`, just fetched, stand beyond doubt. An entry by a device that its account has since
 * revoked may be from before, or be the work of a thief and a server that withholds the `devices` entry: it is in
 * doubt until somebody who was in the room before, with a device that is still listed, has signed on top of it.
 * @param known the room before these entries: whom a doubtful entry lets in clears nobody
 * @param isListed by the newest device lists known
 */
export function countUndoubted(
  known: RoomState,
  entries: readonly RoomEntry[],
  isListed: (account: AccountId, device: DeviceId) => boolean,
): number {
  const authors = entries.map(readRoomBody);
  const listed = authors.map(({ account, device }) => isListed(account, device));
  const cleared = authors.findLastIndex(({ account }, index) =>
    listed[index] === true && (findMember(known, account)?.role ?? "waiting") !== "waiting"
  );
  const first = listed.indexOf(false, cleared + 1);
  return first < 0 ? entries.length : first;
}

function meetFirst(known: RoomState, hash: Bytes): RoomState {
  demand(roomIdOf(hash) === known.id, "wrong-room");
  return known;
}

function meet(known: RoomState, seq: number, hash: Bytes): RoomState {
  const ours = hashAt(known, seq);
  if (ours === null) throw new VerifyError("rollback");
  demand(equalBytes(ours, hash), "fork");
  return known;
}

async function begin(
  body: RoomBodyOf<"create">,
  entry: RoomEntry,
  hash: Bytes,
): Promise<RoomState> {
  const list = await provenList(body.account, body, entry.lists);
  await demandSigned(pinOf(list).devices, body.device, entry);
  await demandCode(null, body.code, entry);
  const { account, aik, newcomers, code } = body;
  const owner = { account, aik, role: "owner", since: 1, pin: pinOf(list) } as const;
  return {
    ...{ id: roomIdOf(hash), seq: 1, hash, hashes: [hash], newcomers, code },
    ...{ members: [owner], banned: [], ended: false },
  };
}

async function apply(
  room: RoomState,
  body: LaterBody,
  entry: RoomEntry,
): Promise<Partial<RoomState>> {
  if (body.kind === "join") return await applyJoin(room, body, entry);
  const by = rules.demandMember(room, body.account);
  await demandSigned(by.pin.devices, body.device, entry);
  rules.demandAllowed(room, by, body);
  demandParts(body.kind, entry);
  switch (body.kind) {
    case "add":
      return await applyAdd(room, by, body, entry);
    case "devices":
      return await applyDevices(room, body, entry);
    case "remove":
    case "ban":
    case "rotate":
      await demandCode(room, body.code, entry);
      return { ...applySending(room, body), code: body.code };
    case "leave":
      return partsOf(rules.afterLeaving(room, body.account));
    case "role":
      return partsOf(rules.afterRole(room, body));
    case "approve":
      return partsOf(rules.afterApproval(room, body.member));
    case "rename":
      return { code: { ...room.code, details: body.details } };
    case "close":
      return { newcomers: body.newcomers };
    case "end":
      return { ended: true };
  }
}

async function applyJoin(
  room: RoomState,
  body: RoomBodyOf<"join">,
  entry: RoomEntry,
): Promise<Partial<RoomState>> {
  await demandJoinSigned(room.code.joinKey, entry);
  const list = await provenList(body.account, body, entry.lists);
  await demandSigned(pinOf(list).devices, body.device, entry);
  const { account, aik, seq } = body;
  const before = findMember(room, account);
  const sameKey = before !== null && equalBytes(before.aik, aik);
  return partsOf(rules.afterJoin(room, { account, aik, since: seq, pin: pinOf(list) }, sameKey));
}

async function applyAdd(
  room: RoomState,
  by: RoomMember,
  { member: account, seq: since, ...identity }: RoomBodyOf<"add">,
  entry: RoomEntry,
): Promise<Partial<RoomState>> {
  const list = await provenList(account, identity, entry.lists);
  return partsOf(rules.afterAdd(room, by, { account, aik: identity.aik, since, pin: pinOf(list) }));
}

/** A pin goes forward under the same account key; at one version only a `set` in the place of a `revoke`. */
async function applyDevices(
  room: RoomState,
  body: RoomBodyOf<"devices">,
  entry: RoomEntry,
): Promise<Partial<RoomState>> {
  const whom = rules.demandMember(room, body.member);
  const list = await provenList(body.member, { ...body, aik: whom.aik }, entry.lists);
  demand(list.version >= whom.pin.version, "rollback");
  if (list.version === whom.pin.version) {
    demand(!equalBytes(list.hash, whom.pin.hash), "duplicate");
    await verifyDeviceList(body.member, entry.lists, { aik: whom.aik, ...whom.pin });
  }
  const moved = { ...whom, pin: pinOf(list) };
  return { members: room.members.map((one) => one === whom ? moved : one) };
}

function applySending(
  room: RoomState,
  body: RoomBodyOf<"remove"> | RoomBodyOf<"ban"> | RoomBodyOf<"rotate">,
): Partial<RoomState> {
  if (body.kind === "rotate") return {};
  if (body.kind === "ban") return partsOf(rules.afterBan(room, body.member));
  rules.demandMember(room, body.member);
  return partsOf(rules.afterLeaving(room, body.member));
}

function partsOf({ members, banned, ended }: rules.RoomParts): Partial<RoomState> {
  return { members, banned, ended };
}

/** The device list that a body names, proven from the account key alone. */
async function provenList(
  account: AccountId,
  named: { readonly aik: Bytes; readonly listVersion: number; readonly listHash: Bytes },
  lists: readonly Signed[],
): Promise<DeviceList> {
  const list = await verifyDeviceList(account, lists);
  demand(equalBytes(list.aik, named.aik), "key-changed");
  demand(list.version === named.listVersion && equalBytes(list.hash, named.listHash), "fork");
  return list;
}

async function demandSigned(
  devices: readonly { readonly device: DeviceId; readonly sign: Bytes }[],
  author: DeviceId,
  { body, signature }: RoomEntry,
): Promise<void> {
  const device = devices.find((one) => one.device === author);
  if (device === undefined) throw new VerifyError("not-listed");
  demand(await verifySignature(device.sign, "log", body, signature), "bad-signature");
}

/** A new code is one epoch up, not the one before, and its maker has its join key. */
async function demandCode(room: RoomState | null, code: RoomCode, entry: RoomEntry): Promise<void> {
  demand(code.epoch === (room?.code.epoch ?? 0) + 1, "wrong-code");
  if (room) {
    const fresh = !equalBytes(code.joinKey, room.code.joinKey) && code.lookup !== room.code.lookup;
    demand(fresh, "duplicate");
  }
  await demandJoinSigned(code.joinKey, entry);
}

async function demandJoinSigned(key: Bytes, { body, joinSignature }: RoomEntry): Promise<void> {
  const valid = joinSignature !== null && await verifySignature(key, "join", body, joinSignature);
  demand(valid, "wrong-code");
}

/** An entry carries what its kind calls for and nothing else. */
function demandParts(kind: LaterBody["kind"], entry: RoomEntry): void {
  const brings = kind === "remove" || kind === "ban" || kind === "rotate";
  if (!brings && entry.joinSignature !== null) throw new FormatError("unasked join signature");
  const proves = kind === "add" || kind === "devices";
  if (!proves && entry.lists.length > 0) throw new FormatError("unasked device list");
}

function demand(holds: boolean, code: VerifyCode): asserts holds {
  if (!holds) throw new VerifyError(code);
}
