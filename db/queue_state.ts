/**
 * What is remembered of one device's queue between transactions: what waits, by whom and how much,
 * without the ciphertexts. Saves a query per envelope; the rows are the truth, and after a
 * transaction that failed every state is forgotten and read again.
 */
import type { DeviceId } from "../protocol/ids.ts";
import type { Sender } from "./taken.ts";
import type { Positions, Waiting } from "./waiting.ts";

/** So many are kept with nothing that waits: a map that becomes empty over and over leaves much garbage. */
const FEW_SENDERS = 64;

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
  gaps: number;
  bytes = 0;
  incarnation: Uint8Array | null;
  confirmed: boolean;
  readonly #waiting: Waiting[] = [];
  readonly #perSender = new Map<string, number>();
  #head = 0;

  /**
   * @param positions where its envelopes stand
   * @param sender what is remembered of submissions that the device made
   */
  constructor(
    readonly device: DeviceId,
    row: QueueRow,
    readonly positions: Positions,
    readonly sender: Sender,
  ) {
    this.gaps = row.gaps;
    this.incarnation = row.incarnation;
    this.confirmed = row.confirmed === 1;
  }

  /** Number of the row. */
  get no(): number {
    return this.positions.queue;
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

  /** How far up to `position` one gets when so many bytes of what stands in `envelopes` may go; that comes first. */
  reach(position: number, bytes: number): number {
    let left = bytes;
    for (let at = this.#head; at < this.#waiting.length; at++) {
      const one = this.#waiting[at]!;
      if (one.turn !== null || one.position > position) break;
      if (left <= 0) return one.position - 1;
      left -= one.bytes;
    }
    return position;
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
    if (left === 0 && this.#perSender.size > FEW_SENDERS) this.#perSender.delete(one.account);
    else this.#perSender.set(one.account, left);
  }

  #compact(): void {
    const half = this.#head * 2 < this.#waiting.length;
    if (this.count > 0 && (half || this.#head < 64)) return;
    this.#waiting.splice(0, this.#head);
    this.#head = 0;
  }
}
