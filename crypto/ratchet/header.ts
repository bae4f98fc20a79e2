import { type Bytes, concat } from "../../protocol/encoding.ts";
import { ENVELOPE_VERSION } from "../../protocol/envelope.ts";
import { idBytes, type SessionId } from "../../protocol/ids.ts";
import { randomBytes } from "../random.ts";

/** What a message says about its place in the ratchet. The server sees none of it. */
export interface Header {
  /** The sender's X25519 ratchet key, 32 bytes. */
  readonly ratchetKey: Bytes;
  /** Messages in the sender's chain before this one. */
  readonly previousLength: number;
  /** Place of this message in its chain, from 0. */
  readonly number: number;
}

const IV_BYTES = 12;
const PLAIN_BYTES = 40;

/**
 * IV (12 random bytes), sealed header (40) and tag (16): 68 bytes. AES-256-GCM, associated data
 * `version || session id`. A header key serves one chain, far below the 2^32 random IVs a key allows.
 * @param key header key, 32 bytes
 */
export async function sealHeader(key: Bytes, header: Header, session: SessionId): Promise<Bytes> {
  const iv = randomBytes(IV_BYTES);
  const parameters = { name: "AES-GCM", iv, additionalData: associatedData(session) };
  const sealed = await crypto.subtle.encrypt(parameters, await imported(key), encode(header));
  return concat(iv, new Uint8Array(sealed));
}

/** The header, or null when it was not sealed under this key for this session. */
export async function openHeader(
  key: Bytes,
  sealed: Bytes,
  session: SessionId,
): Promise<Header | null> {
  const iv = sealed.slice(0, IV_BYTES);
  const parameters = { name: "AES-GCM", iv, additionalData: associatedData(session) };
  const body = sealed.slice(IV_BYTES);
  const cryptoKey = await imported(key);
  const plain = await crypto.subtle.decrypt(parameters, cryptoKey, body).catch(() => null);
  return plain && plain.byteLength === PLAIN_BYTES ? decode(plain) : null;
}

function associatedData(session: SessionId): Bytes {
  return concat(Uint8Array.of(ENVELOPE_VERSION), idBytes(session));
}

function encode(header: Header): Bytes {
  const plain = new Uint8Array(PLAIN_BYTES);
  plain.set(header.ratchetKey);
  const view = new DataView(plain.buffer);
  view.setUint32(32, header.previousLength);
  view.setUint32(36, header.number);
  return plain;
}

function decode(plain: ArrayBuffer): Header {
  const view = new DataView(plain);
  return {
    ratchetKey: new Uint8Array(plain.slice(0, 32)),
    previousLength: view.getUint32(32),
    number: view.getUint32(36),
  };
}

// A header key lives as long as its chain and is never changed in place, so its import is worth keeping:
// most messages need the same one. The map holds it no longer than the state does.
const imports = new WeakMap<Bytes, Promise<CryptoKey>>();

function imported(key: Bytes): Promise<CryptoKey> {
  let cryptoKey = imports.get(key);
  if (!cryptoKey) {
    cryptoKey = crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt", "decrypt"]);
    imports.set(key, cryptoKey);
  }
  return cryptoKey;
}
