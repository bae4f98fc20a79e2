/**
 * The archive keys of a device: from the vault at sign-in, made anew when a device was removed, and told to one's
 * own other devices. Segments are written under the newest key that no removed device has.
 */
import type { DeviceKeys } from "../crypto/account.ts";
import { archiveKeyId, importArchiveKey, makeArchiveKey } from "../crypto/archive.ts";
import { sealDeposit } from "../crypto/archive_deposit.ts";
import type { KeyMode } from "../crypto/private_key.ts";
import { wipe } from "../crypto/wipe.ts";
import { checkNamedList, type DeviceList, findDevice } from "../protocol/bundle.ts";
import type { Bytes } from "../protocol/encoding.ts";
import { VerifyError } from "../protocol/errors.ts";
import type { DeviceId } from "../protocol/ids.ts";
import type { DepositEntry } from "../protocol/segment.ts";
import { type ArchiveKey, archiveKeys, type Head, type KnownOwnList } from "./archive_records.ts";
import type { PageState } from "./archive_records.ts";
import type { ConversationId } from "./types.ts";
import { type Change, StoreFailed } from "./change.ts";
import type { ContentBody } from "./content.ts";
import type { Outbox } from "./outbox.ts";
import { tellOwnDevices } from "./own_telling.ts";
import type { LocalStore, Row } from "./store.ts";
import { getContact } from "./timeline.ts";

export interface ArchiveKeysOptions {
  readonly own: DeviceKeys;
  readonly mode: KeyMode;
  readonly store: LocalStore;
  readonly outbox: Pick<Outbox, "stage">;
  readonly now: () => number;
}

/** What the own list did since the archive looked at it last. */
export interface ListNews {
  readonly list: DeviceList;
  readonly added: readonly DeviceId[];
  readonly removed: boolean;
}

export class ArchiveKeys {
  readonly #o: ArchiveKeysOptions;

  constructor(options: ArchiveKeysOptions) {
    this.#o = options;
  }

  /** Every key there is, the newest epoch first; of one epoch, the smallest id first. */
  async all(): Promise<ArchiveKey[]> {
    const rows = await this.list<ArchiveKey>(archiveKeys.allKeys);
    return rows.map(({ value }) => value)
      .sort((a, b) => b.epoch - a.epoch || (a.id < b.id ? -1 : 1));
  }

  /** The key to write under; null when a device was removed and no newer key has come yet. */
  async current(change: Change): Promise<ArchiveKey | null> {
    const known = await change.get<KnownOwnList>("device", archiveKeys.list);
    const own = await getContact(change, this.#o.own.account);
    if (!own) return null;
    const fit = (await this.all()).find((key) => {
      return key.epoch >= (known?.removal ?? 0) && isOfList(own.list, key);
    });
    return fit ?? null;
  }

  /** Takes note of the own list as it is now. */
  async look(change: Change): Promise<ListNews | null> {
    const own = await getContact(change, this.#o.own.account);
    if (!own) return null;
    const { list } = own;
    const known = await change.get<KnownOwnList>("device", archiveKeys.list);
    const devices = list.devices.map(({ device }) => device);
    const before = known?.devices ?? devices;
    const removed = before.some((device) => !devices.includes(device));
    const added = devices.filter((device) => !before.includes(device));
    if (known && !removed && added.length === 0) return { list, added, removed };
    const removal = removed ? list.version : known?.removal ?? 0;
    change.set("device", archiveKeys.list, { devices, removal } satisfies KnownOwnList);
    for (const { device, sign } of list.devices) {
      change.set("device", archiveKeys.signer(device), sign);
    }
    return { list, added, removed };
  }

  /** Makes the key of a new epoch: kept here, told to the other devices, sealed for the vault. */
  async open(change: Change): Promise<ArchiveKey | null> {
    const { own, mode } = this.#o;
    const contact = await getContact(change, own.account);
    if (!contact || !findDevice(contact.list, own.device)) return null;
    const { version: epoch, hash: list, deposit } = contact.list;
    const key = makeArchiveKey();
    const made: ArchiveKey = {
      epoch,
      list,
      id: await archiveKeyId(key),
      secret: await importArchiveKey(key, mode),
    };
    change.set("device", archiveKeys.key(made.id), made);
    const entry = await sealDeposit(own, deposit, { epoch, list, key });
    change.set("device", archiveKeys.deposit(made.id), entry);
    await this.tellOwn(change, { kind: "archive-key", epoch, list, key: key.slice() });
    wipe(key);
    return made;
  }

  /**
   * Takes a key from another own device. False: it was made for a version of the own list that is not known here.
   * An older one is taken for reading; whether it is written under is the version's to decide.
   */
  async take(
    change: Change,
    { epoch, list, key }: Extract<ContentBody, { kind: "archive-key" }>,
  ): Promise<boolean> {
    const { own, mode } = this.#o;
    const contact = await getContact(change, own.account);
    if (!contact || contact.list.version < epoch) return false;
    const id = await archiveKeyId(key);
    if (await change.get("device", archiveKeys.key(id)) !== undefined) return true;
    const taken: ArchiveKey = { epoch, list, id, secret: await importArchiveKey(key, mode) };
    change.set("device", archiveKeys.key(id), taken);
    return true;
  }

  /** Queues a control content for one's own other devices, or for some of them. */
  tellOwn(change: Change, body: ContentBody, to?: readonly DeviceId[]): Promise<void> {
    return tellOwnDevices(change, this.#o, body, to);
  }

  /** Deposits that the server has not taken yet. */
  deposits(): Promise<Row<DepositEntry>[]> {
    return this.list<DepositEntry>(archiveKeys.deposits);
  }

  /** The sign keys of one's own devices, those that were removed too, as far as this device knows. */
  async signers(): Promise<Map<DeviceId, Bytes>> {
    const rows = await this.list<Bytes>(archiveKeys.signers);
    return new Map(rows.map(({ key, value }) => {
      return [key.slice(archiveKeys.signers.length) as DeviceId, value];
    }));
  }

  /** How far one's own other devices said that their chains go. */
  async vouched(): Promise<Map<DeviceId, Head>> {
    const rows = await this.list<Head>(archiveKeys.allVouched);
    return new Map(rows.map(({ key, value }) => {
      return [key.slice(archiveKeys.allVouched.length) as DeviceId, value];
    }));
  }

  /** The archive was erased here: what was said of its chains is over. */
  async forgetEnds(change: Change): Promise<void> {
    for (const { key } of await this.list(archiveKeys.allVouched)) change.remove("device", key);
  }

  /** How far each conversation has been fetched. */
  async pages(): Promise<[ConversationId, PageState][]> {
    const rows = await this.#o.store.list<PageState>("meta", { prefix: archiveKeys.allPages })
      .catch(failed);
    return rows.map(({ key, value }) => {
      return [key.slice(archiveKeys.allPages.length) as ConversationId, value];
    });
  }

  async conversations(): Promise<ConversationId[]> {
    const rows = await this.#o.store.list("conversations").catch(failed);
    return rows.map(({ key }) => key as ConversationId);
  }

  async list<T>(prefix: string): Promise<Row<T>[]> {
    return await this.#o.store.list<T>("device", { prefix }).catch(failed);
  }
}

function failed(cause: unknown): never {
  throw new StoreFailed(cause);
}

/** A stolen device can remove others and make a key for that version; the owner's `set` in its place has another hash. */
function isOfList(own: DeviceList, { epoch, list }: ArchiveKey): boolean {
  if (epoch > own.version) return false;
  try {
    if (list !== null) checkNamedList(own, epoch, list);
    return true;
  } catch (error) {
    if (error instanceof VerifyError) return false;
    throw error;
  }
}
