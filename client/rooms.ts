/** Rooms of a device, put together: what arrives, what leaves, what the log says, what a person asks. */
import type { SenderKeyRequest } from "../crypto/sender_key.ts";
import type { DeviceKeys } from "../crypto/account.ts";
import type { KeyMode } from "../crypto/private_key.ts";
import type { AccountId, DeviceId, RoomId } from "../protocol/ids.ts";
import { findMember, isPinBehind, readRoomBody } from "../protocol/room.ts";
import type { RoomEnvelope } from "../protocol/room_envelope.ts";
import type { Change, Writer } from "./change.ts";
import type { ContentBody } from "./content.ts";
import type { DeviceApi } from "./device_login.ts";
import type { After } from "./link.ts";
import type { Outbox } from "./outbox.ts";
import { readElsewhere } from "./receipts.ts";
import { RoomArrivals, type RoomArrivalsOptions } from "./room_arrivals.ts";
import { RoomCommands } from "./room_commands.ts";
import { tellFork } from "./room_forks.ts";
import { RoomLogs } from "./room_logs.ts";
import { RoomOrdersDoor } from "./room_orders_door.ts";
import { conversationOf, getRoom, isAccepted, type RoomRecord } from "./room_records.ts";
import { REMOVAL_WAIT, RoomRemovals } from "./room_removals.ts";
import { type Asking, RoomSending } from "./room_sending.ts";
import type { LocalStore } from "./store.ts";
import type { Supplies, Supply } from "./supplies.ts";
import { ensureConversation, getContact, getConversation } from "./timeline.ts";
import type { Me } from "./types.ts";

export type { RoomCommands };

export interface RoomsOptions {
  readonly me: Me;
  readonly own: DeviceKeys;
  readonly mode: KeyMode;
  readonly store: LocalStore;
  readonly writer: Writer;
  readonly api: DeviceApi;
  readonly outbox: Outbox;
  readonly supplies: Supplies;
  readonly after: After;
  readonly now: () => number;
  /** Another number whenever anything that is known of people may be another. */
  readonly peopleVersion: () => number;
  readonly wake: () => void;
  readonly background: (work: Promise<unknown>) => void;
  readonly missing: RoomArrivalsOptions["missing"];
  /** The code of what changes rooms could not be had. */
  readonly unavailable: (error: unknown) => void;
}

/** How long a message waits for its key before the key is asked for. Milliseconds. */
const ASK_AFTER = 3_000;
/** How soon the same key is asked for again. Milliseconds. */
const ASK_AGAIN_AFTER = 10 * 60_000;
/** How soon somebody who could not be looked up is looked up again. Milliseconds. */
const MISSING_FOR = 10 * 60_000;

/** People looked up one by one; more are asked for together. */
const FEW = 4;
/** People looked up one by one for what is only to be shown. */
const MOST_MET = 32;

type Wanted = Pick<RoomEnvelope, "room" | "account" | "device" | "key">;

export class Rooms {
  readonly commands: RoomCommands;
  readonly sending: RoomSending;
  readonly arrivals: RoomArrivals;
  readonly #o: RoomsOptions;
  readonly #logs: RoomLogs;
  readonly #removals: RoomRemovals;
  readonly #orders: RoomOrdersDoor;
  readonly #asked = new Map<string, number>();
  /** Who was looked up lately without the list that the log names: until when that version is not asked for again. */
  readonly #missing = new Map<AccountId, { readonly until: number; readonly version: number }>();
  /** The highest list version that a message has waited for. */
  readonly #sought = new Map<AccountId, number>();
  readonly #pinning = new Set<string>();
  readonly #callOffs = new Set<() => void>();
  readonly #watched = new Set<RoomId>();
  /** Rooms not known here, and when the server was asked about them. */
  readonly #strange = new Map<RoomId, number>();

  constructor(options: RoomsOptions) {
    this.#o = options;
    const { me, own, mode, store, writer, api, outbox, now, wake } = options;
    const release = (room: RoomId) => this.#release(room);
    const logs = this.#logs = new RoomLogs({
      ...{ own, store, writer, api, now, grown: release },
      meet: (room, accounts) => this.meet(room, accounts, MOST_MET),
      settle: (change, room) => this.arrivals.release(change, room),
      recoded: async (change, record) => {
        await this.sending.tellCode(change, record, "everybody");
        change.after.push(wake);
      },
      ownPinned: (room) => options.background(this.#tellOwnDevices(room)),
    });
    const { peopleVersion } = options;
    const sending = this.sending = new RoomSending({
      ...{ own, mode, outbox, store, now, peopleVersion },
      later: (from, request) => this.#answerLater(from, request),
      pinBehind: (room, account) => this.#pin(room, account),
      isMissing: (account, version) => this.#isMissing(account, version),
    });
    this.arrivals = new RoomArrivals({
      ...{ me, store, writer, logs, now },
      behind: (room) => this.#behind(room),
      forked: async (change, record, other) => {
        await tellFork(change, record, other, { me: me.account, sending });
        change.after.push(wake);
      },
      keyMissing: (wanted) => this.#keyMissing(wanted),
      missing: options.missing,
    });
    const watch = (room: RoomId) => this.#watch(room);
    this.#removals = new RoomRemovals({
      ...{ me: me.account, store, logs, sending, now, watch },
    });
    this.#orders = new RoomOrdersDoor({
      ...{ me, own, store, writer, api, logs, sending, now, wake, release },
      removing: async (change, record, entry) => {
        await this.#removals.tell(change, record, entry);
        change.after.push(wake);
      },
      view: (room) => this.commands.view(room),
      room: (room) => this.commands.room(room),
      unavailable: options.unavailable,
    });
    this.commands = new RoomCommands({
      ...{ me, own, store, writer, logs, sending, outbox, now, wake },
      orders: () => this.#orders.open(),
      accepted: (room) => {
        release(room);
        // The log should name all devices of this account, and those that it names get the code.
        options.background(this.catchUp(room).then(() => this.listChanged(me.account)));
      },
    });
  }

  stop(): void {
    for (const callOff of this.#callOffs) callOff();
  }

  /** A control content about rooms, from the device at the other end of a session. */
  async control(
    change: Change,
    from: { readonly account: AccountId; readonly device: DeviceId },
    body: ContentBody,
  ): Promise<void> {
    // Whatever it is answered with.
    change.after.push(this.#o.wake);
    if (body.kind === "sender-key") return await this.arrivals.key(change, from, body);
    if (body.kind === "sender-key-request") await this.sending.answer(change, from, body);
    if (body.kind === "room-code-request") {
      await this.sending.answerCode(change, from, body.room);
    }
    if (body.kind === "room-entry") return await this.#removals.take(change, from, body.entry);
    if (body.kind === "room-read" && from.account === this.#o.me.account) {
      const record = await getConversation(change, conversationOf(body.room));
      if (record) await readElsewhere(change, record, body.ids);
    }
    if (body.kind === "room-code") {
      await this.#logs.takeCode(change, body);
      if (from.account === this.#o.me.account) await this.#acceptedElsewhere(change, body.room);
      change.after.push(() => this.#o.background(this.catchUp(body.room)));
    }
  }

  /** Brings a room up to date, one that is not known here yet too. */
  async catchUp(room: RoomId): Promise<Supply> {
    const known = await this.#o.writer.change((change) => getRoom(change, room));
    if (known) {
      const supply = await this.#logs.catchUp(room);
      await this.#wantCode(room);
      return supply;
    }
    const orders = await this.#orders.open();
    if (orders === null) return { kind: "offline" };
    if (await orders.adopt(room)) {
      this.#release(room);
      await this.#wantCode(room);
      return { kind: "done" };
    }
    return { kind: "refused", words: "There is no such room." };
  }

  /** Connected: what happened meanwhile, and rooms that other devices of this account are in. */
  async lookAround(): Promise<void> {
    const server = await this.#logs.serverId();
    if ("ok" in server) return;
    const answer = await this.#o.api.rooms(null);
    const theirs = answer.ok ? answer.value.rooms : [];
    const rows = await this.#o.store.list<RoomRecord>("sessions", { prefix: "room/" });
    const ours = new Map(rows.map(({ value }) => [value.id, value]));
    for (const { room, seq } of theirs) {
      const known = ours.get(room);
      if (!known || known.state.seq < seq || known.stopped === "left") await this.catchUp(room);
    }
    for (const { id, stopped, removals = [] } of ours.values()) {
      if (stopped === null && removals.length > 0) this.#watch(id);
      const gone = answer.ok && !theirs.some(({ room }) => room === id);
      if (gone && stopped === null) await this.catchUp(id);
    }
    await this.listChanged(this.#o.me.account);
    await this.arrivals.expire();
  }

  /** Somebody has another list of devices: the rooms where they are should know. */
  async listChanged(account: AccountId): Promise<void> {
    const rows = await this.#o.store.list<RoomRecord>("sessions", { prefix: "room/" });
    const contact = await this.#o.writer.change((change) => getContact(change, account));
    if (!contact || contact.changed) return;
    for (const { value: { id, state, stopped } } of rows) {
      if (stopped || !findMember(state, account)) continue;
      if (isPinBehind(state, contact.list)) this.#pin(id, account);
    }
  }

  /**
   * Looks up people of a room whom nobody has met here.
   * @param most of those whom the server does not give all at once
   */
  async meet(room: RoomId, accounts: readonly AccountId[], most = Infinity): Promise<Supply> {
    const isMany = accounts.length > FEW;
    const many = isMany ? await this.#o.supplies.members(room, new Set(accounts)) : null;
    if (many?.kind === "offline" || many?.kind === "later") return many;
    let met = 0;
    for (const account of accounts) {
      const wanted = Math.max(1, this.#sought.get(account) ?? 0);
      if (isMany && await this.#versionOf(account) >= wanted) continue;
      const supply = ++met > most ? { kind: "done" } as const : await this.#meet(account);
      if (supply.kind !== "done") return supply;
    }
    return { kind: "done" };
  }

  /** Those who cannot be looked up are passed over for a while. */
  async #meet(account: AccountId): Promise<Supply> {
    // As of the asking: what the log names by the time of the answer is not answered by it.
    const version = this.#sought.get(account) ?? 0;
    const supply = await this.#o.supplies.list(account);
    if (supply.kind !== "refused" && supply.kind !== "done") return supply;
    // A server that shows an older list than the log names must not be asked for ever.
    const wait = supply.kind === "done" ? ASK_AFTER : MISSING_FOR;
    this.#missing.set(account, { until: this.#o.now() + wait, version });
    return { kind: "done" };
  }

  /** Another device of this account tells the code of rooms that somebody said yes to. */
  async #acceptedElsewhere(change: Change, room: RoomId): Promise<void> {
    if (!await getRoom(change, room)) return;
    await ensureConversation(change, conversationOf(room), true);
    change.after.push(() => this.#release(room));
  }

  async #versionOf(account: AccountId): Promise<number> {
    const contact = await this.#o.writer.change((change) => getContact(change, account));
    return contact?.list.version ?? 0;
  }

  #isMissing(account: AccountId, version: number): boolean {
    const missing = this.#missing.get(account);
    this.#sought.set(account, Math.max(version, this.#sought.get(account) ?? 0));
    return missing !== undefined && missing.until > this.#o.now() && missing.version >= version;
  }

  /** The log pins a new device of this account, whoever said so: it needs the code. */
  async #tellOwnDevices(room: RoomId): Promise<void> {
    const { supplies, own, writer, wake } = this.#o;
    await supplies.list(own.account);
    await writer.change(async (change) => {
      const record = await getRoom(change, room);
      if (!record || !await isAccepted(change, room)) return;
      await this.sending.tellCode(change, record, own.account);
      change.after.push(wake);
    });
  }

  #pin(room: RoomId, account: AccountId): void {
    const name = `${room} ${account}`;
    if (this.#pinning.has(name)) return;
    this.#pinning.add(name);
    const accepted = this.#o.writer.change((change) => isAccepted(change, room));
    const work = accepted.then(async (yes) => {
      if (yes) await (await this.#orders.open())?.pinDevices(room, account);
    }).finally(() => this.#pinning.delete(name));
    this.#o.background(work);
  }

  #release(room: RoomId): void {
    const { writer, background, wake } = this.#o;
    background(writer.change((change) => this.arrivals.release(change, room)).then(wake));
  }

  /** The key is probably on its way; whoever still waits in a moment asks for it. */
  #keyMissing(wanted: Wanted): void {
    const { now, after, background } = this.#o;
    const name = `${wanted.device} ${wanted.key}`;
    if ((this.#asked.get(name) ?? -Infinity) > now() - ASK_AGAIN_AFTER) return;
    this.#asked.set(name, now());
    const callOff = after(ASK_AFTER, () => {
      this.#callOffs.delete(callOff);
      background(this.#ask(wanted));
    });
    this.#callOffs.add(callOff);
  }

  /** A removal is on its way: the log should show it now, or at the latest in a minute. */
  #watch(room: RoomId): void {
    const { background, after, writer } = this.#o;
    background(this.catchUp(room));
    if (this.#watched.has(room)) return;
    this.#watched.add(room);
    const callOff = after(REMOVAL_WAIT, () => {
      this.#callOffs.delete(callOff);
      this.#watched.delete(room);
      const looked = this.#removeAgain(room);
      background(looked.then(() => writer.change((change) => this.#removals.check(change, room))));
    });
    this.#callOffs.add(callOff);
  }

  /** What this device was refused, or never got an answer to, is put into the log again. */
  async #removeAgain(room: RoomId): Promise<void> {
    await this.catchUp(room);
    const { writer, own } = this.#o;
    const record = await writer.change((change) => getRoom(change, room));
    for (const { entry, by, member } of record?.removals ?? []) {
      const { kind } = readRoomBody(entry);
      if (by.device !== own.device || (kind !== "remove" && kind !== "ban")) continue;
      await (await this.#orders.open())?.recode(room, { kind, member });
    }
  }

  /** The code is probably on its way; a device that lacks it in a moment asks for it. */
  async #wantCode(room: RoomId): Promise<void> {
    const { now, writer, own } = this.#o;
    const lacks = async (change: Change) => {
      const record = await getRoom(change, room);
      if (!record || record.stopped || record.code !== null) return null;
      if (!await isAccepted(change, room)) return null;
      return findMember(record.state, own.account)?.role === "waiting" ? null : record;
    };
    if (await writer.change(lacks) === null) return;
    const name = `code ${room}`;
    if ((this.#asked.get(name) ?? -Infinity) > now() - ASK_AGAIN_AFTER) return;
    this.#asked.set(name, now());
    this.#soon(ASK_AFTER, async (change) => {
      const record = await lacks(change);
      if (record) await this.sending.askForCode(change, record);
      change.after.push(this.#o.wake);
    });
  }

  #answerLater(from: Asking, request: SenderKeyRequest): void {
    this.#soon(ASK_AFTER, async (change) => {
      await this.sending.answer(change, from, request);
      change.after.push(this.#o.wake);
    });
  }

  /** The log has gone on. For a room that is not known here the server is not asked with every envelope. */
  #behind(room: RoomId): void {
    const { now, background } = this.#o;
    const last = this.#strange.get(room) ?? -Infinity;
    background(
      this.#logs.isKnown(room).then(async (known) => {
        if (!known && now() - last < ASK_AFTER) return;
        if (!known) this.#strange.set(room, now());
        await this.catchUp(room);
      }),
    );
  }

  #soon(ms: number, work: (change: Change) => Promise<void>): void {
    const { after, background, writer } = this.#o;
    const callOff = after(ms, () => {
      this.#callOffs.delete(callOff);
      background(writer.change(work));
    });
    this.#callOffs.add(callOff);
  }

  async #ask({ room, account, device, key }: Wanted): Promise<void> {
    const { writer, supplies, wake } = this.#o;
    const known = await writer.change((change) => getContact(change, account));
    if (!known) await supplies.list(account);
    await writer.change(async (change) => {
      if (!await isAccepted(change, room)) return;
      if (!await this.arrivals.awaits(change, { room, key })) return;
      const body = { kind: "sender-key-request", room, key } as const;
      await this.sending.tell(change, account, [device], body);
      change.after.push(wake);
    });
  }
}
