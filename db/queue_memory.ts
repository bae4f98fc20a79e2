/**
 * Device lists and queues that are remembered between transactions, and what happens to queues in
 * one: placing, losing, removing. Counters in the database say when something remembered is wrong
 * (a list moved on, a device was removed), whoever changed it.
 */
import type { DatabaseSync } from "node:sqlite";
import type { AccountId, DeviceId } from "../protocol/ids.ts";
import { deviceRows } from "./devices.ts";
import type { Queued, QueueDepth, QueueLimits, ReadLimits } from "./queue_work.ts";
import { type EnvelopeTable, envelopeTable, queueTable, type Sent } from "./queue_tables.ts";
import type { QueueState, Waiting } from "./queue_state.ts";
import { RecentEnvelopes } from "./recent_envelopes.ts";
import { RecentSubmits } from "./recent_submits.ts";

/** Where an account's device list stands. */
export interface KnownList {
  readonly version: number;
  readonly devices: ReadonlySet<DeviceId>;
}

/** More lists or waiting envelopes than this in memory, and all is forgotten: about 50 MiB. */
const MAX_LISTS = 50_000;
const MAX_WAITING = 300_000;

/** See the head of this file. All methods but {@link QueueMemory.guarded} run in a transaction. */
export class QueueMemory {
  readonly #queues = new Map<DeviceId, QueueState>();
  readonly #lists = new Map<AccountId, KnownList>();
  readonly #table;
  readonly #envelopes: EnvelopeTable;
  readonly #recent: RecentEnvelopes;
  /** Submissions that were taken. */
  readonly submits: RecentSubmits;
  readonly #devices;
  readonly #limits: QueueLimits;
  /** Queues whose count of gaps changed in this transaction. */
  readonly #lost = new Set<QueueState>();
  #epoch = { lists: -1, removals: -1 };
  #waiting = 0;
  /** In all queues, remembered or not; null when it has to be counted again. */
  #total: number | null = null;

  constructor(db: DatabaseSync, limits: QueueLimits, generation: number) {
    this.#table = queueTable(db);
    this.#envelopes = envelopeTable(db);
    this.#recent = new RecentEnvelopes(db, generation);
    this.submits = new RecentSubmits(db, generation);
    this.#devices = deviceRows(db);
    this.#limits = limits;
  }

  /** Runs a transaction. When it fails, what is remembered may be ahead of the disk: forget it. */
  guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      this.#forget();
      throw error;
    }
  }

  /** First in every transaction: drops what no longer holds. */
  begin(): void {
    this.#lost.clear();
    const epoch = this.#table.epoch();
    if (epoch.lists !== this.#epoch.lists || this.#lists.size > MAX_LISTS) this.#lists.clear();
    if (epoch.removals !== this.#epoch.removals || this.#waiting > MAX_WAITING) this.#forget();
    this.#epoch = epoch;
  }

  /** Last in every transaction: writes what is open; returns the totals of queues that lost something. */
  finish(): Map<DeviceId, number> {
    this.#recent.write();
    this.submits.write();
    const totals = new Map<DeviceId, number>();
    for (const queue of this.#lost) {
      this.#table.saveGaps(queue);
      totals.set(queue.device, queue.gaps);
    }
    return totals;
  }

  /** The queue of a device, or null when there is no such device. */
  queue(device: DeviceId): QueueState | null {
    const known = this.#queues.get(device);
    if (known !== undefined) return known;
    const loaded = this.#table.load(device);
    if (loaded === null) return null;
    this.#claimRecent(loaded);
    this.#queues.set(device, loaded);
    this.#waiting += loaded.count;
    return loaded;
  }

  /** The current device list of an account, or null when there is no such account. */
  list(account: AccountId): KnownList | null {
    const known = this.#lists.get(account);
    if (known !== undefined) return known;
    const head = this.#devices.head(account);
    if (head === null) return null;
    const list = { version: head.version, devices: new Set(head.devices) };
    this.#lists.set(account, list);
    return list;
  }

  /** What waits in all queues. Outside of a transaction too. */
  depth(): QueueDepth {
    if (this.#table.epoch().removals !== this.#epoch.removals) this.#total = null;
    this.#total ??= this.#envelopes.count();
    return { waiting: this.#total, oldestMinute: this.#envelopes.oldestMinute() };
  }

  /** What waits after `position`. Outside of a transaction too. */
  read(device: DeviceId, position: number, { envelopes, bytes }: ReadLimits): Queued[] {
    const queue = this.queue(device);
    if (queue === null) return [];
    const waiting = queue.fit(position, envelopes, bytes);
    const recent = waiting.filter((one) => this.#recent.has(one));
    const older = waiting.length - recent.length;
    const rows = older === 0 ? [] : this.#envelopes.read(queue.no, position, older);
    if (recent.length === 0) return rows;
    for (const one of recent) rows.push(this.#recent.read(one));
    return rows.sort((a, b) => a.position - b.position);
  }

  /** Has the queue room for one more of so many bytes from this account? */
  hasRoom(queue: QueueState, from: AccountId, own: boolean, bytes: number): boolean {
    const { envelopes, perSender } = this.#limits;
    return queue.count < envelopes && queue.bytes + bytes <= this.#limits.bytes &&
      (own || queue.from(from) < perSender);
  }

  /** Loses the oldest until there is room: the sender's own first, so that nobody flushes another's. */
  makeRoom(queue: QueueState, from: AccountId, own: boolean, bytes: number): void {
    while (!own && queue.from(from) >= this.#limits.perSender) {
      this.#drop(queue, queue.oldestFrom(from)!);
    }
    while (queue.count > 0 && !this.hasRoom(queue, from, own, bytes)) {
      this.#drop(queue, queue.oldest!);
    }
  }

  /** Appends an envelope, or a use of a shared body; returns its position. */
  place(queue: QueueState, from: AccountId, sent: Sent, body: Uint8Array | SharedBody): number {
    const position = queue.next;
    const kept = body instanceof Uint8Array
      ? { no: this.#recent.append(queue.no, position, sent, body), bytes: body.length }
      : { no: this.#placeShared(queue, position, sent, body), bytes: body.bytes };
    queue.add({ ...kept, position, account: from });
    this.#changed(1);
    return position;
  }

  /** Not among the recent ones: uses of a body are counted where its other uses are. */
  #placeShared(queue: QueueState, position: number, sent: Sent, body: SharedBody): 0 {
    this.#envelopes.appendShared(this.#recent.next(), queue.no, position, sent, body.no);
    return 0;
  }

  /** Stores one ciphertext for many queues. */
  share(envelope: Uint8Array): SharedBody {
    return { no: this.#envelopes.share(envelope), bytes: envelope.length };
  }

  /** The device has everything up to `position`. */
  acknowledge(queue: QueueState, position: number): void {
    const removed = queue.removeUpTo(position);
    if (removed.length === 0) return;
    this.#changed(-removed.length);
    let older = false;
    for (const one of removed) {
      if (this.#recent.has(one)) this.#recent.remove(one);
      else older = true;
    }
    if (older) this.#envelopes.removeUpTo(queue.no, position);
    if (queue.count === 0) this.#table.saveTop(queue);
  }

  /** After the acks and before anything is placed, which then takes the room of what they removed. */
  acknowledged(): void {
    this.#recent.removeGone();
  }

  /** Moves what is recent to where it is swept and found by device. */
  settle(): void {
    this.#recent.settle();
    this.submits.settle();
  }

  /** An envelope is given up: gone, and counted as a gap. */
  expire(queue: QueueState, position: number): void {
    const one = queue.at(position);
    if (one !== undefined) this.#drop(queue, one);
  }

  /** Something never got a place: counted as a gap. */
  miss(queue: QueueState): void {
    queue.gaps++;
    this.#lost.add(queue);
  }

  setIncarnation(queue: QueueState, incarnation: Uint8Array): void {
    queue.incarnation = incarnation.slice();
    queue.confirmed = false;
    this.#table.saveIncarnation(queue);
  }

  /** The device did something: from now on only its newest incarnation is right. */
  confirm(queue: QueueState): void {
    if (queue.confirmed) return;
    queue.confirmed = true;
    this.#table.saveIncarnation(queue);
  }

  #drop(queue: QueueState, one: Waiting): void {
    queue.remove(one);
    this.#changed(-1);
    if (this.#recent.has(one)) this.#recent.remove(one);
    else this.#envelopes.removeOne(queue.no, one.position);
    if (queue.count === 0) this.#table.saveTop(queue);
    this.miss(queue);
  }

  #changed(by: number): void {
    this.#waiting += by;
    if (this.#total !== null) this.#total += by;
  }

  #claimRecent(queue: QueueState): void {
    const older = queue.count;
    for (const one of this.#recent.claim(queue.no)) queue.add(one);
    if (older > 0 && queue.count > older) queue.order();
    this.submits.claim(queue);
  }

  #forget(): void {
    this.#total = null;
    this.#recent.forget();
    this.submits.forget();
    this.#queues.clear();
    this.#lists.clear();
    this.#waiting = 0;
  }
}

/** A stored ciphertext that several queues point to. */
export interface SharedBody {
  readonly no: number;
  readonly bytes: number;
}
