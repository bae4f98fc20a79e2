/**
 * Room messages and sender keys that arrive: opened, or held until the log or the key is there. What is not
 * believed is dropped with a notice; a fork that a member has signed, or told over a session, stops the room.
 */
import { DecryptError } from "../crypto/errors.ts";
import { openRoomMessage } from "../crypto/room_cipher.ts";
import {
  acceptSenderKey,
  type PeerSenderKey,
  type SenderKeyMessage,
} from "../crypto/sender_key.ts";
import { findDevice } from "../protocol/bundle.ts";
import { type Bytes, equalBytes, toBase64Url } from "../protocol/encoding.ts";
import { FormatError, VerifyError } from "../protocol/errors.ts";
import type { AccountId, DeviceId, RoomId } from "../protocol/ids.ts";
import { findMember, type Judgement } from "../protocol/room.ts";
import { decodeRoomEnvelope, type RoomEnvelope } from "../protocol/room_envelope.ts";
import { type Change, StoreFailed, type Writer } from "./change.ts";
import { REMEMBERED_WEEKS, weekOf } from "./inbox.ts";
import { type Contact, keys } from "./records.ts";
import { decodeRoomContent, type RoomContent } from "./room_content.ts";
import type { OtherHead } from "./room_forks.ts";
import type { RoomLogs } from "./room_logs.ts";
import { conversationOf, getPeerKeys, getRoom, type HeldItem, MOST_HELD } from "./room_records.ts";
import { HELD_FOR, HELD_FOR_STRANGE_ROOMS, type HeldCode } from "./room_records.ts";
import { roomKeys, type RoomRecord } from "./room_records.ts";
import type { LocalStore, Row } from "./store.ts";
import { mentions } from "./mentions.ts";
import { addMessage, getContact, nameOf } from "./timeline.ts";
import type { Me } from "./types.ts";

export interface RoomArrivalsOptions {
  readonly me: Me;
  readonly store: LocalStore;
  readonly writer: Writer;
  readonly logs: RoomLogs;
  readonly now: () => number;
  /** The log has gone on, or the room is not known here yet; called after the change. */
  readonly behind: (room: RoomId) => void;
  /** A member stands on another log, and the room has been stopped: the others are told, in the same change. */
  readonly forked: (change: Change, record: RoomRecord, other: OtherHead) => Promise<void>;
  /** A key is missing; called after the change. */
  readonly keyMissing: (
    envelope: Pick<RoomEnvelope, "room" | "account" | "device" | "key">,
  ) => void;
  /** Messages were missing. */
  readonly missing: (
    change: Change,
    conversation: ReturnType<typeof conversationOf>,
    count: number,
  ) => Promise<void>;
}

/** `hold`: not now. */
type Taken = "done" | "hold";
/** Whose device it is, says the session or the sender key. */
type Sender = { readonly account: AccountId; readonly device: DeviceId };

export class RoomArrivals {
  readonly #o: RoomArrivalsOptions;

  constructor(options: RoomArrivalsOptions) {
    this.#o = options;
  }

  /** Takes an envelope off the queue. @throws {FormatError} {@link DecryptError} to be set aside */
  async envelope(change: Change, bytes: Uint8Array): Promise<void> {
    const envelope = new Uint8Array(bytes);
    const item: HeldItem = { kind: "message", envelope };
    if (await this.#message(change, envelope) === "hold") {
      await this.#hold(change, decodeRoomEnvelope(envelope).room, item);
    }
  }

  /** Takes a sender key that came over the session with this device. */
  async key(
    change: Change,
    from: { readonly account: AccountId; readonly device: DeviceId },
    message: SenderKeyMessage,
  ): Promise<void> {
    const { account, device } = from;
    const item: HeldItem = { kind: "key", account, device, message };
    if (await this.#key(change, item) === "hold") {
      return await this.#hold(change, message.room, item);
    }
    await this.release(change, message.room);
  }

  /** Looks again at what was held for a room, in the order in which it came, keys first. */
  async release(change: Change, room: RoomId): Promise<void> {
    const prefix = roomKeys.heldOf(room);
    const rows = await this.#list(prefix);
    const isKey = ({ value }: Row<HeldItem>) => value.kind === "key";
    for (const { key, value } of [...rows.filter(isKey), ...rows.filter((row) => !isKey(row))]) {
      // This very change may have dealt with it already.
      if (await change.get("sessions", key) === undefined) continue;
      if (await this.#again(change, value) === "done") change.remove("sessions", key);
    }
  }

  /** Whether a message still waits for this key. */
  async awaits(change: Change, wanted: Pick<RoomEnvelope, "room" | "key">): Promise<boolean> {
    for (const { key, value } of await this.#list(roomKeys.heldOf(wanted.room))) {
      if (value.kind !== "message" || await change.get("sessions", key) === undefined) continue;
      if (decodeRoomEnvelope(value.envelope).key === wanted.key) return true;
    }
    return false;
  }

  async #again(change: Change, item: HeldItem): Promise<Taken> {
    try {
      if (item.kind === "key") return await this.#key(change, item);
      return await this.#message(change, item.envelope);
    } catch (error) {
      if (error instanceof StoreFailed || !isRefusal(error)) throw error;
      const words = "A message in a room arrived damaged, or too late.";
      this.#warn(change, roomOfItem(item), "unreadable", words);
      return "done";
    }
  }

  async #message(change: Change, bytes: Bytes): Promise<Taken> {
    const envelope = decodeRoomEnvelope(bytes);
    const { room, account, device } = envelope;
    const record = await getRoom(change, room);
    if (!record) {
      change.after.push(() => this.#o.behind(room));
      return "hold";
    }
    if (record.stopped || await this.#isDuplicate(change, envelope)) return "done";
    if (record.removed.includes(account) || await this.#isRevoked(change, record, envelope)) {
      return await this.#notMember(change, record, envelope);
    }
    const kept = await getPeerKeys(change, room, account, device);
    const opened = await openRoomMessage(record.state, kept, envelope, this.#o.now());
    switch (opened.kind) {
      case "content":
        await this.#content(change, envelope, opened, kept);
        return "done";
      case "unknown-key":
        change.after.push(() => this.#o.keyMissing(envelope));
        return "hold";
      default:
        return await this.#verdict(change, record, opened.kind, envelope);
    }
  }

  /** What becomes of something whose sender or head the log does not bear out. */
  async #verdict(
    change: Change,
    record: RoomRecord,
    verdict: Exclude<Judgement, "ok">,
    from: Sender & OtherHead,
  ): Promise<Taken> {
    switch (verdict) {
      case "newer":
        change.after.push(() => this.#o.behind(record.id));
        return "hold";
      case "fork":
        await this.#o.logs.fork(change, record);
        await this.#o.forked(change, record, from);
        return "done";
      case "not-member":
        return await this.#notMember(change, record, from);
    }
  }

  async #content(
    change: Change,
    envelope: RoomEnvelope,
    opened: { readonly content: Bytes; readonly key: PeerSenderKey; readonly gap: number },
    kept: readonly PeerSenderKey[],
  ): Promise<void> {
    const { room, account, device } = envelope;
    const stepped = kept.map((one) => one.id === opened.key.id ? opened.key : one);
    change.set("sessions", roomKeys.peer(room, account, device), stepped);
    const seen = keys.seenEnvelope(weekOf(this.#o.now()), toBase64Url(envelope.salt));
    change.set("seen", seen, true);
    const conversation = conversationOf(room);
    if (opened.gap > 0) await this.#o.missing(change, conversation, opened.gap);
    let content: RoomContent;
    try {
      content = decodeRoomContent(opened.content);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      const words = "A message arrived that this version cannot show. It was set aside.";
      return this.#warn(change, room, "unreadable", words);
    }
    const mine = account === this.#o.me.account;
    const contact = await getContact(change, account);
    const { text } = content.body;
    const blocked = !mine && contact?.blocked === true;
    const mention = !mine && !blocked && mentions(text, this.#o.me.username);
    await addMessage(change, {
      id: content.id,
      conversation,
      from: account,
      device,
      mine,
      text,
      ...contact && !mine ? { sender: nameOf(contact) } : {},
      ...mention ? { mention } : {},
      ...blocked ? { blocked } : {},
      time: Math.min(content.time, this.#o.now()),
      verified: mine || contact?.verified === true && contact.changed === null,
      ...mine ? { state: "sent" as const } : {},
    });
  }

  async #key(
    change: Change,
    { account, device, message }: Extract<HeldItem, { kind: "key" }>,
  ): Promise<Taken> {
    const { room } = message;
    const record = await getRoom(change, room);
    if (!record) {
      change.after.push(() => this.#o.behind(room));
      return "hold";
    }
    if (record.stopped) return "done";
    if (record.removed.includes(account)) {
      return await this.#notMember(change, record, { account, device });
    }
    const kept = await getPeerKeys(change, room, account, device);
    const from = { account, device };
    const outcome = acceptSenderKey(record.state, kept, from, message, this.#o.now());
    switch (outcome.kind) {
      case "accepted":
        change.set("sessions", roomKeys.peer(room, account, device), [...outcome.keys]);
        return "done";
      case "known":
        return "done";
      default:
        return await this.#verdict(change, record, outcome.kind, { ...message, ...from });
    }
  }

  /** Pinned, but the newest list known of the same account has the device no more. */
  async #isRevoked(
    change: Change,
    { state }: RoomRecord,
    { account, device }: RoomEnvelope,
  ): Promise<boolean> {
    const member = findMember(state, account);
    const list = (await getContact(change, account))?.list;
    if (!member || !list || !equalBytes(list.aik, member.aik)) return false;
    return list.version >= member.pin.version && !findDevice(list, device);
  }

  async #notMember(
    change: Change,
    { id }: RoomRecord,
    { account, device }: Sender,
  ): Promise<Taken> {
    const contact: Contact | undefined = await getContact(change, account);
    const name = contact ? nameOf(contact) : "Somebody";
    const words = `${name} sent something to a room that they are not in. It was dropped.`;
    await this.#o.logs.warn(change, id, "not-member", words, { account, device });
    return "done";
  }

  async #isDuplicate(change: Change, { salt }: RoomEnvelope): Promise<boolean> {
    const week = weekOf(this.#o.now());
    const name = toBase64Url(salt);
    for (let back = -1; back < REMEMBERED_WEEKS; back++) {
      if (await change.get("seen", keys.seenEnvelope(week - back, name))) return true;
    }
    return false;
  }

  /** Drops what has waited too long, above all for rooms that this account never came into. */
  async expire(): Promise<void> {
    const { writer, now } = this.#o;
    const rows = await this.#list(roomKeys.allHeld);
    const codes = await this.#o.store.list<HeldCode>("sessions", { prefix: roomKeys.allCodes });
    await writer.change(async (change) => {
      const isOver = async (room: RoomId, at: number) => {
        const known = await getRoom(change, room) !== undefined;
        return now() - at > (known ? HELD_FOR : HELD_FOR_STRANGE_ROOMS);
      };
      for (const { key, value } of rows) {
        if (await isOver(roomOfItem(value), value.at ?? 0)) change.remove("sessions", key);
      }
      for (const { key, value: { message, at } } of codes) {
        if (await isOver(message.room, at)) change.remove("sessions", key);
      }
    });
  }

  async #hold(change: Change, room: RoomId, item: HeldItem): Promise<void> {
    const known = await getRoom(change, room) !== undefined;
    const held = await this.#list(known ? roomKeys.heldOf(room) : roomKeys.allHeld);
    if (held.length >= MOST_HELD) {
      const words = "Too much waits for this room. It was dropped.";
      return this.#warn(change, known ? room : null, "unreadable", words);
    }
    const row: HeldItem = { ...item, at: this.#o.now() };
    change.set("sessions", roomKeys.held(room, await change.nextOrder()), row);
  }

  #list(prefix: string): Promise<Row<HeldItem>[]> {
    return this.#o.store.list<HeldItem>("sessions", { prefix }).catch((error) => {
      throw new StoreFailed(error);
    });
  }

  #warn(
    change: Change,
    room: RoomId | null,
    what: "unreadable",
    words: string,
  ): void {
    const where = room === null ? {} : { conversation: conversationOf(room) };
    change.tell({ kind: "warning", what, words, ...where });
  }
}

function roomOfItem(item: HeldItem): RoomId {
  return item.kind === "key" ? item.message.room : decodeRoomEnvelope(item.envelope).room;
}

function isRefusal(error: unknown): boolean {
  return error instanceof DecryptError || error instanceof FormatError ||
    error instanceof VerifyError;
}
