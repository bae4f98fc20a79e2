/** Why a backup could not be made or used, in words for the person who asked. */

/** Something expected stood in the way. The message is one line and says what to do. */
export class BackupError extends Error {
  override readonly name = "BackupError";
}

/** Somebody asked it to stop. */
export class BackupStopped extends BackupError {}

/** The operating system's reasons that people meet, in words. */
const REASONS: readonly (readonly [test: RegExp, words: string])[] = [
  [/ENOSPC|No space left|disk is full|quota exceeded|EDQUOT/i, "the disk is full"],
  [/EFBIG|File too large/i, "a file may not get that large there"],
  [/EROFS|Read-only file system|readonly database/i, "the disk is read-only"],
  [/EIO\b|Input\/output error|disk I\/O error/i, "the disk has a fault"],
  [/EMFILE|Too many open files/i, "too many files are open"],
  [/database is locked|EBUSY/i, "another program holds it"],
  [/malformed|not a database|corrupt/i, "it is damaged"],
];

/**
 * `error` as a BackupError about `what` (a path, or what was being done to it). Errors that are
 * already in words pass through; so do stops and everything that can only be a bug.
 */
export function inWords(what: string, error: unknown): unknown {
  const reason = reasonOf(error);
  return reason === undefined ? error : new BackupError(`${what}: ${reason}.`);
}

function reasonOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || error instanceof BackupError) return undefined;
  if (error instanceof Deno.errors.NotFound) return "there is no such file or folder";
  if (error instanceof Deno.errors.AlreadyExists) return "it is there already";
  if (error instanceof Deno.errors.NotADirectory) return "that is no folder";
  if (error instanceof Deno.errors.IsADirectory) return "that is a folder, not a file";
  if (error instanceof Deno.errors.PermissionDenied) return "this user may not do that";
  return REASONS.find(([test]) => test.test(error.message))?.[1];
}
