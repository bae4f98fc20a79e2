/**
 * PQXDH (Signal's specification, revision 3) with one suite, every identity bound into the transcript,
 * and no way to leave the post-quantum part out.
 */
import { bytes, choice, encode, id, type Infer, nullable, record } from "../protocol/codec.ts";
import { type Bytes, concat, utf8 } from "../protocol/encoding.ts";
import { idFrom, type SessionId } from "../protocol/ids.ts";
import { KEM_CIPHERTEXT_BYTES, KEM_PUBLIC_BYTES, KEY_BYTES } from "../protocol/limits.ts";
import { agree, type AgreementPair } from "./agreement.ts";
import { hkdf, sha256 } from "./kdf.ts";
import { decapsulate, encapsulate, type KemPair } from "./kem.ts";
import type { RatchetSecrets } from "./ratchet/state.ts";
import { wipe } from "./wipe.ts";

const SUITE = "snug/1 X25519 ML-KEM-768 HKDF-SHA-256 AES-256-GCM";
const INFO = utf8("snug/1 pqxdh");
// Keeps DH input apart from an encoded curve point, as in X3DH section 2.2.
const PREFIX = new Uint8Array(32).fill(0xff);
const ZERO_SALT = new Uint8Array(32);

/** The public identity of one device: all that the other side must agree it is talking to. */
const partySchema = record({
  account: id<"account">(),
  aik: bytes(KEY_BYTES),
  device: id<"device">(),
  sign: bytes(KEY_BYTES),
  agree: bytes(KEY_BYTES),
});

const transcriptSchema = record({
  suite: choice(SUITE),
  initiator: partySchema,
  responder: partySchema,
  signedPrekey: bytes(KEY_BYTES),
  oneTime: nullable(bytes(KEY_BYTES)),
  kemKind: choice("once", "last"),
  kemKey: bytes(KEM_PUBLIC_BYTES),
  kemCiphertext: bytes(KEM_CIPHERTEXT_BYTES),
  ephemeral: bytes(KEY_BYTES),
});

/** One side's account id, account key, device id and device keys. */
export type Party = Infer<typeof partySchema>;

/** Every public value of one handshake; `oneTime` is null when the server had none left. */
export type HandshakeFacts = Omit<Infer<typeof transcriptSchema>, "suite">;

/** What the initiator knows of the responder's prekeys, all verified by `protocol/bundle.ts`. */
export interface PublicPrekeys {
  readonly signedPrekey: Bytes;
  readonly oneTime: Bytes | null;
  readonly kemKind: "once" | "last";
  readonly kemKey: Bytes;
}

/** The responder's private halves that an opening names. */
export interface PrivatePrekeys {
  readonly signedPrekey: AgreementPair;
  readonly oneTime: AgreementPair | null;
  readonly kem: KemPair;
}

/** What both sides end up with. */
export interface Handshake {
  /** T, 32 bytes. */
  readonly transcript: Bytes;
  readonly session: SessionId;
  readonly secrets: RatchetSecrets;
}

/**
 * `T = SHA-256` of the deterministic structure over the suite and every public value.
 * Public values only: it tells a known opening before any private key is used.
 */
export async function transcriptOf(facts: HandshakeFacts): Promise<Bytes> {
  return await sha256(encode(transcriptSchema, { suite: SUITE, ...facts }));
}

/** The session id, `T[0..16]`. */
export function sessionIdOf(transcript: Bytes): SessionId {
  return idFrom(transcript.subarray(0, 16));
}

/**
 * The initiator's half.
 * @param own device agreement key IKa
 * @param ephemeral EKa, fresh for this handshake and forgotten after it
 * @throws when a public key is of small order or no valid KEM key
 */
export async function initiate(
  own: { readonly party: Party; readonly agree: CryptoKey },
  peer: Party,
  prekeys: PublicPrekeys,
  ephemeral: AgreementPair,
): Promise<Handshake & { readonly kemCiphertext: Bytes }> {
  const kem = await encapsulate(prekeys.kemKey);
  const shared = await Promise.all([
    agree(own.agree, prekeys.signedPrekey),
    agree(ephemeral.private, peer.agree),
    agree(ephemeral.private, prekeys.signedPrekey),
    ...prekeys.oneTime ? [agree(ephemeral.private, prekeys.oneTime)] : [],
  ]);
  const transcript = await transcriptOf({
    ...prekeys,
    initiator: own.party,
    responder: peer,
    kemCiphertext: kem.ciphertext,
    ephemeral: ephemeral.public,
  });
  const secrets = await handshakeSecrets([...shared, kem.secret], transcript);
  return { transcript, session: sessionIdOf(transcript), secrets, kemCiphertext: kem.ciphertext };
}

/**
 * The responder's half.
 * @param own device agreement key IKb
 * @param facts the opening's public values, checked against the sender's verified device list
 * @throws when a public key is of small order. A false KEM ciphertext gives other secrets (FIPS 203,
 *   implicit rejection), and the first header does not open.
 */
export async function respond(
  own: CryptoKey,
  facts: HandshakeFacts,
  transcript: Bytes,
  prekeys: PrivatePrekeys,
): Promise<Handshake> {
  const { oneTime, signedPrekey } = prekeys;
  const shared = await Promise.all([
    agree(signedPrekey.private, facts.initiator.agree),
    agree(own, facts.ephemeral),
    agree(signedPrekey.private, facts.ephemeral),
    ...oneTime ? [agree(oneTime.private, facts.ephemeral)] : [],
    decapsulate(prekeys.kem.private, facts.kemCiphertext),
  ]);
  const secrets = await handshakeSecrets(shared, transcript);
  return { transcript, session: sessionIdOf(transcript), secrets };
}

/**
 * `HKDF(salt = 32 zero bytes, ikm = 0xff x 32 || DH1 || DH2 || DH3 [|| DH4] || KEM,
 * info = "snug/1 pqxdh" || T)`, 96 bytes. Wipes `shared`.
 */
export async function handshakeSecrets(
  shared: readonly Bytes[],
  transcript: Bytes,
): Promise<RatchetSecrets> {
  const ikm = concat(PREFIX, ...shared);
  const okm = await hkdf(ikm, ZERO_SALT, concat(INFO, transcript), 96);
  wipe(ikm, ...shared);
  return {
    root: okm.slice(0, 32),
    initiatorHeaderKey: okm.slice(32, 64),
    responderHeaderKey: okm.slice(64),
  };
}
