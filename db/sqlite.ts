/** Opens the server's one database file. Nothing but this process writes to it. */
import { closeSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { checkDatabase, migrate } from "./migrate.ts";
import { MIGRATIONS } from "./migrations/mod.ts";

/**
 * WAL with synchronous=FULL: a commit that returned is on the disk. secure_delete: what is deleted
 * is overwritten. trusted_schema off: a forged file runs no functions of ours. The log is cut back
 * to 64 MiB after a burst and written back every 16 MiB, which costs two more syncs each time.
 */
const PRAGMAS = `
pragma journal_mode = wal;
pragma synchronous = full;
pragma foreign_keys = on;
pragma secure_delete = on;
pragma trusted_schema = off;
pragma cell_size_check = on;
pragma temp_store = memory;
pragma cache_size = -32768;
pragma wal_autocheckpoint = 4000;
pragma journal_size_limit = 67108864;
`;

/** A start may wait so long for a backup or a doctor that holds the lock. */
const START_WAIT = "pragma busy_timeout = 2000";
/**
 * Afterwards nobody waits in SQLite: waiting there stops every conversation. Nothing else writes to
 * this file; if something does, the batch is refused and sent again.
 */
const RUN_WAIT = "pragma busy_timeout = 10";

/**
 * The database at `path`, made if it is not there (readable by its owner only), with this
 * program's tables.
 * @throws {DatabaseError} for a database of a newer program or of another one
 */
export function openDatabase(path: string): DatabaseSync {
  if (path !== ":memory:") closeSync(openSync(path, "a", 0o600));
  const db = new DatabaseSync(path);
  try {
    db.exec(START_WAIT);
    checkDatabase(db, MIGRATIONS);
    db.exec(PRAGMAS);
    migrate(db, MIGRATIONS);
    db.exec(RUN_WAIT);
  } catch (error) {
    db.close();
    throw error;
  }
  return db;
}
