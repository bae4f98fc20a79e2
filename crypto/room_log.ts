/** Writing entries of a room's log: the private-key side of protocol/room.ts. */
import { encode } from "../protocol/codec.ts";
import type { DeviceList, Signed } from "../protocol/device_list.ts";
import type { LaterBody, Newcomers, RoomBody, RoomCode, RoomEntry } from "../protocol/room.ts";
import { listProof, type RoomBodyOf, roomBodySchema, type RoomState } from "../protocol/room.ts";
import type { DeviceKeys } from "./account.ts";
import { type RoomDetails, type RoomKeys, sealDetails } from "./room_code.ts";
import { sign, type SigningPair } from "./signature.ts";

/** Who writes, and when by their clock. */
export interface RoomAuthor {
  readonly keys: DeviceKeys;
  /** Minutes since 1970. */
  readonly minute: number;
}

/** A verified device list and the entries it was verified from, oldest first: at least from its newest `set` on. */
export interface ProvenList {
  readonly list: DeviceList;
  readonly entries: readonly Signed[];
}

type Placed = "room" | "seq" | "previous" | "epoch" | "account" | "device" | "minute";
type OmitEach<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** What an entry says besides where it stands and who wrote it. */
export type RoomChange = OmitEach<LaterBody, Placed>;
/** The changes that bring neither a code nor a device list. */
export type PlainChange = Exclude<
  RoomChange,
  { kind: "join" | "add" | "devices" | "remove" | "ban" | "rotate" }
>;
type CodeChange =
  | OmitEach<RoomBodyOf<"remove"> | RoomBodyOf<"ban">, Placed | "code">
  | { readonly kind: "rotate" };

/** A code for the log, with the join key that has to sign it. */
export interface NextCode {
  readonly code: RoomCode;
  readonly join: SigningPair;
}

/**
 * The public side of a fresh code, details sealed under it.
 * @param room null for a room that does not exist yet
 */
export async function nextCode(
  room: RoomState | null,
  { lookup, join, metadata }: RoomKeys,
  details: RoomDetails,
): Promise<NextCode> {
  const epoch = (room?.code.epoch ?? 0) + 1;
  const sealed = await sealDetails(metadata, details, epoch);
  return { code: { epoch, lookup, joinKey: join.public, details: sealed }, join };
}

/** The entry that makes a room; its hash makes the room's id. */
export async function createRoomEntry(
  { keys, minute }: RoomAuthor,
  own: ProvenList,
  next: NextCode,
  newcomers: Newcomers = "open",
): Promise<RoomEntry> {
  const { account, device } = keys;
  const identity = identityOf(own.list);
  const body = { ...identity, account, device, minute, newcomers, code: next.code };
  return await signed(keys, { kind: "create", ...body }, next.join, own);
}

/** The entry by which somebody comes in with the code: signed by the device and by the join key. */
export async function joinEntry(
  room: RoomState,
  author: RoomAuthor,
  own: ProvenList,
  join: SigningPair,
): Promise<RoomEntry> {
  const change = { kind: "join", ...identityOf(own.list) } as const;
  return await signed(author.keys, placed(room, author, change), join, own);
}

/** The entry by which a member lets somebody in, or brings somebody's devices up to date. */
export async function listEntry(
  room: RoomState,
  author: RoomAuthor,
  kind: "add" | "devices",
  whom: ProvenList,
): Promise<RoomEntry> {
  const { account: member, version: listVersion, hash: listHash, aik } = whom.list;
  const change = kind === "add"
    ? { kind, member, aik, listVersion, listHash } as const
    : { kind, member, listVersion, listHash } as const;
  return await signed(author.keys, placed(room, author, change), null, whom);
}

/** The entry that brings a new code: `rotate`, and `remove` and `ban`, which kill the old one. */
export async function codeEntry(
  room: RoomState,
  author: RoomAuthor,
  change: CodeChange,
  { code, join }: NextCode,
): Promise<RoomEntry> {
  return await signed(author.keys, placed(room, author, { ...change, code }), join, null);
}

/** Every other entry: `leave`, `role`, `rename`, `close`, `approve`, `end`. */
export async function plainEntry(
  room: RoomState,
  author: RoomAuthor,
  change: PlainChange,
): Promise<RoomEntry> {
  return await signed(author.keys, placed(room, author, change), null, null);
}

function identityOf({ aik, version: listVersion, hash: listHash }: DeviceList) {
  return { aik, listVersion, listHash };
}

function placed(room: RoomState, { keys, minute }: RoomAuthor, change: RoomChange): LaterBody {
  const { account, device } = keys;
  const place = { room: room.id, seq: room.seq + 1, previous: room.hash, epoch: room.code.epoch };
  return { ...change, ...place, account, device, minute };
}

async function signed(
  keys: DeviceKeys,
  content: RoomBody,
  join: SigningPair | null,
  proven: ProvenList | null,
): Promise<RoomEntry> {
  const body = encode(roomBodySchema, content);
  const [signature, joinSignature] = await Promise.all([
    sign(keys.sign, "log", body),
    join && sign(join, "join", body),
  ]);
  return { body, signature, joinSignature, lists: proven ? listProof(proven.entries) : [] };
}
