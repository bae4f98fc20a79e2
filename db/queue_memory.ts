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
import type { QueueState } from "./queue_state.ts";

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
  readonly #devices;
  readonly #limits: QueueLimits;
  /** Queues whose count of gaps changed in this transaction. */
  readonly #lost = new Set<QueueState>();
  #epoch = { lists: -1, removals: -1 };
  #waiting = 0;
  /** In all queues, remembered or not; null when it has to be counted again. */
  #total: number | null = null;

  constructor(db: DatabaseSync, limits: QueueLimits) {
    this.#table = queueTable(db);
    this.#envelopes = envelopeTable(db);
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

  /** Last in every transaction: writes and returns the totals of queues that lost something. */
  finish(): Map<DeviceId, number> {
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
    const count = queue.fit(position, envelopes, bytes);
    return count === 0 ? [] : this.#envelopes.read(queue.no, position, count);
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
      this.#drop(queue, queue.oldestFrom(from)!.position);
    }
    while (queue.count > 0 && !this.hasRoom(queue, from, own, bytes)) {
      this.#drop(queue, queue.oldest!.position);
    }
  }

  /** Appends an envelope, or a use of a shared body; returns its position. */
  place(queue: QueueState, from: AccountId, sent: Sent, body: Uint8Array | SharedBody): number {
    const position = queue.next;
    const shared = !(body instanceof Uint8Array);
    if (shared) this.#envelopes.appendShared(queue.no, position, sent, body.no);
    else this.#envelopes.append(queue.no, position, sent, body);
    queue.add({ position, account: from, bytes: shared ? body.bytes : body.length });
    this.#changed(1);
    return position;
  }

  /** Stores one ciphertext for many queues. */
  share(envelope: Uint8Array): SharedBody {
    return { no: this.#envelopes.share(envelope), bytes: envelope.length };
  }

  /** The device has everything up to `position`. */
  acknowledge(queue: QueueState, position: number): void {
    const removed = queue.removeUpTo(position);
    if (removed === 0) return;
    this.#changed(-removed);
    this.#envelopes.removeUpTo(queue.no, position);
    if (queue.count === 0) this.#table.saveTop(queue);
  }

  /** An envelope is given up: gone, and counted as a gap. */
  expire(queue: QueueState, position: number): void {
    if (queue.has(position)) this.#drop(queue, position);
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

  #drop(queue: QueueState, position: number): void {
    queue.remove(position);
    this.#changed(-1);
    this.#envelopes.removeOne(queue.no, position);
    if (queue.count === 0) this.#table.saveTop(queue);
    this.miss(queue);
  }

  #changed(by: number): void {
    this.#waiting += by;
    if (this.#total !== null) this.#total += by;
  }

  #forget(): void {
    this.#total = null;
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
