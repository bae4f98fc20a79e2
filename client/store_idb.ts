/** The browser's store: IndexedDB, one object store per table, keys as CryptoKeys that cannot be exported. */
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
  const opening = indexedDB.open(name, FORMAT);
  opening.addEventListener("upgradeneeded", () => {
    for (const table of TABLES) opening.result.createObjectStore(table);
  });
  const database = await settled(opening);
  const store = new IdbStore(database);
  // Another tab wants to upgrade or delete the database: step aside instead of blocking it.
  database.addEventListener("versionchange", () => void store.close());
  database.addEventListener("close", () => void store.close());
  return store;
}

class IdbStore implements LocalStore {
  readonly #database: IDBDatabase;
  #open = true;

  constructor(database: IDBDatabase) {
    this.#database = database;
  }

  async get<T>(table: Table, key: string): Promise<T | undefined> {
    this.#demandOpen();
    return await settled<T | undefined>(this.#read(table).get(key));
  }

  async list<T>(table: Table, options: ListOptions = {}): Promise<Row<T>[]> {
    this.#demandOpen();
    const range = keyRange(options);
    const limit = options.limit ?? Infinity;
    if (range === null || limit <= 0) return [];
    const rows: Row<T>[] = [];
    const { promise, resolve, reject } = Promise.withResolvers<Row<T>[]>();
    const direction = options.reverse ? "prev" : "next";
    const reading = this.#read(table).openCursor(bounds(range), direction);
    reading.addEventListener("success", () => {
      const cursor = reading.result;
      if (cursor === null) return resolve(rows);
      rows.push({ key: String(cursor.key), value: cursor.value as T });
      if (rows.length >= limit) resolve(rows);
      else cursor.continue();
    });
    reading.addEventListener("error", () => reject(reading.error));
    return await promise;
  }

  async commit(writes: readonly Write[]): Promise<void> {
    this.#demandOpen();
    if (writes.length === 0) return;
    const tables = [...new Set(writes.map((write) => write.table))];
    await this.#write(tables, (table) => {
      for (const write of writes) {
        if ("remove" in write) table(write.table).delete(write.key);
        else table(write.table).put(write.value, write.key);
      }
    });
  }

  async erase(): Promise<void> {
    this.#demandOpen();
    await this.#write(TABLES, (table) => {
      for (const name of TABLES) table(name).clear();
    });
    await this.close();
  }

  close(): Promise<void> {
    if (this.#open) this.#database.close();
    this.#open = false;
    return Promise.resolve();
  }

  #read(table: Table): IDBObjectStore {
    return this.#database.transaction(table).objectStore(table);
  }

  /** One transaction; what `work` throws, such as for a value that cannot be cloned, undoes all of it. */
  async #write(
    tables: readonly Table[],
    work: (table: (name: Table) => IDBObjectStore) => void,
  ): Promise<void> {
    const transaction = this.#database.transaction([...tables], "readwrite", STRICT);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    transaction.addEventListener("complete", () => resolve());
    transaction.addEventListener("abort", () => reject(transaction.error));
    try {
      work((name) => transaction.objectStore(name));
    } catch (error) {
      transaction.abort();
      reject(error);
    }
    await promise;
  }

  #demandOpen(): void {
    if (!this.#open) throw new StoreClosed();
  }
}

/** What a request came to. */
function settled<T>(request: IDBRequest<T>): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  request.addEventListener("success", () => resolve(request.result));
  request.addEventListener("error", () => reject(request.error));
  return promise;
}

function bounds({ from, fromOpen, to }: KeyRange): IDBKeyRange {
  return to === null
    ? IDBKeyRange.lowerBound(from, fromOpen)
    : IDBKeyRange.bound(from, to, fromOpen, true);
}
