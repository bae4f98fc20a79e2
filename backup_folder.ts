/** A folder of backups, each named by the second it was begun; the newest are kept. */
import { join, resolve } from "node:path";
import { inWords } from "./db/backup_error.ts";

const NAME = /^snug-(\d{4}-\d\d-\d\d)T(\d\d)(\d\d)(\d\d)Z\.backup$/;

/**
 * Makes the folder if it is not there, and makes sure that it can be written to.
 * @throws {BackupError} in words that begin with the flag
 */
export async function prepareFolder(dir: string, flag: string): Promise<void> {
  try {
    await Deno.mkdir(dir, { recursive: true, mode: 0o700 });
    await Deno.remove(await Deno.makeTempFile({ dir, prefix: "try-" }));
  } catch (error) {
    throw inWords(`${flag} ${dir}`, error);
  }
}

/** The names of our own files, oldest first. Others are left alone. */
export async function backupsIn(dir: string): Promise<string[]> {
  const names = (await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name);
  return names.filter((name) => NAME.test(name)).sort();
}

/**
 * Removes all but the newest, and never `made`, which was made just now. What bears a time to come is
 * of a clock that ran ahead, and the first to go: it would stand before all that are made from now on.
 */
export async function keepNewest(
  dir: string,
  keep: number,
  made: string,
  now: number,
): Promise<void> {
  const names = await backupsIn(dir);
  const ahead = names.filter((name) => timeOf(name) > now);
  const surplus = [...ahead, ...names.filter((name) => !ahead.includes(name))].slice(0, -keep);
  for (const name of surplus) {
    if (resolve(dir, name) !== resolve(made)) await Deno.remove(join(dir, name));
  }
}

/** The name of a backup that begins now, in milliseconds since 1970. */
export function nameAt(time: number): string {
  return `snug-${new Date(time).toISOString().slice(0, 19).replaceAll(":", "")}Z.backup`;
}

/** When the backup of this name was begun, in milliseconds since 1970. */
export function timeOf(name: string): number {
  return Date.parse(name.replace(NAME, "$1T$2:$3:$4Z"));
}
