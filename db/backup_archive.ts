/**
 * What is inside a backup: files, one after the other.
 *
 * A file is its name (length u8, ASCII), then blocks (length u32, bytes), then a block of length 0;
 * a name of length 0 ends the archive. Blocks, because the log of a database in use has no length
 * yet when copying begins. A later file of the same name replaces the earlier one.
 */
import { type Bytes, fromUtf8, utf8 } from "../protocol/encoding.ts";
import { BackupError } from "./backup_error.ts";
import type { SealedReader, SealedWriter } from "./backup_stream.ts";

/** The files a backup may hold; no other name is ever written to a disk. */
export const BACKUP_FILES = ["about.json", "secrets.json", "snug.db", "snug.db-wal"] as const;
/** One of them. */
export type BackupFile = typeof BACKUP_FILES[number];

const MAX_BLOCK = 262_144;

/** Writes files into a sealed stream. */
export class ArchiveWriter {
  /** Content so far, of all files. */
  bytes = 0;

  constructor(readonly sealed: SealedWriter) {}

  async begin(name: BackupFile): Promise<void> {
    await this.sealed.write(new Uint8Array([name.length]));
    await this.sealed.write(utf8(name));
  }

  /** More content of the file that was begun. */
  async write(content: Uint8Array): Promise<void> {
    for (let at = 0; at < content.length; at += MAX_BLOCK) {
      const block = content.subarray(at, at + MAX_BLOCK);
      await this.sealed.write(uint32(block.length));
      await this.sealed.write(block);
      this.bytes += block.length;
    }
  }

  async end(): Promise<void> {
    await this.sealed.write(uint32(0));
  }

  async finish(): Promise<void> {
    await this.sealed.write(new Uint8Array([0]));
    await this.sealed.finish();
  }
}

/** Is told what an archive holds, in its order. */
export interface ArchiveVisitor {
  begin(name: BackupFile): Promise<void>;
  write(content: Bytes): Promise<void>;
  end(): Promise<void>;
}

/**
 * Reads a whole archive.
 * @throws {BackupError} for anything that {@link ArchiveWriter} does not write
 */
export async function readArchive(sealed: SealedReader, visitor: ArchiveVisitor): Promise<void> {
  for (let name = await readName(sealed); name !== null; name = await readName(sealed)) {
    await visitor.begin(name);
    for (let length = await readLength(sealed); length > 0; length = await readLength(sealed)) {
      await visitor.write(await sealed.read(length));
    }
    await visitor.end();
  }
  await sealed.end();
}

async function readName(sealed: SealedReader): Promise<BackupFile | null> {
  const [length = 0] = await sealed.read(1);
  if (length === 0) return null;
  const name = fromUtf8(await sealed.read(length));
  const known = BACKUP_FILES.find((each) => each === name);
  if (known === undefined) throw new BackupError("That backup is of a newer Snug.");
  return known;
}

async function readLength(sealed: SealedReader): Promise<number> {
  const { buffer } = await sealed.read(4);
  const length = new DataView(buffer).getUint32(0);
  if (length > MAX_BLOCK) throw new BackupError("That backup is of a newer Snug.");
  return length;
}

function uint32(value: number): Bytes {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}
