/**
 * What is remembered of one device's queue between transactions: what waits, by whom and how much,
 * without the ciphertexts. Saves a query per envelope; the rows are the truth, and after a
 * transaction that failed every state is forgotten and read again.
 */
import type { DeviceId, SubmitId } from "../protocol/ids.ts";

/** One waiting envelope. */
export interface Waiting {
  /** Number of the row while it is a recent one; 0 when it never was. */
  readonly no: number;
  readonly position: number;
  /** Account id of the sender. */
  readonly account: string;
  readonly bytes: number;
}

/** A row of `queues`. */
export interface QueueRow {
  readonly no: number;
  readonly top: number;
  readonly gaps: number;
  readonly incarnation: Uint8Array | null;
  readonly confirmed: number;
}

/** The queue of one device. */
export class QueueState {
  /** Number of the row. */
  readonly no: number;
  /** The position that the next envelope gets. */
  next: number;
  gaps: number;
  bytes = 0;
  incarnation: Uint8Array | null;
  confirmed: boolean;
  /** The highest id of a submission that was ever taken from this device, and the recent ones. */
  highest: Uint8Array | null = null;
  readonly taken = new Set<SubmitId>();
  readonly #waiting: Waiting[] = [];
  readonly #perSender = new Map<string, number>();
  #head = 0;

  constructor(readonly device: DeviceId, row: QueueRow) {
    this.no = row.no;
    this.next = row.top + 1;
    this.gaps = row.gaps;
    this.incarnation = row.incarnation;
    this.confirmed = row.confirmed === 1;
  }

  get count(): number {
    return this.#waiting.length - this.#head;
  }

  /** Envelopes of this account that wait. */
  from(account: string): number {
    return this.#perSender.get(account) ?? 0;
  }

  get oldest(): Waiting | undefined {
    return this.#waiting[this.#head];
  }

  oldestFrom(account: string): Waiting | undefined {
    return this.#waiting.find((one, at) => at >= this.#head && one.account === account);
  }

  add(one: Waiting): void {
    this.#waiting.push(one);
    this.#count(one, 1);
    this.next = Math.max(this.next, one.position + 1);
  }

  /** After adding out of order. */
  order(): void {
    this.#waiting.sort((a, b) => a.position - b.position);
  }

  /** Forgets everything up to `position`, and says of each what it was. */
  removeUpTo(position: number): Waiting[] {
    const first = this.#head;
    for (let one = this.oldest; one !== undefined && one.position <= position; one = this.oldest) {
      this.#count(one, -1);
      this.#head++;
    }
    const removed = this.#waiting.slice(first, this.#head);
    this.#compact();
    return removed;
  }

  at(position: number): Waiting | undefined {
    const one = this.#waiting[this.#firstAfter(position - 1)];
    return one?.position === position ? one : undefined;
  }

  /** Those that follow `position` and fit into so many envelopes and bytes; at least one if any does. */
  fit(position: number, envelopes: number, bytes: number): Waiting[] {
    const first = this.#firstAfter(position);
    let at = first;
    let left = bytes;
    while (at < this.#waiting.length && at - first < envelopes) {
      left -= this.#waiting[at]!.bytes;
      if (left < 0 && at > first) break;
      at++;
    }
    return this.#waiting.slice(first, at);
  }

  /** Forgets one that waits. */
  remove(one: Waiting): void {
    if (this.oldest === one) return void this.removeUpTo(one.position);
    this.#count(one, -1);
    this.#waiting.splice(this.#firstAfter(one.position - 1), 1);
  }

  /** Where in the list what follows `position` begins: it is in order, so by halving. */
  #firstAfter(position: number): number {
    let [from, to] = [this.#head, this.#waiting.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (this.#waiting[middle]!.position > position) to = middle;
      else from = middle + 1;
    }
    return from;
  }

  #count(one: Waiting, sign: 1 | -1): void {
    this.bytes += sign * one.bytes;
    const left = this.from(one.account) + sign;
    if (left > 0) this.#perSender.set(one.account, left);
    else this.#perSender.delete(one.account);
  }

  #compact(): void {
    if (this.#head < 64 || this.#head * 2 < this.#waiting.length) return;
    this.#waiting.splice(0, this.#head);
    this.#head = 0;
  }
}
