/**
 * Makes a backup of a server's data folder while the server runs.
 *
 * In it: the database as of one commit, and secrets.json, without which no password opens anything.
 * Not in it: the certificate and its key (made or fetched anew) and the outbox (letters with codes).
 *
 * First a plain copy is taken (backup_copy.ts), then it is encrypted into a draft, which is opened
 * again and compared with the copy (backup_draft.ts), and only then gets its name.
 */
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Bytes } from "../protocol/encoding.ts";
import {
  type BackupCopy,
  clear,
  type CopyOptions,
  findCopy,
  isThere,
  takeCopy,
} from "./backup_copy.ts";
import { compareDraft, type DraftOptions, writeDraft } from "./backup_draft.ts";
import { BackupError, BackupStopped, inWords } from "./backup_error.ts";
import type { Lock, Stretch } from "./backup_key.ts";
import { DATABASE, type Progress, SECRETS } from "./backup_unpack.ts";
import { checkDatabase, readVersion } from "./migrate.ts";
import { MIGRATIONS } from "./migrations/mod.ts";
import { refuseWithoutRoom } from "./room.ts";
import type { ReadMain, SnapshotPace } from "./snapshot.ts";
import { syncFolder } from "./steady_write.ts";
import { backUpAlone } from "./unfinished.ts";

export { BackupError } from "./backup_error.ts";
export { type Lock, MAX_PASSPHRASE, MIN_PASSPHRASE, type Unlock } from "./backup_key.ts";
export type { Progress, Unpacked } from "./backup_unpack.ts";
export type { ReadMain } from "./snapshot.ts";

/** What making a backup needs. */
export interface BackupOptions {
  readonly dataDir: string;
  /**
   * Must not exist yet: a backup is never written over. A function is given the moment of the copy,
   * in milliseconds since 1970.
   */
  readonly file: string | ((made: number) => string);
  /** What locks it: whoever has the other half opens it. */
  readonly lock: Lock;
  /** Version of this program. */
  readonly program: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly random: (length: number) => Bytes;
  /** Begins anew, whatever an earlier one left. */
  readonly fresh?: boolean | undefined;
  /** For the server's own process: how to read snug.db there. It begins anew and leaves nothing. */
  readonly readMain?: ReadMain | undefined;
  readonly stop?: AbortSignal | undefined;
  readonly progress?: ((progress: Progress) => void) | undefined;
  /** Is told, in words, what becomes of an earlier backup that was cut short. */
  readonly say?: ((words: string) => void) | undefined;
  /** How the database is copied; tests make it hard. */
  readonly pace?: Partial<SnapshotPace>;
  readonly stretch?: Stretch;
}

/** A backup that was made and read back. */
export interface BackupReport {
  /** Size of the file. */
  readonly bytes: number;
  readonly accounts: number;
  /** When the copy was taken: milliseconds since 1970. */
  readonly made: number;
  /** Where it is. */
  readonly file: string;
}

/**
 * Makes a backup, or goes on with one of the same data folder that was killed or stopped.
 * @throws {BackupError} when anything is in the way; then there is no file
 */
export async function makeBackup(options: BackupOptions): Promise<BackupReport> {
  const version = await checkSource(options.dataDir);
  if (typeof options.file === "string") await refuseExisting(resolve(options.file));
  try {
    return await backUpAlone(options.dataDir, () => makeAlone(options, version));
  } catch (error) {
    throw inWords(options.dataDir, error);
  }
}

async function makeAlone(options: BackupOptions, version: number): Promise<BackupReport> {
  const copy = await copyFor(options, version);
  try {
    const report = await finish(copy, options);
    await clear(copy.dir, () => {});
    return report;
  } catch (error) {
    const leaves = error instanceof BackupStopped && options.readMain === undefined;
    if (!leaves) await clear(copy.dir, () => {}).catch(() => {});
    throw error;
  }
}

/** The copy of one that was cut short, or a new one. */
async function copyFor(options: BackupOptions, version: number): Promise<BackupCopy> {
  const anew = options.fresh === true || options.readMain !== undefined;
  const { dataDir, program, now, random, readMain } = options;
  const pace = await paceOf(options);
  const needs: CopyOptions = { dataDir, program, now, random, version, pace, readMain };
  const found = await findCopy(needs, anew, (path, why) => {
    options.say?.(`A backup was cut short: ${path} is removed (${why}), and this one begins anew.`);
  });
  if (found === null) return await takeCopy(needs);
  const { made } = found.note;
  options.say?.(`Going on with the backup of ${made} that was cut short; --fresh begins anew.`);
  return found;
}

async function paceOf({ dataDir, now, pace, stop, progress }: BackupOptions) {
  const { size: total } = await Deno.stat(join(dataDir, DATABASE));
  const step = (done: number) => {
    if (stop?.aborted) throw new BackupStopped("Stopped; there is no backup.");
    progress?.({ step: "copying", done, total });
    return pace?.step?.(done);
  };
  return { now, ...pace, step };
}

async function finish(copy: BackupCopy, options: BackupOptions): Promise<BackupReport> {
  const made = Date.parse(copy.note.made);
  const file = resolve(typeof options.file === "string" ? options.file : options.file(made));
  try {
    await refuseExisting(file);
    await refuseBesideServer(file, copy);
    const needs = draftOptions(file, options);
    const draft = await writeDraft(copy, needs);
    await compareDraft(draft, copy, needs);
    await refuseExisting(file);
    const { size } = await Deno.stat(draft.path);
    await Deno.rename(draft.path, file);
    await syncFolder(resolve(file, ".."));
    return { bytes: size, accounts: copy.note.accounts, made, file };
  } catch (error) {
    throw inWords(file, error);
  }
}

/** Another disk may be filled. What a draft that was begun still needs is less than it was then. */
async function refuseBesideServer(file: string, copy: BackupCopy): Promise<void> {
  const folder = resolve(file, "..");
  const [there, here] = await Promise.all([Deno.stat(folder), Deno.stat(copy.dir)]);
  if (there.dev !== here.dev || copy.note.draft !== null) return;
  refuseWithoutRoom(folder, await copy.size());
}

function draftOptions(file: string, options: BackupOptions): DraftOptions {
  const { lock, random, stretch, stop, progress, readMain } = options;
  const stopped = readMain === undefined
    ? "Stopped. The same command goes on with it; with --fresh it begins anew."
    : "Stopped; there is no backup.";
  return {
    ...{ file, lock, random, stretch },
    passed(step, done, total) {
      if (stop?.aborted) throw new BackupStopped(stopped);
      progress?.({ step, done, total });
    },
  };
}

/** The version of the database's tables, if it is one to back up. */
async function checkSource(dataDir: string): Promise<number> {
  const path = join(dataDir, DATABASE);
  const secrets = join(dataDir, SECRETS);
  try {
    await Deno.stat(path);
    const version = versionOf(path);
    if (version === 0) throw new BackupError(`${path} is empty: nothing to back up.`);
    await Deno.stat(secrets).catch((error) => {
      throw inWords(secrets, error);
    });
    return version;
  } catch (error) {
    throw inWords(path, error);
  }
}

function versionOf(path: string): number {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    checkDatabase(db, MIGRATIONS);
    return readVersion(db);
  } finally {
    db.close();
  }
}

async function refuseExisting(file: string): Promise<void> {
  const there = await isThere(file).catch((error) => {
    throw inWords(file, error);
  });
  if (!there) return;
  throw new BackupError(`${file} is there already. A backup is never written over: name another.`);
}
