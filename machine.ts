/** What the server knows about the machine it runs on, for the pages and commands of admins. */
import { statfsSync } from "node:fs";
import { join } from "node:path";
import type { Machine } from "./routes/admin_door.ts";
import { VERSION } from "./version.ts";

/** The database and what SQLite keeps beside it. */
const DATABASE_FILES = ["snug.db", "snug.db-wal"] as const;

/** Looks anew each time it is called. `started` is in milliseconds since 1970; null: no server runs. */
export function watchMachine(
  dataDir: string,
  started: number | null,
  socketCount: () => number,
  newestBackup: () => Promise<number | null>,
): () => Promise<Machine> {
  return async () => ({
    version: VERSION,
    started,
    sockets: socketCount(),
    memoryBytes: Deno.memoryUsage().rss,
    databaseBytes: DATABASE_FILES.reduce((sum, name) => sum + sizeOf(join(dataDir, name)), 0),
    freeBytes: freeBytes(dataDir),
    backup: await newestBackup(),
  });
}

/** 0 for a file that is not there: the log goes with the last transaction. */
function sizeOf(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

/** Null where the system does not tell. */
function freeBytes(path: string): number | null {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch {
    return null;
  }
}
