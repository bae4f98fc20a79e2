/** What keeps the database from being written though nobody made a mistake. */

/** `full`: nothing is taken until somebody sees to the disk. `busy`: another program holds the database. */
export type Trouble = "full" | "busy";

/** As SQLite says it (https://www.sqlite.org/rescode.html): not every error of Deno's has the code. */
const WORDS: readonly (readonly [says: RegExp, trouble: Trouble])[] = [
  [/^(database or disk is full|attempt to write a readonly database|disk I\/O error)$/, "full"],
  [/^database is locked$/, "busy"],
];

/** Null for everything that can only be a bug. */
export function troubleOf(error: unknown): Trouble | null {
  if (!(error instanceof Error && "code" in error)) return null;
  if (error.code !== "ERR_SQLITE_ERROR") return null;
  return WORDS.find(([says]) => says.test(error.message))?.[1] ?? null;
}
