/**
 * Writing a large file beside a server that syncs after every commit: what is written goes to the
 * disk in small steps. All at once, at the end or when the system likes, it would make the syncs of
 * the server wait behind it, for as long as a disk needs for hundreds of megabytes.
 */

const STEP_BYTES = 2 ** 20;
/** In milliseconds; a disk that stands still is not waited for twice. */
const MOST_REST = 100;

/**
 * Writes all of what it is given, in small steps, through to the disk.
 * @param rests whether it leaves the disk to others after each step, for as long as the step took
 */
export function steadily(
  file: Deno.FsFile,
  rests: "rests" | "hurries",
): (bytes: Uint8Array) => Promise<void> {
  let unsynced = 0;
  return async (bytes) => {
    await writeAll(file, bytes);
    unsynced += bytes.length;
    if (unsynced < STEP_BYTES) return;
    unsynced = 0;
    const start = performance.now();
    await file.syncData();
    if (rests === "rests") await rest(Math.min(MOST_REST, performance.now() - start));
  };
}

function rest(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** A single call may write less than it was given. */
export async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}

/** A rename is on the disk when its folder is; not every system can say so. */
export async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await Deno.open(path, { read: true });
    await folder.sync().finally(() => folder.close());
  } catch {
    // Windows opens no folders, and needs no more.
  }
}
