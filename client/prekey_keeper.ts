/** Keeps prekeys on the server: refills, rotates, and erases private halves when their time has come. */
import type { DeviceKeys } from "../crypto/account.ts";
import {
  currentRotation,
  FIRST_PREKEY_COUNTERS,
  makePrekeys,
  planPrekeys,
  type PrekeyCounters,
  type PrekeyPlan,
  type StoredPrekey,
} from "../crypto/prekeys.ts";
import type { KeyMode } from "../crypto/private_key.ts";
import { checkNamedList, dayOf, type DeviceList, type PrekeyUpload } from "../protocol/bundle.ts";
import { type Bytes, equalBytes } from "../protocol/encoding.ts";
import { VerifyError } from "../protocol/errors.ts";
import { archiveKeys, type Head } from "./archive_records.ts";
import { type Change, StoreFailed, type Writer } from "./change.ts";
import type { DeviceApi } from "./device_login.ts";
import type { NamedHead } from "./directory.ts";
import type { After } from "./link.ts";
import { keys, type SeenOpening } from "./records.ts";
import { pruneDevice } from "./sessions.ts";
import type { LocalStore, Row } from "./store.ts";
import { REMEMBERED_WEEKS, weekOf } from "./inbox.ts";
import { getContact } from "./timeline.ts";

export interface KeeperOptions {
  readonly own: DeviceKeys;
  readonly mode: KeyMode;
  readonly store: LocalStore;
  readonly writer: Writer;
  readonly api: DeviceApi;
  readonly now: () => number;
}

/** Where made but not yet confirmed prekeys wait: the same upload is sent until it is answered. */
const PENDING = "upload";
const COUNTERS = "counters";
/** The list that the newest bundle names. */
export const NAMED = "named";
const NOTHING_NEW = { rotate: false, once: 0, kemOnce: 0 } as const;

/** Of the archive, what the newest bundle names. */
const NAMED_ARCHIVE = "named-archive";

interface NamedArchive {
  readonly hash: Bytes | null;
  /** Since 1970-01-01 UTC. */
  readonly day: number;
}

/** Version and hash of a list, as {@link NAMED} keeps them. */
export function namedHead({ version, hash }: DeviceList): NamedHead {
  return { version, hash };
}

/** How often prekeys are looked at while connected. Milliseconds. */
const TEND_EVERY = 6 * 3_600_000;

/** Has prekeys looked at now and then. */
export class Tending {
  readonly #after: After;
  readonly #tend: () => void;
  #callOff: () => void = () => {};

  constructor(after: After, tend: () => void) {
    this.#after = after;
    this.#tend = tend;
  }

  /** In `ms` for the first time; an earlier start counts no more. */
  start(ms: number): void {
    this.stop();
    this.#callOff = this.#after(ms, () => {
      this.#tend();
      this.start(TEND_EVERY);
    });
  }

  stop(): void {
    this.#callOff();
  }
}

export class PrekeyKeeper {
  readonly #options: KeeperOptions;
  #running: Promise<void> | null = null;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** Does what is due. Only once everything waiting has been read: it may need what is erased here. */
  tend(): Promise<void> {
    this.#running ??= this.#tend().finally(() => this.#running = null);
    return this.#running;
  }

  /**
   * The own list has moved. A bundle made under a `revoke` whose place a `set` has taken names a list that
   * nobody else has, and is refused as a fork: another one is made at once, with the keys of the old.
   */
  async listChanged(): Promise<void> {
    if (await this.#options.writer.change((change) => this.#isFork(change))) {
      await this.#options.writer.change(async (change) => {
        const stored = await this.#list<StoredPrekey>("prekeys", "");
        await this.#make(change, stored.map(({ value }) => value), NOTHING_NEW, true);
      });
      await this.#upload();
    }
  }

  /** The archive has gone on since the day of the newest bundle: once a day the new end is said. */
  async #isBehind(change: Change): Promise<boolean> {
    const stored = await change.get<Head>("device", archiveKeys.stored);
    const named = await change.get<NamedArchive>("device", NAMED_ARCHIVE);
    const { hash, day } = named ?? { hash: null, day: 0 };
    if (day === dayOf(this.#options.now())) return false;
    return stored && hash ? !equalBytes(stored.hash, hash) : (stored?.hash ?? null) !== hash;
  }

  async #isFork(change: Change): Promise<boolean> {
    const named = await change.get<NamedHead>("device", NAMED);
    const list = (await getContact(change, this.#options.own.account))?.list;
    if (!named || !list || named.version > list.version) return false;
    try {
      checkNamedList(list, named.version, named.hash);
      return false;
    } catch (error) {
      if (error instanceof VerifyError) return true;
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.#running?.catch(() => {});
  }

  async #tend(): Promise<void> {
    if (!await this.#upload()) return;
    const stock = await this.#options.api.prekeyStock();
    if (!stock.ok) return;
    const stored = await this.#list<StoredPrekey>("prekeys", "");
    const prekeys = stored.map(({ value }) => value);
    const plan = planPrekeys(prekeys, stock.value, dayOf(this.#options.now()));
    const made = await this.#options.writer.change(async (change) => {
      await this.#erase(change, prekeys, plan);
      await this.#prune(change);
      return await this.#make(change, prekeys, plan, await this.#isBehind(change));
    });
    if (made) await this.#upload();
  }

  /** Sends what waits, if anything; false when it still waits. */
  async #upload(): Promise<boolean> {
    const { writer, api } = this.#options;
    const pending = await writer.change((change) => change.get<PrekeyUpload>("device", PENDING));
    if (!pending) return true;
    const answer = await api.uploadPrekeys(pending);
    // Refused for good (made under a list that is gone, say): the next plan makes others.
    const settled = answer.ok || answer.status >= 400 && answer.status < 500 &&
        answer.status !== 401 && answer.status !== 429;
    if (settled) {
      await writer.change((change) => Promise.resolve(change.remove("device", PENDING)));
    }
    return settled;
  }

  async #make(
    change: Change,
    prekeys: readonly StoredPrekey[],
    { rotate, once, kemOnce }: Pick<PrekeyPlan, "rotate" | "once" | "kemOnce">,
    anyway = false,
  ): Promise<boolean> {
    if (!rotate && once + kemOnce === 0 && !anyway) return false;
    const { own, mode, now } = this.#options;
    const contact = await getContact(change, own.account);
    if (!contact) return false;
    const counters = await change.get<PrekeyCounters>("device", COUNTERS) ?? FIRST_PREKEY_COUNTERS;
    const keep = rotate ? null : currentRotation(prekeys);
    const stored = await change.get<Head>("device", archiveKeys.stored);
    const named: NamedArchive = { hash: stored?.hash ?? null, day: dayOf(now()) };
    const order = { day: named.day, mode, counters, once, kemOnce, archive: named.hash };
    const made = await makePrekeys(own, contact.list, keep ? { ...order, keep } : order);
    putPrekeys(change, made.privates);
    change.set("device", COUNTERS, made.counters);
    change.set("device", NAMED, namedHead(contact.list));
    change.set("device", NAMED_ARCHIVE, named);
    change.set("device", PENDING, made.upload);
    return true;
  }

  async #erase(
    change: Change,
    prekeys: readonly StoredPrekey[],
    { drop, claimed }: PrekeyPlan,
  ): Promise<void> {
    const rotation = currentRotation(prekeys)?.signed.id ?? 0;
    for (const { kind, id } of claimed) {
      const prekey = await change.get<StoredPrekey>("prekeys", keys.prekey(kind, id));
      if (prekey) putPrekeys(change, [{ ...prekey, claimed: rotation }]);
    }
    for (const { kind, id } of drop) change.remove("prekeys", keys.prekey(kind, id));
    const signed = drop.filter(({ kind }) => kind === "signed").map(({ id }) => id);
    if (signed.length === 0) return;
    // Handshakes are remembered as long as the prekeys that could repeat them.
    for (const { key, value } of await this.#list<SeenOpening>("seen", "opening/")) {
      if (signed.includes(value.signed)) change.remove("seen", key);
    }
  }

  /** What is only kept for a while: memories of envelopes, and surplus skipped keys. */
  async #prune(change: Change): Promise<void> {
    const { now, store } = this.#options;
    const oldest = weekOf(now()) - REMEMBERED_WEEKS;
    const end = keys.seenEnvelope(Math.max(0, oldest), "");
    const old = await store.list("seen", { prefix: "envelope/", before: end }).catch(failed);
    for (const { key } of old) change.remove("seen", key);
    await pruneDevice(change, store, now());
  }

  #list<T>(table: "prekeys" | "seen", prefix: string): Promise<Row<T>[]> {
    return this.#options.store.list<T>(table, { prefix }).catch(failed);
  }
}

/** Stores private halves. */
export function putPrekeys(change: Change, prekeys: readonly StoredPrekey[]): void {
  for (const prekey of prekeys) change.set("prekeys", keys.prekey(prekey.kind, prekey.id), prekey);
}

function failed(cause: unknown): never {
  throw new StoreFailed(cause);
}
