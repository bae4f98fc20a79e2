/**
 * What the engine asks of a device's own storage. The engine owns no storage: the browser gives it
 * IndexedDB, the terminal SQLite, tests a Map; one behaviour suite runs on all of them.
 *
 * Values are what structured clone takes: objects, arrays, strings, numbers, booleans, null, byte
 * arrays and CryptoKeys. A value that was read belongs to the reader; changing it changes nothing stored.
 */
import { SnugError } from "../protocol/errors.ts";

/** The tables, all of them. A key is printable ASCII, at most 512 characters, unique within its table. */
export const TABLES = [
  "meta",
  "device",
  "prekeys",
  "sessions",
  "accounts",
  "conversations",
  "messages",
  "outbox",
  "seen",
] as const;

export type Table = typeof TABLES[number];

/** One change. A commit applies its writes in order, so a later one wins over an earlier one. */
export type Write =
  | { readonly table: Table; readonly key: string; readonly value: unknown }
  | { readonly table: Table; readonly key: string; readonly remove: true };

/** Bounds are exclusive; keys come in ascending code-unit order, or descending with `reverse`. */
export interface ListOptions {
  readonly prefix?: string;
  readonly after?: string;
  readonly before?: string;
  readonly limit?: number;
  readonly reverse?: boolean;
}

export interface Row<T> {
  readonly key: string;
  readonly value: T;
}

/** A device's storage. Every method rejects with StoreClosed after `close` or `erase`. */
export interface LocalStore {
  get<T>(table: Table, key: string): Promise<T | undefined>;
  list<T>(table: Table, options?: ListOptions): Promise<Row<T>[]>;
  /** All writes or none, on disk when the promise resolves (power cuts included). */
  commit(writes: readonly Write[]): Promise<void>;
  /** Removes everything, then closes. */
  erase(): Promise<void>;
  close(): Promise<void>;
}

/** The store was used after its end: a bug, or a page that is going away. */
export class StoreClosed extends SnugError {
  static override readonly kind = "StoreClosed";
  constructor() {
    super("the local store is closed");
  }
}

/** Another program or tab holds this store. `words` are for people. */
export class StoreTaken extends SnugError {
  static override readonly kind = "StoreTaken";
  constructor(readonly words: string) {
    super(words);
  }
}

/** The smallest string above every string that starts with `prefix`; null when there is none. */
export function prefixEnd(prefix: string): string | null {
  for (let at = prefix.length - 1; at >= 0; at--) {
    const unit = prefix.charCodeAt(at);
    if (unit < 0xffff) return prefix.slice(0, at) + String.fromCharCode(unit + 1);
  }
  return null;
}

/** The range a listing covers: `[from, to)`, with `from` left out when `fromOpen`. */
export interface KeyRange {
  readonly from: string;
  readonly fromOpen: boolean;
  readonly to: string | null;
}

/** Turns options into one range, so that every store reads them alike; null when it is empty. */
export function keyRange(options: ListOptions): KeyRange | null {
  const prefix = options.prefix ?? "";
  const ends = [prefixEnd(prefix), options.before ?? null].filter((end) => end !== null);
  const to = ends.length === 0 ? null : ends.reduce((a, b) => a < b ? a : b);
  const fromOpen = options.after !== undefined && options.after >= prefix;
  const from = fromOpen ? options.after! : prefix;
  if (to !== null && (fromOpen ? from >= to : from >= to)) return null;
  return { from, fromOpen, to };
}
