/**
 * The note of a backup under way: what was copied, and what was begun of it. It lies beside the copy
 * and is written when that is whole; a backup that was cut short goes on by it (see backup_copy.ts).
 */
import { join } from "node:path";
import { syncFolder, writeAll } from "./steady_write.ts";

/** A draft that was begun. */
export interface NotedDraft {
  /** Absolute. */
  readonly path: string;
  /** Its head in hexadecimal; null for a recipient's, whose key nobody here has any more. */
  readonly head: string | null;
}

/** What the note says. */
export interface Note {
  /** When the copy was taken: ISO 8601, UTC. */
  readonly made: string;
  /** Version of the program that took it. */
  readonly program: string;
  /** Which file of which folder it is a copy of, and the version of its tables. */
  readonly source: string;
  readonly accounts: number;
  /** SHA-256 of the copy and of the secrets, in hexadecimal. */
  readonly database: string;
  readonly secrets: string;
  readonly draft: NotedDraft | null;
}

const NOTE = "note.json";

/** On the disk before what it speaks of is made; the old note or the new one, whatever happens. */
export async function writeNote(dir: string, note: Note): Promise<void> {
  const fresh = join(dir, `${NOTE}.new`);
  const file = await Deno.open(fresh, { write: true, create: true, truncate: true, mode: 0o600 });
  try {
    await writeAll(file, new TextEncoder().encode(JSON.stringify(note)));
    await file.sync();
  } finally {
    file.close();
  }
  await Deno.rename(fresh, join(dir, NOTE));
  await syncFolder(dir);
}

/** The note in `dir`; null where there is none, or none that this program wrote. */
export async function readNote(dir: string): Promise<Note | null> {
  try {
    const note: unknown = JSON.parse(await Deno.readTextFile(join(dir, NOTE)));
    return isNote(note) ? note : null;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

function isNote(value: unknown): value is Note {
  const note: Partial<Record<keyof Note, unknown>> = Object(value);
  const { made, program, source, database, secrets, accounts, draft } = note;
  return [made, program, source, database, secrets].every((each) => typeof each === "string") &&
    Number.isSafeInteger(accounts) && (draft === null || isDraft(draft));
}

function isDraft(value: unknown): value is NotedDraft {
  const { path, head }: Partial<Record<keyof NotedDraft, unknown>> = Object(value);
  return typeof path === "string" && (head === null || typeof head === "string");
}
