/**
 * The history archive: what a device seals for the person's next device. Unlike a message, a segment can be opened
 * for as long as its archive key lives: that is what it is for, and what it costs (docs/threat_model.md).
 */
import { encode } from "../protocol/codec.ts";
import { type Bytes, concat, equalBytes, utf8 } from "../protocol/encoding.ts";
import { type AccountId, idBytes, idFrom } from "../protocol/ids.ts";
import { IV_BYTES, KEY_BYTES, TAG_BYTES } from "../protocol/limits.ts";
import {
  type ArchiveKeyId,
  readSegment,
  type Segment,
  SEGMENT_SALT_BYTES,
  type SegmentBody,
  segmentBodySchema,
  type SegmentTag,
} from "../protocol/segment.ts";
import { sha256 } from "../protocol/verify.ts";
import type { DeviceKeys } from "./account.ts";
import { open, seal } from "./aead.ts";
import { DecryptError } from "./errors.ts";
import { pad, unpad } from "./padding.ts";
import type { KeyMode } from "./private_key.ts";
import { randomBytes } from "./random.ts";
import { sign } from "./signature.ts";
import { wipe } from "./wipe.ts";

/** An archive key as a device keeps it: a WebCrypto key that cannot be exported, or 32 bytes. */
export type ArchiveSecret = CryptoKey | Bytes;

const NO_SALT = new Uint8Array(0);
const SEGMENT_INFO = utf8("snug/1 archive segment");
const ID_INFO = utf8("snug/1 archive key");
const TAG_INFO = utf8("snug/1 archive tag");
const ID_BYTES = 16;

/** A fresh archive key: 32 random bytes. */
export function makeArchiveKey(): Bytes {
  return randomBytes(KEY_BYTES);
}

/**
 * The form in which a device keeps an archive key. The bytes are copied; the caller may wipe its own.
 * @throws {RangeError} for a key of another length
 */
export async function importArchiveKey(key: Bytes, mode: KeyMode): Promise<ArchiveSecret> {
  if (key.length !== KEY_BYTES) throw new RangeError("an archive key is 32 bytes");
  return mode === "portable" ? key.slice() : await imported(key);
}

/** The name of an archive key, 16 bytes: it tells nothing of the key. */
export async function archiveKeyId(secret: ArchiveSecret): Promise<ArchiveKeyId> {
  return idFrom(await derive(secret, NO_SALT, ID_INFO, ID_BYTES));
}

/** The mark of one conversation under one archive key, 16 bytes. @param conversation an account's or a room's id */
export async function segmentTag(
  secret: ArchiveSecret,
  conversation: AccountId,
): Promise<SegmentTag> {
  const info = concat(TAG_INFO, idBytes(conversation));
  return idFrom(await derive(secret, NO_SALT, info, ID_BYTES));
}

/** What a segment is made of; `content` is encoded, not padded. */
export interface NewSegment extends Omit<SegmentBody, "account" | "device" | "sealed"> {
  readonly content: Bytes;
}

/** Seals and signs a segment under a fresh salt. */
export async function sealSegment(
  own: DeviceKeys,
  secret: ArchiveSecret,
  { content, ...names }: NewSegment,
): Promise<Segment> {
  const { account, device } = own;
  const salt = randomBytes(SEGMENT_SALT_BYTES);
  const material = await derive(secret, salt, SEGMENT_INFO, KEY_BYTES + IV_BYTES);
  const padded = pad(content);
  const ad = associated({ ...names, account, device });
  const [key, iv] = [material.slice(0, KEY_BYTES), material.slice(KEY_BYTES)];
  const sealed = concat(salt, await seal(key, iv, padded, ad));
  wipe(material, key, padded);
  const encoded = encode(segmentBodySchema, {
    ...{ ...names, account, device },
    sealed: await sha256(sealed),
  });
  return { head: { body: encoded, signature: await sign(own.sign, "segment", encoded) }, sealed };
}

/**
 * The content of a segment. That it opens proves that a holder of the archive key made it, for this account,
 * device, number, conversation and minute; who signed it is `verifySegment`'s to say.
 * @param account whose archive it is
 * @throws {DecryptError} when anything does not fit
 * @throws {FormatError} for a malformed body
 */
export async function openSegment(
  secret: ArchiveSecret,
  account: AccountId,
  { head, sealed }: Segment,
): Promise<{ readonly body: SegmentBody; readonly content: Bytes }> {
  const body = readSegment(head);
  const short = sealed.length < SEGMENT_SALT_BYTES + TAG_BYTES;
  if (short || body.account !== account) throw new DecryptError();
  if (!equalBytes(body.sealed, await sha256(sealed))) throw new DecryptError();
  const salt = sealed.slice(0, SEGMENT_SALT_BYTES);
  const material = await derive(secret, salt, SEGMENT_INFO, KEY_BYTES + IV_BYTES);
  const [key, iv] = [material.slice(0, KEY_BYTES), material.slice(KEY_BYTES)];
  try {
    const padded = await open(key, iv, sealed.slice(SEGMENT_SALT_BYTES), associated(body));
    return { body, content: unpad(padded) };
  } finally {
    wipe(material, key);
  }
}

/** Fixed lengths, so that no two segments share associated data. `previous` is the signature's to cover. */
function associated(body: Omit<SegmentBody, "sealed" | "previous">): Bytes {
  const { account, device, seq, key, tag, minute } = body;
  const numbers = new Uint8Array(8);
  const view = new DataView(numbers.buffer);
  view.setUint32(0, seq);
  view.setUint32(4, minute);
  return concat(
    ...[SEGMENT_INFO, Uint8Array.of(0)],
    ...[account, device, key, tag].map((id) => idBytes(id)),
    numbers,
  );
}

async function derive(
  secret: ArchiveSecret,
  salt: Bytes,
  info: Bytes,
  length: number,
): Promise<Bytes> {
  const key = secret instanceof Uint8Array ? await imported(secret) : secret;
  const algorithm = { name: "HKDF", hash: "SHA-256", salt, info };
  return new Uint8Array(await crypto.subtle.deriveBits(algorithm, key, length * 8));
}

function imported(key: Bytes): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", key, "HKDF", false, ["deriveBits"]);
}
