/** What `snug doctor` finds in the data folder: the folder itself, database, secrets, space. */
import { dirname, join } from "node:path";
import { statfsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { readSecrets } from "./auth/secrets.ts";
import { BackupError, inWords } from "./db/backup_error.ts";
import { countAccounts, DATABASE, SECRETS } from "./db/backup_unpack.ts";
import { checkDatabase, readVersion } from "./db/migrate.ts";
import { MIGRATIONS } from "./db/migrations/mod.ts";
import { checkRecent } from "./db/recent_check.ts";
import { one } from "./db/transaction.ts";

/** One thing that was looked at. */
export interface Finding {
  readonly check: string;
  readonly state: "ok" | "warn" | "fail";
  readonly words: string;
  /** What to do; empty where nothing is to be done. */
  readonly cure: string;
}

/** What the database says about itself, for the checks that come after it. */
export interface DatabaseFacts {
  readonly accounts: number;
  readonly bytes: number;
  /** The latest time in it, in milliseconds since 1970; 0 when there is none. */
  readonly newest: number;
}

const OTHERS = 0o077;
const MEBIBYTE = 2 ** 20;
/** Below this the server will soon refuse to take messages. */
const LITTLE_SPACE = 64 * MEBIBYTE;
const COMFORTABLE_SPACE = 1024 * MEBIBYTE;
/** Cures by what was said, where the check's own cure would do harm or nothing. */
const CURES: readonly (readonly [said: RegExp, cure: (dir: string) => string])[] = [
  [/this user may not/, (dir) => `Give the folder to the server's user: chown -R USER ${dir}`],
  [/disk is read-only$/, () => "Mount the disk so that it can be written to: mount -o remount,rw"],
  [/disk is full$/, () => "Free some space; nothing that was accepted is lost."],
  [/newer Snug/, () => "Start the newer program, or restore a backup from before the upgrade."],
  [/not one of Snug$/, () => "Name the server's own folder with --data."],
];

/** The cure of what was said of a file in the data folder. */
export function cureOf(words: string, dataDir: string, standard: string): string {
  return CURES.find(([said]) => said.test(words))?.[1](dataDir) ?? standard;
}

const UNFINISHED = /^(restoring|unfinished)-|\.draft$/;

/** Looks at the folder, and at everything in it. */
export async function checkData(
  dataDir: string,
): Promise<{ findings: Finding[]; facts: DatabaseFacts }> {
  const folder = await checkFolder(dataDir);
  const database = await checkDatabaseFile(join(dataDir, DATABASE));
  const secrets = await checkSecrets(join(dataDir, SECRETS), database.facts.accounts);
  const findings = [...folder, database.finding, secrets];
  if (folder[0]?.state !== "warn") findings.push(checkSpace(dataDir, database.facts.bytes));
  return { findings, facts: database.facts };
}

async function checkFolder(path: string): Promise<Finding[]> {
  const say = sayFor("data folder");
  const found = await Deno.stat(path).catch((error: unknown) => error);
  if (found instanceof Deno.errors.NotFound) {
    return [say("warn", `${path} is not there`, "It is made at the first start. Is --data right?")];
  }
  if (found instanceof Error) {
    const words = wordsOf(path, found);
    return [say("fail", words, cureOf(words, path, "Check --data."))];
  }
  const { isDirectory, mode } = found as Deno.FileInfo;
  if (!isDirectory) return [say("fail", `${path} is a file`, "Name a folder with --data.")];
  const problem = await cannotWrite(path);
  if (problem !== null) {
    return [say("fail", problem, cureOf(problem, path, "Look at it with ls -la."))];
  }
  return [
    isOpen(mode)
      ? say("warn", `${path} can be read by others on this machine`, `chmod 700 ${path}`)
      : say("ok", `${path} is private and can be written to`),
    ...await unfinished(path),
  ];
}

/** Why nothing can be written into the folder, in words; null where it can. */
export async function cannotWrite(path: string): Promise<string | null> {
  try {
    await Deno.remove(await Deno.makeTempFile({ dir: path, prefix: "doctor-" }));
    return null;
  } catch (error) {
    return wordsOf(path, error);
  }
}

async function unfinished(path: string): Promise<Finding[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(path)) if (UNFINISHED.test(name)) names.push(name);
  if (names.length === 0) return [];
  const words = `${names.join(", ")} was left by a backup or restore that was cut short`;
  return [
    sayFor("data folder")(
      "warn",
      words,
      "Give the same command again: it goes on, or clears it away. One that runs now is meant to have it.",
    ),
  ];
}

async function checkDatabaseFile(
  path: string,
): Promise<{ finding: Finding; facts: DatabaseFacts }> {
  const say = sayFor("database");
  const none = { accounts: 0, bytes: 0, newest: 0 };
  try {
    const { mode, size } = await Deno.stat(path);
    const facts = await readFacts(path, size);
    const words = `${facts.accounts} accounts, ${megabytes(size)}, every page is sound`;
    const finding = isOpen(mode)
      ? say("warn", `${path} can be read by others on this machine`, `chmod 600 ${path}`)
      : say("ok", words);
    return { finding, facts };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      return { finding: say("ok", "none yet: it is made at the first start"), facts: none };
    }
    const words = wordsOf(path, error);
    const cure = "Stop the server, keep a copy of the folder, and restore the last backup.";
    return { finding: say("fail", words, cureOf(words, dirname(path), cure)), facts: none };
  }
}

function readFacts(path: string, bytes: number): Promise<DatabaseFacts> {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    checkDatabase(db, MIGRATIONS);
    if (readVersion(db) === 0) return Promise.resolve({ accounts: 0, bytes, newest: 0 });
    const found = one<{ quick_check: string }>(db.prepare("pragma quick_check(1)"));
    if (found?.quick_check !== "ok") throw new BackupError(`${path}: it is damaged.`);
    if (readVersion(db) === MIGRATIONS.at(-1)!.version) checkRecent(db);
    const newest = one<{ newest: number }>(db.prepare(
      "select max(coalesce((select max(made) from accounts), 0), coalesce((select max(used) from logins), 0)) as newest",
    ));
    return Promise.resolve({ accounts: countAccounts(db), bytes, newest: newest?.newest ?? 0 });
  } finally {
    db.close();
  }
}

async function checkSecrets(path: string, accounts: number): Promise<Finding> {
  const say = sayFor("secrets");
  const lost = "Restore it from the last backup: without it nobody can sign in.";
  try {
    if (await readSecrets(path) === null) {
      return accounts === 0
        ? say("ok", "none yet: they are made at the first start")
        : say("fail", `${path} is missing`, lost);
    }
    const { mode } = await Deno.stat(path);
    return isOpen(mode)
      ? say("warn", `${path} can be read by others on this machine`, `chmod 600 ${path}`)
      : say("ok", `${path} is private`);
  } catch (error) {
    const words = wordsOf(path, error);
    return say("fail", words, cureOf(words, dirname(path), lost));
  }
}

function checkSpace(path: string, databaseBytes: number): Finding {
  const say = sayFor("disk space");
  try {
    const { bavail, bsize } = statfsSync(path);
    const free = bavail * bsize;
    const words = `${megabytes(free)} free`;
    const cure = "Free some, or move the data folder to a larger disk.";
    if (free < LITTLE_SPACE) return say("fail", words, cure);
    if (free < Math.max(COMFORTABLE_SPACE, 2 * databaseBytes)) {
      return say("warn", `${words}; a backup wants room for a copy of the database`, cure);
    }
    return say("ok", words);
  } catch (error) {
    return say("warn", wordsOf(path, error), "Look with df -h.");
  }
}

/** Makes a finding. */
export type Say = (state: Finding["state"], words: string, cure?: string) => Finding;

/** Makes findings of one check. */
export function sayFor(check: string): Say {
  return (state, words, cure = "") => ({ check, state, words, cure });
}

/** Errors of ours, whose messages are made for people. */
const IN_WORDS = [
  "BackupError",
  "CertificateError",
  "ConfigError",
  "DatabaseError",
  "SecretsError",
];

/** An error in one line that may be printed. */
export function wordsOf(what: string, error: unknown): string {
  const known = inWords(what, error);
  if (!(known instanceof Error)) return `${what} cannot be looked at`;
  if (!IN_WORDS.includes(known.name)) return `${what} cannot be looked at (${known.name})`;
  return known.message.replace(/\.$/, "");
}

function isOpen(mode: number | null): boolean {
  return mode !== null && Deno.build.os !== "windows" && (mode & OTHERS) !== 0;
}

function megabytes(bytes: number): string {
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
