/** Prekeys: what others need to open a session with a device. One-time keys leave exactly once. */
import type { DatabaseSync } from "node:sqlite";
import type { FetchedBundle, KemPrekey, OneTimePrekey, PrekeyUpload } from "../protocol/bundle.ts";
import type { Bytes } from "../protocol/encoding.ts";
import type { AccountId, DeviceId } from "../protocol/ids.ts";
import { later, one, transaction } from "./transaction.ts";

/** What is left of a device's prekeys. */
export interface PrekeyStock {
  readonly oneTime: number;
  readonly kemOnce: number;
  /** Unix day on which the bundle was made; 0 when there is none. */
  readonly day: number;
}

/** Bundles taken, and how many one-time X25519 keys went with them. */
export interface TakenBundles {
  readonly bundles: FetchedBundle[];
  readonly missing: DeviceId[];
  readonly oneTimeUsed: number;
}

/** The prekeys of all devices. */
export interface PrekeysStore {
  /**
   * Replaces bundle and last-resort key and adds one-time keys up to `stock` of each kind. Keys
   * with ids that were seen before are not added again.
   */
  upload(
    device: DeviceId,
    upload: PrekeyUpload,
    day: number,
    stock: number,
  ): Promise<PrekeyStock>;
  /**
   * One bundle per device of `account`. A one-time key is deleted as it is read, so it is given
   * to one caller; after `oneTimeBudget` of them the bundles come without.
   */
  take(account: AccountId, devices: DeviceId[], oneTimeBudget: number): Promise<TakenBundles>;
  stock(device: DeviceId): Promise<PrekeyStock>;
}

interface BundleRow {
  readonly body: Bytes;
  readonly signature: Bytes;
  readonly last_kem: number;
  readonly last_kem_key: Bytes;
  readonly last_kem_signature: Bytes;
}

interface Tops {
  readonly top_one_time: number;
  readonly top_kem: number;
}

/** The same, synchronous, for use inside a transaction. */
export interface PrekeyRows {
  upload(device: DeviceId, upload: PrekeyUpload, day: number, stock: number): PrekeyStock;
  take(account: AccountId, devices: readonly DeviceId[], oneTimeBudget: number): TakenBundles;
  stock(device: DeviceId): PrekeyStock;
}

/** The rows on one SQLite connection. */
export function prekeyRows(db: DatabaseSync): PrekeyRows {
  const putBundle = db.prepare(`
    insert into bundles (device, body, signature, day, last_kem, last_kem_key,
    last_kem_signature, top_one_time, top_kem) values (?, ?, ?, ?, ?, ?, ?, 0, 0)
    on conflict (device) do update set body = excluded.body, signature = excluded.signature,
    day = excluded.day, last_kem = excluded.last_kem, last_kem_key = excluded.last_kem_key,
    last_kem_signature = excluded.last_kem_signature
  `);
  const tops = db.prepare("select top_one_time, top_kem from bundles where device = ?");
  const setTops = db.prepare("update bundles set top_one_time = ?, top_kem = ? where device = ?");
  const putOneTime = db.prepare(
    "insert into one_time_prekeys (device, id, key) values (?, ?, ?)",
  );
  const putKem = db.prepare(
    "insert into kem_prekeys (device, id, key, signature) values (?, ?, ?, ?)",
  );
  const counts = db.prepare(`
    select (select count(*) from one_time_prekeys where device = ?) as oneTime,
    (select count(*) from kem_prekeys where device = ?) as kemOnce,
    coalesce((select day from bundles where device = ?), 0) as day
  `);
  const bundle = db.prepare(`
    select b.body, b.signature, b.last_kem, b.last_kem_key, b.last_kem_signature
    from bundles b join devices d on d.id = b.device where d.id = ? and d.account = ?
  `);
  const takeOneTime = db.prepare(`
    delete from one_time_prekeys where device = ? and id =
    (select min(id) from one_time_prekeys where device = ?) returning id, key
  `);
  const takeKem = db.prepare(`
    delete from kem_prekeys where device = ? and id =
    (select min(id) from kem_prekeys where device = ?) returning id, key, signature
  `);

  /** Ids only go up: a key that was once here is never put back. */
  function newer<K extends { readonly id: number }>(keys: readonly K[], top: number): K[] {
    return keys.filter(({ id }) => id > top).sort((a, b) => a.id - b.id);
  }

  function stock(device: DeviceId): PrekeyStock {
    const { oneTime, kemOnce, day } = one<PrekeyStock>(counts, device, device, device)!;
    return { oneTime, kemOnce, day };
  }

  function upload(device: DeviceId, sent: PrekeyUpload, day: number, most: number): PrekeyStock {
    const { bundle: { body, signature }, lastKem } = sent;
    putBundle.run(device, body, signature, day, lastKem.id, lastKem.key, lastKem.signature);
    const top = one<Tops>(tops, device)!;
    const before = stock(device);
    const oneTime = newer(sent.oneTime, top.top_one_time).slice(
      0,
      Math.max(0, most - before.oneTime),
    );
    const kem = newer(sent.kemOnce, top.top_kem).slice(0, Math.max(0, most - before.kemOnce));
    for (const { id, key } of oneTime) putOneTime.run(device, id, key);
    for (const { id, key, signature } of kem) putKem.run(device, id, key, signature);
    setTops.run(oneTime.at(-1)?.id ?? top.top_one_time, kem.at(-1)?.id ?? top.top_kem, device);
    return stock(device);
  }

  function takeOne(account: AccountId, device: DeviceId, withOneTime: boolean) {
    const row = one<BundleRow>(bundle, device, account);
    if (row === null) return null;
    const oneTime = withOneTime ? one<OneTimePrekey>(takeOneTime, device, device) : null;
    const kem = withOneTime ? one<KemPrekey>(takeKem, device, device) : null;
    const last = { id: row.last_kem, key: row.last_kem_key, signature: row.last_kem_signature };
    const fetched: FetchedBundle = {
      device,
      bundle: { body: row.body, signature: row.signature },
      kem: kem === null ? { kind: "last", ...last } : { kind: "once", ...kem },
      oneTime: oneTime === null ? null : { id: oneTime.id, key: oneTime.key },
    };
    return fetched;
  }

  function take(account: AccountId, devices: readonly DeviceId[], budget: number): TakenBundles {
    const bundles: FetchedBundle[] = [];
    const missing: DeviceId[] = [];
    let used = 0;
    for (const device of devices) {
      const fetched = takeOne(account, device, used < budget);
      if (fetched === null) missing.push(device);
      else bundles.push(fetched);
      if (fetched?.oneTime || fetched?.kem.kind === "once") used++;
    }
    return { bundles, missing, oneTimeUsed: used };
  }

  return { upload, take, stock };
}

/** The store on one SQLite connection. */
export function createPrekeys(db: DatabaseSync): PrekeysStore {
  const prekeys = prekeyRows(db);
  return {
    upload: (device, upload, day, stock) =>
      later(() => transaction(db, () => prekeys.upload(device, upload, day, stock))),
    take: (account, devices, budget) =>
      later(() => transaction(db, () => prekeys.take(account, devices, budget))),
    stock: (device) => later(() => prekeys.stock(device)),
  };
}
