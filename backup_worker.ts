/**
 * Backups in a thread of their own, so that no conversation waits for one: encryption, and SQLite's
 * look at every page of what was written, take seconds.
 *
 * The thread runs the program's own file: in an executable there is no other. main.ts sees that it is
 * in a thread and calls {@link answerBackups}.
 */
import { type BackupReport, makeBackup } from "./db/backup.ts";
import { BackupError, inWords } from "./db/backup_error.ts";
import type { Bytes } from "./protocol/encoding.ts";
import { VERSION } from "./version.ts";

/** One backup to make. */
export interface BackupTask {
  readonly dataDir: string;
  readonly file: string;
  /** X25519 public key of who may open it. */
  readonly recipient: Bytes;
}

/** What became of it; `words` are for people, or null for a bug. */
export type BackupOutcome = BackupReport | { readonly words: string | null };

/** Ends the backup under way. */
const STOP = "stop";

interface Thread {
  onmessage: ((event: { readonly data: BackupTask | typeof STOP }) => void) | null;
  postMessage(outcome: BackupOutcome): void;
}

/** Is this the program itself, or a thread of it? */
export function isThread(): boolean {
  return "WorkerGlobalScope" in globalThis;
}

/** In the thread: makes every backup it is told to. */
export function answerBackups(now: () => number): void {
  const thread = globalThis as unknown as Thread;
  const stop = new AbortController();
  thread.onmessage = ({ data }) => {
    if (data === STOP) stop.abort();
    else make(data, now, stop.signal).then((outcome) => thread.postMessage(outcome));
  };
}

async function make(
  { dataDir, file, recipient }: BackupTask,
  now: () => number,
  stop: AbortSignal,
): Promise<BackupOutcome> {
  try {
    const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
    const lock = { recipient };
    const options = { dataDir, file, lock, rows: true, program: VERSION, now, random, stop };
    return await makeBackup(options);
  } catch (error) {
    const known = inWords(file, error);
    return { words: known instanceof BackupError ? known.message : null };
  }
}

/**
 * In the server: one backup in a new thread, which ends with it. `program` is main.ts's own URL.
 * Stopped, it cleans up after itself first.
 */
export function backupInThread(
  program: string,
  task: BackupTask,
  stop: AbortSignal,
): Promise<BackupOutcome> {
  const worker = new Worker(program, { type: "module", name: "snug backup" });
  const end = () => worker.postMessage(STOP);
  return new Promise<BackupOutcome>((resolve) => {
    worker.onmessage = (event: MessageEvent<BackupOutcome>) => resolve(event.data);
    worker.onerror = (event) => {
      event.preventDefault();
      resolve({ words: null });
    };
    worker.postMessage(task);
    stop.addEventListener("abort", end);
    if (stop.aborted) end();
  }).finally(() => {
    stop.removeEventListener("abort", end);
    worker.terminate();
  });
}
