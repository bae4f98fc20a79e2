/**
 * What a person orders about rooms: make one, come in, go, let in, send away, name, change the code. Its code comes
 * when it is needed: see room_commands.ts.
 */
import type { DeviceKeys } from "../crypto/account.ts";
import { type RoomDetails, sealDetails } from "../crypto/room_code.ts";
import { listEntry, type PlainChange, plainEntry, type ProvenList } from "../crypto/room_log.ts";
import { utf8 } from "../protocol/encoding.ts";
import type { AccountId, RoomId } from "../protocol/ids.ts";
import { MAX_ROOM_NAME_BYTES, MAX_ROOM_PICTURE_BYTES } from "../protocol/limits.ts";
import { MAX_ROOM_TOPIC_BYTES } from "../protocol/limits.ts";
import { findMember, isPinBehind, type RoomEntry, type RoomMember } from "../protocol/room.ts";
import type { Change, Writer } from "./change.ts";
import type { DeviceApi } from "./device_login.ts";
import type { Contact } from "./records.ts";
import { RoomEntering } from "./room_entering.ts";
import type { RoomLogs } from "./room_logs.ts";
import { isPicture } from "./room_picture.ts";
import { getRoom, type RoomRecord } from "./room_records.ts";
import type { RoomSending } from "./room_sending.ts";
import { ALREADY_IN, NO_CODE, NOBODY_HERE, NOT_NOW, strangerTo } from "./room_words.ts";
import { type CodeChange, type MakeEntry, RoomWriting } from "./room_writing.ts";
import type { LocalStore } from "./store.ts";
import { getContact, getConversation, nameOf } from "./timeline.ts";
import { done, type Me, type Newcomers, type Outcome, refused } from "./types.ts";
import type { Role, Room, RoomPreview, RoomsEngine } from "./types.ts";

export interface RoomOrdersOptions {
  readonly me: Me;
  readonly own: DeviceKeys;
  readonly store: LocalStore;
  readonly writer: Writer;
  readonly api: DeviceApi;
  readonly logs: RoomLogs;
  readonly sending: RoomSending;
  readonly now: () => number;
  /** Wakes whatever sends. */
  readonly wake: () => void;
  /** What came for the room before it was known here may be opened now. */
  readonly release: (room: RoomId) => void;
  /** An entry of this device is about to leave: a removal counts at once, and everybody is told. */
  readonly removing: (change: Change, record: RoomRecord, entry: RoomEntry) => Promise<void>;
  /** The room as it is known here. */
  readonly view: (room: RoomId) => Promise<Outcome<Room>>;
  /** The same, after members not met yet were looked up. */
  readonly room: (room: RoomId) => Promise<Outcome<Room>>;
}

/** What comes later of what people ask of rooms. */
export type RoomOrder = Exclude<keyof RoomsEngine, "room" | "rooms" | "acceptRoom">;

export class RoomOrders implements Pick<RoomsEngine, RoomOrder> {
  readonly #o: RoomOrdersOptions;
  readonly #writing: RoomWriting;
  readonly #entering: RoomEntering;

  constructor(options: RoomOrdersOptions) {
    this.#o = options;
    this.#writing = new RoomWriting(options);
    this.#entering = new RoomEntering({ ...options, writing: this.#writing });
  }

  async createRoom(typed: string): Promise<Outcome<Room>> {
    const name = nameFrom(typed);
    if (!name.ok) return name;
    return await this.#entered(await this.#entering.create(name.value));
  }

  previewRoom(code: string): Promise<Outcome<RoomPreview>> {
    return this.#entering.preview(code);
  }

  async joinRoom(code: string): Promise<Outcome<Room>> {
    return await this.#entered(await this.#entering.join(code));
  }

  async addMember(room: RoomId, username: string): Promise<Outcome<Room>> {
    const contact = await this.#contact(username);
    if (contact === null) return strangerTo(username);
    const { account } = contact;
    if (contact.changed) {
      return refused("changed-key", `${nameOf(contact)}'s key has changed. Look at it first.`);
    }
    const proven = await this.#o.logs.prove(account);
    if (proven === null) return NOT_NOW;
    const outcome = await this.#writing.write(room, ({ code, state }) => {
      if (code === null) return NO_CODE;
      if (findMember(state, account)) return ALREADY_IN;
      return listEntry(state, this.#writing.author(), "add", proven);
    });
    if (outcome.ok) await this.#tellCode(room, account);
    return outcome;
  }

  async leaveRoom(room: RoomId): Promise<Outcome<Room>> {
    return await this.#plain(room, () => ({ kind: "leave" }));
  }

  async removeMember(room: RoomId, username: string): Promise<Outcome<Room>> {
    return await this.#remove(room, username, "remove");
  }

  async banMember(room: RoomId, username: string): Promise<Outcome<Room>> {
    return await this.#remove(room, username, "ban");
  }

  async setRole(
    room: RoomId,
    username: string,
    role: Exclude<Role, "waiting">,
  ): Promise<Outcome<Room>> {
    return await this.#about(room, username, (whom) => {
      return whom.role === role ? null : { kind: "role", member: whom.account, role };
    });
  }

  async renameRoom(room: RoomId, typed: string): Promise<Outcome<Room>> {
    const name = nameFrom(typed);
    return name.ok ? await this.#detail(room, { name: name.value }) : name;
  }

  async setTopic(room: RoomId, typed: string): Promise<Outcome<Room>> {
    const topic = typed.toWellFormed().trim();
    if (utf8(topic).length > MAX_ROOM_TOPIC_BYTES) return refused("too-long", "That is too long.");
    return await this.#detail(room, { topic });
  }

  async setPicture(room: RoomId, picture: Uint8Array | null): Promise<Outcome<Room>> {
    if (picture !== null && picture.length > MAX_ROOM_PICTURE_BYTES) {
      return refused("too-long", "That picture is too large: 3,072 bytes at most.");
    }
    if (picture !== null && !isPicture(picture)) {
      return refused("bad-picture", "A picture is a PNG, a JPEG or a WebP.");
    }
    return await this.#detail(room, { picture: picture && new Uint8Array(picture) });
  }

  async rotateCode(room: RoomId): Promise<Outcome<Room>> {
    return await this.#recode(room, { kind: "rotate" });
  }

  async setNewcomers(room: RoomId, newcomers: Newcomers): Promise<Outcome<Room>> {
    return await this.#plain(room, ({ state }) => {
      return state.newcomers === newcomers ? null : { kind: "close", newcomers };
    });
  }

  async approve(room: RoomId, username: string): Promise<Outcome<Room>> {
    const outcome = await this.#about(room, username, ({ account, role }) => {
      return role === "waiting" ? { kind: "approve", member: account } : null;
    });
    // The code that they came with may have changed while they waited.
    const member = outcome.ok && outcome.value.members.find((one) => isCalled(one, username));
    if (member) await this.#tellCode(room, member.account);
    return outcome;
  }

  async decline(room: RoomId, username: string): Promise<Outcome<Room>> {
    return await this.#remove(room, username, "remove");
  }

  async endRoom(room: RoomId): Promise<Outcome<Room>> {
    return await this.#plain(room, () => ({ kind: "end" }));
  }

  /** Says in the log which devices a member has now, so that they get messages, or get none. */
  async pinDevices(room: RoomId, account: AccountId): Promise<void> {
    const proven: ProvenList | null = await this.#o.logs.prove(account);
    if (proven === null) return;
    await this.#writing.write(room, ({ state }) => {
      if (!isPinBehind(state, proven.list)) return null;
      return listEntry(state, this.#writing.author(), "devices", proven);
    });
  }

  /** What this device was refused, or never got an answer to, once more. */
  recode(room: RoomId, change: CodeChange): Promise<Outcome<Room>> {
    return this.#writing.recode(room, change);
  }

  /** See {@link RoomEntering.adopt}. */
  adopt(room: RoomId): Promise<boolean> {
    return this.#entering.adopt(room);
  }

  async #entered(entered: Outcome<RoomId>): Promise<Outcome<Room>> {
    return entered.ok ? await this.#o.room(entered.value) : entered;
  }

  /** Counts here at once, and everywhere as soon as the others hear of it: see RoomRemovals. */
  async #remove(room: RoomId, username: string, kind: "remove" | "ban"): Promise<Outcome<Room>> {
    const view = await this.#o.room(room);
    if (!view.ok) return view;
    const present = [...view.value.members, ...view.value.waiting];
    const found = present.find((one) => isCalled(one, username))?.account;
    const member = found ?? (kind === "ban" ? (await this.#contact(username))?.account : undefined);
    if (member === undefined || member === this.#o.me.account) return NOBODY_HERE;
    return await this.#recode(room, { kind, member });
  }

  async #recode(room: RoomId, change: CodeChange): Promise<Outcome<Room>> {
    // The code goes to people whose devices are known: whoever joined unseen is looked up first.
    const known = await this.#o.room(room);
    if (!known.ok) return known;
    return await this.#writing.recode(room, change);
  }

  async #detail(room: RoomId, change: Partial<RoomDetails>): Promise<Outcome<Room>> {
    return await this.#plain(room, async ({ state, metadata, details }) => {
      if (metadata === null || details === null) return NO_CODE;
      const sealed = await sealDetails(metadata, { ...details, ...change }, state.code.epoch);
      return { kind: "rename", details: sealed };
    });
  }

  async #about(
    room: RoomId,
    username: string,
    make: (whom: RoomMember) => PlainChange | null,
  ): Promise<Outcome<Room>> {
    const view = await this.#o.room(room);
    if (!view.ok) return view;
    const present = [...view.value.members, ...view.value.waiting];
    const account = present.find((one) => isCalled(one, username))?.account;
    if (account === undefined) return NOBODY_HERE;
    return await this.#plain(room, ({ state }) => {
      const whom = findMember(state, account);
      return whom === null ? NOBODY_HERE : make(whom);
    });
  }

  async #plain(
    room: RoomId,
    make: (record: RoomRecord) => Plain | Promise<Plain>,
  ): Promise<Outcome<Room>> {
    const writing = this.#writing;
    const entry: MakeEntry = async (record) => {
      const change = await make(record);
      if (change === null || "ok" in change) return change;
      return await plainEntry(record.state, writing.author(), change);
    };
    return await writing.write(room, entry);
  }

  async #tellCode(room: RoomId, account: AccountId): Promise<void> {
    await this.#o.writer.change(async (change) => {
      const record = await getRoom(change, room);
      if (record) await this.#o.sending.tellCode(change, record, account);
      change.after.push(this.#o.wake);
    });
  }

  /** Somebody there is a conversation with. */
  async #contact(username: string): Promise<Contact | null> {
    const contacts = await this.#o.store.list<Contact>("accounts");
    const found = contacts.map(({ value }) => value).find((one) => isCalled(one, username));
    if (!found) return null;
    return await this.#o.writer.change(async (change) => {
      const met = await getConversation(change, found.account);
      return met?.accepted ? await getContact(change, found.account) ?? null : null;
    });
  }
}

type Plain = PlainChange | (Outcome<never> & { readonly ok: false }) | null;

function isCalled({ username }: { readonly username: string | null }, typed: string): boolean {
  return username === typed.trim().replace(/^@/, "").toLowerCase();
}

function nameFrom(typed: string): Outcome<string> {
  const name = typed.toWellFormed().trim();
  if (name === "") return refused("bad-input", "Give the room a name.");
  if (utf8(name).length > MAX_ROOM_NAME_BYTES) return refused("too-long", "That is too long.");
  return done(name);
}
