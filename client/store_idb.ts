/** The browser's store: IndexedDB, one object store per table, keys as CryptoKeys that cannot be exported. */
import { type IDBPDatabase, openDB } from "idb";
import {
  type KeyRange,
  keyRange,
  type ListOptions,
  type LocalStore,
  type Row,
  StoreClosed,
  type Table,
  TABLES,
  type Write,
} from "./store.ts";

const FORMAT = 1;
/** Strict: the promise resolves when the bytes are on disk, not when the browser has heard of them. */
const STRICT: IDBTransactionOptions = { durability: "strict" };

/** Opens or makes the database `name`. The caller holds the Web Lock that makes it the only writer. */
export async function openIdbStore(name: string): Promise<LocalStore> {
  const store: { current?: IdbStore } = {};
  const database = await openDB(name, FORMAT, {
    upgrade(fresh) {
      for (const table of TABLES) fresh.createObjectStore(table);
    },
    // Another tab wants to upgrade or delete the database: step aside instead of blocking it.
    blocking: () => void store.current?.close(),
    terminated: () => void store.current?.close(),
  });
  store.current = new IdbStore(database);
  return store.current;
}

class IdbStore implements LocalStore {
  readonly #database: IDBPDatabase;
  #open = true;

  constructor(database: IDBPDatabase) {
    this.#database = database;
  }

  async get<T>(table: Table, key: string): Promise<T | undefined> {
    this.#demandOpen();
    return await this.#database.get(table, key) as T | undefined;
  }

  async list<T>(table: Table, options: ListOptions = {}): Promise<Row<T>[]> {
    this.#demandOpen();
    const range = keyRange(options);
    const limit = options.limit ?? Infinity;
    if (range === null || limit <= 0) return [];
    const rows: Row<T>[] = [];
    const direction = options.reverse ? "prev" : "next";
    let cursor = await this.#database.transaction(table).store.openCursor(bounds(range), direction);
    while (cursor !== null) {
      rows.push({ key: String(cursor.key), value: cursor.value as T });
      if (rows.length >= limit) break;
      cursor = await cursor.continue();
    }
    return rows;
  }

  async commit(writes: readonly Write[]): Promise<void> {
    this.#demandOpen();
    if (writes.length === 0) return;
    const tables = [...new Set(writes.map((write) => write.table))];
    const transaction = this.#database.transaction(tables, "readwrite", STRICT);
    try {
      const requests = writes.map((write) => {
        const table = transaction.objectStore(write.table);
        return "remove" in write ? table.delete(write.key) : table.put(write.value, write.key);
      });
      await Promise.all([...requests, transaction.done]);
    } catch (error) {
      abort(transaction);
      throw error;
    }
  }

  async erase(): Promise<void> {
    await this.commit([]);
    const transaction = this.#database.transaction([...TABLES], "readwrite", STRICT);
    await Promise.all([
      ...TABLES.map((table) => transaction.objectStore(table).clear()),
      transaction.done,
    ]);
    await this.close();
  }

  close(): Promise<void> {
    if (this.#open) this.#database.close();
    this.#open = false;
    return Promise.resolve();
  }

  #demandOpen(): void {
    if (!this.#open) throw new StoreClosed();
  }
}

function bounds({ from, fromOpen, to }: KeyRange): IDBKeyRange {
  return to === null
    ? IDBKeyRange.lowerBound(from, fromOpen)
    : IDBKeyRange.bound(from, to, fromOpen, true);
}

/** A value that cannot be cloned throws before its transaction ends: nothing of it may stay. */
function abort(transaction: { abort(): void; readonly done: Promise<void> }): void {
  transaction.done.catch(() => {});
  try {
    transaction.abort();
  } catch {
    // It had already ended by itself.
  }
}
