/**
 * Segments of the history archive: what a device signs of one, and how they form a chain. What is in
 * a segment is sealed by crypto/archive.ts; the server checks the signature and keeps the bytes.
 */
import { bytes, decode, encode, id, type Infer, nullable, record, uint } from "./codec.ts";
import type { Bytes } from "./encoding.ts";
import { equalBytes } from "./encoding.ts";
import { VerifyError } from "./errors.ts";
import type { Id } from "./ids.ts";
import {
  HASH_BYTES,
  KEM_CIPHERTEXT_BYTES,
  KEY_BYTES,
  MAX_VERSION,
  SIGNATURE_BYTES,
  TAG_BYTES,
} from "./limits.ts";
import { sha256, verifySignature } from "./verify.ts";

/** Which archive key: derived from it, so that two keys of one epoch cannot pass for each other. */
export type ArchiveKeyId = Id<"archive-key">;
/** Which conversation, to whoever has the archive key; 16 bytes that mean nothing to anybody else. */
export type SegmentTag = Id<"segment-tag">;

/** Salt in front of a sealed segment. */
export const SEGMENT_SALT_BYTES = 32;
/** Longest sealed segment in bytes: salt, padded content, tag. */
export const MAX_SEGMENT_BYTES = 65_536;
/** Encoded body: ids, hashes and numbers, all of fixed size. */
const MAX_BODY_BYTES = 512;
const MAX_DEPOSIT_BYTES = 2_048;

/** What a device signs, label `segment`. */
export const segmentBodySchema = record({
  account: id<"account">(),
  device: id<"device">(),
  /** Counts up from 1 within the device's chain. */
  seq: uint(MAX_VERSION),
  /** Hash of the segment before; null in the first. */
  previous: nullable(bytes(HASH_BYTES)),
  key: id<"archive-key">(),
  tag: id<"segment-tag">(),
  /** Minute since 1970 of the newest message in it. Segments of a conversation are fetched in this order. */
  minute: uint(),
  /** SHA-256 of the sealed bytes. */
  sealed: bytes(HASH_BYTES),
});
export type SegmentBody = Infer<typeof segmentBodySchema>;

/** A segment without its sealed bytes: enough to check a chain. */
export const segmentHeadSchema = record({
  body: bytes({ max: MAX_BODY_BYTES }),
  signature: bytes(SIGNATURE_BYTES),
});
export type SegmentHead = Infer<typeof segmentHeadSchema>;

export const segmentSchema = record({
  head: segmentHeadSchema,
  sealed: bytes({ max: MAX_SEGMENT_BYTES }),
});
export type Segment = Infer<typeof segmentSchema>;

/** What a device signs of a deposit, label `deposit`: an archive key, sealed for the account's vault. */
export const depositBodySchema = record({
  account: id<"account">(),
  device: id<"device">(),
  /** Version of the device list for which the key was made. */
  epoch: uint(MAX_VERSION),
  /** Hash of that version: nobody can name it before it is there. */
  list: bytes(HASH_BYTES),
  key: id<"archive-key">(),
  /** X25519, of this deposit only. */
  ephemeral: bytes(KEY_BYTES),
  kem: bytes(KEM_CIPHERTEXT_BYTES),
  sealed: bytes(KEY_BYTES + TAG_BYTES),
});
export type DepositBody = Infer<typeof depositBodySchema>;

export const depositEntrySchema = record({
  body: bytes({ max: MAX_DEPOSIT_BYTES }),
  signature: bytes(SIGNATURE_BYTES),
});
export type DepositEntry = Infer<typeof depositEntrySchema>;

/** @throws {FormatError} for a malformed body */
export function readSegment({ body }: SegmentHead): SegmentBody {
  return decode(segmentBodySchema, body, MAX_BODY_BYTES);
}

/** @throws {FormatError} for a malformed body */
export function readDeposit({ body }: DepositEntry): DepositBody {
  return decode(depositBodySchema, body, MAX_DEPOSIT_BYTES);
}

/** SHA-256 (32 bytes) by which the next segment of the device names this one. */
export function segmentHash(head: SegmentHead): Promise<Bytes> {
  return sha256(encode(segmentHeadSchema, head));
}

/**
 * Checks signature and, where they are at hand, the sealed bytes.
 * @param sign the device's Ed25519 key, 32 bytes
 * @throws {VerifyError} `bad-signature`
 * @throws {FormatError} for a malformed body
 */
export async function verifySegment(
  sign: Bytes,
  head: SegmentHead,
  sealed?: Bytes,
): Promise<SegmentBody> {
  const body = readSegment(head);
  const whole = sealed === undefined || equalBytes(await sha256(sealed), body.sealed);
  if (!whole || !await verifySignature(sign, "segment", head.body, head.signature)) {
    throw new VerifyError("bad-signature");
  }
  return body;
}
