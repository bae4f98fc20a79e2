/**
 * Rooms as a person and the page see them, and writing to them. What changes a room is in room_orders.ts, whose code
 * comes when it is needed: a page shows its first screen without it.
 */
import type { DeviceKeys } from "../crypto/account.ts";
import { utf8 } from "../protocol/encoding.ts";
import { type MessageId, randomId, type RoomId } from "../protocol/ids.ts";
import { MAX_TEXT_BYTES } from "../protocol/limits.ts";
import { findMember } from "../protocol/room.ts";
import type { Change, Writer } from "./change.ts";
import type { Outbox } from "./outbox.ts";
import type { RoomLogs } from "./room_logs.ts";
import type { RoomOrders } from "./room_orders.ts";
import { conversationOf, getRoom, type RoomRecord } from "./room_records.ts";
import type { RoomSending } from "./room_sending.ts";
import { viewRoom } from "./room_views.ts";
import { NOT_LOADED, STOPPED, UNKNOWN_ROOM, WAITING } from "./room_words.ts";
import type { LocalStore } from "./store.ts";
import { addMessage, ensureConversation, findMessage } from "./timeline.ts";
import { done, type Me, type Message, type Newcomers, type Outcome, refused } from "./types.ts";
import type { Role, Room, RoomPreview, RoomsEngine } from "./types.ts";

type SetRole = Exclude<Role, "waiting">;

export interface RoomCommandsOptions {
  readonly me: Me;
  readonly own: DeviceKeys;
  readonly store: LocalStore;
  readonly writer: Writer;
  readonly logs: RoomLogs;
  readonly sending: RoomSending;
  readonly outbox: Outbox;
  readonly now: () => number;
  /** Wakes whatever sends. */
  readonly wake: () => void;
  /** Somebody has said yes to a room: what waited for that may go. */
  readonly accepted: (room: RoomId) => void;
  /** What changes rooms; null when its code cannot be had now. */
  readonly orders: () => Promise<RoomOrders | null>;
}

export class RoomCommands implements RoomsEngine {
  readonly #o: RoomCommandsOptions;

  constructor(options: RoomCommandsOptions) {
    this.#o = options;
  }

  /** The room as it is known here; members not met yet are looked up first. */
  async room(room: RoomId): Promise<Outcome<Room>> {
    const before = await this.view(room);
    if (!before.ok) return before;
    const { members, waiting } = before.value;
    const strangers = [...members, ...waiting].filter(({ username }) => username === null);
    if (strangers.length === 0) return before;
    await this.#o.logs.meetAll(room, strangers.map(({ account }) => account));
    return await this.view(room);
  }

  /** The room as it is known here. */
  async view(room: RoomId): Promise<Outcome<Room>> {
    const { writer, me } = this.#o;
    return await writer.change(async (change) => {
      const record = await getRoom(change, room);
      return record ? done(await viewRoom(change, me.account, record)) : UNKNOWN_ROOM;
    });
  }

  async rooms(): Promise<Room[]> {
    const { store, writer, me } = this.#o;
    const rows = await store.list<RoomRecord>("sessions", { prefix: "room/" });
    return await writer.change((change) => {
      return Promise.all(rows.map(({ value }) => viewRoom(change, me.account, value)));
    });
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
    return known ? await this.view(room) : UNKNOWN_ROOM;
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

  /** Why nothing can be written to a room, if so. */
  async barred(change: Change, room: RoomId): Promise<Outcome<never> | null> {
    const record = await getRoom(change, room);
    if (!record) return UNKNOWN_ROOM;
    if (record.stopped) return STOPPED[record.stopped];
    return findMember(record.state, this.#o.me.account)?.role === "waiting" ? WAITING : null;
  }

  createRoom(name: string): Promise<Outcome<Room>> {
    return this.#order((orders) => orders.createRoom(name));
  }

  previewRoom(code: string): Promise<Outcome<RoomPreview>> {
    return this.#order((orders) => orders.previewRoom(code));
  }

  joinRoom(code: string): Promise<Outcome<Room>> {
    return this.#order((orders) => orders.joinRoom(code));
  }

  addMember(room: RoomId, username: string): Promise<Outcome<Room>> {
    return this.#order((orders) => orders.addMember(room, username));
  }

  leaveRoom(room: RoomId): Promise<Outcome<Room>> {
    return this.#order((orders) => orders.leaveRoom(room));
  }

  removeMember(room: RoomId, username: string): Promise<Outcome<Room>> {
    return this.#order((orders) => orders.removeMember(room, username));
  }

  banMember(room: RoomId, username: string): Promise<Outcome<Room>> {
    return this.#order((orders) => orders.banMember(room, username));
  }

  setRole(room: RoomId, username: string, role: SetRole): Promise<Outcome<Room>> {
    return this.#order((orders) => orders.setRole(room, username, role));
  }

  renameRoom(room: RoomId, name: string): Promise<Outcome<Room>> {
    return this.#order((orders) => orders.renameRoom(room, name));
  }

  setTopic(room: RoomId, topic: string): Promise<Outcome<Room>> {
    return this.#order((orders) => orders.setTopic(room, topic));
  }

  setPicture(room: RoomId, picture: Uint8Array | null): Promise<Outcome<Room>> {
    return this.#order((orders) => orders.setPicture(room, picture));
  }

  rotateCode(room: RoomId): Promise<Outcome<Room>> {
    return this.#order((orders) => orders.rotateCode(room));
  }

  setNewcomers(room: RoomId, newcomers: Newcomers): Promise<Outcome<Room>> {
    return this.#order((orders) => orders.setNewcomers(room, newcomers));
  }

  approve(room: RoomId, username: string): Promise<Outcome<Room>> {
    return this.#order((orders) => orders.approve(room, username));
  }

  decline(room: RoomId, username: string): Promise<Outcome<Room>> {
    return this.#order((orders) => orders.decline(room, username));
  }

  endRoom(room: RoomId): Promise<Outcome<Room>> {
    return this.#order((orders) => orders.endRoom(room));
  }

  async #order<T>(give: (orders: RoomOrders) => Promise<Outcome<T>>): Promise<Outcome<T>> {
    const orders = await this.#o.orders();
    return orders === null ? NOT_LOADED : await give(orders);
  }
}
