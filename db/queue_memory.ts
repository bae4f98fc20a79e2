/**
 * Device lists and queues that are remembered between transactions, and what happens to queues in
 * one: placing, losing, removing. Counters in the database say when something remembered is wrong
 * (a list moved on, a device was removed), whoever changed it.
 */
import type { DatabaseSync } from "node:sqlite";
import { type AccountId, type DeviceId, idFrom } from "../protocol/ids.ts";
import { deviceRows } from "./devices.ts";
import type { Queued, QueueDepth, QueueLimits, ReadLimits } from "./queue_work.ts";
import { type EnvelopeTable, envelopeTable, queueTable } from "./queue_tables.ts";
import { type QueueRow, QueueState } from "./queue_state.ts";
import { readRecent, RecentEnvelopes, type Window } from "./recent.ts";
import { TakenSubmits } from "./taken.ts";
import type { Waiting } from "./waiting.ts";

/** Where an account's device list stands. */
export interface KnownList {
  readonly version: number;
  readonly devices: ReadonlySet<DeviceId>;
}

/** More lists or waiting envelopes than this in memory, and all is forgotten: about 50 MiB. */
const MAX_LISTS = 50_000;
const MAX_WAITING = 300_000;
/** Envelopes: the writer is never held for 20 ms. */
const MOVED_AT_ONCE = 500;

/** Bytes in `envelopes` that acks free in a transaction: they are overwritten. What is more is owed. */
const FREED_AT_ONCE = 2 ** 20;

/** What stays recent. */
export interface Recency extends Window {
  /** Submissions. */
  readonly submits: number;
}

/** See the head of this file. All methods but {@link QueueMemory.guarded} run in a transaction. */
export class QueueMemory {
  readonly #queues = new Map<DeviceId, QueueState>();
  readonly #lists = new Map<AccountId, KnownList>();
  readonly #table;
  readonly #envelopes: EnvelopeTable;
  readonly #recent: RecentEnvelopes;
  /** Submissions that were taken. */
  readonly submits: TakenSubmits;
  readonly #devices;
  readonly #limits: QueueLimits;
  /** Queues whose count of gaps changed in this transaction. */
  #lost = new Set<QueueState>();
  /** How far devices have what is still here. It outlives a transaction that failed: it stays true. */
  readonly #owed = new Map<DeviceId, number>();
  #toFree = 0;
  #epoch = { lists: -1, removals: -1 };
  #waiting = 0;
  /** The newest turn when {@link QueueMemory.tidySome} was last through. */
  #seen = 0;
  /** Rows of `envelopes`; null when they have to be counted again. */
  #stored: number | null = null;

  constructor(db: DatabaseSync, limits: QueueLimits, recency: Recency) {
    this.#table = queueTable(db);
    this.#envelopes = envelopeTable(db);
    this.#recent = new RecentEnvelopes(db, recency);
    this.submits = new TakenSubmits(db, recency.submits);
    this.#devices = deviceRows(db);
    this.#limits = limits;
  }

  /**
   * Runs a transaction or a reading. When it fails, what is remembered may be ahead of the disk, or
   * half loaded: forget it.
   */
  guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      this.#forget();
      throw error;
    }
  }

  /** First in every transaction: drops what no longer holds. `minute`: of what it places. */
  begin(minute = 0): void {
    if (this.#lost.size > 0) this.#lost = new Set();
    this.#toFree = FREED_AT_ONCE;
    this.#refresh();
    this.#recent.begin(minute);
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
    const loaded = this.#load(device);
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
    this.#refresh();
    this.#stored ??= this.#envelopes.count();
    // What is stored came before what is recent, but for clocks that jump.
    const oldestMinute = this.#envelopes.oldestMinute() ?? this.#recent.oldestMinute;
    return { waiting: this.#stored + this.#recent.waiting, oldestMinute };
  }

  /** What waits after `position`. Outside of a transaction too. */
  read(device: DeviceId, position: number, { envelopes, bytes }: ReadLimits): Queued[] {
    this.#refresh();
    const queue = this.queue(device);
    if (queue === null) return [];
    const waiting = queue.fit(position, envelopes, bytes);
    // Turns move oldest first, so what is stored comes before what is recent.
    const stored = waiting.findIndex(({ turn }) => turn !== null);
    const older = stored < 0 ? waiting.length : stored;
    const rows = older === 0 ? [] : this.#envelopes.read(queue.no, position, older);
    for (let at = older; at < waiting.length; at++) rows.push(readRecent(waiting[at]!));
    return rows;
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

  /** Appends an envelope; returns its position. */
  place(queue: QueueState, from: AccountId, sender: Uint8Array, body: Uint8Array): number {
    const one = this.#recent.place(queue.positions, from, sender, body);
    queue.add(one);
    this.#waiting++;
    return one.position;
  }

  /** The device has everything up to `position`. */
  acknowledge(queue: QueueState, position: number): void {
    const reached = queue.reach(position, this.#toFree);
    if (reached < position) {
      const owed = this.#owed.get(queue.device) ?? 0;
      this.#owed.set(queue.device, Math.max(position, owed));
    }
    const before = queue.bytes;
    const removed = queue.removeUpTo(reached);
    this.#waiting -= removed.length;
    const stored = countStored(removed);
    if (stored > 0) {
      this.#envelopes.removeUpTo(queue.no, reached);
      this.#count(-stored);
      this.#toFree -= before - queue.bytes;
    }
    if (removed.length > stored) this.#recent.remove(removed);
  }

  /** After the acks: frees what is owed, as far as this transaction may. */
  pay(): void {
    for (const [device, position] of this.#owed) {
      const queue = this.queue(device);
      const done = queue === null || (queue.oldest?.position ?? Infinity) > position;
      if (done) this.#owed.delete(device);
      else this.acknowledge(queue, position);
    }
  }

  /** Is so much recent that room is made before anything is placed? */
  get crowded(): boolean {
    return this.#recent.crowded;
  }

  /** After the acks and before anything is placed: what has been recent for long goes. */
  trim(): void {
    this.#count(this.#recent.trim());
  }

  /** Number of the newest turn. */
  get newest(): number {
    return this.#recent.newest;
  }

  /**
   * Moves some of the envelopes in turns up to this one to where they are swept and found by device;
   * true when all of them did.
   */
  settleSome(until: number): boolean {
    this.#count(this.#recent.settle(until, MOVED_AT_ONCE));
    return this.#recent.isSettled(until);
  }

  /** Is anything recent that was so when {@link QueueMemory.tidySome} was last through? */
  get hasAged(): boolean {
    return this.#owed.size > 0 || !this.#recent.isSettled(this.#seen);
  }

  /** Moves some of that as {@link QueueMemory.settleSome} does; true when it is through. */
  tidySome(): boolean {
    this.pay();
    if (!this.settleSome(this.#seen) || this.#owed.size > 0) return false;
    this.#seen = this.#recent.newest;
    return true;
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
    this.#waiting--;
    if (one.turn !== null) this.#recent.remove([one]);
    else {
      this.#envelopes.removeOne(queue.no, one.position);
      this.#count(-1);
    }
    this.miss(queue);
  }

  /** Rows of `envelopes` came or went. */
  #count(by: number): void {
    if (this.#stored !== null) this.#stored += by;
  }

  #load(device: DeviceId): QueueState | null {
    const row = this.#table.find(device) ?? this.#create(device);
    if (row === null) return null;
    const { no, top } = row;
    const claim = this.#recent.claim(no);
    const positions = claim?.positions ?? { queue: no, next: top + 1, top, newest: 0 };
    const queue = new QueueState(device, row, positions, this.submits.claim(no));
    for (const { position, account, bytes } of this.#table.stored(no)) {
      positions.next = Math.max(positions.next, position + 1);
      queue.add({ in: positions, position, account: idFrom(account), bytes, turn: null, at: 0 });
    }
    for (const one of claim?.waiting ?? []) queue.add(one);
    return queue;
  }

  /** Never with the number of a queue that was removed, as long as something recent names it. */
  #create(device: DeviceId): QueueRow | null {
    const named = Math.max(this.#recent.highest, this.submits.highest);
    return this.#table.create(device, named);
  }

  #refresh(): void {
    const epoch = this.#table.epoch();
    if (epoch.lists !== this.#epoch.lists || this.#lists.size > MAX_LISTS) this.#lists.clear();
    if (epoch.removals !== this.#epoch.removals || this.#waiting > MAX_WAITING) this.#forget();
    this.#epoch = epoch;
  }

  #forget(): void {
    this.#stored = null;
    this.#recent.forget();
    this.submits.forget();
    this.#queues.clear();
    this.#lists.clear();
    this.#waiting = 0;
  }
}

function countStored(removed: readonly Waiting[]): number {
  let stored = 0;
  for (const { turn } of removed) if (turn === null) stored++;
  return stored;
}
