/**
 * Room on the server's own disk. What fills it fails in any case, and makes the server refuse messages
 * until it is removed again.
 */
import { statfsSync } from "node:fs";
import { BackupError } from "./backup_error.ts";

/** What the server writes meanwhile. */
const SPARE_BYTES = 8 * 2 ** 20;

/**
 * Where the system does not say how much is free, it is tried.
 * @throws {BackupError} when so many bytes do not fit into `dir`
 */
export function refuseWithoutRoom(dir: string, bytes: number): void {
  const free = freeBytes(dir);
  const needed = bytes + SPARE_BYTES;
  if (free === null || free >= needed) return;
  throw new BackupError(
    `${dir}: a backup needs ${megabytes(needed)} there, and ${megabytes(free)} are free.`,
  );
}

function freeBytes(dir: string): number | null {
  try {
    const { bavail, blocks, bsize } = statfsSync(dir);
    // Some that are no real disks answer nothing but zeros.
    return blocks === 0 ? null : bavail * bsize;
  } catch {
    return null;
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
