import { bytes, decode, encode, id, type Infer, list, record, uint } from "../protocol/codec.ts";
import { type Bytes, concat, equalBytes, utf8 } from "../protocol/encoding.ts";
import { FormatError } from "../protocol/errors.ts";
import { type AccountId, idBytes } from "../protocol/ids.ts";
import {
  IV_BYTES,
  KEM_SEED_BYTES,
  KEY_BYTES,
  MAX_CBOR_BYTES,
  MAX_VERSION,
  TAG_BYTES,
} from "../protocol/limits.ts";
import { open, seal } from "./aead.ts";
import { DecryptError } from "./errors.ts";
import { hkdf } from "./kdf.ts";
import { pad, unpad } from "./padding.ts";
import { ed25519Public } from "./private_key.ts";
import { randomBytes } from "./random.ts";
import { RECOVERY_KEY_BYTES } from "./recovery_key.ts";
import { wipe } from "./wipe.ts";

export const VAULT_KEY_BYTES = 32;
/** One archive epoch per device removal. */
export const MAX_ARCHIVE_KEYS = 1_000;
/** With both lists full, the sealed vault still fits the server's limit (MAX_VAULT_BYTES of protocol/api.ts). */
export const MAX_VERIFIED = 1_000;
export const MAX_BLOCKED = 500;

const SALT_BYTES = 32;
const VERSION = Uint8Array.of(1);
const LABEL = utf8("snug/1 vault\0");

const key = bytes(KEY_BYTES);

/** What the vault holds (protocol.md "Vault"): seeds and keys in bytes, newest archive epoch last. */
export const vaultContentSchema = record({
  /** Ed25519 seed of the account key. */
  aik: key,
  archiveKeys: list(record({ epoch: uint(MAX_VERSION), key }), { max: MAX_ARCHIVE_KEYS }),
  /** X25519 seed of the deposit key. */
  depositAgree: key,
  /** ML-KEM-768 seed of the deposit key. */
  depositKem: bytes(KEM_SEED_BYTES),
  /** Contacts whose safety number was compared, with the account key that was compared. */
  verified: list(record({ account: id<"account">(), aik: key }), { max: MAX_VERIFIED }),
  blocked: list(id<"account">(), { max: MAX_BLOCKED }),
});
export type VaultContent = Infer<typeof vaultContentSchema>;

/** Whose vault: account id and account key (AIK, 32 bytes). */
export interface VaultOwner {
  readonly account: AccountId;
  readonly aik: Bytes;
}

/** Whose vault and which edition of it. A lower generation than the device list's is the caller's to refuse. */
export interface VaultEdition extends VaultOwner {
  readonly generation: number;
}

/** Which secret wraps the vault key. */
export type WrapKind = "password" | "recovery" | "passkey";

/** Bytes of each secret: OPAQUE's export key (RFC 9807 with SHA-512), the recovery key, a passkey's PRF result. */
const SECRET_BYTES: Record<WrapKind, number> = {
  password: 64,
  recovery: RECOVERY_KEY_BYTES,
  passkey: 32,
};

/** A fresh vault key: 32 random bytes, as long-lived as the account key. */
export function makeVaultKey(): Bytes {
  return randomBytes(VAULT_KEY_BYTES);
}

/**
 * The vault as the server keeps it: version u8, salt 32, AES-256-GCM of the padded content.
 * @param vaultKey 32 bytes
 * @throws {RangeError} for a vault key of another length
 * @throws {FormatError} when the content does not fit its schema
 */
export async function sealVault(
  vaultKey: Bytes,
  content: VaultContent,
  edition: VaultEdition,
): Promise<Bytes> {
  checkVaultKey(vaultKey);
  const encoded = encode(vaultContentSchema, content);
  const padded = pad(encoded);
  const sealed = await sealUnder(vaultKey, padded, edition, "content");
  wipe(encoded, padded);
  return concat(VERSION, sealed);
}

/**
 * Opens {@link sealVault}'s result.
 * @param edition as the server claims it; a false claim does not open
 * @throws {DecryptError} for any other key, owner or generation, and for altered bytes
 */
export async function openVault(
  vaultKey: Bytes,
  sealed: Bytes,
  edition: VaultEdition,
): Promise<VaultContent> {
  checkVaultKey(vaultKey);
  if (sealed[0] !== VERSION[0]) throw new DecryptError();
  const padded = await openUnder(vaultKey, sealed.slice(1), edition, "content");
  const encoded = unpad(padded);
  const content = decodeContent(encoded);
  wipe(padded, encoded);
  if (!equalBytes(await ed25519Public(content.aik), edition.aik)) throw new DecryptError();
  return content;
}

/**
 * The vault key sealed under one more secret: version u8, generation u32, salt 32, AES-256-GCM of the key; 85
 * bytes. It names the generation it was made in, because the vault moves on while the recovery key lies in
 * a drawer and cannot wrap again.
 * @param secret 64 bytes for `password`, 20 for `recovery`, 32 for `passkey`
 * @throws {RangeError} for another length
 */
export async function wrapVaultKey(
  vaultKey: Bytes,
  secret: Bytes,
  kind: WrapKind,
  edition: VaultEdition,
): Promise<Bytes> {
  checkVaultKey(vaultKey);
  checkSecret(secret, kind);
  const sealed = await sealUnder(secret, vaultKey, edition, kind);
  return concat(VERSION, uint32(edition.generation), sealed);
}

/**
 * The vault key (32 bytes) in {@link wrapVaultKey}'s result.
 * @throws {DecryptError} for another secret, kind or owner, and for altered bytes
 * @throws {RangeError} for a secret of another length
 */
export async function unwrapVaultKey(
  wrap: Bytes,
  secret: Bytes,
  kind: WrapKind,
  owner: VaultOwner,
): Promise<Bytes> {
  checkSecret(secret, kind);
  if (wrap[0] !== VERSION[0]) throw new DecryptError();
  const edition = { account: owner.account, aik: owner.aik, generation: wrapGeneration(wrap) };
  const vaultKey = await openUnder(secret, wrap.slice(5), edition, kind);
  if (vaultKey.length !== VAULT_KEY_BYTES) throw new DecryptError();
  return vaultKey;
}

/**
 * The vault generation in which a wrap was made; believed only once the wrap has opened.
 * @throws {DecryptError} for a wrap that is too short or names a generation that cannot be
 */
export function wrapGeneration(wrap: Bytes): number {
  if (wrap.length < 5) throw new DecryptError();
  const generation = new DataView(wrap.buffer, wrap.byteOffset).getUint32(1);
  if (generation > MAX_VERSION) throw new DecryptError();
  return generation;
}

/** Random salt, then AES-256-GCM under a key and IV that this salt alone brings forth. */
async function sealUnder(
  secret: Bytes,
  content: Bytes,
  edition: VaultEdition,
  kind: WrapKind | "content",
): Promise<Bytes> {
  const salt = randomBytes(SALT_BYTES);
  const material = await keyAndIv(secret, salt, kind);
  const ad = associated(edition, kind);
  const sealed = await seal(material.slice(0, KEY_BYTES), material.slice(KEY_BYTES), content, ad);
  wipe(material);
  return concat(salt, sealed);
}

async function openUnder(
  secret: Bytes,
  sealed: Bytes,
  edition: VaultEdition,
  kind: WrapKind | "content",
): Promise<Bytes> {
  if (sealed.length < SALT_BYTES + TAG_BYTES) throw new DecryptError();
  const material = await keyAndIv(secret, sealed.slice(0, SALT_BYTES), kind);
  const ad = associated(edition, kind);
  const ciphertext = sealed.slice(SALT_BYTES);
  try {
    return await open(material.slice(0, KEY_BYTES), material.slice(KEY_BYTES), ciphertext, ad);
  } finally {
    wipe(material);
  }
}

function keyAndIv(secret: Bytes, salt: Bytes, kind: WrapKind | "content"): Promise<Bytes> {
  return hkdf(secret, salt, concat(LABEL, utf8(kind)), KEY_BYTES + IV_BYTES);
}

/** Everything in front of `kind` has a fixed length, so no two editions share associated data. */
function associated(edition: VaultEdition, kind: WrapKind | "content"): Bytes {
  const { account, aik, generation } = edition;
  if (aik.length !== KEY_BYTES) throw new RangeError("an account key is 32 bytes");
  return concat(LABEL, idBytes(account), aik, uint32(generation), utf8(kind));
}

function decodeContent(encoded: Bytes): VaultContent {
  try {
    return decode(vaultContentSchema, encoded, MAX_CBOR_BYTES);
  } catch (error) {
    if (error instanceof FormatError) throw new DecryptError();
    throw error;
  }
}

function checkVaultKey(vaultKey: Bytes): void {
  if (vaultKey.length !== VAULT_KEY_BYTES) throw new RangeError("a vault key is 32 bytes");
}

function checkSecret(secret: Bytes, kind: WrapKind): void {
  if (secret.length !== SECRET_BYTES[kind]) throw new RangeError(`wrong length for ${kind}`);
}

function uint32(value: number): Bytes {
  if (!Number.isInteger(value) || value < 0 || value > MAX_VERSION) {
    throw new RangeError("a vault generation is 0 to 2^31 - 1");
  }
  const encoded = new Uint8Array(4);
  new DataView(encoded.buffer).setUint32(0, value);
  return encoded;
}
