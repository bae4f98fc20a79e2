/** `snug backup` and `snug restore`: flags, passphrase, progress, and words for people. */
import { join } from "node:path";
import { keepNewest, nameAt, prepareFolder } from "./backup_folder.ts";
import { ConfigError, shown } from "./config_values.ts";
import { type BackupReport, makeBackup, type Progress } from "./db/backup.ts";
import { inWords } from "./db/backup_error.ts";
import { newKeyPair, privateKeyText, recipientText } from "./db/backup_recipient.ts";
import { restoreBackup } from "./db/restore.ts";
import { forgetInPlace, giveUpInPlace } from "./db/set_back.ts";
import {
  type AskSecret,
  askTerminal,
  privateKeyFrom,
  readPassphrase,
  recipientFrom,
} from "./passphrase.ts";
import type { CommandIo } from "./serve.ts";
import { SETTINGS } from "./settings.ts";
import { VERSION } from "./version.ts";

/** People who wait hear of it this often. */
const PROGRESS_MS = 1_000;

const { data } = SETTINGS;

interface Given {
  readonly file: string;
  /** The folder of `--into`, where the newest `keep` backups stay. */
  readonly into: string | undefined;
  readonly keep: number;
  /** Not going on with one that was cut short. */
  readonly fresh: boolean;
  readonly dataDir: string;
  readonly passphraseFile: string | undefined;
  readonly recipient: string | undefined;
  readonly keyFile: string | undefined;
}

/** Makes one backup, or a key for backups; resolves to the exit status. */
export async function runBackup(
  args: readonly string[],
  io: CommandIo,
  ask: AskSecret = askTerminal,
): Promise<number> {
  const newKey = newKeyFile(args);
  if (newKey !== null) return await makeKey(newKey, io);
  const given = readArguments("backup", args, io);
  const { file, dataDir, into, keep, fresh, passphraseFile, recipient } = given;
  const lock = recipient === undefined
    ? { passphrase: await passphraseFrom(passphraseFile, true, io, ask) }
    : { recipient: await recipientFrom(recipient, "--recipient") };
  if (into !== undefined) await prepareFolder(into, "--into");
  const started = io.now();
  const made = await makeBackup({
    ...parts(io),
    file: into === undefined ? file : (time) => join(into, nameAt(time)),
    dataDir,
    lock,
    fresh,
    program: VERSION,
    now: io.now,
    say: io.writeLog,
  });
  sayMade(made, started, io);
  if (into !== undefined) await keepNewest(into, keep, made.file, io.now());
  const what = recipient === undefined ? "passphrase" : "key file";
  io.print(`Keep the ${what} elsewhere: without it this file opens nothing.`);
  return 0;
}

function sayMade({ file, bytes, accounts, made }: BackupReport, started: number, io: CommandIo) {
  const time = made < started ? `, as of ${new Date(made).toISOString()}` : "";
  const size = `${megabytes(bytes)}, ${counted(accounts)}${time}`;
  io.print(`${file}: ${size}. It was opened again and is whole.`);
}

/** Restores one backup; resolves to the exit status. */
export async function runRestore(
  args: readonly string[],
  io: CommandIo,
  ask: AskSecret = askTerminal,
): Promise<number> {
  const giveUp = args.includes(GIVE_UP);
  const rest = args.filter((arg) => arg !== GIVE_UP);
  if (rest.includes(IN_PLACE)) return forgetHere(rest, giveUp, io);
  if (giveUp && splitArguments("restore", rest).files.length === 0) return giveUpHere(rest, io);
  const { file, dataDir, passphraseFile, keyFile } = readArguments("restore", rest, io);
  const unlock = keyFile === undefined
    ? { passphrase: await passphraseFrom(passphraseFile, false, io, ask) }
    : { privateKey: await privateKeyFrom(keyFile) };
  const cleared = () =>
    io.writeLog(`A restore into ${dataDir} was cut short; this one takes its place.`);
  const options = { ...parts(io), cleared, file, dataDir, unlock, giveUp };
  const { made, program, accounts, givenUp } = await restoreBackup(options);
  io.print(`${dataDir}: ${counted(accounts)}, as of ${made} (Snug ${program}).`);
  sayGivenUp(givenUp, io);
  sayNext(dataDir, io);
  io.print("The server's certificate is not in a backup: a self-signed one is new.");
  return 0;
}

/** What a restore does after unpacking, to a folder that came back by itself. */
function forgetHere(args: readonly string[], giveUp: boolean, io: CommandIo): number {
  const dataDir = folderInPlace(args.filter((arg) => arg !== IN_PLACE), IN_PLACE, io);
  if (giveUp) sayGivenUp(giveUpInPlace(dataDir), io);
  const accounts = forgetInPlace(dataDir);
  io.print(`${dataDir}: ${counted(accounts)}, made good as after a restore.`);
  io.print("Forgotten: logins, codes, invites, waits to start over, one-time keys.");
  io.print("Each device is taken as it is when it comes the next time.");
  sayNext(dataDir, io);
  return 0;
}

/** Nothing but the rows that keep the server from starting. */
function giveUpHere(args: readonly string[], io: CommandIo): number {
  const dataDir = folderInPlace(args, `${GIVE_UP} without FILE`, io);
  const givenUp = giveUpInPlace(dataDir);
  sayGivenUp(givenUp, io);
  if (givenUp.length === 0) io.print(`${dataDir}: every row can be read; nothing was changed.`);
  else io.print(`Start it: snug serve --data ${dataDir} and the flags this server had.`);
  return 0;
}

function sayGivenUp(rows: readonly string[], io: CommandIo): void {
  for (const row of rows) io.print(`Given up: ${row}, and what waited there.`);
}

function folderInPlace(args: readonly string[], what: string, io: CommandIo): string {
  const { files, given } = splitArguments("restore", args);
  if (files.length === 0 && OTHER_WAYS.every((flag) => given(flag) === undefined)) {
    return dataDirOf(given, io);
  }
  throw new ConfigError(
    `${what} is for a folder that is in its place: it takes no FILE, passphrase or key, only ` +
      "--data DIR.",
  );
}

function sayNext(dataDir: string, io: CommandIo): void {
  io.print(`Start it: snug serve --data ${dataDir} and the flags this server had.`);
  io.print("Devices go on by themselves; people may have to sign in again in the browser.");
}

/** The file of `snug backup --new-key FILE`, which takes nothing else. */
function newKeyFile(args: readonly string[]): string | null {
  const [first = "", second, ...more] = args.filter((arg) => arg !== "--");
  const [flag, inline] = first.split(/=(.*)/s);
  if (flag !== "--new-key") return null;
  const file = inline ?? second;
  const surplus = inline === undefined ? more : [second, ...more].filter(Boolean);
  if (file === undefined || file === "" || surplus.length > 0) {
    throw new ConfigError("snug backup --new-key FILE takes one file and nothing else.");
  }
  return file;
}

async function makeKey(file: string, io: CommandIo): Promise<number> {
  const { publicKey, privateKey } = await newKeyPair();
  const recipient = await recipientText(publicKey);
  const text =
    `# Opens backups of Snug. Keep it away from the server, and twice.\n# ${recipient}\n` +
    `${await privateKeyText(privateKey)}\n`;
  try {
    await Deno.writeTextFile(file, text, { createNew: true, mode: 0o600 });
  } catch (error) {
    throw inWords(file, error);
  }
  io.print(`${file}: the key that opens backups. Move it away from the server.`);
  io.print(`Make backups for it: snug backup FILE --recipient ${recipient}`);
  return 0;
}

/** What each of the two takes besides FILE. */
const OWN_FLAGS = {
  backup: ["--recipient", "--recipient-file", "--into", "--keep"],
  restore: ["--key-file"],
} as const;
/** A flag of snug backup that takes nothing. */
const FRESH = "--fresh";
/** One of snug restore. */
const IN_PLACE = "--in-place";
/** Another: with or without it, with or without FILE. */
const GIVE_UP = "--give-up-rows";
/** What makes no sense beside a folder that is in its place. */
const OTHER_WAYS = ["--passphrase-file", ...OWN_FLAGS.restore];
const STANDARD_KEEP = "7";

function readArguments(name: "backup" | "restore", args: readonly string[], io: CommandIo): Given {
  const rest = name === "backup" ? args.filter((arg) => arg !== FRESH) : args;
  const { files, given } = splitArguments(name, rest);
  const into = given("--into");
  const [file = into && join(into, nameAt(io.now()))] = files;
  if (file === undefined || file === "" || files.length > (into === undefined ? 1 : 0)) {
    const what = name === "backup" ? "FILE, or --into DIR" : "FILE";
    throw new ConfigError(`snug ${name} takes one ${what}. Try snug ${name} --help.`);
  }
  const ways = ["--passphrase-file", "--recipient", "--recipient-file", "--key-file"]
    .filter((flag) => given(flag) !== undefined);
  if (ways.length > 1) throw new ConfigError(`${ways.join(" and ")} are two ways: give one.`);
  return {
    file,
    into,
    keep: readKeep(given("--keep"), into),
    fresh: name === "backup" && rest.length < args.length,
    dataDir: dataDirOf(given, io),
    passphraseFile: given("--passphrase-file"),
    recipient: given("--recipient") ?? firstLine(given("--recipient-file")),
    keyFile: given("--key-file"),
  };
}

function dataDirOf(given: (flag: string) => string | undefined, io: CommandIo): string {
  return given(`--${data.flag}`) ?? (io.env(data.env) || data.standard);
}

function splitArguments(name: "backup" | "restore", args: readonly string[]) {
  const known: readonly string[] = [`--${data.flag}`, "--passphrase-file", ...OWN_FLAGS[name]];
  const flags = new Map<string, string>();
  const files: string[] = [];
  const rest = [...args];
  while (rest.length > 0) {
    const word = rest.shift()!;
    const [flag = "", inline] = /^(--[a-z-]+)(?:=(.*))?$/s.exec(word)?.slice(1) ?? [word];
    if (known.includes(flag)) flags.set(flag, valueOf(flag, inline ?? rest.shift()));
    else if (!word.startsWith("-")) files.push(word);
    else if (word !== "--") throw new ConfigError(`${shown(word)} is not a flag of snug ${name}.`);
  }
  return { files, given: (flag: string) => flags.get(flag) };
}

function readKeep(value: string | undefined, into: string | undefined): number {
  if (value !== undefined && into === undefined) throw new ConfigError("--keep needs --into DIR.");
  const keep = /^\d{1,4}$/.test(value ?? STANDARD_KEEP) ? Number(value ?? STANDARD_KEEP) : 0;
  if (keep >= 1) return keep;
  throw new ConfigError(`--keep ${shown(value ?? "")}: expected 1 to 9999.`);
}

function firstLine(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    return Deno.readTextFileSync(file).split(/\r?\n/, 1)[0] ?? "";
  } catch (error) {
    throw inWords(`--recipient-file ${file}`, error);
  }
}

function valueOf(flag: string, value: string | undefined): string {
  if (value === undefined || value === "") throw new ConfigError(`${flag} needs a value.`);
  return value;
}

function passphraseFrom(file: string | undefined, isNew: boolean, io: CommandIo, ask: AskSecret) {
  return readPassphrase(file, isNew, { env: io.env, ask, warn: io.writeLog });
}

function parts(io: CommandIo) {
  return {
    random: (length: number) => crypto.getRandomValues(new Uint8Array(length)),
    stop: io.stop,
    progress: sayProgress(io),
  };
}

/** A line a second; nothing where it takes less. */
function sayProgress(io: CommandIo): (progress: Progress) => void {
  let next = io.now() + PROGRESS_MS;
  return ({ step, done, total }) => {
    // At the end there is nothing to wait for; a busy database's log may even go past it.
    if (io.now() < next || done >= total) return;
    next = io.now() + PROGRESS_MS;
    const percent = Math.floor(100 * done / total);
    const bar = "#".repeat(Math.floor(percent / 5)).padEnd(20, "-");
    io.writeLog(`${step} [${bar}] ${String(percent).padStart(3)} %  ${megabytes(done)}`);
  };
}

function megabytes(bytes: number): string {
  return bytes < 1e5 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function counted(accounts: number): string {
  return accounts === 1 ? "1 account" : `${accounts} accounts`;
}
