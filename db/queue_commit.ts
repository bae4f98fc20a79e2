/** What one transaction of the queue does with hellos, submissions and acks. */
import type { DatabaseSync } from "node:sqlite";
import { equalBytes } from "../protocol/encoding.ts";
import {
  type Addressed,
  type Destination,
  MAX_STALE_BYTES,
  type Refusal,
  type SignedEntry,
  type StaleList,
} from "../protocol/frame.ts";
import type { AccountId, DeviceId } from "../protocol/ids.ts";
import { type DeviceRows, deviceRows } from "./devices.ts";
import type {
  ConfirmWork,
  HelloResult,
  HelloWork,
  Placed,
  QueueBatch,
  QueueLimits,
  QueueResults,
  RoomSubmissionWork,
  SubmissionResult,
  SubmissionWork,
} from "./queue_work.ts";
import type { KnownList, QueueMemory } from "./queue_memory.ts";
import type { QueueState } from "./queue_state.ts";
import { RoomSpeech } from "./room_speech.ts";
import { transaction } from "./transaction.ts";

const MINUTES_OF_DAY = 1440;
/** Entries of one device list in one refusal, before their bytes are counted. */
const MAX_STALE_ENTRIES = 32;

/** Who sends. */
type Sending = Pick<SubmissionWork, "account" | "sender">;

/** The body of `QueueStore.commit`. */
export class QueueCommit {
  readonly #db: DatabaseSync;
  readonly #memory: QueueMemory;
  readonly #overflow: QueueLimits["overflow"];
  readonly #devices: DeviceRows;
  readonly #rooms: RoomSpeech;

  constructor(db: DatabaseSync, memory: QueueMemory, overflow: QueueLimits["overflow"]) {
    this.#db = db;
    this.#memory = memory;
    this.#overflow = overflow;
    this.#devices = deviceRows(db);
    this.#rooms = new RoomSpeech(db);
  }

  /** One transaction; throws when nothing of it happened. */
  run(batch: QueueBatch): QueueResults {
    return this.#memory.guarded(() => transaction(this.#db, () => this.#all(batch)));
  }

  /** Is there room to be made, by {@link QueueCommit.makeRoom}, before anything is placed? */
  get crowded(): boolean {
    return this.#memory.guarded(() => this.#memory.crowded);
  }

  /** One step of it. */
  makeRoom(): void {
    this.#memory.guarded(() =>
      transaction(this.#db, () => {
        this.#memory.begin();
        this.#memory.trim();
      })
    );
  }

  /** Number of the newest turn. */
  get newest(): number {
    return this.#memory.guarded(() => this.#memory.newest);
  }

  /** Moves some of what is recent up to this turn; true when all of it did. */
  settleSome(until: number): boolean {
    return this.#memory.guarded(() =>
      transaction(this.#db, () => {
        this.#memory.begin();
        return this.#memory.settleSome(until);
      })
    );
  }

  /** Is anything recent that was so when {@link QueueCommit.tidySome} was last through? */
  get hasAged(): boolean {
    return this.#memory.guarded(() => this.#memory.hasAged);
  }

  /** Moves some of that; true when it is through. */
  tidySome(): boolean {
    return this.#memory.guarded(() =>
      transaction(this.#db, () => {
        this.#memory.begin();
        return this.#memory.tidySome();
      })
    );
  }

  /** Moves submissions. */
  settleSubmits(): void {
    this.#memory.guarded(() =>
      transaction(this.#db, () => {
        this.#memory.begin();
        this.#memory.submits.settle();
      })
    );
  }

  #all({ minute, hellos, confirms, submissions, acks }: QueueBatch): QueueResults {
    this.#memory.begin(minute);
    for (const { device, position } of acks) this.#ack(device, position);
    this.#memory.pay();
    this.#memory.trim();
    const welcomes = hellos.map((hello) => this.#hello(hello));
    for (const confirm of confirms) this.#confirm(confirm);
    const taken = submissions.map((work) => this.#submission(work, minute));
    return { hellos: welcomes, submissions: taken, gaps: this.#memory.finish() };
  }

  /**
   * The device names the incarnation it had and the one it has from now on. It may say so twice if
   * no answer came the first time, but once it did anything under the new one, the old is history:
   * who still has it is a copy from before.
   */
  #hello({ device, previous, next }: HelloWork): HelloResult {
    const queue = this.#memory.queue(device);
    if (queue === null) return { kind: "gone" };
    const known = queue.incarnation;
    const first = known === null || equalBytes(known, previous);
    const again = known !== null && !queue.confirmed && equalBytes(known, next);
    if (first && !again) this.#memory.setIncarnation(queue, next);
    const { count: queued, gaps } = queue;
    return { kind: "welcome", restored: !first && !again, queued, gaps };
  }

  /** Of an older connection of the device it says nothing about the newer one. */
  #confirm({ device, incarnation }: ConfirmWork): void {
    const queue = this.#memory.queue(device);
    const known = queue?.incarnation ?? null;
    if (queue !== null && known !== null && equalBytes(known, incarnation)) {
      this.#memory.confirm(queue);
    }
  }

  #ack(device: DeviceId, position: number): void {
    const queue = this.#memory.queue(device);
    if (queue === null) return;
    this.#memory.acknowledge(queue, position);
  }

  #submission(work: SubmissionWork | RoomSubmissionWork, minute: number): SubmissionResult {
    const sender = this.#memory.queue(work.device);
    if (sender === null) return { kind: "gone" };
    const day = Math.floor(minute / MINUTES_OF_DAY);
    const fresh = this.#memory.submits.fresh(sender.sender, work.submit);
    if (fresh === null) return { kind: "accepted", placed: [] };
    const result = "room" in work ? this.#toRoom(work) : this.#toPeople(work);
    if (result.kind === "accepted") {
      this.#memory.submits.add(sender.sender, work.submit, fresh, day);
    }
    return result;
  }

  #toPeople(work: SubmissionWork): SubmissionResult {
    const refusal = this.#judge(work);
    if (refusal !== null) return { kind: "refused", refusal };
    const placed: Placed[] = [];
    for (const { account, envelopes } of work.destinations) {
      const own = account === work.account;
      for (const one of envelopes) this.#place(one, work, own, placed);
    }
    return { kind: "accepted", placed };
  }

  /** One ciphertext in the queues of all whom the log pins. */
  #toRoom(work: RoomSubmissionWork): SubmissionResult {
    const { room, account, envelope } = work;
    const verdict = this.#rooms.judge(work);
    if (verdict.kind === "unknown") {
      return { kind: "refused", refusal: { code: "unknown-room", room } };
    }
    if (verdict.kind === "stale") {
      return { kind: "refused", refusal: { code: "stale-room", room, seq: verdict.seq } };
    }
    const others = verdict.recipients.filter((to) => to.account !== account);
    const full = this.#overflow === "refuse" && others.length > 0 &&
      !others.some(({ device }) => this.#fits({ device, envelope }, account, false));
    if (full) return { kind: "refused", refusal: { code: "full" } };
    const placed: Placed[] = [];
    for (const { device, account: owner } of verdict.recipients) {
      this.#place({ device, envelope }, work, owner === account, placed);
    }
    return { kind: "accepted", placed };
  }

  #judge(work: SubmissionWork): Refusal | null {
    const stale: StaleList[] = [];
    for (const destination of work.destinations) {
      const list = this.#memory.list(destination.account);
      if (list === null) return { code: "unknown-recipient", account: destination.account };
      if (!isCurrent(destination, list, work.device)) {
        stale.push(this.#staleList(destination, list));
      }
    }
    if (stale.length > 0) return { code: "stale", lists: stale };
    return this.#allFull(work) ? { code: "full" } : null;
  }

  #staleList({ account, listVersion }: Destination, list: KnownList): StaleList {
    const entries: SignedEntry[] = [];
    let room = MAX_STALE_BYTES;
    for (const entry of this.#devices.entries(account, listVersion, MAX_STALE_ENTRIES)) {
      room -= entry.body.length + entry.signature.length;
      if (room < 0 && entries.length > 0) break;
      entries.push(entry);
    }
    return { account, version: list.version, entries };
  }

  /** One dormant device blocks nobody: only when no device of a recipient has room is it full. */
  #allFull(work: SubmissionWork): boolean {
    if (this.#overflow === "drop-oldest") return false;
    for (const { account, envelopes } of work.destinations) {
      if (account !== work.account && this.#noneFits(envelopes, work.account)) return true;
    }
    return false;
  }

  /** Has any of them been asked for, and none a place? */
  #noneFits(envelopes: readonly Addressed[], from: AccountId): boolean {
    let wanted = false;
    for (const one of envelopes) {
      if (one.envelope.length === 0) continue;
      if (this.#fits(one, from, false)) return false;
      wanted = true;
    }
    return wanted;
  }

  #fits({ device, envelope }: Addressed, from: AccountId, own: boolean): boolean {
    const queue = this.#memory.queue(device);
    return queue !== null && this.#memory.hasRoom(queue, from, own, envelope.length);
  }

  /** Empty: the sender skips a device that it cannot encrypt for. It counts as named, nothing is queued. */
  #place({ device, envelope }: Addressed, from: Sending, own: boolean, placed: Placed[]): void {
    const queue = envelope.length === 0 ? null : this.#memory.queue(device);
    if (queue === null || !this.#makeRoom(queue, from.account, own, envelope.length)) return;
    const position = this.#memory.place(queue, from.account, from.sender, envelope);
    placed.push({ device, position, envelope });
  }

  /** False when the envelope gets no place here; that is a counted gap of the device. */
  #makeRoom(queue: QueueState, from: AccountId, own: boolean, bytes: number): boolean {
    if (this.#memory.hasRoom(queue, from, own, bytes)) return true;
    if (this.#overflow === "drop-oldest") {
      this.#memory.makeRoom(queue, from, own, bytes);
      return true;
    }
    this.#memory.miss(queue);
    return false;
  }
}

/** The right devices under the right version: every listed one once, except the one that sends. */
function isCurrent(destination: Destination, list: KnownList, sender: DeviceId): boolean {
  const { listVersion, envelopes } = destination;
  const expected = list.devices.size - (list.devices.has(sender) ? 1 : 0);
  if (listVersion !== list.version || envelopes.length !== expected) return false;
  for (let at = 0; at < envelopes.length; at++) {
    const { device } = envelopes[at]!;
    if (device === sender || !list.devices.has(device)) return false;
    for (let before = 0; before < at; before++) {
      if (envelopes[before]!.device === device) return false;
    }
  }
  return true;
}
