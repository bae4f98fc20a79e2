/**
 * The plain copy that a backup is made of, in a folder of its own inside the data folder.
 *
 * It is taken beside the running server (snapshot.ts), checked by SQLite, and stands still from then
 * on: encrypting and comparing may take as long as they like, and be cut short. Its note, which is
 * written last, makes it one that the same command goes on with.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type Bytes, toHex } from "../protocol/encoding.ts";
import type { BackupFile } from "./backup_archive.ts";
import { inWords } from "./backup_error.ts";
import { type Note, type NotedDraft, readNote, writeNote } from "./backup_note.ts";
import {
  aboutBytes,
  checkIntegrity,
  countAccounts,
  DATABASE,
  FolderWriter,
  readUpTo,
  SECRETS,
} from "./backup_unpack.ts";
import { checkDatabase } from "./migrate.ts";
import { MIGRATIONS } from "./migrations/mod.ts";
import { refuseWithoutRoom } from "./room.ts";
import { copyLive, type ReadMain, type SnapshotPace } from "./snapshot.ts";

/** What taking a copy needs, and going on with one. */
export interface CopyOptions {
  readonly dataDir: string;
  /** Version of the database's tables. */
  readonly version: number;
  /** Version of this program. */
  readonly program: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly random: (length: number) => Bytes;
  readonly pace: SnapshotPace;
  /** For the server's own process: see snapshot.ts. */
  readonly readMain?: ReadMain | undefined;
}

/** What is in a backup, in this order. */
export const CONTENT = ["about.json", "secrets.json", "snug.db"] as const satisfies BackupFile[];
/** Named like the folders of no other program. */
const PLACE = /^unfinished-[0-9a-f]{8}$/;
/** The note is a file like any other: what it names is touched only if it is called like a draft. */
const DRAFT = /\.[0-9a-f]{8}\.draft$/;
/** Who asks for a backup means the server as of about now, however long the last one was away. */
const STALE_MS = 3 * 3_600_000;
const PIECE = 262_144;

/** Reads one file of a backup. */
export interface Content {
  /** The next bytes, fewer at the end. */
  readonly read: (length: number) => Promise<Bytes>;
  [Symbol.dispose](): void;
}

/** A copy that is whole. */
export class BackupCopy {
  constructor(readonly dir: string, readonly secrets: Bytes, public note: Note) {}

  /** What a file of the backup holds: the same bytes each time. */
  async open(name: typeof CONTENT[number]): Promise<Content> {
    if (name === "about.json") {
      const { made, program } = this.note;
      return inMemory(aboutBytes({ made, program }));
    }
    if (name === "secrets.json") return inMemory(this.secrets);
    const file = await Deno.open(join(this.dir, DATABASE), { read: true });
    return { read: (length) => readUpTo(file, length), [Symbol.dispose]: () => file.close() };
  }

  /** Bytes of the database. */
  async size(): Promise<number> {
    return (await Deno.stat(join(this.dir, DATABASE))).size;
  }

  /** Says what draft is begun, before it is. */
  async noteDraft(draft: NotedDraft): Promise<void> {
    this.note = { ...this.note, draft };
    await writeNote(this.dir, this.note);
  }
}

function inMemory(bytes: Bytes): Content {
  let at = 0;
  return {
    read: (length) => Promise.resolve(bytes.slice(at, at += length)),
    [Symbol.dispose]: () => {},
  };
}

/**
 * Takes a copy of the server as it is now.
 * @throws {BackupError} when that cannot be done or the database is damaged; then there is none
 */
export async function takeCopy(options: CopyOptions): Promise<BackupCopy> {
  const { dataDir, program } = options;
  const dir = join(dataDir, `unfinished-${toHex(options.random(4))}`);
  try {
    refuseWithoutRoom(dataDir, (await Deno.stat(join(dataDir, DATABASE))).size);
    await Deno.mkdir(dir, { mode: 0o700 });
    const made = new Date(options.now()).toISOString();
    const source = await sourceOf(options);
    await copyDatabase(dir, options);
    const accounts = settle(join(dir, DATABASE));
    const secrets = await Deno.readFile(join(dataDir, SECRETS));
    const sums = { database: await sumOf(join(dir, DATABASE)), secrets: sum(secrets) };
    const note = { made, program, source, accounts, ...sums, draft: null };
    await writeNote(dir, note);
    return new BackupCopy(dir, secrets, note);
  } catch (error) {
    await Deno.remove(dir, { recursive: true }).catch(() => {});
    throw inWords(`${dataDir}, where the copy is made`, error);
  }
}

async function copyDatabase(dir: string, { dataDir, pace, readMain }: CopyOptions): Promise<void> {
  const writer = new FolderWriter(dir);
  try {
    await copyLive(join(dataDir, DATABASE), writer, pace, readMain);
  } finally {
    writer.close();
  }
}

/** Puts database and log together into one file, and has SQLite look at all of it. */
function settle(path: string): number {
  const db = new DatabaseSync(path);
  try {
    // A sync of all of it would make the server's own commits wait; what is lost is copied again.
    db.exec("pragma synchronous = off; pragma journal_mode = delete");
    checkDatabase(db, MIGRATIONS);
    checkIntegrity(db, "Stop the server and restore the last backup.");
    return countAccounts(db);
  } finally {
    db.close();
  }
}

async function sourceOf({ dataDir, version }: CopyOptions): Promise<string> {
  const { dev, ino } = await Deno.stat(join(dataDir, DATABASE));
  return `${dev} ${ino} ${version}`;
}

function sum(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

async function sumOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  using file = await Deno.open(path, { read: true });
  for (let bytes = await readUpTo(file, PIECE); bytes.length > 0;) {
    hash.update(bytes);
    bytes = await readUpTo(file, PIECE);
  }
  return hash.digest("hex");
}

/**
 * The copy of a backup that was cut short and can be gone on with; whatever else was left goes.
 * @param anew none is wanted
 * @param cleared is told what went, and why
 */
export async function findCopy(
  options: CopyOptions,
  anew: boolean,
  cleared: (path: string, why: string) => void,
): Promise<BackupCopy | null> {
  let found: BackupCopy | null = null;
  for (const dir of await placesIn(options.dataDir)) {
    const wanted: boolean = !anew && found === null;
    const copy: BackupCopy | string = wanted ? await usable(dir, options) : "it is not wanted";
    if (typeof copy !== "string") found = copy;
    else await clear(dir, (path) => cleared(path, copy));
  }
  return found;
}

/** Where backups were begun, complete or not. */
export async function placesIn(dataDir: string): Promise<string[]> {
  const names = (await Array.fromAsync(Deno.readDir(dataDir))).map(({ name }) => name);
  return names.filter((name) => PLACE.test(name)).sort().map((name) => join(dataDir, name));
}

/** The copy, proven to be the one that its note speaks of; or why there is none. */
async function usable(dir: string, options: CopyOptions): Promise<BackupCopy | string> {
  const { isDirectory, uid } = await Deno.lstat(dir);
  // What root goes on with must not be what somebody else laid there.
  if (!isDirectory || uid !== Deno.uid()) return "another user began it";
  const note = await readNote(dir);
  // A kill may have come while it was cleared away, too.
  if (note === null || !await isThere(join(dir, DATABASE))) return "its copy was not whole";
  const age = options.now() - Date.parse(note.made);
  if (!(age >= 0 && age <= STALE_MS)) return "it is too old";
  if (note.program !== options.program) return "another Snug began it";
  const secrets = await Deno.readFile(join(options.dataDir, SECRETS));
  if (note.source !== await sourceOf(options) || note.secrets !== sum(secrets)) {
    return "it is of another database";
  }
  if (note.draft !== null && await isThere(fileOf(note.draft.path))) return "it was done";
  return note.database === await sumOf(join(dir, DATABASE))
    ? new BackupCopy(dir, secrets, note)
    : "its copy was changed";
}

/** What a draft becomes. */
export function fileOf(draft: string): string {
  return draft.replace(DRAFT, "");
}

/** Removes one, with its draft; what belongs to another user stays, and `snug doctor` names it. */
export async function clear(dir: string, cleared: (path: string) => void): Promise<void> {
  try {
    const draft = (await readNote(dir))?.draft ?? null;
    if (draft !== null) await removeDraft(draft.path);
    await Deno.remove(dir, { recursive: true });
    cleared(draft?.path ?? dir);
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
  }
}

/** Removes what is called like a draft and is a file. */
export async function removeDraft(path: string): Promise<void> {
  if (await isDraft(path)) await Deno.remove(path);
}

/** Is there a draft? No link and no folder: a draft is neither. */
export async function isDraft(path: string): Promise<boolean> {
  return DRAFT.test(path) && (await lstat(path))?.isFile === true;
}

/** Is there anything of that name? */
export async function isThere(path: string): Promise<boolean> {
  return await lstat(path) !== null;
}

async function lstat(path: string): Promise<Deno.FileInfo | null> {
  try {
    return await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return null;
    }
    throw error;
  }
}
