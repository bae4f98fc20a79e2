/**
 * Makes a backup of a server's data folder while the server runs, from another process.
 *
 * In it: the database as of one commit, and secrets.json, without which no password opens anything.
 * Not in it: the certificate and its key (made or fetched anew) and the outbox (letters with codes).
 */
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type Bytes, toHex } from "../protocol/encoding.ts";
import { ArchiveWriter } from "./backup_archive.ts";
import { BackupError, inWords } from "./backup_error.ts";
import { type Lock, makeHead, type Stretch } from "./backup_key.ts";
import { PIECE_BYTES, SealedWriter } from "./backup_stream.ts";
import { aboutBytes, DATABASE, type Progress, SECRETS, unpackBackup } from "./backup_unpack.ts";
import { cloneDatabase } from "./clone.ts";
import { checkDatabase, readVersion } from "./migrate.ts";
import { MIGRATIONS } from "./migrations/mod.ts";
import { copyLive, type SnapshotPace } from "./snapshot.ts";
import { steadily } from "./steady_write.ts";
import { backUpAlone } from "./unfinished.ts";

export { BackupError } from "./backup_error.ts";
export { type Lock, MAX_PASSPHRASE, MIN_PASSPHRASE, type Unlock } from "./backup_key.ts";
export type { Progress, Unpacked } from "./backup_unpack.ts";

/** What making a backup needs. */
export interface BackupOptions {
  readonly dataDir: string;
  /** Must not exist yet: a backup is never written over. */
  readonly file: string;
  /** What locks it: whoever has the other half opens it. */
  readonly lock: Lock;
  /** Row by row through SQLite, for the server's own process; by default whole pages. */
  readonly rows?: boolean;
  /** Version of this program. */
  readonly program: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly random: (length: number) => Bytes;
  readonly stop?: AbortSignal | undefined;
  readonly progress?: ((progress: Progress) => void) | undefined;
  /** Is told of the draft of an earlier backup that was cut short, and is gone now. */
  readonly cleared?: ((path: string) => void) | undefined;
  /** How the database is copied; tests make it hard. */
  readonly pace?: Partial<SnapshotPace>;
  readonly stretch?: Stretch;
}

/** A backup that was made and read back. */
export interface BackupReport {
  /** Size of the file. */
  readonly bytes: number;
  readonly accounts: number;
}

/**
 * Writes the backup under another name beside `file`, opens it again into a folder of its own,
 * checks the database that comes out, and only then gives it its name.
 * @throws {BackupError} when anything is in the way; then there is no file
 */
export async function makeBackup(options: BackupOptions): Promise<BackupReport> {
  const file = resolve(options.file);
  await checkSource(options.dataDir);
  await refuseExisting(file);
  try {
    return await backUpAlone(options.dataDir, options.cleared, async (note) => {
      const draft = `${file}.${toHex(options.random(4))}.draft`;
      await note(draft);
      return await makeAlone(file, draft, options);
    });
  } catch (error) {
    throw inWords(options.dataDir, error);
  }
}

async function makeAlone(
  file: string,
  draft: string,
  options: BackupOptions,
): Promise<BackupReport> {
  try {
    const key = await writeDraft(draft, options);
    const accounts = await tryOut(draft, key, options);
    await refuseExisting(file);
    const { size } = await Deno.stat(draft);
    await Deno.rename(draft, file);
    await syncFolder(resolve(file, ".."));
    return { bytes: size, accounts };
  } catch (error) {
    await Deno.remove(draft).catch(() => {});
    throw inWords(options.file, error);
  }
}

/** A rename is on the disk when its folder is; not every system can say so. */
export async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await Deno.open(path, { read: true });
    await folder.sync().finally(() => folder.close());
  } catch {
    // Windows opens no folders, and needs no more.
  }
}

async function checkSource(dataDir: string): Promise<void> {
  const path = join(dataDir, DATABASE);
  try {
    await Deno.stat(path);
    const db = new DatabaseSync(path, { readOnly: true });
    try {
      checkDatabase(db, MIGRATIONS);
      if (readVersion(db) === 0) throw new BackupError(`${path} is empty: nothing to back up.`);
    } finally {
      db.close();
    }
  } catch (error) {
    throw inWords(path, error);
  }
  await Deno.stat(join(dataDir, SECRETS)).catch((error) => {
    throw inWords(join(dataDir, SECRETS), error);
  });
}

async function refuseExisting(file: string): Promise<void> {
  const found = await Deno.lstat(file).catch(() => null);
  if (found !== null) {
    throw new BackupError(
      `${file} is there already. A backup is never written over: name another.`,
    );
  }
}

async function writeDraft(draft: string, options: BackupOptions): Promise<CryptoKey> {
  const { head, key } = await makeHead(options.lock, options.random, options.stretch);
  const output = await Deno.open(draft, { write: true, createNew: true, mode: 0o600 });
  try {
    const write = steadily(output);
    await write(head);
    const archive = new ArchiveWriter(new SealedWriter(key, write));
    await writeArchive(archive, options);
    await archive.finish();
    await output.sync();
    return key;
  } finally {
    output.close();
  }
}

async function writeArchive(archive: ArchiveWriter, options: BackupOptions): Promise<void> {
  const { dataDir, now, program } = options;
  const small = async (name: "about.json" | "secrets.json", content: Uint8Array) => {
    await archive.begin(name);
    await archive.write(content);
    await archive.end();
  };
  await small("about.json", aboutBytes({ made: new Date(now()).toISOString(), program }));
  await small("secrets.json", await Deno.readFile(join(dataDir, SECRETS)));
  const path = join(dataDir, DATABASE);
  const { size: total } = await Deno.stat(path);
  const step = () => {
    if (options.stop?.aborted) throw new BackupError("Stopped; there is no backup.");
    options.progress?.({ step: "copying", done: archive.bytes, total });
    return options.pace?.step?.();
  };
  if (options.rows) await copyRows(path, archive, options, step);
  else await copyLive(path, archive, { now, ...options.pace, step });
}

/** A clone beside the database, then its bytes: nobody has that file open. */
async function copyRows(
  path: string,
  archive: ArchiveWriter,
  options: BackupOptions,
  step: () => void | Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ dir: options.dataDir, prefix: "trial-" });
  try {
    const clone = join(dir, DATABASE);
    await cloneDatabase(path, clone, step);
    using file = await Deno.open(clone, { read: true });
    await archive.begin(DATABASE);
    const buffer = new Uint8Array(PIECE_BYTES);
    for (let read = await file.read(buffer); read !== null; read = await file.read(buffer)) {
      await archive.write(buffer.subarray(0, read));
      await step();
    }
    await archive.end();
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/**
 * Restores the draft into the data folder, where the same plaintext lies anyway, rather than onto
 * the disk that keeps the backups.
 */
async function tryOut(draft: string, key: CryptoKey, options: BackupOptions): Promise<number> {
  const dir = await Deno.makeTempDir({ dir: options.dataDir, prefix: "trial-" });
  try {
    const { accounts } = await unpackBackup({
      file: draft,
      // What a recipient's key locked only the recipient unlocks; the stream is checked all the same.
      unlock: "passphrase" in options.lock ? options.lock : { stream: key },
      dir,
      stop: options.stop,
      progress: options.progress,
      stretch: options.stretch,
    });
    return accounts;
  } catch (error) {
    throw inWords(`${options.dataDir}, where the backup is tried out`, error);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}
