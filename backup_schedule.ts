/** `snug serve --backup-every`: makes backups by itself and keeps the newest. */
import { join } from "node:path";
import type { BackupOutcome, BackupTask } from "./backup_worker.ts";
import type { BackupSettings } from "./config.ts";
import type { Log } from "./log.ts";
import { backupsIn, keepNewest, nameAt, prepareFolder, timeOf } from "./backup_folder.ts";
import { recipientFrom } from "./passphrase.ts";
import { type Pause, pauseFor } from "./pause.ts";

const HOUR = 3_600_000;

/** What the schedule needs from outside. */
export interface ScheduleIo {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly log: Log;
  /** For people. */
  readonly say: (line: string) => void;
  /** Makes one. */
  readonly make: (task: BackupTask, stop: AbortSignal) => Promise<BackupOutcome>;
  readonly pause?: Pause;
}

/**
 * Starts the schedule; the returned function ends it, and resolves when nothing is half done.
 * @throws {ConfigError} when the recipient is not whole
 * @throws {BackupError} when the folder cannot be written to
 */
export async function scheduleBackups(
  settings: BackupSettings,
  dataDir: string,
  io: ScheduleIo,
): Promise<() => Promise<void>> {
  const recipient = await recipientFrom(settings.recipient, "--backup-recipient");
  await prepareFolder(settings.dir, "--backup-dir");
  const stop = new AbortController();
  const ended = run(settings, { dataDir, recipient }, io, stop.signal)
    .catch((error) => io.log.error("backup.stopped", { error }));
  return async () => {
    stop.abort();
    await ended;
  };
}

async function run(
  settings: BackupSettings,
  task: Omit<BackupTask, "file">,
  io: ScheduleIo,
  stop: AbortSignal,
): Promise<void> {
  const pause = io.pause ?? pauseFor;
  // One of a time to come is of a clock that ran ahead.
  const newest = (await backupsIn(settings.dir)).findLast((name) => timeOf(name) <= io.now());
  let due = newest === undefined ? io.now() : timeOf(newest) + settings.every;
  while (!stop.aborted) {
    // A clock that is set back must not put it off.
    due = Math.min(due, io.now() + settings.every);
    const left = due - io.now();
    if (left > 0) {
      await pause(Math.min(left, HOUR), stop);
      continue;
    }
    const done = await makeOne(settings, task, io, stop);
    due = io.now() + (done ? settings.every : Math.min(settings.every, HOUR));
  }
}

/** One backup; then the oldest go. A failure is said, and tried again within the hour. */
async function makeOne(
  settings: BackupSettings,
  task: Omit<BackupTask, "file">,
  io: ScheduleIo,
  stop: AbortSignal,
): Promise<boolean> {
  const { log, make, now, say } = io;
  const started = now();
  const file = join(settings.dir, nameAt(started));
  const outcome = await make({ ...task, file }, stop);
  if (stop.aborted) return false;
  if ("words" in outcome) {
    log.warn("backup.failed");
    say(`No backup: ${outcome.words ?? "the program has a fault; snug backup may say which."}`);
    return false;
  }
  log.info("backup.made", { bytes: outcome.bytes, ms: now() - started });
  await removeOldest(settings, io, file);
  return true;
}

/** Where that fails, the next backup is made all the same. */
async function removeOldest(
  { dir, keep }: BackupSettings,
  { log, now, say }: ScheduleIo,
  made: string,
): Promise<void> {
  try {
    await keepNewest(dir, keep, made, now());
  } catch (error) {
    log.warn("backup.oldest_stay", { error });
    say(`The backup is made, but older ones in ${dir} could not be removed.`);
  }
}

/** When the newest scheduled backup was made, in milliseconds since 1970; null while there is none. */
export async function newestBackup(dir: string): Promise<number | null> {
  try {
    const name = (await backupsIn(dir)).at(-1);
    return name === undefined ? null : timeOf(name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
