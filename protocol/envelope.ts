import type { Bytes } from "./encoding.ts";
import { FormatError } from "./errors.ts";
import { type AccountId, type DeviceId, idBytes, idFrom, type SessionId } from "./ids.ts";
import {
  KEM_CIPHERTEXT_BYTES,
  MAX_ENVELOPE_BYTES,
  MAX_SESSIONS_PER_DEVICE,
  SMALLEST_BUCKET_BYTES,
} from "./limits.ts";

/** What the server sees of a message. The layout is fixed; docs/protocol.md "Envelope" has the offsets. */
export interface Envelope {
  /** `opening`: carries what the responder needs for the handshake. `ordinary`: everything after the first reply. */
  readonly kind: "opening" | "ordinary";
  readonly session: SessionId;
  /** 16 random bytes, salt of the body key. */
  readonly salt: Bytes;
  /** 68 bytes: random IV (12), sealed header (40) and its tag (16). */
  readonly header: Bytes;
  /** Present exactly when `kind` is `opening`. */
  readonly opening: Opening | null;
  /** The padded content under AES-256-GCM, tag (16) included. */
  readonly ciphertext: Bytes;
}

/** The initiator's half of the handshake. Unauthenticated until the body's tag verifies. */
export interface Opening {
  readonly account: AccountId;
  /** Account key, Ed25519, 32 bytes. */
  readonly aik: Bytes;
  readonly device: DeviceId;
  /** Device keys: Ed25519 and X25519, 32 bytes each. */
  readonly sign: Bytes;
  readonly agree: Bytes;
  /** The sender's own device list: version and SHA-256, so that the responder knows which one to fetch. */
  readonly listVersion: number;
  readonly listHash: Bytes;
  /** EK, X25519, 32 bytes. */
  readonly ephemeral: Bytes;
  readonly signedPrekey: number;
  readonly oneTime: number | null;
  readonly kem: { readonly kind: "once" | "last"; readonly id: number; readonly ciphertext: Bytes };
  /** Older sessions with this device that the sender gives up, at most 5. */
  readonly supersedes: readonly SessionId[];
}

const VERSION = 1;
const KINDS = { opening: 1, ordinary: 2 } as const;
/** The kind byte, second in every envelope. Kind `room` has its own layout: room_envelope.ts. */
export const ENVELOPE_KINDS = { ...KINDS, room: 3 } as const;
const KEM_KINDS = { once: 1, last: 2 } as const;
const TAG_BYTES = 16;
const SALT_BYTES = 16;
const HEADER_BYTES = 68;
const FIXED_BYTES = 2 + 16 + SALT_BYTES + HEADER_BYTES;
const OPENING_FIXED_BYTES = 16 + 32 + 16 + 32 + 32 + 4 + 32 + 32 + 4 + 5 + 5 +
  KEM_CIPHERTEXT_BYTES + 1;

/** The protocol's version byte, first in every envelope. */
export const ENVELOPE_VERSION = VERSION;

/**
 * The bytes of an envelope.
 * @throws {RangeError} when a part has the wrong length or the whole is over 64 KiB: a bug of the caller
 */
export function encodeEnvelope(envelope: Envelope): Bytes {
  if ((envelope.opening !== null) !== (envelope.kind === "opening")) {
    throw new RangeError("an opening envelope carries an opening, an ordinary one does not");
  }
  const opening = envelope.opening ? encodeOpening(envelope.opening) : new Uint8Array();
  const length = FIXED_BYTES + opening.length + envelope.ciphertext.length;
  if (length > MAX_ENVELOPE_BYTES) throw new RangeError("envelope too large");
  const out = new Writer(length);
  out.u8(VERSION);
  out.u8(KINDS[envelope.kind]);
  out.bytes(idBytes(envelope.session), 16);
  out.bytes(envelope.salt, SALT_BYTES);
  out.bytes(envelope.header, HEADER_BYTES);
  out.bytes(opening, opening.length);
  out.bytes(envelope.ciphertext, envelope.ciphertext.length);
  return out.done();
}

/**
 * Which decoder an envelope is for.
 * @throws {FormatError} unknown version or kind
 */
export function envelopeKind(bytes: Uint8Array): keyof typeof ENVELOPE_KINDS {
  const input = new Reader(bytes);
  if (input.u8() !== VERSION) throw new FormatError("unknown envelope version");
  return named(ENVELOPE_KINDS, input.u8(), "envelope kind");
}

/**
 * The parts of a pairwise envelope, copied.
 * Kind 3 (rooms) is refused like every unknown kind: a room message is never taken for a pairwise one.
 * @throws {FormatError} for anything that {@link encodeEnvelope} would not have written
 */
export function decodeEnvelope(bytes: Uint8Array): Envelope {
  if (bytes.length > MAX_ENVELOPE_BYTES) throw new FormatError("envelope too large");
  const input = new Reader(bytes);
  if (input.u8() !== VERSION) throw new FormatError("unknown envelope version");
  const kind = named(KINDS, input.u8(), "envelope kind");
  const session = idFrom<"session">(input.bytes(16));
  const salt = input.bytes(SALT_BYTES);
  const header = input.bytes(HEADER_BYTES);
  const opening = kind === "opening" ? readOpening(input) : null;
  const ciphertext = input.rest();
  if (ciphertext.length < SMALLEST_BUCKET_BYTES + TAG_BYTES) {
    throw new FormatError("ciphertext shorter than the smallest bucket");
  }
  return { kind, session, salt, header, opening, ciphertext };
}

/** The bytes of an opening as they stand in the envelope and in the associated data of its body. */
export function encodeOpening(opening: Opening): Bytes {
  const count = opening.supersedes.length;
  if (count > MAX_SESSIONS_PER_DEVICE) throw new RangeError("too many superseded sessions");
  const out = new Writer(OPENING_FIXED_BYTES + 16 * count);
  out.bytes(idBytes(opening.account), 16);
  out.bytes(opening.aik, 32);
  out.bytes(idBytes(opening.device), 16);
  out.bytes(opening.sign, 32);
  out.bytes(opening.agree, 32);
  out.u32(opening.listVersion);
  out.bytes(opening.listHash, 32);
  out.bytes(opening.ephemeral, 32);
  out.u32(opening.signedPrekey);
  out.u8(opening.oneTime === null ? 0 : 1);
  out.u32(opening.oneTime ?? 0);
  out.u8(KEM_KINDS[opening.kem.kind]);
  out.u32(opening.kem.id);
  out.bytes(opening.kem.ciphertext, KEM_CIPHERTEXT_BYTES);
  out.u8(count);
  for (const id of opening.supersedes) out.bytes(idBytes(id), 16);
  return out.done();
}

function readOpening(input: Reader): Opening {
  const account = idFrom<"account">(input.bytes(16));
  const aik = input.bytes(32);
  const device = idFrom<"device">(input.bytes(16));
  const [sign, agree] = [input.bytes(32), input.bytes(32)];
  const [listVersion, listHash] = [input.u32(), input.bytes(32)];
  const ephemeral = input.bytes(32);
  const signedPrekey = input.u32();
  const oneTime = readOptionalId(input);
  const kind = named(KEM_KINDS, input.u8(), "KEM kind");
  const kem = { kind, id: input.u32(), ciphertext: input.bytes(KEM_CIPHERTEXT_BYTES) };
  const supersedes = readSuperseded(input);
  const sender = { account, aik, device, sign, agree, listVersion, listHash };
  return { ...sender, ephemeral, signedPrekey, oneTime, kem, supersedes };
}

// Absent is written as id 0; any other id beside the flag would be a second form of the same opening.
function readOptionalId(input: Reader): number | null {
  const [flag, id] = [input.u8(), input.u32()];
  if (flag > 1 || (flag === 0 && id !== 0)) throw new FormatError("bad one-time prekey id");
  return flag === 1 ? id : null;
}

function readSuperseded(input: Reader): SessionId[] {
  const count = input.u8();
  if (count > MAX_SESSIONS_PER_DEVICE) throw new FormatError("too many superseded sessions");
  return Array.from({ length: count }, () => idFrom<"session">(input.bytes(16)));
}

function named<K extends string>(codes: Readonly<Record<K, number>>, code: number, what: string) {
  for (const name in codes) if (codes[name] === code) return name;
  throw new FormatError(`unknown ${what}`);
}

class Writer {
  readonly #out: Bytes;
  readonly #view: DataView;
  #at = 0;

  constructor(length: number) {
    this.#out = new Uint8Array(length);
    this.#view = new DataView(this.#out.buffer);
  }

  u8(value: number): void {
    this.#out[this.#at++] = value;
  }

  u32(value: number): void {
    if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) {
      throw new RangeError("not u32");
    }
    this.#view.setUint32(this.#at, value);
    this.#at += 4;
  }

  bytes(bytes: Uint8Array, length: number): void {
    if (bytes.length !== length) throw new RangeError(`${bytes.length} bytes instead of ${length}`);
    this.#out.set(bytes, this.#at);
    this.#at += length;
  }

  done(): Bytes {
    return this.#out;
  }
}

class Reader {
  readonly #input: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(input: Uint8Array) {
    this.#input = input;
    this.#view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  bytes(length: number): Bytes {
    const at = this.#take(length);
    return new Uint8Array(this.#input.subarray(at, at + length));
  }

  rest(): Bytes {
    return this.bytes(this.#input.length - this.#at);
  }

  #take(length: number): number {
    if (this.#at + length > this.#input.length) throw new FormatError("envelope too short");
    this.#at += length;
    return this.#at - length;
  }
}
