/** Backups of small servers, with a passphrase that is quick to stretch. */
import { createHash } from "node:crypto";
import type { BackupOptions, Unlock } from "../../db/backup.ts";
import { openDatabase } from "../../db/sqlite.ts";
import { addPerson, type Person } from "./relay_world.ts";

/** Runs `body` with an empty folder. */
export async function withFolder(body: (root: string) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "snug-backup-" });
  try {
    await body(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const PASSPHRASE = { passphrase: "twelve small words" };

/** What both making and restoring take. */
export type Given = Omit<BackupOptions, "file"> & { readonly unlock: Unlock };

/** A data folder with secrets and no database yet, and what makeBackup wants besides a file. */
export async function parts(
  root: string,
): Promise<{ readonly dataDir: string; readonly options: Given }> {
  const dataDir = `${root}/data`;
  await Deno.mkdir(dataDir, { mode: 0o700 });
  await Deno.writeTextFile(`${dataDir}/secrets.json`, SECRETS, { mode: 0o600 });
  const options: Given = {
    dataDir,
    lock: PASSPHRASE,
    unlock: PASSPHRASE,
    program: "0.0.0",
    now: () => Date.now(),
    random: (length) => crypto.getRandomValues(new Uint8Array(length)),
    stretch: quickStretch,
  };
  return { dataDir, options };
}

/** What the secrets of {@link parts} are. */
export const SECRETS = '{"version":1}\n';

/** Not Argon2id: one hash, for tests that open thousands of files. */
export function quickStretch(passphrase: Uint8Array, salt: Uint8Array): Promise<Uint8Array> {
  const hash = createHash("sha256").update(passphrase).update(salt).digest();
  return Promise.resolve(new Uint8Array(hash));
}

/** Makes the database with one account of one device. */
export function makeDatabase(dataDir: string): Person {
  const db = openDatabase(`${dataDir}/snug.db`);
  try {
    return addPerson(db);
  } finally {
    db.close();
  }
}
