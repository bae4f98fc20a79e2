/**
 * One session with one peer device: handshake, ratchet and envelope put together. Pure: a state goes
 * in, a new state comes out, and the caller stores it in one transaction with what came of it.
 */
import {
  checkNamedList,
  type DeviceList,
  findDevice,
  type VerifiedBundle,
} from "../protocol/bundle.ts";
import { type Bytes, equalBytes } from "../protocol/encoding.ts";
import {
  encodeEnvelope,
  encodeOpening,
  type Envelope,
  type Opening,
} from "../protocol/envelope.ts";
import { VerifyError } from "../protocol/errors.ts";
import type { AccountId, DeviceId, SessionId } from "../protocol/ids.ts";
import type { DeviceKeys } from "./account.ts";
import { type AgreementPair, generateAgreement, type KeyMode } from "./agreement.ts";
import { DecryptError, KeyError } from "./errors.ts";
import {
  type HandshakeFacts,
  initiate,
  type Party,
  type PrivatePrekeys,
  respond,
  sessionIdOf,
  transcriptOf,
} from "./handshake.ts";
import type { StoredPrekey } from "./prekeys.ts";
import { ratchetDecrypt, ratchetEncrypt, type SessionBinding } from "./ratchet/double_ratchet.ts";
import { initiatorRatchet, type RatchetState, responderRatchet } from "./ratchet/state.ts";
import type { Context } from "./ratchet/message_key.ts";

export type { Context } from "./ratchet/message_key.ts";

/**
 * A session as it is stored: plain values, `Uint8Array` and `CryptoKey`, fit for `structuredClone`.
 * Never backed up and never restored: a device whose store went back in time is a new device.
 */
export interface SessionState {
  /** Version of this layout; states of every older version must load. */
  readonly format: 1;
  readonly id: SessionId;
  /** T, 32 bytes. */
  readonly transcript: Bytes;
  readonly role: "initiator" | "responder";
  /** The device at the other end, as its verified device list had it when the session was made. */
  readonly peer: { readonly account: AccountId; readonly aik: Bytes; readonly device: DeviceId };
  /** Whether the peer is known to have the session: it has sent on it. Always so for a responder. */
  readonly confirmed: boolean;
  /** What every message carries until the session is confirmed; null for a responder and afterwards. */
  readonly opening: Opening | null;
  /** Sessions with this device that the opening gave up. */
  readonly supersedes: readonly SessionId[];
  /** Both in ms since 1970 by this device's clock: when made, and when something last came on it (0: never). */
  readonly createdAt: number;
  readonly receivedAt: number;
  /** Messages of the peer that others have overtaken and that have not come. */
  readonly missing: number;
  readonly ratchet: RatchetState;
}

/** A decrypted message and the state to commit with it. */
export interface Decrypted {
  readonly state: SessionState;
  readonly content: Bytes;
  readonly context: Context;
  /** Messages newly known to be missing before this one; they may still come. */
  readonly gap: number;
  /** Whether this one was itself missing. */
  readonly late: boolean;
}

/** Ids of the prekeys an opening used. The one-time ones are erased in the transaction that commits `state`. */
export interface UsedPrekeys {
  readonly signed: number;
  readonly oneTime: number | null;
  readonly kemOnce: number | null;
  readonly kemLast: number | null;
}

/** Finds an own prekey, private half and all. */
export type PrekeyLookup = (
  kind: StoredPrekey["kind"],
  id: number,
) => Promise<StoredPrekey | undefined>;

/** Version and SHA-256 (32 bytes) of a device list. */
export interface ListHead {
  readonly version: number;
  readonly hash: Bytes;
}

const NOTHING: Bytes = new Uint8Array();

/**
 * A new session towards the device of a verified bundle. Nothing is sent yet: every message carries the
 * opening until the peer answers.
 * @param ownList head of the own device list
 * @param supersedes sessions with that device to give up, and unknown session ids seen from it; at most 5
 * @param now ms since 1970
 */
export async function openSession(
  own: DeviceKeys,
  ownList: ListHead,
  peer: VerifiedBundle,
  supersedes: readonly SessionId[],
  now: number,
): Promise<SessionState> {
  const mode = modeOf(own);
  const ephemeral = await generateAgreement(mode);
  const keys = {
    signedPrekey: peer.signedPrekey.key,
    oneTime: peer.oneTime?.key ?? null,
    kemKind: peer.kem.kind,
    kemKey: peer.kem.key,
  };
  const party = ownParty(own);
  const made = await initiate({ party, agree: own.agree.private }, partyOf(peer), keys, ephemeral);
  const opening: Opening = {
    ...party,
    listVersion: ownList.version,
    listHash: ownList.hash,
    ephemeral: ephemeral.public,
    signedPrekey: peer.signedPrekey.id,
    oneTime: peer.oneTime?.id ?? null,
    kem: { kind: peer.kem.kind, id: peer.kem.id, ciphertext: made.kemCiphertext },
    supersedes,
  };
  return {
    ...begin(made.transcript, peer, supersedes, now),
    role: "initiator",
    confirmed: false,
    opening,
    receivedAt: 0,
    missing: 0,
    ratchet: initiatorRatchet(made.secrets, keys.signedPrekey, mode),
  };
}

/**
 * The next message of a session. Commit the state before the envelope leaves the device.
 * @throws {RangeError} when the padded content does not fit into an envelope of 64 KiB
 */
export async function encryptMessage(
  state: SessionState,
  content: Bytes,
  context: Context,
): Promise<{ state: SessionState; envelope: Bytes }> {
  const { opening } = state;
  const bound = bindingOf(state, opening);
  const sealed = await ratchetEncrypt(state.ratchet, bound, { content, context });
  const kind = opening ? "opening" : "ordinary";
  const envelope = encodeEnvelope({ kind, session: state.id, opening, ...sealed.message });
  return { state: { ...state, ratchet: sealed.state }, envelope };
}

/**
 * Opens a message of a session that exists, be it ordinary or one more copy of the opening.
 * `state` is left as it was; without an error the returned one replaces it.
 * @throws {DecryptError} forged, damaged, seen before, reflected, of another session or context
 */
export async function decryptMessage(
  state: SessionState,
  envelope: Envelope,
  now: number,
): Promise<Decrypted> {
  if (envelope.session !== state.id) throw new DecryptError();
  // Only the initiator sends openings, so to itself one can only be its own, come back.
  if (envelope.opening && state.role === "initiator") throw new DecryptError();
  const bound = bindingOf(state, envelope.opening);
  const { state: ratchet, content, context, gap, late } = await ratchetDecrypt(
    state.ratchet,
    bound,
    envelope,
    now,
  );
  const missing = state.missing + gap - (late ? 1 : 0);
  const news = { confirmed: true, opening: null, receivedAt: now, missing, ratchet };
  return { state: { ...state, ...news }, content, context, gap, late };
}

/**
 * Opens the first message of a session that the peer began.
 * The transcript is worked out and compared with the session id before any private key is used.
 * @param senderList verified device list of the account that the opening names
 * @throws {VerifyError} when the list does not have the opening's keys: `wrong-account`, `key-changed`,
 *   `not-listed`, `device-changed`; `newer-list` asks for a newer list first; `fork`
 * @throws {DecryptError} everything else: unknown prekey, forged, damaged
 */
export async function acceptOpening(
  own: DeviceKeys,
  envelope: Envelope,
  senderList: DeviceList,
  prekeys: PrekeyLookup,
  now: number,
): Promise<Decrypted & { readonly used: UsedPrekeys }> {
  const { opening } = envelope;
  if (!opening) throw new DecryptError();
  checkSender(opening, own, senderList);
  const found = await readOpening(own, opening, prekeys);
  if (!found || sessionIdOf(found.transcript) !== envelope.session) throw new DecryptError();
  const made = await respondOrRefuse(own, found);
  const ratchet = responderRatchet(made.secrets, found.privates.signedPrekey, modeOf(own));
  const state: SessionState = {
    ...begin(found.transcript, opening, opening.supersedes, now),
    role: "responder",
    confirmed: true,
    opening: null,
    receivedAt: now,
    missing: 0,
    ratchet,
  };
  return { ...await decryptMessage(state, envelope, now), used: usedBy(opening) };
}

/** What an opening amounts to for this device: T and the prekeys it names. */
export interface FoundOpening {
  readonly transcript: Bytes;
  readonly facts: HandshakeFacts;
  readonly privates: PrivatePrekeys;
}

/**
 * The transcript T of an opening, from public values only, or null when a prekey it names is gone or
 * never was. Tells a known opening whatever session id its envelope shows.
 */
export async function readOpening(
  own: DeviceKeys,
  opening: Opening,
  prekeys: PrekeyLookup,
): Promise<FoundOpening | null> {
  const { kem, oneTime } = opening;
  const [signed, once, kemKey] = await Promise.all([
    prekeys("signed", opening.signedPrekey),
    oneTime === null ? null : prekeys("once", oneTime),
    prekeys(`kem-${kem.kind}`, kem.id),
  ]);
  if (!signed || once === undefined || !kemKey) return null;
  const facts: HandshakeFacts = {
    initiator: partyOf(opening),
    responder: ownParty(own),
    signedPrekey: signed.public,
    oneTime: once?.public ?? null,
    kemKind: kem.kind,
    kemKey: kemKey.public,
    kemCiphertext: kem.ciphertext,
    ephemeral: opening.ephemeral,
  };
  const privates = { signedPrekey: pairOf(signed), oneTime: once && pairOf(once), kem: kemKey };
  return { transcript: await transcriptOf(facts), facts, privates };
}

function checkSender(opening: Opening, own: DeviceKeys, list: DeviceList): void {
  if (opening.account !== list.account) throw new VerifyError("wrong-account");
  if (!equalBytes(opening.aik, list.aik)) throw new VerifyError("key-changed");
  checkNamedList(list, opening.listVersion, opening.listHash);
  const entry = findDevice(list, opening.device);
  // Nobody opens a session with itself: such an opening is an own one, reflected.
  if (!entry || opening.device === own.device) throw new VerifyError("not-listed");
  const sameKeys = equalBytes(entry.sign, opening.sign) && equalBytes(entry.agree, opening.agree);
  if (!sameKeys) throw new VerifyError("device-changed");
}

// Whatever the opening's keys make the primitives refuse looks like every other failure.
async function respondOrRefuse(own: DeviceKeys, found: FoundOpening) {
  const { facts, transcript, privates } = found;
  return await respond(own.agree.private, facts, transcript, privates).catch((error) => {
    throw error instanceof KeyError ? new DecryptError() : error;
  });
}

function begin(
  transcript: Bytes,
  { account, aik, device }: Pick<Party, "account" | "aik" | "device">,
  supersedes: readonly SessionId[],
  createdAt: number,
) {
  const id = sessionIdOf(transcript);
  return {
    format: 1,
    id,
    transcript,
    peer: { account, aik, device },
    supersedes,
    createdAt,
  } as const;
}

function bindingOf(state: SessionState, opening: Opening | null): SessionBinding {
  const bytes = opening ? encodeOpening(opening) : NOTHING;
  return { session: state.id, transcript: state.transcript, opening: bytes };
}

function usedBy({ signedPrekey, oneTime, kem }: Opening): UsedPrekeys {
  const [kemOnce, kemLast] = kem.kind === "once" ? [kem.id, null] : [null, kem.id];
  return { signed: signedPrekey, oneTime, kemOnce, kemLast };
}

function ownParty(own: DeviceKeys): Party {
  return partyOf({ ...own, sign: own.sign.public, agree: own.agree.public });
}

function partyOf({ account, aik, device, sign, agree }: Party): Party {
  return { account, aik, device, sign, agree };
}

function pairOf(prekey: StoredPrekey): AgreementPair {
  return { public: prekey.public, private: prekey.private as CryptoKey };
}

function modeOf(own: DeviceKeys): KeyMode {
  return own.agree.private.extractable ? "portable" : "sealed";
}
