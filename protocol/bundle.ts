/**
 * Prekey bundles: the public keys that let a message begin while its recipient is away. The device signs
 * the bundle and every KEM key; the device list says which device key that is. docs/protocol.md "Prekeys"
 * has the bytes.
 */
import { bytes, choice, decode, encode, id, list, nullable } from "./codec.ts";
import { record, type Schema, uint } from "./codec.ts";
import { checkNamedList, type DeviceEntry, type DeviceList } from "./device_list.ts";
import { findDevice, type Signed, signedSchema } from "./device_list.ts";
import { type Bytes, equalBytes, toHex } from "./encoding.ts";
import { type VerifyCode, VerifyError } from "./errors.ts";
import type { AccountId, DeviceId } from "./ids.ts";
import { HASH_BYTES, KEM_PUBLIC_BYTES, KEY_BYTES, SIGNATURE_BYTES } from "./limits.ts";
import { DAY_MS, MAX_BUNDLE_AGE_DAYS, MAX_BUNDLE_AHEAD_DAYS } from "./limits.ts";
import { MAX_VERSION, ONE_TIME_KEM_PREKEYS, ONE_TIME_PREKEYS } from "./limits.ts";
import { verifySignature } from "./verify.ts";

export * from "./device_list.ts";

/** A public key and the number by which the device finds its private half. */
export interface OneTimePrekey {
  /** u32, counted up per device and kind. */
  readonly id: number;
  /** X25519, 32 bytes. */
  readonly key: Bytes;
}

/** An ML-KEM-768 prekey, signed by the device over {@link KemSigned}. */
export interface KemPrekey {
  readonly id: number;
  /** 1,184 bytes. */
  readonly key: Bytes;
  /** Label `kem-once` or `kem-last`. */
  readonly signature: Bytes;
}

/** What the signature of a KEM prekey covers. */
export interface KemSigned {
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly id: number;
  readonly key: Bytes;
}

/** What a device says about itself for a week; signed with the label `bundle`. */
export interface PrekeyBundle {
  readonly account: AccountId;
  /** Account key, 32 bytes. */
  readonly aik: Bytes;
  readonly device: DeviceId;
  readonly signedPrekey: OneTimePrekey;
  /** The last-resort KEM prekey, 1,184 bytes: used when the one-time ones have run out. */
  readonly lastKem: { readonly id: number; readonly key: Bytes };
  /** Day of its making, since 1970-01-01 UTC. */
  readonly day: number;
  /** The device list that the device knew, so that a server cannot hide a newer one. */
  readonly listVersion: number;
  readonly listHash: Bytes;
  /**
   * Hash of the newest segment of the device's archive that the server had taken; null for none. It is for one's own
   * devices: a server that hides the chain has to hide the bundle too. To others it says nothing.
   */
  readonly archive: Bytes | null;
}

/** What a device gives to the server; 100 + 20 one-time keys make about 32 KiB. */
export interface PrekeyUpload {
  readonly bundle: Signed;
  readonly lastKem: KemPrekey;
  /** At most 100. */
  readonly oneTime: readonly OneTimePrekey[];
  /** At most 20. */
  readonly kemOnce: readonly KemPrekey[];
}

/** What the server hands out for one device: always with a KEM key, one-time or last-resort. */
export interface FetchedBundle {
  readonly device: DeviceId;
  readonly bundle: Signed;
  readonly kem: KemPrekey & { readonly kind: "once" | "last" };
  readonly oneTime: OneTimePrekey | null;
}

/** A fetched bundle of which every signature and rule holds: what a handshake may start from. */
export interface VerifiedBundle {
  readonly account: AccountId;
  /** Account key, 32 bytes. */
  readonly aik: Bytes;
  readonly device: DeviceId;
  /** The device's keys from the verified list: Ed25519 and X25519, 32 bytes each. */
  readonly sign: Bytes;
  readonly agree: Bytes;
  readonly signedPrekey: OneTimePrekey;
  readonly kem: { readonly kind: "once" | "last"; readonly id: number; readonly key: Bytes };
  readonly oneTime: OneTimePrekey | null;
  readonly day: number;
  readonly listVersion: number;
  readonly listHash: Bytes;
  readonly archive: Bytes | null;
}

export const oneTimePrekeySchema: Schema<OneTimePrekey> = record({
  id: uint(),
  key: bytes(KEY_BYTES),
});

const kemFields = {
  id: uint(),
  key: bytes(KEM_PUBLIC_BYTES),
  signature: bytes(SIGNATURE_BYTES),
};

export const kemPrekeySchema: Schema<KemPrekey> = record(kemFields);

export const kemSignedSchema: Schema<KemSigned> = record({
  account: id<"account">(),
  device: id<"device">(),
  id: uint(),
  key: bytes(KEM_PUBLIC_BYTES),
});

export const prekeyBundleSchema: Schema<PrekeyBundle> = record({
  account: id<"account">(),
  aik: bytes(KEY_BYTES),
  device: id<"device">(),
  signedPrekey: oneTimePrekeySchema,
  lastKem: record({ id: uint(), key: bytes(KEM_PUBLIC_BYTES) }),
  day: uint(),
  listVersion: uint(MAX_VERSION),
  listHash: bytes(HASH_BYTES),
  archive: nullable(bytes(HASH_BYTES)),
});

export const prekeyUploadSchema: Schema<PrekeyUpload> = record({
  bundle: signedSchema,
  lastKem: kemPrekeySchema,
  oneTime: list(oneTimePrekeySchema, { max: ONE_TIME_PREKEYS }),
  kemOnce: list(kemPrekeySchema, { max: ONE_TIME_KEM_PREKEYS }),
});

export const fetchedBundleSchema: Schema<FetchedBundle> = record({
  device: id<"device">(),
  bundle: signedSchema,
  kem: record({ kind: choice("once", "last"), ...kemFields }),
  oneTime: nullable(oneTimePrekeySchema),
});

/** The day of a time in milliseconds since 1970-01-01 UTC. */
export function dayOf(ms: number): number {
  return Math.floor(ms / DAY_MS);
}

/**
 * What the server checks before it keeps a device's prekeys: one liar could otherwise make it hand out
 * keys that every client refuses.
 * @param known the account's device list at the server
 * @param today day since 1970-01-01 UTC; left out, the age of the bundle is not looked at
 * @throws {VerifyError} {@link FormatError}
 */
export async function verifyUpload(
  known: DeviceList,
  device: DeviceId,
  upload: PrekeyUpload,
  today?: number,
): Promise<void> {
  const entry = listed(known, device);
  const bundle = await verifyBundle(known, entry, upload.bundle);
  if (today !== undefined) checkDay(bundle.day, today);
  checkLastKem(bundle, upload.lastKem);
  checkDistinct([bundle.signedPrekey, ...upload.oneTime], entry);
  checkDistinct([upload.lastKem, ...upload.kemOnce], entry);
  await verifyKem(bundle, entry, "last", upload.lastKem);
  await Promise.all(upload.kemOnce.map((one) => verifyKem(bundle, entry, "once", one)));
}

/**
 * What a client checks before it begins a session.
 * @param known the verified list of the account that the bundle is for
 * @param today day since 1970-01-01 UTC
 * @throws {VerifyError} `dormant`: messages to this device wait; `newer-list`: fetch it and try again;
 * any other code: the server or the device lies
 * @throws {FormatError}
 */
export async function verifyFetched(
  known: DeviceList,
  fetched: FetchedBundle,
  today: number,
): Promise<VerifiedBundle> {
  const entry = listed(known, fetched.device);
  const bundle = await verifyBundle(known, entry, fetched.bundle);
  checkDay(bundle.day, today);
  const { kem, oneTime } = fetched;
  if (kem.kind === "last") checkLastKem(bundle, kem);
  await verifyKem(bundle, entry, kem.kind, kem);
  checkDistinct(oneTime ? [bundle.signedPrekey, oneTime] : [bundle.signedPrekey], entry);
  const { account, aik, device, signedPrekey, day, listVersion, listHash, archive } = bundle;
  const { sign, agree } = entry;
  return {
    ...{ account, aik, device, sign, agree, signedPrekey, oneTime, day, listVersion, listHash },
    archive,
    kem: { kind: kem.kind, id: kem.id, key: kem.key },
  };
}

function listed(known: DeviceList, device: DeviceId): DeviceEntry {
  const entry = findDevice(known, device);
  if (entry === null) throw new VerifyError("not-listed");
  return entry;
}

async function verifyBundle(
  known: DeviceList,
  entry: DeviceEntry,
  signed: Signed,
): Promise<PrekeyBundle> {
  const valid = await verifySignature(entry.sign, "bundle", signed.body, signed.signature);
  demand(valid, "bad-signature");
  const bundle = decode(prekeyBundleSchema, signed.body);
  demand(bundle.account === known.account, "wrong-account");
  demand(bundle.device === entry.device, "wrong-device");
  demand(equalBytes(bundle.aik, known.aik), "key-changed");
  checkNamedList(known, bundle.listVersion, bundle.listHash);
  return bundle;
}

async function verifyKem(
  { account, device }: PrekeyBundle,
  entry: DeviceEntry,
  kind: "once" | "last",
  kem: KemPrekey,
): Promise<void> {
  const structure = encode(kemSignedSchema, { account, device, id: kem.id, key: kem.key });
  demand(await verifySignature(entry.sign, `kem-${kind}`, structure, kem.signature), "no-kem");
}

/** The last-resort key is the one that the bundle of this week names, not one of an older week. */
function checkLastKem({ lastKem }: PrekeyBundle, kem: KemPrekey): void {
  demand(kem.id === lastKem.id && equalBytes(kem.key, lastKem.key), "no-kem");
}

function checkDay(day: number, today: number): void {
  demand(day >= today - MAX_BUNDLE_AGE_DAYS, "dormant");
  demand(day <= today + MAX_BUNDLE_AHEAD_DAYS, "future");
}

/** No id and no key twice, and no device key sold as a prekey. */
function checkDistinct(
  prekeys: readonly { readonly id: number; readonly key: Bytes }[],
  entry: DeviceEntry,
): void {
  const keys = [entry.agree, ...prekeys.map((one) => one.key)].map(toHex);
  demand(new Set(keys).size === keys.length, "duplicate");
  const ids = prekeys.slice(1).map((one) => one.id);
  demand(new Set(ids).size === ids.length, "duplicate");
}

function demand(holds: boolean, code: VerifyCode): asserts holds {
  if (!holds) throw new VerifyError(code);
}
