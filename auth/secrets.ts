/**
 * The two secrets that are not in the database: the OPAQUE server setup and the key of codes and
 * counters. A stolen database or backup alone lets nobody guess a password or forge a code.
 */
import { fromBase64Url, toBase64Url, utf8 } from "../protocol/encoding.ts";
import { writeAll } from "../db/steady_write.ts";
import type { RandomSource, Secrets } from "./deps.ts";
import { makeServerSetup } from "./opaque.ts";

const FILE = "secrets.json";
const VERSION = 1;
const KEY_BYTES = 32;
/** Read, write or run by anybody but the owner. */
const OTHERS = 0o077;

/** secrets.json cannot be used. The message is for whoever runs the server. */
export class SecretsError extends Error {
  override readonly name = "SecretsError";
}

/** What opening needs from outside. */
export interface SecretsOptions {
  readonly dataDir: string;
  /** True when accounts exist: then new secrets would lock all of them out, and none are made. */
  readonly accountsExist: boolean;
  readonly random: RandomSource;
  /** Told when others on this machine could read the file; it is then closed to them. */
  readonly warn: (words: string) => void;
}

/** Reads the secrets, or makes them at the first start. */
export async function openSecrets(options: SecretsOptions): Promise<Secrets> {
  const path = `${options.dataDir}/${FILE}`;
  const found = await readSecrets(path);
  if (found !== null) {
    await closeToOthers(path, options.warn);
    return found;
  }
  if (options.accountsExist) {
    throw new SecretsError(
      `${path} is missing, but there are accounts. Restore it from the backup: without it ` +
        "nobody could sign in.",
    );
  }
  await createSecrets(path, options.random);
  const made = await readSecrets(path);
  if (made === null) throw new SecretsError(`${path} cannot be read.`);
  return made;
}

/** The secrets in the file; null when there is none. @throws {SecretsError} */
export async function readSecrets(path: string): Promise<Secrets | null> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    const reason = error instanceof Deno.errors.PermissionDenied ? ": this user may not" : "";
    throw new SecretsError(`${path} cannot be read${reason}.`);
  }
  try {
    return parse(JSON.parse(text));
  } catch {
    throw new SecretsError(`${path} is damaged. Restore it from the backup.`);
  }
}

function parse(value: { version?: unknown; opaqueSetup?: unknown; codeKey?: unknown }): Secrets {
  const { version, opaqueSetup, codeKey } = value;
  const key = fromBase64Url(String(codeKey));
  const known = version === VERSION && typeof opaqueSetup === "string" && opaqueSetup.length > 100;
  if (!known || key.length !== KEY_BYTES) throw new RangeError("not the secrets of this version");
  return { opaqueSetup, codeKey: key };
}

/**
 * Written and flushed under another name, then linked: the file is there whole or not at all, and
 * of two servers that start at once both use the same one.
 */
async function createSecrets(path: string, random: RandomSource): Promise<void> {
  const content = {
    version: VERSION,
    opaqueSetup: await makeServerSetup(),
    codeKey: toBase64Url(random(KEY_BYTES)),
  };
  const draft = `${path}.${toBase64Url(random(9))}.draft`;
  try {
    await writeSynced(draft, utf8(JSON.stringify(content) + "\n"));
    await Deno.link(draft, path);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  } finally {
    await Deno.remove(draft).catch(ignoreMissing);
  }
}

/** Where it could not even be begun. */
function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

/** A disk that fills up may take a part, and says so only when it is asked to take the rest. */
async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
  try {
    await writeAll(file, bytes);
    await file.sync();
  } finally {
    file.close();
  }
}

async function closeToOthers(path: string, warn: (words: string) => void): Promise<void> {
  const { mode } = await Deno.stat(path);
  if (mode === null || (mode & OTHERS) === 0) return;
  await Deno.chmod(path, 0o600);
  warn(`${path} could be read by others on this machine. It is closed to them now (mode 600).`);
}
