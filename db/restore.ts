/** Puts a backup into an empty data folder, ready for `snug serve`. */
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { toHex } from "../protocol/encoding.ts";
import type { BackupOptions, Unlock } from "./backup.ts";
import { BackupError, inWords } from "./backup_error.ts";
import { DATABASE, SECRETS, unpackBackup, type Unpacked } from "./backup_unpack.ts";
import { lockFolder, serverLock } from "./folder_lock.ts";
import { giveUpRows } from "./give_up.ts";
import { brokenRow } from "./recent_check.ts";
import { openDatabase } from "./sqlite.ts";
import { syncFolder } from "./steady_write.ts";
import { one, transaction } from "./transaction.ts";
import { giveToOwner, RESTORING } from "./unfinished.ts";

/** What restoring needs. */
export interface RestoreOptions
  extends Pick<BackupOptions, "dataDir" | "progress" | "random" | "stop" | "stretch"> {
  readonly file: string;
  readonly unlock: Unlock;
  /** Rows that cannot be read are given up, with what waited in them; otherwise they end it. */
  readonly giveUp?: boolean | undefined;
  /** Is told of a restore into this folder that was cut short. */
  readonly cleared?: ((path: string) => void) | undefined;
}

/** What was restored. */
export interface Restored extends Unpacked {
  /** Rows that were given up, in words. */
  readonly givenUp: readonly string[];
}

/** Every new disk has this in it. */
const NOT_OURS = "lost+found";
/** The server's own lock, and SQLite's file beside it when a process was killed. */
const LOCK = serverLock(DATABASE);
const LOCKS: readonly string[] = [LOCK, `${LOCK}-journal`];

/**
 * What a server that was set back must not believe any more. Logins, codes, invites and waits to
 * start over that ended since would be good again. One-time keys that were handed out since would be
 * handed out twice, so all go, and devices bring new ones. And devices have moved on: each would
 * look like an old copy of itself, so the next thing it says about itself is taken.
 */
const FORGET = `
delete from logins;
delete from challenges;
delete from device_challenges;
delete from passkey_challenges;
delete from invites;
delete from resets;
delete from one_time_prekeys;
delete from kem_prekeys;
update queues set incarnation = null, confirmed = 0;
`;

/**
 * Restores `file` into `dataDir`, which is made if it is not there. Everything is unpacked and
 * checked in a folder inside it first. After one that was killed it is enough to start it again. No
 * server starts on the folder meanwhile, and no second restore.
 * @throws {BackupError} when that cannot be done; then the folder is as it was
 */
export async function restoreBackup(options: RestoreOptions): Promise<Restored> {
  const { dataDir } = options;
  const made = await prepareFolder(dataDir);
  try {
    giveToOwner(dataDir, LOCK);
    const unlock = lockFolder(join(dataDir, LOCK));
    try {
      return await restoreAlone(options);
    } catch (error) {
      await Deno.remove(join(dataDir, LOCK));
      throw error;
    } finally {
      unlock();
    }
  } catch (error) {
    if (made) await Deno.remove(dataDir).catch(() => {});
    throw inWords(dataDir, error);
  }
}

async function restoreAlone(options: RestoreOptions): Promise<Restored> {
  const { dataDir } = options;
  const unfinished = await unfinishedIn(dataDir);
  if (unfinished.length > 0) options.cleared?.(dataDir);
  const draft = join(dataDir, `restoring-${toHex(options.random(4))}`);
  try {
    await Deno.mkdir(draft, { mode: 0o700 });
    const unpacked = await unpackBackup({ ...options, dir: draft });
    const givenUp = forget(join(draft, DATABASE), options.giveUp);
    await moveIn(draft, dataDir);
    for (const name of [DATABASE, SECRETS]) giveToOwner(dataDir, name);
    for (const name of unfinished) await Deno.remove(join(dataDir, name), { recursive: true });
    return { ...unpacked, givenUp };
  } catch (error) {
    await Deno.remove(draft, { recursive: true }).catch(() => {});
    throw error;
  }
}

/** True when the folder was made just now. */
async function prepareFolder(path: string): Promise<boolean> {
  try {
    await unfinishedIn(path);
    return false;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw inWords(path, error);
  }
  await Deno.mkdir(path, { recursive: true, mode: 0o700 }).catch((error) => {
    throw inWords(path, error);
  });
  return true;
}

/**
 * The folders of restores that were killed; usually there are none.
 * @throws {BackupError} when the folder holds anything else
 */
async function unfinishedIn(path: string): Promise<string[]> {
  const names = (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name);
  const unfinished = names.filter((name) => RESTORING.test(name));
  const allowed = [NOT_OURS, ...LOCKS, ...unfinished];
  if (await halfMoved(path, names, unfinished)) allowed.push(DATABASE);
  const other = names.find((name) => !allowed.includes(name));
  if (other === undefined) return unfinished;
  throw new BackupError(
    `${path} is not empty (it holds ${JSON.stringify(other)}). Restore into a new folder, ` +
      "then start the server with it.",
  );
}

/** Killed between the two steps of {@link moveIn}: no server has ever run on that database. */
async function halfMoved(
  path: string,
  names: readonly string[],
  unfinished: readonly string[],
): Promise<boolean> {
  if (names.includes(SECRETS)) return false;
  for (const name of unfinished) {
    const inside = (await Array.fromAsync(Deno.readDir(join(path, name)))).map(({ name }) => name);
    if (inside.includes(SECRETS) && !inside.includes(DATABASE)) return true;
  }
  return false;
}

/**
 * Makes the database at `path`, which is not in use, one of a server that was set back.
 * @returns rows that were given up, in words
 * @throws {BackupError} for a row that cannot be read, if it may not be given up
 */
export function forget(path: string, giveUp = false): string[] {
  const db = openDatabase(path);
  try {
    const givenUp = giveUp ? giveUpRows(db) : [];
    refuseBroken(db);
    forgetIn(db);
    writeBack(db);
    return givenUp;
  } finally {
    db.close();
  }
}

/** A server would not start on it: better said while another backup is at hand. */
function refuseBroken(db: DatabaseSync): void {
  const broken = brokenRow(db);
  if (broken === null) return;
  throw new BackupError(
    `The database in the backup is damaged: ${broken.message}. Use another backup; without one, ` +
      "--give-up-rows restores the rest.",
  );
}

/**
 * Closing a database does the same and says nothing when the disk is full: then some of its pages are
 * new, the others are in the log, and the log is not what is moved into place.
 */
function writeBack(db: DatabaseSync): void {
  const done = one<{ busy: number }>(db.prepare("pragma wal_checkpoint(truncate)"));
  if (done?.busy !== 0) throw new BackupError("Something reads the database that was unpacked.");
}

/** The same with a database that is open. */
export function forgetIn(db: DatabaseSync): void {
  transaction(db, () => db.exec(FORGET));
}

/**
 * The database first: if the power goes between the two, the server says that its secrets are
 * missing, rather than beginning anew without a database.
 */
async function moveIn(draft: string, dataDir: string): Promise<void> {
  for (const name of [DATABASE, SECRETS]) {
    const file = await Deno.open(join(draft, name), { read: true, write: true });
    await file.sync().finally(() => file.close());
    await Deno.rename(join(draft, name), join(dataDir, name));
  }
  await Deno.remove(draft, { recursive: true });
  await syncFolder(dataDir);
}
