/** Rooms to test with: people with real device lists, a log without a server, codes without their slow derivation. */
import type { ProvenList, RoomAuthor } from "../../crypto/room_log.ts";
import { codeEntry, createRoomEntry, joinEntry, listEntry } from "../../crypto/room_log.ts";
import { nextCode, type PlainChange, plainEntry } from "../../crypto/room_log.ts";
import type { RoomDetails, RoomKeys } from "../../crypto/room_code.ts";
import { randomBytes } from "../../crypto/random.ts";
import { generateSigning, sign, type SigningPair } from "../../crypto/signature.ts";
import { encode } from "../../protocol/codec.ts";
import { type AccountId, randomId } from "../../protocol/ids.ts";
import { appendRoomEntry, type LaterBody, readRoomBody } from "../../protocol/room.ts";
import { roomBodySchema, type RoomEntry, type RoomState } from "../../protocol/room.ts";
import type { Owner } from "./owners.ts";

/** 2026-01-01T00:00:00Z in minutes and in ms. */
export const MINUTE = 29_453_760;
export const NOW = MINUTE * 60_000;
export const DETAILS: RoomDetails = { name: "Kitchen", topic: "what is for dinner", picture: null };

/** What a code would open, without 600,000 rounds. */
export async function quickKeys(): Promise<RoomKeys> {
  const join = await generateSigning("portable");
  return { lookup: randomId<"lookup">(), join, metadata: randomBytes(32) };
}

/** A person as the author of entries, with one of their devices. */
export function authorOf(person: Owner, device = 0): RoomAuthor {
  return { keys: person.devices[device]!, minute: MINUTE };
}

/** A person's device list with its proof. */
export function provenOf({ list, entries }: Owner): ProvenList {
  return { list, entries };
}

/** A log as it grows; refuses what the rules refuse. */
export class TestRoom {
  readonly entries: RoomEntry[] = [];
  /** The room after each entry. */
  readonly states: RoomState[] = [];

  private constructor(public keys: RoomKeys) {}

  static async create(owner: Owner): Promise<TestRoom> {
    return await TestRoom.createWith(owner, await quickKeys());
  }

  /** A room under a given code. */
  static async createWith(owner: Owner, keys: RoomKeys): Promise<TestRoom> {
    const room = new TestRoom(keys);
    const next = await nextCode(null, room.keys, DETAILS);
    await room.take(await createRoomEntry(authorOf(owner), provenOf(owner), next));
    return room;
  }

  /** A room that `owner` made and everybody else joined, in this order. */
  static async of(owner: Owner, ...others: readonly Owner[]): Promise<TestRoom> {
    const room = await TestRoom.create(owner);
    for (const one of others) await room.join(one);
    return room;
  }

  get state(): RoomState {
    return this.states.at(-1)!;
  }

  /** The same log, to grow apart. */
  fork(): TestRoom {
    const copy = new TestRoom(this.keys);
    copy.entries.push(...this.entries);
    copy.states.push(...this.states);
    return copy;
  }

  async take(entry: RoomEntry): Promise<RoomEntry> {
    this.states.push(await appendRoomEntry(this.states.at(-1) ?? null, entry));
    this.entries.push(entry);
    return entry;
  }

  async join(person: Owner, keys = this.keys): Promise<RoomEntry> {
    return await this.take(await this.joinOf(person, keys));
  }

  joinOf(person: Owner, keys = this.keys, device = 0): Promise<RoomEntry> {
    return joinEntry(this.state, authorOf(person, device), provenOf(person), keys.join);
  }

  async let(by: Owner, kind: "add" | "devices", whom: Owner, device = 0): Promise<RoomEntry> {
    return await this.take(await this.letOf(by, kind, whom, device));
  }

  letOf(by: Owner, kind: "add" | "devices", whom: Owner, device = 0): Promise<RoomEntry> {
    return listEntry(this.state, authorOf(by, device), kind, provenOf(whom));
  }

  /** A new code, with or without somebody sent away. */
  async recode(
    by: Owner,
    change: Parameters<typeof codeEntry>[2] = { kind: "rotate" },
    device = 0,
  ): Promise<RoomEntry> {
    const keys = await quickKeys();
    const next = await nextCode(this.state, keys, DETAILS);
    const entry = await this.take(await codeEntry(this.state, authorOf(by, device), change, next));
    this.keys = keys;
    return entry;
  }

  async remove(by: Owner, whom: Owner): Promise<RoomEntry> {
    return await this.recode(by, { kind: "remove", member: idOf(whom) });
  }

  async say(by: Owner, change: PlainChange, device = 0): Promise<RoomEntry> {
    return await this.take(await this.sayOf(by, change, device));
  }

  sayOf(by: Owner, change: PlainChange, device = 0): Promise<RoomEntry> {
    return plainEntry(this.state, authorOf(by, device), change);
  }

  /** Roles by account, in the order of coming. */
  roles(): [AccountId, string][] {
    return this.state.members.map(({ account, role }) => [account, role]);
  }
}

export function idOf(person: Owner): AccountId {
  return person.list.account;
}

/** An entry with any body, signed with any keys: what an attacker can make. */
export async function forgeEntry(
  entry: RoomEntry,
  change: (body: LaterBody) => LaterBody,
  signer: SigningPair,
  join: SigningPair | null = null,
): Promise<RoomEntry> {
  const body = encode(roomBodySchema, change(readRoomBody(entry) as LaterBody));
  const joinSignature = join && await sign(join, "join", body);
  return { ...entry, body, signature: await sign(signer, "log", body), joinSignature };
}
