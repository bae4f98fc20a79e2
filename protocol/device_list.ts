/**
 * Device lists: which keys speak for an account. A hash chain of two kinds of entry. A `set` is signed by
 * the account key and names all devices, so it may add; a `revoke` is signed by any listed device and may
 * only remove. So a stolen device can remove itself or others, never add; and a server can add nothing.
 * docs/protocol.md "Device list" has the bytes.
 */
import { bytes, choice, decode, encode, id, type Infer, list, nullable } from "./codec.ts";
import { record, type Schema, tagged, uint } from "./codec.ts";
import { type Bytes, equalBytes, toHex } from "./encoding.ts";
import { type VerifyCode, VerifyError } from "./errors.ts";
import type { AccountId, DeviceId } from "./ids.ts";
import { HASH_BYTES, KEM_PUBLIC_BYTES, KEY_BYTES, SIGNATURE_BYTES } from "./limits.ts";
import { MAX_DAY, MAX_DEVICES, MAX_LIST_ENTRY_BYTES } from "./limits.ts";
import { MAX_REMEMBERED_HASHES, MAX_VERSION } from "./limits.ts";
import { sha256, verifySignature } from "./verify.ts";

/** A structure and the signature over it; which label and key is for the reader to know. */
export interface Signed {
  /** Deterministic CBOR, at most {@link MAX_LIST_ENTRY_BYTES}. */
  readonly body: Bytes;
  /** Ed25519, 64 bytes. */
  readonly signature: Bytes;
}

/** One device of an account. */
export interface DeviceEntry {
  readonly device: DeviceId;
  readonly kind: "browser" | "terminal";
  /** Ed25519 public key, 32 bytes. */
  readonly sign: Bytes;
  /** X25519 public key, 32 bytes. */
  readonly agree: Bytes;
  /** Day of its making, since 1970-01-01 UTC. */
  readonly made: number;
  /** By `sign`, label `device`, over {@link CounterSigned}: the device agrees to be in this account's list. */
  readonly counterSignature: Bytes;
}

/** What a device signs to belong to an account. */
export interface CounterSigned {
  readonly account: AccountId;
  readonly aik: Bytes;
  readonly device: DeviceId;
  readonly sign: Bytes;
  readonly agree: Bytes;
}

/** Public halves of the deposit key: new archive epochs are sealed to it while the vault is shut. */
export interface Deposit {
  /** X25519, 32 bytes. */
  readonly agree: Bytes;
  /** ML-KEM-768, 1,184 bytes. */
  readonly kem: Bytes;
}

export const signedSchema: Schema<Signed> = record({
  body: bytes({ max: MAX_LIST_ENTRY_BYTES }),
  signature: bytes(SIGNATURE_BYTES),
});

export const deviceEntrySchema: Schema<DeviceEntry> = record({
  device: id<"device">(),
  kind: choice("browser", "terminal"),
  sign: bytes(KEY_BYTES),
  agree: bytes(KEY_BYTES),
  made: uint(MAX_DAY),
  counterSignature: bytes(SIGNATURE_BYTES),
});

export const counterSignedSchema: Schema<CounterSigned> = record({
  account: id<"account">(),
  aik: bytes(KEY_BYTES),
  device: id<"device">(),
  sign: bytes(KEY_BYTES),
  agree: bytes(KEY_BYTES),
});

export const depositSchema: Schema<Deposit> = record({
  agree: bytes(KEY_BYTES),
  kem: bytes(KEM_PUBLIC_BYTES),
});

/** The two kinds of entry. Versions begin at 1; `previous` is the SHA-256 of the entry before. */
export const listEntryVariants = {
  set: record({
    account: id<"account">(),
    aik: bytes(KEY_BYTES),
    version: uint(MAX_VERSION),
    previous: nullable(bytes(HASH_BYTES)),
    devices: list(deviceEntrySchema, { min: 1, max: MAX_DEVICES }),
    deposit: depositSchema,
    vaultGeneration: uint(MAX_VERSION),
  }),
  revoke: record({
    account: id<"account">(),
    version: uint(MAX_VERSION),
    previous: bytes(HASH_BYTES),
    devices: list(id<"device">(), { min: 1, max: MAX_DEVICES }),
    signer: id<"device">(),
  }),
};

/** The signed body of an entry. */
export const listEntrySchema = tagged("kind", listEntryVariants);
export type ListEntry = Infer<typeof listEntrySchema>;
type SetEntry = Extract<ListEntry, { kind: "set" }>;
type RevokeEntry = Extract<ListEntry, { kind: "revoke" }>;

/** A verified device list: what the chain up to `version` amounts to. */
export interface DeviceList {
  readonly account: AccountId;
  /** Account key, Ed25519, 32 bytes. */
  readonly aik: Bytes;
  readonly version: number;
  /** SHA-256 of the last entry, {@link Signed} and all. */
  readonly hash: Bytes;
  /** The kind of the last entry, and the hash it names: a `set` may take the place of a `revoke`. */
  readonly head: "set" | "revoke";
  readonly previous: Bytes | null;
  /** Hashes of the newest versions, oldest first; the last one is `hash`. */
  readonly hashes: readonly Bytes[];
  /** At most 8; none when the last one removed itself. */
  readonly devices: readonly DeviceEntry[];
  readonly deposit: Deposit;
  readonly vaultGeneration: number;
}

/** What must be remembered of a list to notice a rollback, a fork or a changed key. A {@link DeviceList} is one. */
export interface ListPin {
  readonly aik: Bytes;
  readonly version: number;
  readonly hash: Bytes;
  readonly head?: "set" | "revoke";
  readonly previous?: Bytes | null;
}

/**
 * Verifies a chain that begins at a `set`: version 1, or a later one, which the account key vouches for alone.
 * @param known what was verified before; the chain must contain it or follow it directly
 * @throws {VerifyError} see the table in errors.ts
 * @throws {FormatError} for a malformed entry
 */
export async function verifyDeviceList(
  account: AccountId,
  entries: readonly Signed[],
  known?: ListPin,
): Promise<DeviceList> {
  let result: DeviceList | null = null;
  let met = known === undefined;
  for (const entry of entries) {
    result = await step(result, account, entry);
    if (known) met = meets(result, known) || met;
  }
  if (result === null) throw new VerifyError("gap");
  if (known && result.version < known.version) throw new VerifyError("rollback");
  demand(met, "gap");
  return result;
}

/**
 * Verifies entries that follow a list already verified; those it already has are passed over.
 * @throws {VerifyError} {@link FormatError} as {@link verifyDeviceList}
 */
export async function extendDeviceList(
  known: DeviceList,
  entries: readonly Signed[],
): Promise<DeviceList> {
  let result = known;
  for (const entry of entries) result = await appendEntry(result, known.account, entry);
  return result;
}

/**
 * The list with one more entry. An entry it already has changes nothing.
 * @param known null only for the first entry, which must be a `set` of version 1
 * @throws {VerifyError} {@link FormatError}
 */
export async function appendEntry(
  known: DeviceList | null,
  account: AccountId,
  signed: Signed,
): Promise<DeviceList> {
  const grown = await step(known, account, signed);
  demand(known !== null || grown.version === 1, "gap");
  return grown;
}

async function step(
  known: DeviceList | null,
  account: AccountId,
  signed: Signed,
): Promise<DeviceList> {
  const entry = decode(listEntrySchema, signed.body, MAX_LIST_ENTRY_BYTES);
  demand(entry.account === account, "wrong-account");
  const hash = await hashOf(signed);
  if (known) {
    const same = hashAt(known, entry.version);
    if (same && equalBytes(same, hash)) return known;
  }
  if (entry.kind === "set") return await appendSet(known, entry, signed, hash);
  if (known === null) throw new VerifyError("gap");
  return await appendRevoke(known, entry, signed, hash);
}

/** SHA-256 (32 bytes) by which the next entry, bundles and messages name this one. */
export function hashOf(entry: Signed): Promise<Bytes> {
  return sha256(encode(signedSchema, entry));
}

/** The entry of a listed device, or null. */
export function findDevice(known: DeviceList, device: DeviceId): DeviceEntry | null {
  return known.devices.find((one) => one.device === device) ?? null;
}

/**
 * Checks the (version, hash) that a bundle or a message names against a verified list.
 * @throws {VerifyError} `newer-list`: fetch it first; `fork`: two people were shown different lists
 */
export function checkNamedList(known: DeviceList, version: number, hash: Uint8Array): void {
  demand(version <= known.version, "newer-list");
  const ours = hashAt(known, version);
  demand(ours === null || equalBytes(ours, hash), "fork");
}

async function appendSet(
  known: DeviceList | null,
  entry: SetEntry,
  signed: Signed,
  hash: Bytes,
): Promise<DeviceList> {
  if (known) demand(equalBytes(entry.aik, known.aik), "key-changed");
  checkPlace(known, entry);
  demand(await verifySignature(entry.aik, "set", signed.body, signed.signature), "bad-signature");
  if (known) demand(entry.vaultGeneration >= known.vaultGeneration, "vault-rollback");
  checkDistinct(entry);
  for (const device of entry.devices) await checkDevice(known, entry, device);
  return {
    ...follow(known, entry, hash),
    account: entry.account,
    aik: entry.aik,
    devices: entry.devices,
    deposit: entry.deposit,
    vaultGeneration: entry.vaultGeneration,
  };
}

async function appendRevoke(
  known: DeviceList,
  entry: RevokeEntry,
  signed: Signed,
  hash: Bytes,
): Promise<DeviceList> {
  checkPlace(known, entry);
  const signer = findDevice(known, entry.signer);
  if (signer === null) throw new VerifyError("not-listed");
  const valid = await verifySignature(signer.sign, "revoke", signed.body, signed.signature);
  demand(valid, "bad-signature");
  demand(new Set(entry.devices).size === entry.devices.length, "duplicate");
  demand(entry.devices.every((one) => findDevice(known, one) !== null), "not-listed");
  const devices = known.devices.filter((one) => !entry.devices.includes(one.device));
  return { ...known, ...follow(known, entry, hash), devices };
}

/** The chain rule: one version up, naming the hash before; or a `set` in the place of a `revoke`. */
function checkPlace(known: DeviceList | null, entry: ListEntry): void {
  demand((entry.version === 1) === (entry.previous === null), "gap");
  demand(entry.version > 0, "gap");
  if (known === null) return;
  if (entry.version < known.version) throw new VerifyError(olderCode(known, entry.version));
  demand(entry.version <= known.version + 1, "gap");
  if (entry.version === known.version) demand(replaces(entry.kind, entry, known), "fork");
  else demand(sameHash(entry.previous, known.hash), "fork");
}

/** At equal versions `set` wins: the owner overrules what a stolen device removed. */
function replaces(
  kind: "set" | "revoke",
  entry: { readonly previous: Bytes | null },
  known: ListPin,
): boolean {
  return kind === "set" && known.head === "revoke" &&
    sameHash(entry.previous, known.previous ?? null);
}

function olderCode(known: DeviceList, version: number): VerifyCode {
  return hashAt(known, version) === null ? "rollback" : "fork";
}

/** Whether `list`, growing, has just reached or followed what was known. */
function meets(grown: DeviceList, known: ListPin): boolean {
  demand(equalBytes(grown.aik, known.aik), "key-changed");
  if (grown.version === known.version) {
    demand(equalBytes(grown.hash, known.hash) || replaces(grown.head, grown, known), "fork");
    return true;
  }
  return grown.version === known.version + 1 && sameHash(grown.previous, known.hash);
}

function follow(known: DeviceList | null, entry: ListEntry, hash: Bytes) {
  const before = known?.hashes.slice(0, known.hashes.length - known.version + entry.version - 1);
  return {
    version: entry.version,
    hash,
    head: entry.kind,
    previous: entry.previous,
    hashes: [...before ?? [], hash].slice(-MAX_REMEMBERED_HASHES),
  };
}

function hashAt(known: DeviceList, version: number): Bytes | null {
  return known.hashes[known.hashes.length - 1 - (known.version - version)] ?? null;
}

/** One key under two names would let one device speak as another. */
function checkDistinct(entry: SetEntry): void {
  const devices = entry.devices.map((one) => one.device);
  const keys = entry.devices.flatMap((one) => [one.sign, one.agree]);
  const names = [entry.aik, entry.deposit.agree, ...keys].map(toHex);
  demand(new Set(devices).size === devices.length, "duplicate");
  demand(new Set(names).size === names.length, "duplicate");
}

/** A listed device stays as it was; a new one must have agreed to be in this list. */
async function checkDevice(
  known: DeviceList | null,
  { account, aik }: SetEntry,
  entry: DeviceEntry,
): Promise<void> {
  const before = known && findDevice(known, entry.device);
  if (before) return demand(sameEntry(before, entry), "device-changed");
  const { device, sign, agree, counterSignature } = entry;
  const structure = encode(counterSignedSchema, { account, aik, device, sign, agree });
  demand(await verifySignature(sign, "device", structure, counterSignature), "foreign-device");
}

function sameEntry(a: DeviceEntry, b: DeviceEntry): boolean {
  return equalBytes(encode(deviceEntrySchema, a), encode(deviceEntrySchema, b));
}

function sameHash(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === null || b === null ? a === b : equalBytes(a, b);
}

function demand(holds: boolean, code: VerifyCode): asserts holds {
  if (!holds) throw new VerifyError(code);
}
