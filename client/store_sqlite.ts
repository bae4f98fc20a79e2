/**
 * The terminal's store: one SQLite file. Importing this file loads node:sqlite, so pages never do.
 *
 * The file is its own lock: the connection holds SQLite's exclusive lock from opening to closing,
 * so a second program is turned away at once, and a crash leaves no stale lock file behind
 * (protocol.md: one writer per store, or two of them would step one ratchet twice).
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import {
  keyRange,
  type ListOptions,
  type LocalStore,
  type Row,
  StoreClosed,
  StoreTaken,
  type Table,
  type Write,
} from "./store.ts";
import { packValue, unpackValue } from "./stored_value.ts";

/** Stored in `user_version`; a newer file is refused rather than guessed at. */
const FORMAT = 1;

const SETTINGS = `
  PRAGMA busy_timeout = 0;
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA secure_delete = ON;
`;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS entries (
    area TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (area, key)
  ) STRICT;
`;

// A listing has four shapes: the lower bound open or closed, ascending or descending.
const LIST = {
  closedUp:
    "SELECT key, value FROM entries WHERE area = ? AND key >= ? AND (? IS NULL OR key < ?) ORDER BY key LIMIT ?",
  openUp:
    "SELECT key, value FROM entries WHERE area = ? AND key > ? AND (? IS NULL OR key < ?) ORDER BY key LIMIT ?",
  closedDown:
    "SELECT key, value FROM entries WHERE area = ? AND key >= ? AND (? IS NULL OR key < ?) ORDER BY key DESC LIMIT ?",
  openDown:
    "SELECT key, value FROM entries WHERE area = ? AND key > ? AND (? IS NULL OR key < ?) ORDER BY key DESC LIMIT ?",
} as const;

interface Entry {
  readonly key: string;
  readonly value: Uint8Array;
}

/** SQLite's "no limit". */
const ALL = -1;

/**
 * Opens or makes the store in `path`.
 * @throws {StoreTaken} when another program has it open, or a newer version wrote it
 */
export function openSqliteStore(path: string): LocalStore {
  const database = new DatabaseSync(path);
  try {
    prepareFile(database);
    return new SqliteStore(database);
  } catch (error) {
    database.close();
    if (!String(error).includes("database is locked")) throw error;
    throw new StoreTaken("Another Snug has this profile open. Close it, or use another --profile.");
  }
}

function prepareFile(database: DatabaseSync): void {
  database.exec(SETTINGS);
  database.exec("BEGIN EXCLUSIVE");
  const version = Number(database.prepare("PRAGMA user_version").get()!["user_version"]);
  if (version > FORMAT) {
    throw new StoreTaken("A newer Snug wrote this profile. Update this one to open it.");
  }
  database.exec(SCHEMA);
  database.exec("PRAGMA user_version = 1");
  database.exec("COMMIT");
}

class SqliteStore implements LocalStore {
  readonly #database: DatabaseSync;
  readonly #get: StatementSync;
  readonly #put: StatementSync;
  readonly #remove: StatementSync;
  readonly #list: Readonly<Record<keyof typeof LIST, StatementSync>>;
  #open = true;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#get = database.prepare("SELECT value FROM entries WHERE area = ? AND key = ?");
    this.#put = database.prepare(
      "INSERT INTO entries VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
    );
    this.#remove = database.prepare("DELETE FROM entries WHERE area = ? AND key = ?");
    this.#list = {
      closedUp: database.prepare(LIST.closedUp),
      openUp: database.prepare(LIST.openUp),
      closedDown: database.prepare(LIST.closedDown),
      openDown: database.prepare(LIST.openDown),
    };
  }

  async get<T>(table: Table, key: string): Promise<T | undefined> {
    this.#demandOpen();
    const row = this.#get.get(table, key) as { value: Uint8Array } | undefined;
    return row === undefined ? undefined : await unpackValue(row.value) as T;
  }

  async list<T>(table: Table, options: ListOptions = {}): Promise<Row<T>[]> {
    this.#demandOpen();
    const range = keyRange(options);
    if (range === null) return [];
    const shape = `${range.fromOpen ? "open" : "closed"}${
      options.reverse ? "Down" : "Up"
    }` as const;
    const { from, to } = range;
    const rows = this.#list[shape].all(table, from, to, to, options.limit ?? ALL);
    return await Promise.all((rows as unknown as Entry[]).map(async ({ key, value }) => ({
      key,
      value: await unpackValue(value) as T,
    })));
  }

  async commit(writes: readonly Write[]): Promise<void> {
    this.#demandOpen();
    const packed = await Promise.all(writes.map(pack));
    this.#demandOpen();
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      for (const { table, key, value } of packed) {
        if (value === null) this.#remove.run(table, key);
        else this.#put.run(table, key, value);
      }
      this.#database.exec("COMMIT");
    } catch (error) {
      this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  async erase(): Promise<void> {
    this.#demandOpen();
    this.#database.exec("DELETE FROM entries");
    this.#database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
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

async function pack(
  write: Write,
): Promise<{ table: Table; key: string; value: Uint8Array | null }> {
  const { table, key } = write;
  return { table, key, value: "remove" in write ? null : await packValue(write.value) };
}
