/**
 * Copies a database that is being written to, without ever making its writer wait.
 *
 * A commit appends to the log (snug.db-wal); later a checkpoint moves what was committed into
 * snug.db, and when all of it was moved the log starts again from its beginning. A reader in a
 * transaction lets a checkpoint move what is older than its own view only, and keeps the log from
 * starting again. So: while one reader or another is always inside a transaction, snug.db is copied,
 * and the log after it. Whatever a checkpoint moved meanwhile is still in the log, and SQLite's own
 * recovery, run on the two copies, puts the newest version of every page in place: the copy is the
 * database as it was at the last commit in the copied log.
 *
 * One long transaction would do that too, but at its end the server's next commit would have to move
 * all that had piled up. So two readers take turns: the next one is inside before the last one
 * leaves, every tenth of a second, and checkpoints stay as small as they always are.
 *
 * A reader that finds the whole log moved already is inside snug.db alone: then nothing is moved
 * while it reads, but the log may start again, once. That shows in the log's head, and the log is
 * copied again. Readers take turns only after a commit, so that the next reader is never of that
 * kind while the last one was not.
 *
 * Inside the server's own process snug.db must not be opened here: closing a file drops every lock
 * that the process has on it (fcntl locks belong to processes), also SQLite's. There {@link ReadMain}
 * is somebody's who never closes it, nor any copy of its descriptor. On the log SQLite has no locks.
 */
import { DatabaseSync } from "node:sqlite";
import { type Bytes, equalBytes } from "../protocol/encoding.ts";
import type { BackupFile } from "./backup_archive.ts";
import { one } from "./transaction.ts";

/** Where the copy goes. */
export interface SnapshotSink {
  begin(name: BackupFile): Promise<void>;
  write(content: Uint8Array): Promise<void>;
  end(): Promise<void>;
}

/** Reads snug.db at a place; perhaps fewer bytes than asked for, none only at its end. */
export type ReadMain = (at: number, length: number) => Promise<Uint8Array>;

/** What copying needs from outside. */
export interface SnapshotPace {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Called between pieces with the bytes so far; what it throws ends the copying. */
  readonly step?: (done: number) => void | Promise<void>;
  /** How long one reader stays inside, in milliseconds. */
  readonly turn?: number;
  /** Bytes read at once. */
  readonly piece?: number;
}

const TURN_MS = 100;
const PIECE = 262_144;
const LOG_HEAD = 32;
const FRAME_HEAD = 24;
/** The log can start again once; twice would mean that nobody was inside. */
const MAX_ROUNDS = 3;

/** Copies snug.db and its log as they are now, or a little later. */
export async function copyLive(
  path: string,
  sink: SnapshotSink,
  pace: SnapshotPace,
  readMain?: ReadMain,
): Promise<void> {
  const hold = new ReadHold(path, pace);
  const files: Deno.FsFile[] = [];
  try {
    const open = async (name: string) => {
      const file = await Deno.open(name, { read: true });
      files.push(file);
      return file;
    };
    await copyMain(readMain ?? readerOf(await open(path)), sink, pace, hold);
    const log = await open(`${path}-wal`).catch(absent);
    if (log !== null) await copyLog(log, sink, pace, hold);
  } finally {
    hold.release();
    // Only now: closing them drops the locks of this process, see the head of this file.
    for (const file of files) file.close();
  }
}

function absent(error: unknown): null {
  if (error instanceof Deno.errors.NotFound) return null;
  throw error;
}

/** Two readers that take turns inside a transaction. */
class ReadHold {
  readonly #path: string;
  readonly #pace: SnapshotPace;
  readonly #all: DatabaseSync[] = [];
  #inside: DatabaseSync;
  #outside: DatabaseSync;
  readonly #watch: DatabaseSync;
  #seen = 0;
  #since = 0;

  constructor(path: string, pace: SnapshotPace) {
    this.#path = path;
    this.#pace = pace;
    try {
      this.#inside = this.#open();
      this.#outside = this.#open();
      this.#watch = this.#open();
      this.#enter(this.#inside);
    } catch (error) {
      this.release();
      throw error;
    }
  }

  /** Lets the other reader in, if it is time and something was committed. */
  turn(): void {
    if (this.#pace.now() - this.#since < (this.#pace.turn ?? TURN_MS)) return;
    if (this.#version() === this.#seen) return;
    const leaving = this.#inside;
    this.#enter(this.#outside);
    leaving.exec("rollback");
    [this.#inside, this.#outside] = [this.#outside, leaving];
  }

  release(): void {
    for (const db of this.#all) db.close();
  }

  #open(): DatabaseSync {
    const db = new DatabaseSync(this.#path, { readOnly: true });
    this.#all.push(db);
    db.exec("pragma busy_timeout = 2000");
    return db;
  }

  #enter(db: DatabaseSync): void {
    db.exec("begin");
    // The first read, not `begin`, is what takes the view.
    db.prepare("select count(*) from sqlite_schema").get();
    this.#seen = this.#version();
    this.#since = this.#pace.now();
  }

  #version(): number {
    const row = one<{ data_version: number }>(this.#watch.prepare("pragma data_version"));
    return row?.data_version ?? 0;
  }
}

function readerOf(file: Deno.FsFile): ReadMain {
  return (at, length) => readAt(file, at, length);
}

async function copyMain(
  read: ReadMain,
  sink: SnapshotSink,
  pace: SnapshotPace,
  hold: ReadHold,
): Promise<void> {
  const piece = pace.piece ?? PIECE;
  await sink.begin("snug.db");
  let at = 0;
  for (let bytes = await read(at, piece); bytes.length > 0; bytes = await read(at, piece)) {
    await sink.write(bytes);
    at += bytes.length;
    hold.turn();
    await pace.step?.(at);
  }
  await sink.end();
}

async function copyLog(
  file: Deno.FsFile,
  sink: SnapshotSink,
  pace: SnapshotPace,
  hold: ReadHold,
): Promise<void> {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const head = await readAt(file, 0, LOG_HEAD);
    await sink.begin("snug.db-wal");
    await copyFrames(file, head, sink, async (done) => {
      hold.turn();
      await pace.step?.(done);
    });
    await sink.end();
    if (equalBytes(head, await readAt(file, 0, LOG_HEAD))) return;
  }
  throw new Error("the log of the database started again although it was held");
}

/** The frames that carry the head's two random numbers; what follows them is from before. */
async function copyFrames(
  file: Deno.FsFile,
  head: Uint8Array,
  sink: SnapshotSink,
  step: (done: number) => Promise<void>,
): Promise<void> {
  if (head.length < LOG_HEAD) return;
  const pageBytes = new DataView(head.buffer).getUint32(8);
  const frame = FRAME_HEAD + pageBytes;
  if (!Number.isInteger(Math.log2(pageBytes)) || pageBytes < 512) return;
  await sink.write(head);
  const salts = head.subarray(16, 24);
  const most = Math.max(1, Math.floor(PIECE / frame)) * frame;
  // What is appended from here on is not needed, and a fast writer would never let this end.
  const { size } = await file.stat();
  for (let at = LOG_HEAD; at < size;) {
    const bytes = await readAt(file, at, most);
    const good = goodFrames(bytes, frame, salts);
    await sink.write(bytes.subarray(0, good));
    if (good < most) return;
    at += good;
    await step(at);
  }
}

/** Bytes of the whole frames at the beginning that belong to the log with these numbers. */
function goodFrames(bytes: Uint8Array, frame: number, salts: Uint8Array): number {
  let at = 0;
  while (at + frame <= bytes.length && equalBytes(bytes.subarray(at + 8, at + 16), salts)) {
    at += frame;
  }
  return at;
}

async function readAt(file: Deno.FsFile, at: number, length: number): Promise<Bytes> {
  const buffer = new Uint8Array(length);
  await file.seek(at, Deno.SeekMode.Start);
  let filled = 0;
  while (filled < length) {
    const read = await file.read(buffer.subarray(filled));
    if (read === null) break;
    filled += read;
  }
  return buffer.subarray(0, filled);
}
