/**
 * Rooms, and people with their device lists, kept as they are and handed to every reader without a copy: they are
 * large, every message in a room asks for them, and nobody changes one in place. A full room takes longer to copy than
 * a message to encrypt. Everything else goes straight to the store below.
 *
 * While a device's engine runs nobody else writes to its store, so what was read or written is what is there.
 */
import type { ListOptions, LocalStore, Row, Table, Write } from "./store.ts";

/** Rows kept at a time; the one used longest ago goes first. A full room with its people is 257. */
export const MOST_SHARED = 2_000;

export class SharedStore implements LocalStore {
  readonly #store: LocalStore;
  /** Oldest use first. */
  readonly #rows = new Map<string, unknown>();
  /** Counts commits as they begin and end: what was read across one may be old. */
  #commits = 0;
  #peopleVersion = 0;

  /** The caller uses only this one, and reads its rows only. */
  constructor(store: LocalStore) {
    this.#store = store;
  }

  /** Another number whenever anything that is known of people may be another. */
  get peopleVersion(): number {
    return this.#peopleVersion;
  }

  async get<T>(table: Table, key: string): Promise<T | undefined> {
    if (!isShared(table, key)) return await this.#store.get<T>(table, key);
    const name = `${table} ${key}`;
    if (this.#rows.has(name)) return this.#keep(name, this.#rows.get(name)) as T | undefined;
    const commits = this.#commits;
    const value = await this.#store.get<T>(table, key);
    if (commits === this.#commits) this.#keep(name, value);
    return value;
  }

  list<T>(table: Table, options?: ListOptions): Promise<Row<T>[]> {
    return this.#store.list<T>(table, options);
  }

  /** Until it is known what came of it, what it touches is not known here. */
  async commit(writes: readonly Write[]): Promise<void> {
    const touched = writes.filter(({ table, key }) => isShared(table, key));
    for (const { table, key } of touched) this.#rows.delete(`${table} ${key}`);
    if (touched.some(({ table }) => table === "accounts")) this.#peopleVersion++;
    this.#commits++;
    try {
      await this.#store.commit(writes);
    } finally {
      this.#commits++;
    }
    for (const write of touched) {
      this.#keep(`${write.table} ${write.key}`, "remove" in write ? undefined : write.value);
    }
  }

  async erase(): Promise<void> {
    this.#rows.clear();
    this.#commits++;
    await this.#store.erase();
  }

  async close(): Promise<void> {
    this.#rows.clear();
    this.#commits++;
    await this.#store.close();
  }

  #keep(name: string, value: unknown): unknown {
    this.#rows.delete(name);
    this.#rows.set(name, value);
    if (this.#rows.size > MOST_SHARED) this.#rows.delete(this.#rows.keys().next().value!);
    return value;
  }
}

function isShared(table: Table, key: string): boolean {
  return table === "accounts" || (table === "sessions" && key.startsWith("room/"));
}
