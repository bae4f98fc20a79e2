/**
 * Where what locks and opens a backup comes from: a passphrase from a file, the environment or a
 * person who types it; a recipient's key from its text or file.
 */
import { ConfigError, type Environment } from "./config.ts";
import { MAX_PASSPHRASE, MIN_PASSPHRASE } from "./db/backup.ts";
import { inWords } from "./db/backup_error.ts";
import { readPrivateKey, readRecipient } from "./db/backup_recipient.ts";
import type { Bytes } from "./protocol/encoding.ts";

/** The environment variable that may hold it. */
export const PASSPHRASE_VARIABLE = "SNUG_BACKUP_PASSPHRASE";

/** Asks a person without showing what is typed; null when nobody is there to ask. */
export type AskSecret = (question: string) => Promise<string | null>;

/** What reading it needs from outside. */
export interface PassphraseIo {
  readonly env: Environment;
  readonly ask: AskSecret;
  /** For people, on standard error. */
  readonly warn: (words: string) => void;
}

/** A key file is three lines. */
const MAX_KEY_FILE = 4_096;
/** Read, write or run by anybody but the owner. */
const OTHERS = 0o077;

/**
 * The passphrase, from the first of: the file, the environment, a person. A new one must be long
 * enough and, where it is typed, typed twice.
 * @throws {ConfigError} when there is none or it cannot be used
 */
export async function readPassphrase(
  file: string | undefined,
  isNew: boolean,
  io: PassphraseIo,
): Promise<string> {
  const given = file === undefined
    ? io.env(PASSPHRASE_VARIABLE) || await typed(isNew, io.ask)
    : await fromFile(file, io.warn);
  if (given.length > MAX_PASSPHRASE) {
    throw new ConfigError(`That passphrase is longer than ${MAX_PASSPHRASE} characters.`);
  }
  if (given === "") throw new ConfigError("The passphrase is empty.");
  if (isNew && [...given].length < MIN_PASSPHRASE) {
    throw new ConfigError(
      `The passphrase is too short: whoever has the file may guess as often as they like. ` +
        `Use ${MIN_PASSPHRASE} characters or more, five words for example.`,
    );
  }
  return given;
}

/** The first line of the file, so that an editor's last line break is not part of it. */
async function fromFile(path: string, warn: (words: string) => void): Promise<string> {
  try {
    const { isFile, mode, size } = await Deno.stat(path);
    if (isFile && size > MAX_PASSPHRASE * 4) {
      throw new ConfigError(`--passphrase-file ${path}: too long to be a passphrase.`);
    }
    if (isFile && mode !== null && (mode & OTHERS) !== 0 && Deno.build.os !== "windows") {
      warn(`${path} can be read by others on this machine: chmod 600 ${path}`);
    }
    const [line = ""] = (await Deno.readTextFile(path)).split(/\r?\n/, 1);
    return line;
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(`--passphrase-file ${path}: cannot be read.`);
  }
}

async function typed(isNew: boolean, ask: AskSecret): Promise<string> {
  const first = await ask("Passphrase of the backup: ");
  if (first === null) {
    throw new ConfigError(
      `The backup needs a passphrase: give --passphrase-file FILE or ${PASSPHRASE_VARIABLE}.`,
    );
  }
  if (isNew && await ask("The same again: ") !== first) {
    throw new ConfigError("The two are not the same.");
  }
  return first;
}

const ENTER = [0x0a, 0x0d];
const END = [0x03, 0x04];
const ERASE = [0x08, 0x7f];

/** Asks on the terminal. Nothing is shown, not even stars: they tell the length. */
export async function askTerminal(question: string): Promise<string | null> {
  if (!Deno.stdin.isTerminal()) return null;
  const say = (words: string) => Deno.stderr.writeSync(new TextEncoder().encode(words));
  say(question);
  Deno.stdin.setRaw(true);
  try {
    return await typedLine();
  } finally {
    Deno.stdin.setRaw(false);
    say("\n");
  }
}

async function typedLine(): Promise<string> {
  const bytes: number[] = [];
  const buffer = new Uint8Array(256);
  for (;;) {
    const read = await Deno.stdin.read(buffer) ?? 0;
    if (read === 0) throw new ConfigError("No passphrase was typed.");
    for (const byte of buffer.subarray(0, read)) {
      if (END.includes(byte)) throw new ConfigError("No passphrase was typed.");
      if (ENTER.includes(byte)) return new TextDecoder().decode(new Uint8Array(bytes));
      if (ERASE.includes(byte)) eraseLast(bytes);
      else bytes.push(byte);
    }
  }
}

/** A character is its first byte and all that begin with the bits 10. */
function eraseLast(bytes: number[]): void {
  while (bytes.length > 0 && (bytes.pop()! & 0xc0) === 0x80);
}

/** The key in a recipient's text. */
export async function recipientFrom(text: string, flag: string): Promise<Bytes> {
  const key = await readRecipient(text);
  if (key !== null) return key;
  throw new ConfigError(`${flag}: expected what snug backup --new-key printed.`);
}

/** The key in a file that `snug backup --new-key` made. */
export async function privateKeyFrom(file: string): Promise<Bytes> {
  const text = await Deno.readTextFile(file).catch((error) => {
    throw inWords(`--key-file ${file}`, error);
  });
  const lines = text.slice(0, MAX_KEY_FILE).split(/\r?\n/).filter((line) => !line.startsWith("#"));
  const key = await readPrivateKey(lines.find((line) => line.trim() !== "") ?? "");
  if (key !== null) return key;
  throw new ConfigError(`--key-file ${file}: expected a file that snug backup --new-key made.`);
}
