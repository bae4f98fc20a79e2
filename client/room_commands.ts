/** What a person asks of rooms: make one, come in, go, let in, send away, name, change the code, write. */
import type { DeviceKeys } from "../crypto/account.ts";
import type { RoomDetails } from "../crypto/room_code.ts";
import { sealDetails } from "../crypto/room_code.ts";
import { listEntry, type PlainChange, plainEntry, type ProvenList } from "../crypto/room_log.ts";
import { utf8 } from "../protocol/encoding.ts";
import { type AccountId, type MessageId, randomId, type RoomId } from "../protocol/ids.ts";
import { MAX_ROOM_NAME_BYTES, MAX_ROOM_PICTURE_BYTES } from "../protocol/limits.ts";
import { MAX_ROOM_TOPIC_BYTES, MAX_TEXT_BYTES } from "../protocol/limits.ts";
import { findMember, isPinBehind, type RoomMember } from "../protocol/room.ts";
import type { Change, Writer } from "./change.ts";
import type { Outbox } from "./outbox.ts";
import type { Contact } from "./records.ts";
import { conversationOf, getRoom, type RoomRecord } from "./room_records.ts";
import type { RoomEntering } from "./room_entering.ts";
import type { RoomLogs } from "./room_logs.ts";
import { isPicture } from "./room_picture.ts";
import type { RoomSending } from "./room_sending.ts";
import { viewRoom } from "./room_views.ts";
import type { CodeChange, MakeEntry, RoomWriting } from "./room_writing.ts";
import type { LocalStore } from "./store.ts";
import { ALREADY_IN, NO_CODE, NOBODY_HERE, NOT_NOW, STOPPED } from "./room_words.ts";
import { strangerTo, UNKNOWN_ROOM, WAITING } from "./room_words.ts";
import {
  addMessage,
  ensureConversation,
  findMessage,
  getContact,
  getConversation,
  nameOf,
} from "./timeline.ts";
import { done, type Me, type Message, type Newcomers, type Outcome, refused } from "./types.ts";
import type { Role, Room, RoomPreview, RoomsEngine } from "./types.ts";

export interface RoomCommandsOptions {
  readonly me: Me;
  readonly own: DeviceKeys;
  readonly store: LocalStore;
  readonly writer: Writer;
  readonly logs: RoomLogs;
  readonly sending: RoomSending;
  readonly writing: RoomWriting;
  readonly entering: RoomEntering;
  readonly outbox: Outbox;
  readonly now: () => number;
  /** Wakes whatever sends. */
  readonly wake: () => void;
  /** Somebody has said yes to a room: what waited for that may go. */
  readonly accepted: (room: RoomId) => void;
}

export class RoomCommands implements RoomsEngine {
  readonly #o: RoomCommandsOptions;

  constructor(options: RoomCommandsOptions) {
    this.#o = options;
  }

  async createRoom(typed: string): Promise<Outcome<Room>> {
    const name = nameFrom(typed);
    if (!name.ok) return name;
    return await this.#entered(await this.#o.entering.create(name.value));
  }

  previewRoom(code: string): Promise<Outcome<RoomPreview>> {
    return this.#o.entering.preview(code);
  }

  async joinRoom(code: string): Promise<Outcome<Room>> {
    return await this.#entered(await this.#o.entering.join(code));
  }

  /** The room as it is known here; members not met yet are looked up first. */
  async room(room: RoomId): Promise<Outcome<Room>> {
    const before = await this.#o.writing.view(room);
    if (!before.ok) return before;
    const { members, waiting } = before.value;
    const strangers = [...members, ...waiting].filter(({ username }) => username === null);
    if (strangers.length === 0) return before;
    await this.#o.logs.meetAll(room, strangers.map(({ account }) => account));
    return await this.#o.writing.view(room);
  }

  async rooms(): Promise<Room[]> {
    const { store, writer, me } = this.#o;
    const rows = await store.list<RoomRecord>("sessions", { prefix: "room/" });
    return await writer.change((change) => {
      return Promise.all(rows.map(({ value }) => viewRoom(change, me.account, value)));
    });
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
    const outcome = await this.#o.writing.write(room, ({ code, state }) => {
      if (code === null) return NO_CODE;
      if (findMember(state, account)) return ALREADY_IN;
      return listEntry(state, this.#o.writing.author(), "add", proven);
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

  async acceptRoom(room: RoomId): Promise<Outcome<Room>> {
    const { writer, sending, wake } = this.#o;
    const known = await writer.change(async (change) => {
      const record = await getRoom(change, room);
      if (!record) return false;
      await ensureConversation(change, conversationOf(room), true);
      // The other devices of this account take the code from this one as the word that it was accepted.
      await sending.tellCode(change, record, this.#o.me.account);
      change.after.push(wake, () => this.#o.accepted(room));
      return true;
    });
    return known ? await this.#o.writing.view(room) : UNKNOWN_ROOM;
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
      const before = await findMessage(change, me.account, id);
      if (before) return done(before);
      const barred = await this.barred(change, room);
      if (barred) return barred;
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
    const proven: ProvenList | null = await this.#o.logs.prove(account);
    if (proven === null) return;
    await this.#o.writing.write(room, ({ state }) => {
      if (!isPinBehind(state, proven.list)) return null;
      return listEntry(state, this.#o.writing.author(), "devices", proven);
    });
  }

  /** Why nothing can be written to a room, if so. */
  async barred(change: Change, room: RoomId): Promise<Outcome<never> | null> {
    const record = await getRoom(change, room);
    if (!record) return UNKNOWN_ROOM;
    if (record.stopped) return STOPPED[record.stopped];
    return findMember(record.state, this.#o.me.account)?.role === "waiting" ? WAITING : null;
  }

  async #entered(entered: Outcome<RoomId>): Promise<Outcome<Room>> {
    return entered.ok ? await this.room(entered.value) : entered;
  }

  /** Counts here at once, and everywhere as soon as the others hear of it: see RoomRemovals. */
  async #remove(room: RoomId, username: string, kind: "remove" | "ban"): Promise<Outcome<Room>> {
    const view = await this.room(room);
    if (!view.ok) return view;
    const present = [...view.value.members, ...view.value.waiting];
    const found = present.find((one) => isCalled(one, username))?.account;
    const member = found ?? (kind === "ban" ? (await this.#contact(username))?.account : undefined);
    if (member === undefined || member === this.#o.me.account) return NOBODY_HERE;
    return await this.#recode(room, { kind, member });
  }

  async #recode(room: RoomId, change: CodeChange): Promise<Outcome<Room>> {
    // The code goes to people whose devices are known: whoever joined unseen is looked up first.
    const known = await this.room(room);
    if (!known.ok) return known;
    return await this.#o.writing.recode(room, change);
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
    const view = await this.room(room);
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
    const { writing } = this.#o;
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
