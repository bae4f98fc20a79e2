/** Running synchronous SQLite work behind the store's asynchronous interface. */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";

const open = new WeakSet<DatabaseSync>();
/** SQL of every transaction, read by SQLite once. */
const words = new WeakMap<
  DatabaseSync,
  { readonly begin: StatementSync; readonly commit: StatementSync }
>();

/**
 * Runs `work` in one transaction: all of it happens, or none. `work` is synchronous, so nothing
 * else can come between check and use on this one connection. Called inside another transaction
 * it becomes part of that one.
 */
export function transaction<T>(db: DatabaseSync, work: () => T): T {
  if (open.has(db)) return work();
  const { begin, commit } = words.get(db) ?? learn(db);
  begin.run();
  open.add(db);
  try {
    const result = work();
    commit.run();
    return result;
  } catch (error) {
    rollBack(db);
    throw error;
  } finally {
    open.delete(db);
  }
}

function learn(db: DatabaseSync) {
  const both = { begin: db.prepare("begin immediate"), commit: db.prepare("commit") };
  words.set(db, both);
  return both;
}

/** SQLite has rolled back by itself after some errors (a full disk): the first error is the one to show. */
function rollBack(db: DatabaseSync): void {
  try {
    db.exec("rollback");
  } catch {
    // Nothing was open any more.
  }
}

/** The result of `work` as a promise; what it throws becomes a rejection. */
export function later<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => resolve(work()));
}

/** The first row, whose columns the caller vouches for. */
export function one<R>(statement: StatementSync, ...values: SQLInputValue[]): R | null {
  return (statement.get(...values) as R | undefined) ?? null;
}

/** All rows, whose columns the caller vouches for. */
export function all<R>(statement: StatementSync, ...values: SQLInputValue[]): R[] {
  return statement.all(...values) as unknown as R[];
}
