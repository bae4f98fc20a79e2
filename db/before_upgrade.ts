/**
 * A copy of the database as the older program left it, made before its tables are changed. It lies
 * beside the database, is as private, and goes after two weeks: what people deleted must not live on
 * in it.
 */
import {
  chmodSync,
  closeSync,
  copyFileSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { inWords } from "./backup_error.ts";
import { checkDatabase, DatabaseError, type Migration, readVersion } from "./migrate.ts";
import { one } from "./transaction.ts";

/** How long a copy is kept, in milliseconds. */
export const COPY_KEPT_MS = 14 * 86_400_000;

const MARK = ".before-";

/**
 * Makes the copy if this program would change the tables of the database at `path`.
 * Nobody may have the file open: closing it drops SQLite's locks of this process.
 * @returns where it is, or null when none was needed
 * @throws {DatabaseError} when it cannot be made, and for databases that are not for this program
 */
export function keepBeforeUpgrade(path: string, migrations: readonly Migration[]): string | null {
  const version = versionToLeave(path, migrations);
  if (version === null) return null;
  const copy = `${path}${MARK}${version}`;
  const draft = `${copy}.new`;
  try {
    copyFileSync(path, draft);
    chmodSync(draft, 0o600);
    syncFile(draft);
    renameSync(draft, copy);
  } catch (error) {
    rmSync(draft, { force: true });
    const known = inWords(`${copy}, the copy before the upgrade`, error);
    throw known === error ? error : new DatabaseError((known as Error).message);
  }
  return copy;
}

/** The version there is, if a newer one would take its place; its log is written back. */
function versionToLeave(path: string, migrations: readonly Migration[]): number | null {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return null;
  const db = new DatabaseSync(path);
  try {
    db.exec("pragma busy_timeout = 2000");
    checkDatabase(db, migrations);
    const version = readVersion(db);
    if (version === 0 || version >= (migrations.at(-1)?.version ?? 0)) return null;
    const done = one<{ busy: number }>(db.prepare("pragma wal_checkpoint(truncate)"));
    if (done?.busy !== 0) {
      throw new DatabaseError(
        "The database is older than this program, and something reads it. Stop it, then start again.",
      );
    }
    return version;
  } finally {
    db.close();
  }
}

function syncFile(path: string): void {
  const file = openSync(path, "r+");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Removes copies beside `path` that are two weeks old at `now` (milliseconds since 1970). */
export async function dropCopiesOfUpgrades(path: string, now: number): Promise<string[]> {
  const folder = dirname(path);
  const old = readdirSync(folder)
    .filter((name) => name.startsWith(basename(path) + MARK))
    .map((name) => join(folder, name))
    .filter((copy) => statSync(copy).mtimeMs + COPY_KEPT_MS < now);
  // A large file takes the system a while: nobody who talks waits for it.
  for (const copy of old) await Deno.remove(copy);
  return old;
}
