/** A terminal's profile: a folder that only its owner can read, with the store in it. */
import { type LocalStore, StoreTaken } from "../store.ts";
import { openSqliteStore } from "../store_sqlite.ts";
import { ChatError } from "./errors.ts";

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const STORE_FILE = "snug.db";
/** "meta": the server this profile is at home on. */
const ORIGIN = "origin";

/**
 * Opens or makes the profile in `folder` for the server at `origin`.
 * @throws {ChatError} when another program has it, it belongs to another server, or cannot be one
 */
export async function openProfile(folder: string, origin: string): Promise<LocalStore> {
  const store = await openFolder(folder).catch((error) => {
    const reason = reasonOf(error);
    if (reason === undefined) throw error;
    throw new ChatError("bad-input", `--profile ${folder} cannot be used: ${reason}.`);
  });
  const home = await store.get<string>("meta", ORIGIN);
  if (home === undefined) await store.commit([{ table: "meta", key: ORIGIN, value: origin }]);
  else if (home !== origin) {
    await store.close();
    throw new ChatError("bad-input", `This profile belongs to ${home}. Use another --profile.`);
  }
  return store;
}

async function openFolder(folder: string): Promise<LocalStore> {
  await Deno.mkdir(folder, { recursive: true, mode: FOLDER_MODE });
  const path = `${folder}/${STORE_FILE}`;
  await makePrivate(folder, path);
  return openOrSay(path);
}

/** What the system and SQLite say of a folder, as far as people meet it. */
const REASONS: readonly (readonly [said: RegExp, reason: string])[] = [
  [/^PermissionDenied|unable to open database|readonly database/, "this user may not"],
  [/^(AlreadyExists|NotADirectory)/, "that is no folder"],
  [/^IsADirectory/, "a folder is in the way of its file"],
  [/^NotFound/, "there is no such place"],
  [/^NotCapable/, "Snug keeps out of /dev, /proc and /sys"],
  [/No space left|disk is full/, "the disk is full"],
  [/Read-only file system/, "the disk is read-only"],
  [/not a database|malformed/, "what is in it is damaged"],
];

function reasonOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  return REASONS.find(([said]) => said.test(`${error.name}: ${error.message}`))?.[1];
}

/** The file is there with its mode before SQLite writes the first byte; its companions take it over. */
async function makePrivate(folder: string, path: string): Promise<void> {
  const file = await Deno.open(path, { create: true, write: true, mode: FILE_MODE });
  file.close();
  if (Deno.build.os === "windows") return;
  await Deno.chmod(folder, FOLDER_MODE);
  await Deno.chmod(path, FILE_MODE);
}

function openOrSay(path: string): LocalStore {
  try {
    return openSqliteStore(path);
  } catch (error) {
    if (error instanceof StoreTaken) throw new ChatError("profile-taken", error.words);
    throw error;
  }
}
