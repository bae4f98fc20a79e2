/**
 * Backups in a thread of their own, so that no conversation waits for one: encryption, and SQLite's
 * look at every page of what was written, take seconds.
 *
 * The thread runs the program's own file: in an executable there is no other. main.ts sees that it is
 * in a thread and calls {@link answerBackups}. What it must not do is open snug.db: closing it would
 * drop the locks that SQLite has on it for the server. So the server opens the file once, never closes
 * it, and reads for the thread.
 */
import { openSync, readSync } from "node:fs";
import { getPriority, setPriority } from "node:os";
import { resolve } from "node:path";
import { type BackupReport, makeBackup } from "./db/backup.ts";
import { BackupError, inWords } from "./db/backup_error.ts";
import { DATABASE } from "./db/backup_unpack.ts";
import { DatabaseError } from "./db/migrate.ts";
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

/** The thread wants these bytes of snug.db. */
interface Wanted {
  readonly at: number;
  readonly length: number;
}

/** Those bytes, or why they cannot be read. */
type Answer = { readonly bytes: Bytes } | { readonly failed: string };

interface Thread {
  onmessage: ((event: { readonly data: BackupTask | Answer | typeof STOP }) => void) | null;
  postMessage(said: BackupOutcome | Wanted): void;
}

/** Is this the program itself, or a thread of it? */
export function isThread(): boolean {
  return "WorkerGlobalScope" in globalThis;
}

/**
 * Everybody who talks comes before a backup, at the processor and, where the disk is asked in order of
 * that, there too. In a thread of the server on Linux only, where it is the thread's alone. Where the
 * system refuses it, a backup that is in the way is better than none.
 */
export function stepBack(): void {
  if (isThread() && Deno.build.os !== "linux") return;
  try {
    // Coming forward is for root alone, and not what is meant.
    if (getPriority(0) < BEHIND) setPriority(0, BEHIND);
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof Error &&
    (error.name === "NotCapable" || /EACCES|EPERM|denied|not permitted/i.test(error.message));
}

/** Of -20 to 19: a tenth of the time where somebody else wants it. */
const BEHIND = 10;

/** Bytes that the server reads at once. */
const PIECE = 524_288;

/** In the thread: makes every backup it is told to. */
export function answerBackups(now: () => number): void {
  const thread = globalThis as unknown as Thread;
  const stop = new AbortController();
  let answered: (answer: Answer) => void = () => {};
  const readMain = async (at: number, length: number) => {
    const answer = await new Promise<Answer>((resolve) => {
      answered = resolve;
      thread.postMessage({ at, length });
    });
    if ("failed" in answer) throw new Error(answer.failed);
    return answer.bytes;
  };
  stepBack();
  thread.onmessage = ({ data }) => {
    if (data === STOP) stop.abort();
    else if (!("dataDir" in data)) answered(data);
    else make(data, now, readMain, stop.signal).then((outcome) => thread.postMessage(outcome));
  };
}

async function make(
  { dataDir, file, recipient }: BackupTask,
  now: () => number,
  readMain: (at: number, length: number) => Promise<Bytes>,
  stop: AbortSignal,
): Promise<BackupOutcome> {
  try {
    const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
    const lock = { recipient };
    const given = { dataDir, file, lock, readMain, pace: { piece: PIECE }, program: VERSION };
    const options = { ...given, now, random, stop };
    return await makeBackup(options);
  } catch (error) {
    const known = inWords(file, error);
    const inOneLine = known instanceof BackupError || known instanceof DatabaseError;
    return { words: inOneLine ? known.message : null };
  }
}

/** Open for as long as this process lives, by path: see the head of this file. */
const held = new Map<string, number>();

/**
 * Only with calls that wait: those that do not work on a second descriptor of the file and close it,
 * and that drops the locks too. A piece is small for the same reason: nobody else has a turn meanwhile.
 */
function answer(path: string, { at, length }: Wanted): Answer {
  try {
    const file = held.get(path) ?? openSync(path, "r");
    held.set(path, file);
    const bytes = new Uint8Array(length);
    return { bytes: bytes.slice(0, readSync(file, bytes, 0, length, at)) };
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error) };
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
  const database = resolve(task.dataDir, DATABASE);
  const end = () => worker.postMessage(STOP);
  return new Promise<BackupOutcome>((resolve) => {
    worker.onmessage = ({ data }: MessageEvent<BackupOutcome | Wanted>) => {
      if (!("at" in data)) return resolve(data);
      const said = answer(database, data);
      worker.postMessage(said, "bytes" in said ? [said.bytes.buffer] : []);
    };
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
