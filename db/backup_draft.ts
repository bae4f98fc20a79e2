/**
 * The encrypted draft of a backup: written from a copy that stands still, and compared with it.
 *
 * A draft that was cut short is gone on with under its own key. The key, the numbers of the pieces and
 * the copy give the same bytes as before, so no IV is ever used for two different pieces. That rests
 * on what lies in the data folder alone: the note binds the head (the key) to the copy (its SHA-256).
 * Nothing that is found in the draft is believed: every byte that is there must be the one that would
 * be written there now, or the draft is begun anew under a new key.
 */
import { type Bytes, equalBytes, fromHex, toHex } from "../protocol/encoding.ts";
import { type ArchiveVisitor, ArchiveWriter, type BackupFile } from "./backup_archive.ts";
import {
  type BackupCopy,
  CONTENT,
  type Content,
  fileOf,
  isDraft,
  removeDraft,
} from "./backup_copy.ts";
import { BackupError } from "./backup_error.ts";
import { type Lock, makeHead, openHead, type Stretch } from "./backup_key.ts";
import { PIECE_BYTES, SealedWriter } from "./backup_stream.ts";
import { readBackup, readUpTo } from "./backup_unpack.ts";
import { steadily } from "./steady_write.ts";

/** What a draft needs. */
export interface DraftOptions {
  /** What the draft will be called when it is done. */
  readonly file: string;
  readonly lock: Lock;
  readonly random: (length: number) => Bytes;
  readonly stretch?: Stretch | undefined;
  /** Is told how far it is, in bytes; what it throws ends the work. */
  readonly passed: (step: "encrypting" | "comparing", done: number, total: number) => void;
}

/** A draft, and the key of its stream. */
export interface Draft {
  readonly path: string;
  readonly head: Bytes;
  readonly key: CryptoKey;
}

/** What is in the draft is not what would be written there. */
class Differs extends Error {}

/** Writes the draft of `copy`, or the rest of one that was begun with the same passphrase. */
export async function writeDraft(copy: BackupCopy, options: DraftOptions): Promise<Draft> {
  const begun = await begunDraft(copy, options);
  if (begun !== null && await fill(begun, copy, options)) return begun;
  if (copy.note.draft !== null) await removeDraft(copy.note.draft.path);
  const path = `${options.file}.${toHex(options.random(4))}.draft`;
  const { head, key } = await makeHead(options.lock, options.random, options.stretch);
  const draft = { path, head, key };
  await copy.noteDraft({ path, head: "passphrase" in options.lock ? toHex(head) : null });
  (await Deno.open(path, { write: true, createNew: true, mode: 0o600 })).close();
  if (!await fill(draft, copy, options)) {
    throw new BackupError(`${path}: somebody else wrote to it.`);
  }
  return draft;
}

/** The noted draft, if it is one of this file and the passphrase opens the noted head. */
async function begunDraft(
  { note: { draft } }: BackupCopy,
  { file, lock, stretch }: DraftOptions,
): Promise<Draft | null> {
  if (draft === null || draft.head === null || !("passphrase" in lock)) return null;
  if (fileOf(draft.path) !== file || !await isDraft(draft.path)) return null;
  try {
    const head = fromHex(draft.head);
    return { path: draft.path, head, key: await openHead(head, lock, stretch) };
  } catch (error) {
    if (error instanceof BackupError || error instanceof RangeError) return null;
    throw error;
  }
}

/** False when something else is in the draft. */
async function fill(draft: Draft, copy: BackupCopy, options: DraftOptions): Promise<boolean> {
  const file = await Deno.open(draft.path, { read: true, write: true });
  try {
    const output = await goOn(file);
    await output.write(draft.head);
    await writeArchive(copy, new ArchiveWriter(new SealedWriter(draft.key, output.write)), options);
    output.end();
    await file.sync();
    return true;
  } catch (error) {
    if (error instanceof Differs) return false;
    throw error;
  } finally {
    file.close();
  }
}

/** Writes what is not in `file` yet, after it has seen that the rest is. */
async function goOn(file: Deno.FsFile) {
  let { size: left } = await file.stat();
  const append = steadily(file, "rests");
  return {
    async write(bytes: Uint8Array): Promise<void> {
      const there = await readUpTo(file, Math.min(left, bytes.length));
      left -= there.length;
      if (!equalBytes(there, bytes.subarray(0, there.length))) throw new Differs();
      if (there.length < bytes.length) await append(bytes.subarray(there.length));
    },
    end(): void {
      if (left > 0) throw new Differs();
    },
  };
}

async function writeArchive(
  copy: BackupCopy,
  archive: ArchiveWriter,
  { passed }: DraftOptions,
): Promise<void> {
  const total = await copy.size();
  for (const name of CONTENT) {
    using content = await copy.open(name);
    await archive.begin(name);
    for (let piece = await content.read(PIECE_BYTES); piece.length > 0;) {
      await archive.write(piece);
      passed("encrypting", archive.bytes, total);
      piece = await content.read(PIECE_BYTES);
    }
    await archive.end();
  }
  await archive.finish();
}

/**
 * Opens the draft as a restore would, and compares every byte that comes out with the copy.
 * @throws {BackupError} when it is not the same
 */
export async function compareDraft(
  draft: Draft,
  copy: BackupCopy,
  { lock, stretch, passed }: DraftOptions,
): Promise<void> {
  const comparison = new Comparison(copy);
  try {
    await readBackup({
      file: draft.path,
      // What a recipient's key locked only the recipient unlocks; the stream is checked all the same.
      unlock: "passphrase" in lock ? lock : { stream: draft.key },
      stretch,
      passed: (done, total) => passed("comparing", done, total),
    }, comparison);
    comparison.complete();
  } finally {
    comparison.close();
  }
}

class Comparison implements ArchiveVisitor {
  #files = 0;
  #content: Content | null = null;

  constructor(readonly copy: BackupCopy) {}

  async begin(name: BackupFile): Promise<void> {
    const expected = CONTENT[this.#files++];
    if (expected === undefined || name !== expected) throw unlike();
    this.#content = await this.copy.open(expected);
  }

  async write(content: Bytes): Promise<void> {
    const expected = await this.#content!.read(content.length);
    if (!equalBytes(content, expected)) throw unlike();
  }

  async end(): Promise<void> {
    if ((await this.#content!.read(1)).length > 0) throw unlike();
    this.close();
  }

  complete(): void {
    if (this.#files !== CONTENT.length) throw unlike();
  }

  close(): void {
    this.#content?.[Symbol.dispose]();
    this.#content = null;
  }
}

function unlike(): BackupError {
  return new BackupError(
    "What was written is not what was copied: the disk has a fault. Try again.",
  );
}
