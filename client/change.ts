/**
 * One change of the device's state: writes gathered, then committed in ONE transaction, then told.
 * Reads see the writes already gathered. Nothing is shown or sent before it is on disk.
 */
import { SnugError } from "../protocol/errors.ts";
import type { EngineEvent } from "./types.ts";
import type { LocalStore, Table, Write } from "./store.ts";

/** The local store failed: full, closed, taken away. The change did not happen, or nobody knows. */
export class StoreFailed extends SnugError {
  static override readonly kind = "StoreFailed";
  constructor(cause: unknown) {
    super("the local store failed", { cause });
  }
}

/** In "meta": rows of "messages" that the history archive has not got yet, by their key there. */
export const MARKS = "archive-mark/";

/** In "meta": how far the history archive has been fetched, by conversation. */
export const PAGES = "archive-page/";

/** Digits of an order key: 10^12 rows, and code-unit order is number order. */
const ORDER_DIGITS = 12;

export class Change {
  readonly #store: LocalStore;
  readonly #writes = new Map<string, Write>();
  readonly events: EngineEvent[] = [];
  /** Run after the commit, in order: sending, acknowledging, waking the pump. */
  readonly after: (() => void)[] = [];
  /** There is something new for the history archive. */
  marked = false;

  constructor(store: LocalStore) {
    this.#store = store;
  }

  get writes(): Write[] {
    return [...this.#writes.values()];
  }

  async get<T>(table: Table, key: string): Promise<T | undefined> {
    const write = this.#writes.get(`${table} ${key}`);
    if (write) return "remove" in write ? undefined : write.value as T;
    return await this.#store.get<T>(table, key).catch(fail);
  }

  /** What is put into "messages" is also marked for the history archive. */
  set(table: Table, key: string, value: unknown): void {
    this.#put({ table, key, value });
    if (table !== "messages") return;
    this.#put({ table: "meta", key: `${MARKS}${key}`, value: true });
    this.marked = true;
  }

  /** A message that comes from the archive. */
  setArchived(key: string, value: unknown): void {
    this.#put({ table: "messages", key, value });
  }

  remove(table: Table, key: string): void {
    this.#put({ table, key, remove: true });
  }

  tell(event: EngineEvent): void {
    this.events.push(event);
  }

  /** A key above every one given before, over restarts too. */
  async nextOrder(): Promise<string> {
    const next = (await this.get<number>("meta", "order") ?? 0) + 1;
    this.set("meta", "order", next);
    return String(next).padStart(ORDER_DIGITS, "0");
  }

  #put(write: Write): void {
    this.#writes.set(`${write.table} ${write.key}`, write);
  }
}

/**
 * The one writer. Changes run one after the other, so none ever sees another half done, and the
 * ratchet of one session is never stepped twice from one state.
 */
export class Writer {
  readonly #store: LocalStore;
  readonly #told: (event: EngineEvent) => void;
  #tail: Promise<unknown> = Promise.resolve();
  /** Called after a change that left something for the history archive. */
  marked: () => void = () => {};

  constructor(store: LocalStore, told: (event: EngineEvent) => void) {
    this.#store = store;
    this.#told = told;
  }

  /**
   * Runs `work`, commits what it gathered, then tells the events and runs what it left for after.
   * When `work` throws, nothing of it happens. @throws {StoreFailed}
   */
  change<T>(work: (change: Change) => Promise<T>): Promise<T> {
    const result = this.#tail.then(async () => {
      const change = new Change(this.#store);
      const value = await work(change);
      const { writes } = change;
      if (writes.length > 0) await this.#store.commit(writes).catch(fail);
      for (const event of change.events) this.#told(event);
      for (const run of change.after) run();
      if (change.marked) this.marked();
      return value;
    });
    this.#tail = result.catch(() => {});
    return result;
  }

  /** Resolves when everything asked for so far is done. */
  async idle(): Promise<void> {
    await this.#tail;
  }
}

function fail(cause: unknown): never {
  throw new StoreFailed(cause);
}
