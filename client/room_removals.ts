/**
 * Removals that are on their way. A moderator's device tells every member at once, pairwise, so that a server
 * that keeps the entry back wins nothing: whoever is sent away gets no key from that moment on, and when the log
 * has not got the entry after a minute, people are told.
 */
import type { AccountId, DeviceId, RoomId } from "../protocol/ids.ts";
import { findMember, readRoomBody, type RoomEntry } from "../protocol/room.ts";
import type { Change } from "./change.ts";
import { dropPeerKeys, getRoom, type Removal, type RoomRecord } from "./room_records.ts";
import type { RoomLogs } from "./room_logs.ts";
import type { RoomSending } from "./room_sending.ts";
import { isRemoval } from "./room_standing.ts";
import { putRoom } from "./room_views.ts";
import type { LocalStore } from "./store.ts";
import { getContact, nameOf } from "./timeline.ts";

export interface RoomRemovalsOptions {
  readonly me: AccountId;
  readonly store: LocalStore;
  readonly logs: RoomLogs;
  readonly sending: RoomSending;
  readonly now: () => number;
  /** Calls {@link RoomRemovals.check} in a minute, and fetches the log now. */
  readonly watch: (room: RoomId) => void;
}

/** How long the log may lack an entry that members were told of. Milliseconds. */
export const REMOVAL_WAIT = 60_000;

export class RoomRemovals {
  readonly #o: RoomRemovalsOptions;

  constructor(options: RoomRemovalsOptions) {
    this.#o = options;
  }

  /** A removal by this device: counts here and is on its way to everybody before the log has it. */
  async tell(change: Change, record: RoomRecord, entry: RoomEntry): Promise<void> {
    const body = readRoomBody(entry);
    if (body.kind !== "remove" && body.kind !== "ban") return;
    // Somebody who is not in it gets no keys anyway: the log alone is soon enough.
    if (!findMember(record.state, body.member)) return;
    const { account, device, member } = body;
    const next = await this.#add(change, record, { member, by: { account, device }, entry });
    await this.#o.sending.tellEverybody(change, next, { kind: "room-entry", entry });
  }

  /** A removal that another member's device has told. */
  async take(
    change: Change,
    from: { readonly account: AccountId; readonly device: DeviceId },
    entry: RoomEntry,
  ): Promise<void> {
    const body = readRoomBody(entry);
    if (body.kind !== "remove" && body.kind !== "ban") return;
    // Nobody passes on what others have signed: the log is there for that.
    if (body.account !== from.account || body.device !== from.device) return;
    const record = await getRoom(change, body.room);
    if (!record || record.stopped) return;
    change.after.push(() => this.#o.watch(record.id));
    if (!await isRemoval(record.state, entry)) return;
    // It ends by the log alone: this device says goodbye in words, not to itself.
    if (body.member === this.#o.me) return;
    await this.#add(change, record, { member: body.member, by: from, entry });
  }

  /** Tells people of removals that the log has not got after a minute. */
  async check(change: Change, room: RoomId): Promise<void> {
    const record = await getRoom(change, room);
    for (const { member, by, at } of record?.removals ?? []) {
      if (this.#o.now() - at < REMOVAL_WAIT || record!.stopped) continue;
      const [moderator, gone] = [
        await this.#name(change, by.account),
        await this.#name(change, member),
      ];
      const who = by.account === this.#o.me ? "You" : moderator;
      const words = `${who} removed ${gone}, and the server does not show it to this device. ` +
        `${gone} can read nothing that is sent from here, but others may not know.`;
      await this.#o.logs.warn(change, room, "room-removal", words, by);
    }
  }

  async #add(
    change: Change,
    record: RoomRecord,
    { member, by, entry }: Omit<Removal, "at">,
  ): Promise<RoomRecord> {
    const { me, store, now } = this.#o;
    const others = (record.removals ?? []).filter((one) => one.member !== member);
    const before = record.removals?.find((one) => one.member === member);
    const removals = [...others, { member, by, entry, at: before?.at ?? now() }];
    const removed = [...record.removed.filter((account) => account !== member), member];
    const next: RoomRecord = { ...record, removed, removals };
    await putRoom(change, me, next);
    await dropPeerKeys(change, store, record.id, member);
    await this.#o.logs.dropStaged(change, record.id, member);
    if (by.account === me) change.after.push(() => this.#o.watch(record.id));
    return next;
  }

  async #name(change: Change, account: AccountId): Promise<string> {
    const contact = await getContact(change, account);
    return contact ? nameOf(contact) : "somebody";
  }
}
