/**
 * A data folder that was put back as it was, without a backup: a snapshot of the machine that was
 * rolled back, or yesterday's copy of the folder. It is made what a restored backup is.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { BackupError, inWords } from "./backup_error.ts";
import { checkIntegrity, countAccounts, DATABASE, SECRETS } from "./backup_unpack.ts";
import { giveUpRows } from "./give_up.ts";
import { keepBeforeUpgrade } from "./before_upgrade.ts";
import { lockFolder, serverLock } from "./folder_lock.ts";
import { checkDatabase, readVersion } from "./migrate.ts";
import { MIGRATIONS } from "./migrations/mod.ts";
import { checkRecent } from "./recent_check.ts";
import { forgetIn } from "./restore.ts";
import { openDatabase } from "./sqlite.ts";
import { giveToOwner, refuseHalfRestored } from "./unfinished.ts";

const LOCK = serverLock(DATABASE);
const RUNNING =
  "Another Snug is running on this data folder. Stop it first, then give this command again.";

/**
 * Forgets in `dataDir` what a server that was set back must not believe. The second time is like the
 * first. What waits for devices stays, and so do positions: a device takes them as they come, and
 * knows again what it has by the envelope itself. So do ids of submissions: what they stand for is in
 * this very database, or was acknowledged in it.
 * @returns how many accounts there are
 * @throws {BackupError | DatabaseError} in words, when that cannot be done; then nothing was forgotten
 */
export function forgetInPlace(dataDir: string): number {
  return atRest(dataDir, (db) => {
    checkRecent(db);
    forgetIn(db);
    return countAccounts(db);
  });
}

/**
 * Gives up the rows in `dataDir` that cannot be read, and changes nothing else.
 * @returns which, in words
 * @throws {BackupError | DatabaseError} in words, when that cannot be done
 */
export function giveUpInPlace(dataDir: string): string[] {
  return atRest(dataDir, giveUpRows);
}

/** Does `work` on the database of a server that does not run, brought up to this program. */
function atRest<Result>(dataDir: string, work: (db: DatabaseSync) => Result): Result {
  const path = join(dataDir, DATABASE);
  try {
    refuseOther(dataDir);
    giveToOwner(dataDir, LOCK);
    const unlock = lockFolder(join(dataDir, LOCK), RUNNING);
    try {
      checkWhole(path);
      keepBeforeUpgrade(path, MIGRATIONS);
      return onDatabase(path, work);
    } finally {
      unlock();
    }
  } catch (error) {
    throw inWords(path, error);
  }
}

/** Before anything is written there: is this the folder of a server? */
function refuseOther(dataDir: string): void {
  const isThere = (name: string) =>
    statSync(join(dataDir, name), { throwIfNoEntry: false })?.isFile() === true;
  if (!isThere(DATABASE)) {
    throw new BackupError(
      `There is no database of Snug in ${dataDir}. Name the server's folder with --data DIR.`,
    );
  }
  refuseHalfRestored(dataDir);
  if (isThere(SECRETS)) return;
  throw new BackupError(
    `${SECRETS} is missing in ${dataDir}: put it back too, from where the database came.`,
  );
}

/** Every page, before anything is changed. */
function checkWhole(path: string): void {
  const db = new DatabaseSync(path);
  try {
    checkDatabase(db, MIGRATIONS);
    if (readVersion(db) === 0) throw new BackupError(`${path} is empty: no server ever ran on it.`);
    checkIntegrity(db, "Put all of the folder back again, or restore a backup.");
  } finally {
    db.close();
  }
}

function onDatabase<Result>(path: string, work: (db: DatabaseSync) => Result): Result {
  const db = openDatabase(path);
  try {
    return work(db);
  } finally {
    db.close();
  }
}
