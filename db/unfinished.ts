/**
 * One backup or restore at a time works on a data folder. The lock ends with its process however that
 * ends, so whoever holds it knows that everything that looks begun has nobody any more.
 */
import {
  closeSync,
  existsSync,
  fchownSync,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { DATABASE, SECRETS } from "./backup_unpack.ts";
import { lockFolder } from "./folder_lock.ts";
import { DatabaseError } from "./migrate.ts";

/** The folder that a restore works in, inside the data folder. */
export const RESTORING = /^restoring-[0-9a-f]{8}$/;

/**
 * Whoever starts a server where a restore was killed wants that restore, not a new and empty server
 * with other secrets.
 * @throws {DatabaseError} then
 */
export function refuseHalfRestored(dataDir: string): void {
  if (existsSync(join(dataDir, SECRETS))) return;
  if (!readdirSync(dataDir).some((name) => RESTORING.test(name))) return;
  throw new DatabaseError(
    `A restore into ${dataDir} was cut short. Give the same snug restore again, then start the server.`,
  );
}

/**
 * A server makes its database first and its secrets afterwards: where these are alone, the database
 * was lost, and an empty one in its place would know nobody.
 * @throws {DatabaseError} then
 */
export function refuseLostDatabase(dataDir: string): void {
  const path = join(dataDir, DATABASE);
  if (!existsSync(join(dataDir, SECRETS))) return;
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0) return;
  throw new DatabaseError(
    `${path} is missing or empty, but ${SECRETS} is there. Restore the last backup into a new ` +
      `folder; or, to begin with nobody, move ${SECRETS} away.`,
  );
}

const LOCK = "snug.db-backup-lock";

/**
 * Runs `work` while no other backup is made of `dataDir`.
 * @throws {DatabaseError} while another one is being made
 */
export async function backUpAlone<Result>(
  dataDir: string,
  work: () => Promise<Result>,
): Promise<Result> {
  giveToOwner(dataDir, LOCK);
  const unlock = lockFolder(join(dataDir, LOCK), BUSY);
  try {
    return await work();
  } finally {
    unlock();
  }
}

const BUSY = "Another backup of this data folder is being made. Wait until it is done.";

/**
 * Makes the file `name` if it is not there, and the folder's owner its owner. Made by root, it would be in the way of the server's own user for ever.
 * That user could also have put another name for one of root's files there: given away is only what
 * has this one name. Before it is locked, because closing a file drops the locks on it.
 */
export function giveToOwner(dataDir: string, name: string): void {
  if (Deno.uid() !== 0) return;
  const path = join(dataDir, name);
  const file = openSync(path, "a", 0o600);
  try {
    const [opened, named] = [fstatSync(file), lstatSync(path)];
    if (opened.ino !== named.ino || !named.isFile() || named.nlink !== 1) return;
    const { uid, gid } = statSync(dataDir);
    fchownSync(file, uid, gid);
  } finally {
    closeSync(file);
  }
}
