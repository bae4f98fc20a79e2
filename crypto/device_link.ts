/**
 * The channel between a new device and one that is signed in, over a server that neither of them trusts.
 *
 * The new device shows a code of 80 random bits, in writing and inside a QR code, which also holds the SHA-256 of its
 * keys. The code never leaves the two devices. What the server is given is derived from it slowly, so that guessing it
 * from there costs 2^80 times 600,000 rounds: far more than ten minutes have.
 *
 * - S = PBKDF2-SHA-256(code, label || SHA-256(origin), 600,000), 32 bytes
 * - request id, MAC key and channel key = HKDF(S)
 * - MAC = HMAC(MAC key, keys of the new device): a server that puts other keys in their place cannot make it
 * - channel = HKDF(X25519 || ML-KEM || channel key, salt = SHA-256(keys || opening)): three keys, one for each message,
 *   and six digits to compare. Whoever lacks the code opens none of them and cannot answer in either's name.
 */
import { encode } from "../protocol/codec.ts";
import { type Bytes, concat, fromBase64Url, toBase64Url, utf8 } from "../protocol/encoding.ts";
import { IV_BYTES, KEY_BYTES, ROOM_CODE_ROUNDS } from "../protocol/limits.ts";
import {
  LINK_ID_BYTES,
  type LinkBound,
  type LinkKeys,
  linkKeysSchema,
  type LinkOpening,
} from "../protocol/link_api.ts";
import { open, seal } from "./aead.ts";
import { agree, type AgreementPair, generateAgreement } from "./agreement.ts";
import { equalConstantTime } from "./compare.ts";
import { fromCrockford, inGroups, normaliseCrockford, toCrockford } from "./crockford.ts";
import { hkdf, hmac, pbkdf2, sha256 } from "./kdf.ts";
import { decapsulate, encapsulate, generateKem, type KemPair } from "./kem.ts";
import { randomBytes } from "./random.ts";
import { wipe } from "./wipe.ts";

const CODE_BYTES = 10;
const CODE_CHARACTERS = 16;
const LABEL = utf8("snug/1 device link\0");
const KEYS_LABEL = utf8("snug/1 device link keys\0");
const NO_SALT: Bytes = new Uint8Array();
/** Every key of a channel seals one message. */
const IV: Bytes = new Uint8Array(IV_BYTES);
const CHECK_DIGITS = 6;

/** What goes over the channel, each once. */
export type LinkMessage = "offer" | "answer" | "handed";
const MESSAGES: readonly LinkMessage[] = ["offer", "answer", "handed"];

/** What a code opens on one server; 16, 32 and 32 bytes. */
export interface LinkSecret {
  readonly request: Bytes;
  readonly mac: Bytes;
  readonly channel: Bytes;
}

/** The private halves that the new device holds for the time of the link. */
export interface LinkPairs {
  readonly ephemeral: AgreementPair;
  readonly kem: KemPair;
}

/** What was typed, or what a QR code held. */
export interface LinkCode {
  /** 10 bytes. */
  readonly code: Bytes;
  /** SHA-256 of the keys, 32 bytes; null where the code was typed. */
  readonly keys: Bytes | null;
}

/** Both ends have the same one, or nothing opens. */
export interface LinkChannel {
  /** Six digits that both devices show. */
  readonly check: string;
  seal(message: LinkMessage, content: Bytes): Promise<Bytes>;
  /** @throws {DecryptError} for what the other end did not seal as this message */
  open(message: LinkMessage, sealed: Bytes): Promise<Bytes>;
}

/** A fresh code: 10 random bytes. */
export function makeLinkCode(): Bytes {
  return randomBytes(CODE_BYTES);
}

/** The code as people read it: `XXXX-XXXX-XXXX-XXXX`. @param code 10 bytes */
export function formatLinkCode(code: Bytes): string {
  return inGroups(toCrockford(code));
}

/** The six digits of {@link LinkChannel.check} as people read them: `XXX XXX`. */
export function formatCheck(check: string): string {
  return `${check.slice(0, 3)} ${check.slice(3)}`;
}

/** What the QR code says behind the `#`: the code, a dot, and the hash of the keys. */
export async function linkFragment(code: Bytes, keys: LinkKeys): Promise<string> {
  return `${formatLinkCode(code)}.${toBase64Url(await hashOfKeys(keys))}`;
}

/** Reads a typed code, a scanned link or its fragment. Null for what is neither; typing errors are values. */
export function parseLinkCode(typed: string): LinkCode | null {
  const [text = "", hash] = typed.slice(typed.indexOf("#") + 1).trim().split(".");
  const letters = normaliseCrockford(text);
  if (letters === null || letters.length !== CODE_CHARACTERS) return null;
  const code = fromCrockford(letters);
  if (hash === undefined) return { code, keys: null };
  return /^[A-Za-z0-9_-]{43}$/.test(hash) ? { code, keys: fromBase64Url(hash) } : null;
}

/**
 * What the code opens. Takes some tenths of a second on purpose.
 * @param code 10 bytes
 * @param origin scheme, host and port of the server: the same code elsewhere is another request
 */
export async function linkSecret(code: Bytes, origin: string): Promise<LinkSecret> {
  const salt = concat(LABEL, await sha256(utf8(origin)));
  const stretched = await pbkdf2(code, salt, ROOM_CODE_ROUNDS, KEY_BYTES);
  const derived = await hkdf(stretched, NO_SALT, LABEL, LINK_ID_BYTES + 2 * KEY_BYTES);
  wipe(stretched);
  return {
    request: derived.slice(0, LINK_ID_BYTES),
    mac: derived.slice(LINK_ID_BYTES, LINK_ID_BYTES + KEY_BYTES),
    channel: derived.slice(LINK_ID_BYTES + KEY_BYTES),
  };
}

/** Keys for the time of one link. */
export async function makeLinkPairs(): Promise<LinkPairs> {
  const [ephemeral, kem] = await Promise.all([generateAgreement("sealed"), generateKem("sealed")]);
  return { ephemeral, kem };
}

/** The keys with their MAC: what the new device gives to the server. */
export async function bindKeys({ mac }: LinkSecret, keys: LinkKeys): Promise<LinkBound> {
  return { keys, mac: await hmac(mac, concat(KEYS_LABEL, encode(linkKeysSchema, keys))) };
}

/** Whether these are the keys of the device that showed the code: by the MAC, and by their hash where it is known. */
export async function areKeysOf(
  { mac }: LinkSecret,
  { keys, mac: shown }: LinkBound,
  hash: Bytes | null,
): Promise<boolean> {
  const made = await hmac(mac, concat(KEYS_LABEL, encode(linkKeysSchema, keys)));
  if (!equalConstantTime(made, shown)) return false;
  return hash === null || equalConstantTime(await hashOfKeys(keys), hash);
}

/** The signed-in device's end. @throws {KeyError} for keys that no honest device makes */
export async function openChannel(
  secret: LinkSecret,
  keys: LinkKeys,
): Promise<{ readonly opening: LinkOpening; readonly channel: LinkChannel }> {
  const own = await generateAgreement("sealed");
  const shared = await agree(own.private, keys.ephemeral);
  const kem = await encapsulate(keys.kem);
  const opening = { ephemeral: own.public, kem: kem.ciphertext };
  const channel = await channelOf(secret, keys, opening, [shared, kem.secret]);
  return { opening, channel };
}

/** The new device's end. @throws {KeyError} for an opening that no honest device makes */
export async function enterChannel(
  secret: LinkSecret,
  keys: LinkKeys,
  { ephemeral, kem }: LinkPairs,
  opening: LinkOpening,
): Promise<LinkChannel> {
  const shared = await agree(ephemeral.private, opening.ephemeral);
  const kemSecret = await decapsulate(kem.private, opening.kem);
  return await channelOf(secret, keys, opening, [shared, kemSecret]);
}

async function channelOf(
  { channel }: LinkSecret,
  keys: LinkKeys,
  { ephemeral, kem }: LinkOpening,
  [shared, kemSecret]: readonly [Bytes, Bytes],
): Promise<LinkChannel> {
  const salt = await sha256(concat(encode(linkKeysSchema, keys), ephemeral, kem));
  const secrets = concat(shared, kemSecret, channel);
  const material = await hkdf(secrets, salt, LABEL, (MESSAGES.length + 1) * KEY_BYTES);
  wipe(shared, kemSecret, secrets);
  const part = (at: number) => material.slice(at * KEY_BYTES, (at + 1) * KEY_BYTES);
  const ad = (message: LinkMessage) => concat(LABEL, utf8(message));
  const keyOf = (message: LinkMessage) => part(MESSAGES.indexOf(message));
  return {
    check: digitsOf(part(MESSAGES.length)),
    seal: (message, content) => seal(keyOf(message), IV, content, ad(message)),
    open: (message, sealed) => open(keyOf(message), IV, sealed, ad(message)),
  };
}

function hashOfKeys(keys: LinkKeys): Promise<Bytes> {
  return sha256(concat(KEYS_LABEL, encode(linkKeysSchema, keys)));
}

/** 64 bits taken to six digits: no digit is likelier than another by more than 2^-44. */
function digitsOf(bytes: Bytes): string {
  const number = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0);
  return String(number % 10n ** BigInt(CHECK_DIGITS)).padStart(CHECK_DIGITS, "0");
}
