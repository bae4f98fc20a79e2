/** Opens a backup into a folder and makes sure that what came out is a whole, working database. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type Bytes, concat, utf8 } from "../protocol/encoding.ts";
import { type ArchiveVisitor, type BackupFile, readArchive } from "./backup_archive.ts";
import { BackupError, BackupStopped, inWords } from "./backup_error.ts";
import { headBytes, openHead, PREFIX_BYTES, type Stretch, type Unlock } from "./backup_key.ts";
import { SealedReader } from "./backup_stream.ts";
import { checkDatabase } from "./migrate.ts";
import { MIGRATIONS } from "./migrations/mod.ts";
import { steadily } from "./steady_write.ts";
import { all, one } from "./transaction.ts";

/** The name of the server's database in its data folder. */
export const DATABASE = "snug.db";
/** The name of the server's secrets in its data folder. */
export const SECRETS = "secrets.json";

/** How far it is, for people who wait. */
export interface Progress {
  readonly step: "copying" | "encrypting" | "comparing" | "reading";
  readonly done: number;
  /** Bytes there will be, as far as that is known. */
  readonly total: number;
}

/** What a backup says about itself. */
export interface About {
  /** When it was made: ISO 8601, UTC. */
  readonly made: string;
  /** Version of the program that made it. */
  readonly program: string;
}

/** What came out of a backup. */
export interface Unpacked extends About {
  readonly accounts: number;
}

/** What unpacking needs. */
export interface UnpackOptions {
  readonly file: string;
  readonly unlock: Unlock;
  /** An empty folder. */
  readonly dir: string;
  readonly stop?: AbortSignal | undefined;
  readonly progress?: ((progress: Progress) => void) | undefined;
  readonly stretch?: Stretch | undefined;
}

/**
 * Reads all of the backup, writes its files into `dir` and checks the database there.
 * @throws {BackupError} when the passphrase is wrong or anything is not as it was written
 */
export async function unpackBackup(options: UnpackOptions): Promise<Unpacked> {
  const about = await unpackFiles(options);
  const path = join(options.dir, DATABASE);
  try {
    const db = new DatabaseSync(path);
    try {
      // A sync of a whole database would make the server's own commits wait; see moveIn in restore.ts.
      db.exec("pragma synchronous = off");
      checkDatabase(db, MIGRATIONS);
      checkIntegrity(db);
      return { ...about, accounts: countAccounts(db) };
    } finally {
      db.close();
    }
  } catch (error) {
    throw inWords("The database in the backup", error);
  }
}

/** @throws {BackupError} when a page, an index or a reference of the database is not right */
export function checkIntegrity(db: DatabaseSync, cure = "Use another backup."): void {
  const found = all<{ integrity_check: string }>(db.prepare("pragma integrity_check(1)"));
  const loose = all(db.prepare("pragma foreign_key_check"));
  if (found[0]?.integrity_check !== "ok" || loose.length > 0) {
    throw new BackupError(`The database is damaged. ${cure}`);
  }
}

/** How many accounts there are. */
export function countAccounts(db: DatabaseSync): number {
  return one<{ count: number }>(db.prepare("select count(*) as count from accounts"))?.count ?? 0;
}

async function unpackFiles(options: UnpackOptions): Promise<About> {
  const { file, dir, stop, progress, unlock, stretch } = options;
  const writer = new FolderWriter(dir);
  const passed = (done: number, total: number) => {
    if (stop?.aborted) throw new BackupStopped("Stopped; nothing was changed.");
    progress?.({ step: "reading", done, total });
  };
  try {
    await readBackup({ file, unlock, stretch, passed }, writer);
  } finally {
    writer.close();
  }
  return await readAbout(writer);
}

/** What reading needs. */
export interface ReadOptions {
  readonly file: string;
  /** What opens it; whoever has just made it has the key of the stream itself. */
  readonly unlock: Unlock | { readonly stream: CryptoKey };
  readonly stretch?: Stretch | undefined;
  /** Is told how many bytes were read, of how many; what it throws ends the reading. */
  readonly passed: (done: number, total: number) => void;
}

/**
 * Shows all that is in a backup to `visitor`, piece by piece.
 * @throws {BackupError} when it cannot be opened, or anything is not as it was written
 */
export async function readBackup(options: ReadOptions, visitor: ArchiveVisitor): Promise<void> {
  const { file, unlock, stretch } = options;
  const input = await Deno.open(file, { read: true }).catch((error) => {
    throw inWords(file, error);
  });
  try {
    await refuseFolder(input, file);
    const head = await readHead(input);
    const key = "stream" in unlock ? unlock.stream : await openHead(head, unlock, stretch);
    await readArchive(new SealedReader(key, await reader(input, options)), visitor);
  } finally {
    input.close();
  }
}

/** A folder can be opened, and says what it is only when it is read: without its name. */
async function refuseFolder(input: Deno.FsFile, path: string): Promise<void> {
  if ((await input.stat()).isDirectory) {
    throw new BackupError(`${path}: that is a folder, not a file.`);
  }
}

async function readHead(input: Deno.FsFile): Promise<Bytes> {
  const prefix = await readUpTo(input, PREFIX_BYTES);
  const rest = await readUpTo(input, headBytes(prefix) - PREFIX_BYTES);
  return concat(prefix, rest);
}

/** The next `length` bytes, or fewer at the end. */
export async function readUpTo(input: Deno.FsFile, length: number): Promise<Bytes> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  for (let more = 1; more > 0 && filled < length; filled += more) {
    more = await input.read(bytes.subarray(filled)) ?? 0;
  }
  return bytes.subarray(0, filled);
}

async function reader(input: Deno.FsFile, { passed }: ReadOptions) {
  const { size: total } = await input.stat();
  let done = PREFIX_BYTES;
  return async (buffer: Uint8Array) => {
    passed(done, total);
    const read = await input.read(buffer) ?? 0;
    done += read;
    return read;
  };
}

async function readAbout({ dir, names }: FolderWriter): Promise<About> {
  if (!names.has(DATABASE) || !names.has(SECRETS) || !names.has("about.json")) {
    throw new BackupError("That backup is not complete. Use another one.");
  }
  const path = join(dir, "about.json");
  const { size } = await Deno.stat(path);
  const about = size > MOST_ABOUT ? null : aboutFrom(await Deno.readTextFile(path));
  // Whoever knows a recipient can lock something for it; what it says goes to a terminal.
  if (about === null) throw new BackupError("That backup is not one that Snug made.");
  await Deno.remove(path);
  return about;
}

/** Bytes of the longest about.json that is read. */
const MOST_ABOUT = 1_000;
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const PROGRAM = /^[0-9A-Za-z.+-]{1,40}$/;

function aboutFrom(text: string): About | null {
  const { made, program } = parsed(text);
  return MOMENT.test(String(made)) && PROGRAM.test(String(program))
    ? { made: String(made), program: String(program) }
    : null;
}

function parsed(text: string): Partial<Record<keyof About, unknown>> {
  try {
    return Object(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

/** Writes the files of an archive, for the owner's eyes only. */
export class FolderWriter {
  readonly names = new Set<BackupFile>();
  #file: Deno.FsFile | null = null;
  #write: (bytes: Uint8Array) => Promise<void> = () => Promise.resolve();

  constructor(readonly dir: string) {}

  async begin(name: BackupFile): Promise<void> {
    this.names.add(name);
    const path = join(this.dir, name);
    this.#file = await Deno.open(path, { write: true, create: true, truncate: true, mode: 0o600 });
    // A copy holds the log of the server: the sooner it is done, the better.
    this.#write = steadily(this.#file, "hurries");
  }

  async write(content: Uint8Array): Promise<void> {
    await this.#write(content);
  }

  end(): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  close(): void {
    this.#file?.close();
    this.#file = null;
  }
}

/** The bytes of `about.json`. */
export function aboutBytes(about: About): Bytes {
  return utf8(JSON.stringify(about));
}
