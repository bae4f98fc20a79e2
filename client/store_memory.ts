import {
  keyRange,
  type ListOptions,
  type LocalStore,
  type Row,
  StoreClosed,
  type Table,
  TABLES,
  type Write,
} from "./store.ts";
import { copyValue } from "./stored_value.ts";

type Tables = Map<Table, Map<string, unknown>>;

const emptyTables = (): Tables => new Map(TABLES.map((table) => [table, new Map()]));

/** A store that lives as long as its variable; tests restart an engine on `reopen`. */
export class MemoryStore implements LocalStore {
  #tables: Tables;
  #open = true;

  constructor(tables: Tables = emptyTables()) {
    this.#tables = tables;
  }

  get<T>(table: Table, key: string): Promise<T | undefined> {
    return this.#answer(() => copyValue(this.#tables.get(table)!.get(key)) as T | undefined);
  }

  list<T>(table: Table, options: ListOptions = {}): Promise<Row<T>[]> {
    return this.#answer(() => {
      const rows = this.#tables.get(table)!;
      const keys = keysIn(rows, options);
      return keys.map((key) => ({ key, value: copyValue(rows.get(key)) as T }));
    });
  }

  commit(writes: readonly Write[]): Promise<void> {
    return this.#answer(() => {
      const copies = writes.map((write) => copyValue(write));
      for (const write of copies) {
        const rows = this.#tables.get(write.table)!;
        if ("remove" in write) rows.delete(write.key);
        else rows.set(write.key, write.value);
      }
    });
  }

  erase(): Promise<void> {
    return this.#answer(() => {
      for (const rows of this.#tables.values()) rows.clear();
      this.#open = false;
    });
  }

  close(): Promise<void> {
    this.#open = false;
    return Promise.resolve();
  }

  /** The same contents in a new store, as a process finds them that starts again. */
  reopen(): MemoryStore {
    return new MemoryStore(this.#tables);
  }

  /** A copy of the contents, as an old backup would hold them. */
  snapshot(): MemoryStore {
    const copies = [...this.#tables].map(([table, rows]) => {
      const copied = [...rows].map(([key, value]) => [key, copyValue(value)] as const);
      return [table, new Map(copied)] as const;
    });
    return new MemoryStore(new Map(copies));
  }

  async #answer<T>(read: () => T): Promise<T> {
    await Promise.resolve();
    if (!this.#open) throw new StoreClosed();
    return read();
  }
}

function keysIn(rows: Map<string, unknown>, options: ListOptions): string[] {
  const range = keyRange(options);
  if (range === null) return [];
  const { from, fromOpen, to } = range;
  const keys = [...rows.keys()].filter((key) =>
    (fromOpen ? key > from : key >= from) && (to === null || key < to)
  );
  keys.sort();
  if (options.reverse) keys.reverse();
  return keys.slice(0, options.limit);
}
