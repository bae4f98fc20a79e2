/**
 * What a backup or restore that was killed leaves in the way, and how the next one clears it.
 *
 * One of them at a time works on a data folder. The lock ends with its process however that ends, so
 * whoever holds it knows that everything that looks begun has nobody any more.
 */
import {
  closeSync,
  existsSync,
  fchownSync,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { SECRETS } from "./backup_unpack.ts";
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

/** In the data folder: where the draft of the backup under way is. */
export const NOTE = "unfinished-backup";
const LOCK = "snug.db-backup-lock";
const TRIAL = /^trial-/;
/** The note is a file like any other: what it names is removed only if it is called like a draft. */
const DRAFT = /\.[0-9a-f]{8}\.draft$/;

/**
 * Runs `work` while no other backup is made of `dataDir`, after what an earlier one left is gone.
 * `work` is told how to name its draft before it makes it.
 * @throws {DatabaseError} while another one is being made
 */
export async function backUpAlone<Result>(
  dataDir: string,
  cleared: ((path: string) => void) | undefined,
  work: (note: (draft: string) => Promise<void>) => Promise<Result>,
): Promise<Result> {
  giveToOwner(dataDir, LOCK);
  const unlock = lockFolder(join(dataDir, LOCK), BUSY);
  try {
    for (const path of await leftOver(dataDir)) {
      if (await removed(path) && DRAFT.test(path)) cleared?.(path);
    }
    return await work((draft) => writeNote(join(dataDir, NOTE), draft));
  } finally {
    rmSync(join(dataDir, NOTE), { force: true });
    unlock();
  }
}

const BUSY = "Another backup of this data folder is being made. Wait until it is done.";

/**
 * Made by root, the lock would be in the way of the server's own user for ever. That user could also
 * have put another name for one of root's files there: given away is only what has this one name.
 * Before it is locked, because closing a file drops the locks on it.
 */
function giveToOwner(dataDir: string, name: string): void {
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

/** What root left stays, is named by `snug doctor`, and keeps nobody from making a backup. */
async function removed(path: string): Promise<boolean> {
  try {
    await Deno.remove(path, { recursive: true });
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) return false;
    throw error;
  }
}

/** On the disk before the draft is. */
async function writeNote(note: string, draft: string): Promise<void> {
  const file = await Deno.open(note, { write: true, createNew: true, mode: 0o600 });
  try {
    await file.write(new TextEncoder().encode(draft));
    await file.sync();
  } finally {
    file.close();
  }
}

/** The note comes last: cut short here, the next one finds it again. */
async function leftOver(dataDir: string): Promise<string[]> {
  const names = (await Array.fromAsync(Deno.readDir(dataDir))).map(({ name }) => name);
  const trials = names.filter((name) => TRIAL.test(name)).map((name) => join(dataDir, name));
  if (!names.includes(NOTE)) return trials;
  const note = join(dataDir, NOTE);
  const draft = await Deno.readTextFile(note);
  const there = DRAFT.test(draft) && await isFile(draft);
  return [...trials, ...(there ? [draft] : []), note];
}

/** No link and no folder: a draft is neither. */
async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.lstat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
