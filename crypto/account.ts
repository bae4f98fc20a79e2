/**
 * An account's keys and the entries of its device list. The account key is in clear only while this code
 * has it in hand, in a worker, right after password, passkey or recovery key; no device store holds it.
 */
import { encode } from "../protocol/codec.ts";
import {
  appendEntry,
  counterSignedSchema,
  type Deposit,
  type DeviceEntry,
  type DeviceList,
  type ListEntry,
  listEntrySchema,
  type Signed,
} from "../protocol/device_list.ts";
import { type Bytes, equalBytes } from "../protocol/encoding.ts";
import { VerifyError } from "../protocol/errors.ts";
import { type AccountId, type DeviceId, randomId } from "../protocol/ids.ts";
import { KEM_SEED_BYTES, KEY_BYTES, MAX_DEVICES } from "../protocol/limits.ts";
import { type AgreementPair, generateAgreement, importAgreement } from "./agreement.ts";
import { importKem } from "./kem.ts";
import type { KeyMode } from "./private_key.ts";
import { randomBytes } from "./random.ts";
import { generateSigning, importSigning, sign, type SigningPair } from "./signature.ts";
import type { VaultContent } from "./vault.ts";

/** One device's private keys and whose they are. */
export interface DeviceKeys {
  readonly account: AccountId;
  /** Public account key, 32 bytes. */
  readonly aik: Bytes;
  readonly device: DeviceId;
  readonly sign: SigningPair;
  readonly agree: AgreementPair;
}

/** A device just made: what it keeps, and what the device list will say of it. */
export interface NewDevice {
  readonly keys: DeviceKeys;
  readonly entry: DeviceEntry;
}

/** Everything that a new account begins with. */
export interface NewAccount {
  /** Sealed; forget it as soon as the account is made. */
  readonly accountKey: SigningPair;
  readonly device: DeviceKeys;
  readonly deposit: Deposit;
  /** Seeds in clear, to be sealed with `sealVault` and wiped. */
  readonly vault: VaultContent;
  /** The first entry of the device list, and the list it makes. */
  readonly entry: Signed;
  readonly list: DeviceList;
}

/** The vault of a new account; every later edition has a higher generation. */
export const FIRST_VAULT_GENERATION = 1;
const FIRST_ARCHIVE_EPOCH = 1;

/** What a new `set` may change; everything else stays as the list has it. */
export type ListChanges = Partial<Pick<DeviceList, "devices" | "deposit" | "vaultGeneration">>;

/**
 * Fresh keys for a new account and its first device.
 * @param account the id that the server gave out: 16 random bytes
 * @param day today, in days since 1970-01-01 UTC
 */
export async function createAccount(
  account: AccountId,
  kind: DeviceEntry["kind"],
  mode: KeyMode,
  day: number,
): Promise<NewAccount> {
  const vault = freshVault();
  const accountKey = await importSigning(vault.aik, "sealed");
  const deposit = await depositOf(vault);
  const device = await makeDevice(account, accountKey.public, kind, mode, day);
  const entry = await signSet(accountKey, {
    account,
    aik: accountKey.public,
    version: 1,
    previous: null,
    devices: [device.entry],
    deposit,
    vaultGeneration: FIRST_VAULT_GENERATION,
  });
  const list = await appendEntry(null, account, entry);
  return { accountKey, device: device.keys, deposit, vault, entry, list };
}

/** The keys of a device before it belongs to any account. */
export type DevicePairs = Pick<DeviceKeys, "sign" | "agree">;

/** Fresh ones. */
export async function makeDevicePairs(mode: KeyMode): Promise<DevicePairs> {
  const [sign, agree] = await Promise.all([generateSigning(mode), generateAgreement(mode)]);
  return { sign, agree };
}

/**
 * Fresh keys for one more device, counter-signed by itself: nobody can put them into another account's list.
 * @param aik public account key, 32 bytes
 * @param day today, in days since 1970-01-01 UTC
 */
export async function makeDevice(
  account: AccountId,
  aik: Bytes,
  kind: DeviceEntry["kind"],
  mode: KeyMode,
  day: number,
): Promise<NewDevice> {
  return await joinAccount(await makeDevicePairs(mode), { account, aik }, kind, day);
}

/** The device that these keys are in an account: it signs that it wants to be. */
export async function joinAccount(
  { sign: signing, agree }: DevicePairs,
  { account, aik }: Pick<DeviceKeys, "account" | "aik">,
  kind: DeviceEntry["kind"],
  day: number,
): Promise<NewDevice> {
  const device = randomId<"device">();
  const names = { device, sign: signing.public, agree: agree.public };
  const structure = encode(counterSignedSchema, { account, aik, ...names });
  const counterSignature = await sign(signing, "device", structure);
  return {
    keys: { account, aik, device, sign: signing, agree },
    entry: { ...names, kind, made: day, counterSignature },
  };
}

/**
 * The account key out of an opened vault, for the list it belongs to.
 * @param generation the generation under which the vault opened
 * @throws {VerifyError} `key-changed`: another account's vault or list; `vault-rollback`: an older vault
 */
export async function accountKeyFrom(
  vault: VaultContent,
  generation: number,
  list: DeviceList,
): Promise<SigningPair> {
  const accountKey = await importSigning(vault.aik, "sealed");
  checkOwn(accountKey, list);
  if (generation < list.vaultGeneration) throw new VerifyError("vault-rollback");
  return accountKey;
}

/** Public halves of the deposit key whose seeds the vault holds. */
export async function depositOf(vault: VaultContent): Promise<Deposit> {
  const [agree, kem] = await Promise.all([
    importAgreement(vault.depositAgree, "sealed"),
    importKem(vault.depositKem, "sealed"),
  ]);
  return { agree: agree.public, kem: kem.public };
}

/**
 * The `set` that follows `list`, signed by the account key.
 * @throws {VerifyError} `key-changed` when the list is under another account key
 */
export async function nextSet(
  accountKey: SigningPair,
  list: DeviceList,
  changes: ListChanges,
): Promise<Signed> {
  checkOwn(accountKey, list);
  const { account, aik, devices, deposit, vaultGeneration } = { ...list, ...changes };
  return await signSet(accountKey, {
    ...{ account, aik, deposit, vaultGeneration },
    devices: [...devices],
    version: list.version + 1,
    previous: list.hash,
  });
}

/**
 * The `set` that adds a device.
 * @throws {VerifyError} `too-many-devices` when eight are listed: ask which one to remove first
 */
export async function addDevice(
  accountKey: SigningPair,
  list: DeviceList,
  entry: DeviceEntry,
): Promise<Signed> {
  if (list.devices.length >= MAX_DEVICES) throw new VerifyError("too-many-devices");
  return await nextSet(accountKey, list, { devices: [...list.devices, entry] });
}

/**
 * The `set` that puts a device in the place of another one, in a single entry.
 * @throws {VerifyError} `not-listed` when the device that leaves is not there
 */
export async function replaceDevice(
  accountKey: SigningPair,
  list: DeviceList,
  leaves: DeviceId,
  entry: DeviceEntry,
): Promise<Signed> {
  const stay = list.devices.filter(({ device }) => device !== leaves);
  if (stay.length === list.devices.length) throw new VerifyError("not-listed");
  return await nextSet(accountKey, list, { devices: [...stay, entry] });
}

/** The `revoke` by which one device removes others or itself. No account key is needed to remove. */
export async function revokeDevices(
  device: DeviceKeys,
  list: DeviceList,
  devices: readonly DeviceId[],
): Promise<Signed> {
  const body = encode(listEntrySchema, {
    kind: "revoke",
    account: list.account,
    version: list.version + 1,
    previous: list.hash,
    devices: [...devices],
    signer: device.device,
  });
  return { body, signature: await sign(device.sign, "revoke", body) };
}

function freshVault(): VaultContent {
  return {
    aik: randomBytes(KEY_BYTES),
    archiveKeys: [{ epoch: FIRST_ARCHIVE_EPOCH, key: randomBytes(KEY_BYTES) }],
    depositAgree: randomBytes(KEY_BYTES),
    depositKem: randomBytes(KEM_SEED_BYTES),
    verified: [],
    blocked: [],
  };
}

async function signSet(
  accountKey: SigningPair,
  entry: Omit<Extract<ListEntry, { kind: "set" }>, "kind">,
): Promise<Signed> {
  const body = encode(listEntrySchema, { kind: "set", ...entry });
  return { body, signature: await sign(accountKey, "set", body) };
}

/** Trust begins at the own key: a list under another one is not ours, whatever the server says. */
function checkOwn(accountKey: SigningPair, list: DeviceList): void {
  if (!equalBytes(accountKey.public, list.aik)) throw new VerifyError("key-changed");
}
