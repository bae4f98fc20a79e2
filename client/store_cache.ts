/**
 * A store's small rows, kept in memory. While a device's engine runs nobody else writes to its store, so what was read or
 * written is what is there; a single read of IndexedDB takes milliseconds, and a message asks for a dozen.
 */
import {
  type ListOptions,
  type LocalStore,
  type Row,
  StoreClosed,
  type Table,
  type Write,
} from "./store.ts";

/** Tables whose rows are asked for again and again, by key. The rest is read once, or by listing. */
const KEPT: ReadonlySet<Table> = new Set<Table>(["meta", "sessions", "accounts", "conversations"]);
/** The rows that were used longest ago go first. */
export const MOST_KEPT = 1_000;

/** `store` with its reads by key kept; for the one writer of it. The caller uses only what is returned. */
export function cachedStore(store: LocalStore): LocalStore {
  return new CachedStore(store);
}

class CachedStore implements LocalStore {
  readonly #store: LocalStore;
  /** Oldest use first. */
  readonly #rows = new Map<string, unknown>();
  /** Counts commits as they begin and end: what was read across one may be old. */
  #commits = 0;
  #open = true;

  constructor(store: LocalStore) {
    this.#store = store;
  }

  async get<T>(table: Table, key: string): Promise<T | undefined> {
    if (!this.#open) throw new StoreClosed();
    if (!KEPT.has(table)) return await this.#store.get<T>(table, key);
    const name = nameOf(table, key);
    if (this.#rows.has(name)) return this.#used(name) as T | undefined;
    const commits = this.#commits;
    const value = await this.#store.get<T>(table, key);
    if (commits === this.#commits) this.#keep(name, structuredClone(value));
    return value;
  }

  async list<T>(table: Table, options?: ListOptions): Promise<Row<T>[]> {
    return await this.#store.list<T>(table, options);
  }

  /** Until it is known what came of it, what it touches is not known here. */
  async commit(writes: readonly Write[]): Promise<void> {
    const touched = writes.filter(({ table }) => KEPT.has(table));
    // Copied now: what is written belongs to its writer, who may change it at once.
    const copies = touched.map((write) => {
      const name = nameOf(write.table, write.key);
      return { name, value: "remove" in write ? undefined : structuredClone(write.value) };
    });
    for (const { name } of copies) this.#rows.delete(name);
    this.#commits++;
    try {
      await this.#store.commit(writes);
    } finally {
      this.#commits++;
    }
    for (const { name, value } of copies) this.#keep(name, value);
  }

  async erase(): Promise<void> {
    await this.#store.erase();
    this.#forget();
  }

  async close(): Promise<void> {
    this.#forget();
    await this.#store.close();
  }

  #used(name: string): unknown {
    const value = this.#rows.get(name);
    this.#rows.delete(name);
    this.#rows.set(name, value);
    return structuredClone(value);
  }

  #keep(name: string, value: unknown): void {
    this.#rows.delete(name);
    this.#rows.set(name, value);
    if (this.#rows.size <= MOST_KEPT) return;
    const [oldest] = this.#rows.keys();
    this.#rows.delete(oldest!);
  }

  #forget(): void {
    this.#open = false;
    this.#rows.clear();
  }
}

function nameOf(table: Table, key: string): string {
  return `${table} ${key}`;
}
