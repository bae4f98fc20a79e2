/**
 * One server at a time on a data folder. Two would each remember queues that the other changes.
 *
 * The lock is SQLite's own on an empty file beside the database: it goes with the process however
 * that ends, and neither backups nor `snug doctor` meet it.
 */
import { closeSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { DatabaseError } from "./migrate.ts";

/** The lock of a server on its database. */
export function serverLock(database: string): string {
  return `${database}-lock`;
}

const RUNNING =
  "Another Snug is running on this data folder. Stop it first, or start this one with another --data.";

/**
 * Takes the lock file at `path`, made if it is not there (readable by its owner only).
 * @returns gives it back
 * @throws {DatabaseError} with these words when another process holds it
 */
export function lockFolder(path: string, words: string = RUNNING): () => void {
  closeSync(openSync(path, "a", 0o600));
  const lock = new DatabaseSync(path);
  try {
    lock.exec("pragma busy_timeout = 0");
    lock.exec("begin exclusive");
  } catch (error) {
    lock.close();
    if (!isBusy(error)) throw error;
    throw new DatabaseError(words);
  }
  return () => lock.close();
}

/** Is this SQLite's word for "somebody else holds the lock"? */
export function isBusy(error: unknown): boolean {
  return error instanceof Error && /database is (locked|busy)/.test(error.message);
}
