/**
 * Moves the outbox: encrypts what is not, submits in order, and takes the server's answers. It
 * holds no truth of its own; after a crash the store alone says what is left to do.
 */
import type { Accepted, ClientItem, Refused } from "../protocol/frame.ts";
import type { AccountId, RoomId } from "../protocol/ids.ts";
import { type Change, StoreFailed, type Writer } from "./change.ts";
import type { Directory } from "./directory.ts";
import type { After } from "./link.ts";
import type { Needs, Outbox, Sealing } from "./outbox.ts";
import { keys, type OutboxRecord } from "./records.ts";
import type { LocalStore } from "./store.ts";
import type { Supplies, Supply } from "./supplies.ts";

export interface PumpOptions {
  readonly store: LocalStore;
  readonly writer: Writer;
  readonly outbox: Outbox;
  readonly directory: Directory;
  readonly supplies: Supplies;
  readonly online: () => boolean;
  readonly send: (items: readonly ClientItem[]) => void;
  readonly after: After;
  readonly now: () => number;
  readonly failed: (error: unknown) => void;
  /** Looks up people of a room whose device lists are not known here. */
  readonly meet: (room: RoomId, accounts: readonly AccountId[]) => Promise<Supply>;
  readonly rooms: {
    /** Fetches a room's log. */
    readonly catchUp: (room: RoomId) => Promise<Supply>;
    /** Undoes the encryption of a message that the server did not take. */
    readonly unseal: (change: Change, row: OutboxRecord) => Promise<void>;
  };
}

/** Submissions on their way at once: enough to fill a slow line, few enough to stay in order. */
const WINDOW = 16;
/** Rows read at a time. */
const PAGE = 32;
/** A server that finds a list stale this often in a row for one message is not to be satisfied. */
const MOST_STALE = 8;
/** How soon what waits for a sleeping person is looked at again. Milliseconds. */
const SLEEPER_WAIT = 10 * 60_000 + 1_000;
/** How soon a request without an answer is made again. Milliseconds. */
const OFFLINE_WAIT = 10_000;

export class Pump {
  readonly #options: PumpOptions;
  readonly #inFlight = new Map<number, OutboxRecord>();
  /** Encrypted for a list that is not the current one any more. */
  readonly #stale = new Set<string>();
  /** How often the server has found a message's list stale. */
  readonly #staleTimes = new Map<string, number>();
  /** Conversations whose next message waits for something, so that later ones do not overtake it. */
  readonly #held = new Set<AccountId>();
  readonly #callOffs = new Set<() => void>();
  readonly #fetching = new Set<Promise<void>>();
  #pausedUntil = 0;
  #ref = 0;
  #running = false;
  #again = false;
  #stopped = false;
  #done: Promise<void> = Promise.resolve();

  constructor(options: PumpOptions) {
    this.#options = options;
  }

  /** Looks for work. Cheap when there is none. */
  wake(): void {
    this.#again = true;
    if (this.#running || this.#stopped) return;
    this.#running = true;
    this.#done = this.#run();
  }

  /** The connection is up: whatever was held up may go now. */
  connected(): void {
    this.#inFlight.clear();
    this.#held.clear();
    this.#pausedUntil = 0;
    this.wake();
  }

  /** Nothing that was on its way has an answer; all of it is sent again, the same bytes. */
  disconnected(): void {
    this.#inFlight.clear();
  }

  /** Resolves when nothing can be moved for now; fetches under way are waited for. */
  async idle(): Promise<void> {
    await this.#done;
    await Promise.all(this.#fetching);
    await this.#done;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const callOff of this.#callOffs) callOff();
    await this.#done;
  }

  /** Whether an earlier message of this conversation waits for something that a new one must wait for too. */
  holds(conversation: AccountId): boolean {
    return this.#held.has(conversation) || this.#stale.size > 0;
  }

  /** A message whose envelopes must be gone over again before it is sent. */
  markStale(row: OutboxRecord): void {
    if (row.sealed) this.#stale.add(row.order);
    this.#held.delete(row.conversation);
  }

  /** Takes the server's answer to a submission. */
  async answered(item: Accepted | Refused): Promise<void> {
    const row = this.#inFlight.get(item.ref);
    if (!row) return;
    if (item.type === "accepted") {
      this.#staleTimes.delete(row.order);
      await this.#options.writer.change((change) =>
        this.#options.outbox.accepted(change, row.order)
      );
    } else await this.#refused(row, item);
    this.#inFlight.delete(item.ref);
    this.wake();
  }

  async #run(): Promise<void> {
    try {
      while (this.#again && !this.#stopped) {
        this.#again = false;
        await this.#pass();
      }
    } catch (error) {
      this.#options.failed(error);
    } finally {
      this.#running = false;
    }
  }

  /** Goes over the outbox once, in order. */
  async #pass(): Promise<void> {
    const passedOver = new Set<AccountId>();
    let after: string | undefined;
    for (;;) {
      const page = await this.#page(after);
      for (const { value: row } of page) {
        if (this.#isFull()) return;
        if (this.#isInFlight(row) || passedOver.has(row.conversation)) continue;
        if (!await this.#advance(row)) passedOver.add(row.conversation);
      }
      if (page.length < PAGE) return;
      after = page.at(-1)!.key;
    }
  }

  #page(after: string | undefined) {
    const options = { prefix: "wait/", limit: PAGE };
    const from = after === undefined ? options : { ...options, after };
    return this.#options.store.list<OutboxRecord>("outbox", from).catch((error) => {
      throw new StoreFailed(error);
    });
  }

  /**
   * Encrypts and submits one message; false when later ones of its conversation must wait for it. Nothing is
   * encrypted that cannot be sent at once: what waits encrypted would be overtaken by rows before it, and a session
   * that sees its numbers out of order tells of missing messages.
   */
  async #advance(row: OutboxRecord): Promise<boolean> {
    if (this.#held.has(row.conversation) || !this.#canSend()) return false;
    // One at a time: a message that is refused is encrypted anew under the same number.
    if (row.room !== undefined && this.#isSendingTo(row.room)) return false;
    const ready = row.sealed && !this.#stale.has(row.order) ? row : await this.#seal(row);
    if (ready === "parked") return true;
    if (ready === null || !this.#canSend()) return false;
    this.#submit(ready);
    return true;
  }

  async #seal(row: OutboxRecord): Promise<OutboxRecord | "parked" | null> {
    const { writer, outbox } = this.#options;
    const result = await writer.change(async (change): Promise<Sealing> => {
      const current = await change.get<OutboxRecord>("outbox", keys.waiting(row.order));
      if (!current) return { kind: "parked" };
      const sealing = await outbox.seal(change, current);
      if (sealing.kind === "waits") await outbox.explain(change, current, sealing.words);
      return sealing;
    });
    if (result.kind === "sealed" || result.kind === "parked") this.#stale.delete(row.order);
    if (result.kind === "parked") return "parked";
    if (result.kind === "needs") this.#supply(row, result.needs);
    if (result.kind === "again") this.#again = true;
    if (result.kind === "waits") this.#hold(row, SLEEPER_WAIT);
    return result.kind === "sealed" ? result.row : null;
  }

  #submit(row: OutboxRecord): void {
    const ref = this.#ref++ % 2 ** 32;
    this.#inFlight.set(ref, row);
    const { submit, destinations, envelope } = row.sealed!;
    if (envelope) this.#options.send([{ type: "submit-to-room", ref, submit, envelope }]);
    else this.#options.send([{ type: "submit", ref, submit, destinations }]);
  }

  /** Fetches what a message needs, in the background; its conversation waits, others go on. */
  #supply(row: OutboxRecord, needs: Needs): void {
    if (this.#options.online()) this.#waitFor(row, this.#fetch(row, needs));
  }

  #waitFor(row: OutboxRecord, supply: Promise<Supply>): void {
    this.#held.add(row.conversation);
    const fetching = supply.then((supply) => this.#supplied(row, supply))
      .catch((error) => this.#options.failed(error))
      .finally(() => this.#fetching.delete(fetching));
    this.#fetching.add(fetching);
  }

  async #fetch({ room }: OutboxRecord, needs: Needs): Promise<Supply> {
    const { supplies, meet } = this.#options;
    if (room !== undefined) {
      const supply = await meet(room, needs.lists);
      if (supply.kind !== "done") return supply;
    }
    for (const account of room === undefined ? needs.lists : []) {
      const supply = await supplies.list(account);
      if (supply.kind !== "done") return supply;
    }
    for (const { account, devices } of needs.bundles) {
      const supply = await supplies.bundles(account, devices);
      if (supply.kind !== "done") return supply;
    }
    return { kind: "done" };
  }

  async #supplied(row: OutboxRecord, supply: Supply): Promise<void> {
    if (this.#stopped) return;
    if (supply.kind === "later") {
      await this.#change(
        row,
        (change, current) => this.#options.outbox.explain(change, current, supply.words),
      );
      return this.#hold(row, supply.seconds * 1_000);
    }
    if (supply.kind === "refused") {
      await this.#change(
        row,
        (change, current) => this.#options.outbox.park(change, current, supply.words),
      );
    }
    // The next connection lets go of everything that is held; but a request can fail while the socket stays open.
    if (supply.kind === "offline") return this.#hold(row, OFFLINE_WAIT);
    this.#held.delete(row.conversation);
    this.wake();
  }

  async #refused(row: OutboxRecord, { refusal }: Refused): Promise<void> {
    const { outbox } = this.#options;
    const park = (words: string) =>
      this.#change(row, (change, current) => outbox.park(change, current, words));
    switch (refusal.code) {
      case "stale":
        return await this.#restale(row, refusal.lists);
      case "stale-room":
        await this.#change(row, (change, current) => this.#options.rooms.unseal(change, current));
        if (this.#isHopeless(row)) return await park(OTHER_LOG);
        return this.#waitFor(row, this.#options.rooms.catchUp(refusal.room));
      case "unknown-room":
        await park("The server says that you are not in this room any more.");
        return void await this.#options.rooms.catchUp(refusal.room);
      case "full":
        return await park("Their devices have no room for more messages. Try again later.");
      case "unknown-recipient":
        return await park("This person has no account here any more.");
      case "too-large":
        return await park("This message is too large for the server.");
      case "rate":
      case "unavailable":
        // First of all: until this is on disk nothing else may leave, or it would arrive before this message.
        this.#pause(refusal.retryAfter * 1_000);
        return await this.#change(
          row,
          (change, current) => outbox.explain(change, current, WAIT_WORDS[refusal.code]),
        );
    }
  }

  /** Counts that the server has found a message stale; true when it has done so too often. */
  #isHopeless({ order }: OutboxRecord): boolean {
    const times = (this.#staleTimes.get(order) ?? 0) + 1;
    this.#staleTimes.set(order, times);
    if (times <= MOST_STALE) return false;
    return this.#staleTimes.delete(order);
  }

  async #restale(
    row: OutboxRecord,
    lists: readonly {
      readonly account: AccountId;
      readonly version: number;
      readonly entries: readonly Parameters<Directory["extend"]>[2][number][];
    }[],
  ): Promise<void> {
    const { writer, directory } = this.#options;
    if (this.#isHopeless(row)) {
      return await this.#change(
        row,
        (change, current) =>
          this.#options.outbox.park(change, current, "The server takes no list of devices for it."),
      );
    }
    const unknown = await writer.change(async (change) => {
      const fetch: AccountId[] = [];
      for (const { account, version, entries } of lists) {
        const before = await directory.version(change, account);
        const grown = await directory.extend(change, account, entries);
        const after = await directory.version(change, account);
        // The same version with another set of devices: only the whole list can explain that.
        if (!grown || after < version || after === before) fetch.push(account);
      }
      return fetch;
    });
    this.#stale.add(row.order);
    if (unknown.length > 0) this.#supply(row, { lists: unknown, bundles: [] });
  }

  async #change(
    row: OutboxRecord,
    work: (change: Change, current: OutboxRecord) => Promise<unknown>,
  ): Promise<void> {
    await this.#options.writer.change(async (change) => {
      const current = await change.get<OutboxRecord>("outbox", keys.waiting(row.order));
      if (current) await work(change, current);
    });
  }

  #hold(row: OutboxRecord, ms: number): void {
    this.#held.add(row.conversation);
    this.#later(ms, () => this.#held.delete(row.conversation));
  }

  #pause(ms: number): void {
    this.#pausedUntil = this.#options.now() + ms;
    this.#later(ms, () => this.#pausedUntil = 0);
  }

  #later(ms: number, run: () => void): void {
    const callOff = this.#options.after(ms, () => {
      this.#callOffs.delete(callOff);
      run();
      this.wake();
    });
    this.#callOffs.add(callOff);
  }

  #canSend(): boolean {
    return this.#options.online() && this.#options.now() >= this.#pausedUntil;
  }

  #isFull(): boolean {
    return this.#inFlight.size >= WINDOW;
  }

  #isSendingTo(wanted: RoomId): boolean {
    return [...this.#inFlight.values()].some(({ room }) => room === wanted);
  }

  #isInFlight(row: OutboxRecord): boolean {
    return [...this.#inFlight.values()].some(({ order }) => order === row.order);
  }
}

const OTHER_LOG = "The server has another log of this room.";
const WAIT_WORDS = {
  rate: "Waiting: too many messages at once.",
  unavailable: "Waiting: the server cannot save messages right now.",
} as const;
