/** Why a backup could not be made or used, in words for the person who asked. */
import { join, normalize } from "node:path";

/** Something expected stood in the way. The message is one line and says what to do. */
export class BackupError extends Error {
  override readonly name = "BackupError";
}

/** Somebody asked it to stop. */
export class BackupStopped extends BackupError {}

/** Reasons of the whole disk: which file met them first says nothing. */
const OF_THE_DISK: readonly (readonly [test: RegExp, words: string])[] = [
  [/ENOSPC|No space left|disk is full|quota exceeded|EDQUOT/i, "the disk is full"],
  [/EROFS|Read-only file system/i, "the disk is read-only"],
  [/EMFILE|Too many open files/i, "too many files are open"],
];

/** The operating system's and SQLite's other reasons that people meet, in words. */
const OF_A_FILE: readonly (readonly [test: RegExp, words: string])[] = [
  [/^ENOENT\b/, "there is no such file or folder"],
  [/^EEXIST\b/, "it is there already"],
  [/^ENOTDIR\b/, "that is no folder"],
  [/^EISDIR\b/, "that is a folder, not a file"],
  [/^(EACCES|EPERM)\b/, "this user may not do that"],
  [/unable to open database file/, "this user may not open it, or what lies beside it"],
  [/readonly database/, "this user may not write to it, or the disk is read-only"],
  [/EFBIG|File too large/i, "a file may not get that large there"],
  [/ENAMETOOLONG|File name too long/i, "that name is too long"],
  [/ELOOP|Too many levels of symbolic links/i, "a link leads nowhere"],
  [/EIO\b|Input\/output error|disk I\/O error/i, "the disk has a fault"],
  [/database is locked|EBUSY/i, "another program holds it"],
  // The last is all that Deno 2.4 says of tables that cannot be read.
  [/disk image is malformed|not a database|corrupt|failed to prepare statement/, "it is damaged"],
];

/**
 * `error` as a BackupError about `what` (a path, or what was being done to it), or about the file in
 * that folder which the system names. Errors that are already in words pass through; so do stops and
 * everything that can only be a bug.
 */
export function inWords(what: string, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof BackupError) return error;
  const disk = found(OF_THE_DISK, error);
  if (disk !== undefined) return new BackupError(`${what}: ${disk}.`);
  const reason = kindOf(error) ?? found(OF_A_FILE, error);
  return reason === undefined ? error : new BackupError(`${placeOf(what, error)}: ${reason}.`);
}

function found(reasons: typeof OF_A_FILE, { message }: Error): string | undefined {
  return reasons.find(([test]) => test.test(message))?.[1];
}

function kindOf(error: Error): string | undefined {
  if (error instanceof Deno.errors.NotFound) return "there is no such file or folder";
  if (error instanceof Deno.errors.AlreadyExists) return "it is there already";
  if (error instanceof Deno.errors.NotADirectory) return "that is no folder";
  if (error instanceof Deno.errors.IsADirectory) return "that is a folder, not a file";
  if (error instanceof Deno.errors.PermissionDenied) return "this user may not do that";
  if (error instanceof Deno.errors.NotCapable) return "Snug keeps out of /dev, /proc and /sys";
  return undefined;
}

/** Deno and Node end with the path in quotes, SQLite without; other words are longer than a path. */
function placeOf(what: string, { message }: Error): string {
  const path = /(?:'([^'\n]+)'|: (\/\S+))$/.exec(message)?.slice(1).find(Boolean) ?? "";
  return normalize(path).startsWith(join(what, "/")) ? path : what;
}
