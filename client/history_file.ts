/**
 * A history in one file, sealed with a passphrase. The file is a head and sealed pieces, each of which names its
 * number and whether it is the last, so that none can be left out, moved or cut off.
 *
 *     "snug history" || version u8 = 1 || salt 16
 *     pieces: length u32 || AES-256-GCM(key, IV = 0 x 4 || number u64, piece, AD = head || last u8)
 *     key   = HKDF(salt, ikm = Argon2id(passphrase, salt), info = "snug/1 history file"), 32 bytes
 *
 * The first piece says whose history it is, the others are contents of segments, the last is empty.
 */
import { open, seal } from "../crypto/aead.ts";
import { DecryptError } from "../crypto/errors.ts";
import { hkdf } from "../crypto/kdf.ts";
import { randomBytes } from "../crypto/random.ts";
import { wipe } from "../crypto/wipe.ts";
import { decode, encode, id, type Infer, record, text, uint } from "../protocol/codec.ts";
import { type Bytes, concat, equalBytes, utf8 } from "../protocol/encoding.ts";
import { FormatError } from "../protocol/errors.ts";
import { KEY_BYTES } from "../protocol/limits.ts";
import {
  ArchiveCut,
  decodeSegmentContent,
  encodeSegmentContent,
  type SegmentContent,
} from "./archive_records.ts";
import { done, type Outcome, refused } from "./types.ts";

/** A passphrase made slow to guess: 32 bytes by Argon2id with 64 MiB, 3 passes and 4 lanes. */
export type Stretch = (passphrase: Bytes, salt: Bytes) => Promise<Bytes>;

const MAGIC = concat(utf8("snug history"), Uint8Array.of(1));
const INFO = utf8("snug/1 history file");
const SALT_BYTES = 16;
/** There is no server to count tries at a file. */
export const MIN_PASSPHRASE = 12;
/** A piece of 128 messages of the longest kind is under this. */
const MAX_PIECE_BYTES = 2 ** 20;

const headSchema = record({
  account: id<"account">(),
  username: text({ max: 32 }),
  /** Scheme, host and port of the server it comes from. */
  origin: text({ max: 300 }),
  /** Milliseconds since 1970. */
  time: uint(Number.MAX_SAFE_INTEGER),
});
/** Whose history a file holds. */
export type HistoryHead = Infer<typeof headSchema>;

export interface HistoryFile {
  readonly head: HistoryHead;
  readonly contents: readonly SegmentContent[];
}

/** Seals a history. A passphrase below 12 characters is refused, and a history of which the server keeps a part. */
export async function sealHistory(
  head: HistoryHead,
  contents: AsyncIterable<SegmentContent>,
  passphrase: string,
  stretch: Stretch,
): Promise<Outcome<Bytes>> {
  if ([...passphrase].length < MIN_PASSPHRASE) return refused("weak-password", TOO_SHORT);
  const start = concat(MAGIC, randomBytes(SALT_BYTES));
  const key = await keyOf(passphrase, start.slice(MAGIC.length), stretch);
  const parts: Bytes[] = [start];
  const add = async (piece: Bytes, last = false) => {
    const number = parts.length - 1;
    const sealed = await seal(key, ivOf(number), piece, concat(start, Uint8Array.of(last ? 1 : 0)));
    parts.push(concat(lengthOf(sealed), sealed));
  };
  try {
    await add(encode(headSchema, head));
    for await (const content of contents) await add(encodeSegmentContent(content));
    await add(new Uint8Array(0), true);
    return done(concat(...parts));
  } catch (error) {
    if (!(error instanceof ArchiveCut)) throw error;
    return refused("offline", CUT);
  } finally {
    wipe(key);
  }
}

/** Opens what {@link sealHistory} made. Anything that is not whole is refused, with words. */
export async function openHistory(
  file: Bytes,
  passphrase: string,
  stretch: Stretch,
): Promise<Outcome<HistoryFile>> {
  const start = file.slice(0, MAGIC.length + SALT_BYTES);
  const ours = start.length === MAGIC.length + SALT_BYTES &&
    equalBytes(start.slice(0, MAGIC.length), MAGIC);
  if (!ours) return refused("bad-input", "That file is no history of Snug.");
  const key = await keyOf(passphrase, start.slice(MAGIC.length), stretch);
  try {
    return done(await readPieces(file, start, key));
  } catch (error) {
    if (error instanceof FirstPiece) return refused("wrong-password", WRONG);
    if (!(error instanceof DecryptError || error instanceof FormatError)) throw error;
    return refused("bad-input", "That file is damaged, or a part of it is missing.");
  } finally {
    wipe(key);
  }
}

/** Not even the head opens: another passphrase, most likely. */
class FirstPiece extends Error {}

async function readPieces(file: Bytes, start: Bytes, key: Bytes): Promise<HistoryFile> {
  let at = start.length;
  let head: HistoryHead | null = null;
  const contents: SegmentContent[] = [];
  for (let number = 0;; number++) {
    const sealed = pieceAt(file, at);
    at += 4 + sealed.length;
    const last = at === file.length;
    const ad = concat(start, Uint8Array.of(last ? 1 : 0));
    const piece = await open(key, ivOf(number), sealed, ad).catch((error) => {
      throw number === 0 ? new FirstPiece() : error;
    });
    if (last && piece.length === 0 && head) return { head, contents };
    if (number === 0) head = decode(headSchema, piece);
    else contents.push(decodeSegmentContent(piece));
  }
}

function pieceAt(file: Bytes, at: number): Bytes {
  if (at + 4 > file.length) throw new FormatError("a piece is missing");
  const length = new DataView(file.buffer, file.byteOffset).getUint32(at);
  const end = at + 4 + length;
  if (length > MAX_PIECE_BYTES || end > file.length) throw new FormatError("a piece is cut off");
  return file.slice(at + 4, end);
}

async function keyOf(passphrase: string, salt: Bytes, stretch: Stretch): Promise<Bytes> {
  const stretched = await stretch(utf8(passphrase.normalize("NFC").toWellFormed()), salt);
  return await hkdf(stretched, salt, INFO, KEY_BYTES);
}

function ivOf(number: number): Bytes {
  const iv = new Uint8Array(12);
  new DataView(iv.buffer).setBigUint64(4, BigInt(number));
  return iv;
}

function lengthOf({ length }: Bytes): Bytes {
  const encoded = new Uint8Array(4);
  new DataView(encoded.buffer).setUint32(0, length);
  return encoded;
}

const TOO_SHORT = `A passphrase has at least ${MIN_PASSPHRASE} characters: five words will do.`;
const CUT = "The server does not give all of your history now. Try again later.";
const WRONG = "This passphrase does not open the file.";
