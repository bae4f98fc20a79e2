/** What a device needs of the history archive from its first moment: keys out of the open vault, and who signed what. */
import { archiveKeyId, importArchiveKey } from "../crypto/archive.ts";
import { openDeposit } from "../crypto/archive_deposit.ts";
import { DecryptError, KeyError } from "../crypto/errors.ts";
import type { KeyMode } from "../crypto/private_key.ts";
import type { VaultContent } from "../crypto/vault.ts";
import { wipe } from "../crypto/wipe.ts";
import {
  type DeviceList,
  hashOf,
  type ListEntry,
  listEntrySchema,
  type Signed,
} from "../protocol/bundle.ts";
import { decode } from "../protocol/codec.ts";
import { type Bytes, equalBytes } from "../protocol/encoding.ts";
import { FormatError, VerifyError } from "../protocol/errors.ts";
import type { DeviceId } from "../protocol/ids.ts";
import { type DepositEntry, readDeposit } from "../protocol/segment.ts";
import { type ArchiveKey, archiveKeys, type KnownOwnList } from "./archive_records.ts";
import type { Write } from "./store.ts";

/** What goes into the store together with a device. */
export interface ArchiveSetup {
  readonly keys: readonly ArchiveKey[];
  readonly signers: ReadonlyMap<DeviceId, Bytes>;
  readonly known: KnownOwnList;
}

/** One version of the own list. */
interface Version {
  readonly version: number;
  readonly hash: Bytes;
  readonly devices: ReadonlyMap<DeviceId, Bytes>;
}

/**
 * Everything of the archive that an open vault brings.
 * @param entries the whole own list, verified
 * @param list what it comes to; it may have one more `set` than `entries`
 */
export async function archiveSetup(
  vault: VaultContent,
  { entries, deposits }: {
    readonly entries: readonly Signed[];
    readonly deposits: readonly DepositEntry[];
  },
  list: DeviceList,
  mode: KeyMode,
): Promise<ArchiveSetup> {
  const keys = await openedKeys(vault, { entries, deposits });
  const setup = await setupOf(keys, entries, list, mode);
  wipe(...keys.map(({ key }) => key));
  return setup;
}

/** One of the archive's keys, in clear. */
export interface OpenedKey {
  readonly epoch: number;
  /** Hash of the version it was made for; null for a key that was in the vault itself. */
  readonly list: Bytes | null;
  readonly key: Bytes;
}

/** The archive's keys out of an open vault and what was sealed for it; copies, to be wiped. */
export async function openedKeys(
  vault: VaultContent,
  { entries, deposits }: {
    readonly entries: readonly Signed[];
    readonly deposits: readonly DepositEntry[];
  },
): Promise<OpenedKey[]> {
  const versions = await versionsOf(entries);
  const keys: OpenedKey[] = vault.archiveKeys.map(({ epoch, key }) => {
    return { epoch, list: null, key: key.slice() };
  });
  for (const entry of deposits) {
    const opened = await openOne(vault, versions, entry);
    if (opened) keys.push(opened);
  }
  return keys;
}

/** The same from keys that are open already. @param entries the whole own list, verified */
export async function setupOf(
  opened: readonly OpenedKey[],
  entries: readonly Signed[],
  list: DeviceList,
  mode: KeyMode,
): Promise<ArchiveSetup> {
  const versions = await versionsOf(entries);
  const keys = await Promise.all(opened.map((one) => keep(one, mode)));
  const now = list.devices.map(({ device, sign }) => [device, sign] as const);
  const signers = new Map([...versions.flatMap(({ devices }) => [...devices]), ...now]);
  const devices = list.devices.map(({ device }) => device);
  return { keys, signers, known: { devices, removal: removalIn(versions) } };
}

/** The rows that hold it. */
export function archiveRows({ keys, signers, known }: ArchiveSetup): Write[] {
  const table = "device";
  return [
    { table, key: archiveKeys.list, value: known },
    ...keys.map((value): Write => ({ table, key: archiveKeys.key(value.id), value })),
    ...[...signers].map(([device, value]): Write => {
      return { table, key: archiveKeys.signer(device), value };
    }),
  ];
}

async function keep({ epoch, list, key }: OpenedKey, mode: KeyMode): Promise<ArchiveKey> {
  return { epoch, list, id: await archiveKeyId(key), secret: await importArchiveKey(key, mode) };
}

/** A deposit counts when a device that its version of the list had has signed it: one that was removed has no say. */
async function openOne(
  vault: VaultContent,
  versions: readonly Version[],
  entry: DepositEntry,
) {
  try {
    const { device, epoch, list } = readDeposit(entry);
    const version = versions.find((one) => one.version === epoch);
    const sign = version?.devices.get(device);
    if (!version || !sign || !equalBytes(version.hash, list)) return null;
    return await openDeposit(vault, sign, entry);
  } catch (error) {
    const refused = error instanceof FormatError || error instanceof VerifyError ||
      error instanceof DecryptError || error instanceof KeyError;
    if (!refused) throw error;
    return null;
  }
}

async function versionsOf(entries: readonly Signed[]): Promise<Version[]> {
  const versions: Version[] = [];
  for (const signed of entries) {
    const entry = decode(listEntrySchema, signed.body);
    const devices = devicesAfter(entry, versions.at(-1)?.devices ?? new Map());
    versions.push({ version: entry.version, hash: await hashOf(signed), devices });
  }
  return versions;
}

function devicesAfter(
  entry: ListEntry,
  before: ReadonlyMap<DeviceId, Bytes>,
): ReadonlyMap<DeviceId, Bytes> {
  if (entry.kind === "set") {
    return new Map(entry.devices.map(({ device, sign }) => [device, sign]));
  }
  return new Map([...before].filter(([device]) => !entry.devices.includes(device)));
}

/** The newest version that a device was missing from which the one before had. */
function removalIn(versions: readonly Version[]): number {
  const at = versions.findLastIndex(({ devices }, at) => {
    return [...versions[at - 1]?.devices.keys() ?? []].some((device) => !devices.has(device));
  });
  return versions[at]?.version ?? 0;
}
