/** Devices and the signed log that lists them. */
import type { DatabaseSync } from "node:sqlite";
import type { PrekeyUpload } from "../protocol/bundle.ts";
import type { DeviceEntry, DeviceList, Signed } from "../protocol/device_list.ts";
import type { Bytes } from "../protocol/encoding.ts";
import { type AccountId, type DeviceId, idBytes } from "../protocol/ids.ts";
import { MAX_DEVICES } from "../protocol/limits.ts";
import { type LoginRow, loginRows } from "./logins.ts";
import { prekeyRows } from "./prekeys.ts";
import { all, later, one, transaction } from "./transaction.ts";

/** A device as the server knows it: whose it is, and the public keys to check it by. */
export interface DeviceRow {
  readonly id: DeviceId;
  readonly account: AccountId;
  readonly kind: "browser" | "terminal";
  readonly sign: Bytes;
  readonly agree: Bytes;
  /** 1 once its owner signed it out: until the password comes, its key takes no login. */
  readonly passwordNeeded: 0 | 1;
}

/** Where an account's device list stands. */
export interface ListHead {
  readonly version: number;
  readonly hash: Bytes;
  readonly devices: DeviceId[];
}

/** A verified new entry of a device list and everything that changes with it. */
export interface ListChange {
  readonly account: AccountId;
  /** The list the entry was verified against; if another came first, nothing happens. */
  readonly before: Pick<DeviceList, "version" | "hash" | "devices">;
  readonly entry: Signed;
  readonly after: DeviceList;
}

/** A device signing in with a password: a change of the list when it is new, and its login. */
export interface DeviceSignIn {
  readonly change: ListChange | null;
  readonly device: DeviceId;
  readonly prekeys: { readonly upload: PrekeyUpload; readonly day: number } | null;
  readonly prekeyStock: number;
  /** The partial login that this one replaces. */
  readonly partial: string;
  readonly login: LoginRow;
}

/** What {@link DevicesStore.signIn} did; `ended` are logins that are no more. */
export type DeviceSignInResult =
  | { readonly kind: "done"; readonly ended: string[] }
  | { readonly kind: "stale" }
  /** A new device has the id of another account's: ids are random, so it was copied. */
  | { readonly kind: "id-taken" }
  | { readonly kind: "login-gone" };

/** What is kept of a device beside the signed list. */
export interface NamedDevice {
  readonly device: DeviceId;
  readonly kind: "browser" | "terminal";
  /** Unix day on which it joined. */
  readonly made: number;
  /** Empty where its owner gave it none. */
  readonly name: string;
  /** Unix day; null for never. */
  readonly seen: number | null;
}

/** Devices and device lists. */
export interface DevicesStore {
  find(device: DeviceId): Promise<DeviceRow | null>;
  head(account: AccountId): Promise<ListHead | null>;
  /** Entries with a version above `after`, oldest first, at most `limit`. */
  entries(account: AccountId, after: number, limit: number): Promise<Signed[]>;
  /** One transaction: list, device, prekeys, partial login out, new login in. */
  signIn(what: DeviceSignIn): Promise<DeviceSignInResult>;
  /**
   * One transaction: the entry, and the end of every device it leaves out, with its queue, prekeys and
   * logins. Returns the logins that ended; null when the list has moved on.
   */
  change(change: ListChange): Promise<string[] | null>;
  named(account: AccountId): Promise<NamedDevice[]>;
  /** False when the account has no such device. */
  rename(account: AccountId, device: DeviceId, name: string): Promise<boolean>;
  /** Who shares a room with the account: their devices hear of a removal without asking. */
  neighbours(account: AccountId): Promise<AccountId[]>;
}

/** The same, synchronous, for use inside a transaction. */
export interface DeviceRows {
  find(device: DeviceId): DeviceRow | null;
  /** Whether one of these is a device of another account. */
  anyTaken(account: AccountId, devices: readonly DeviceEntry[]): boolean;
  ids(account: AccountId): DeviceId[];
  head(account: AccountId): ListHead | null;
  entries(account: AccountId, after: number, limit: number): Signed[];
  appendEntry(account: AccountId, version: number, entry: Signed): void;
  insert(account: AccountId, entry: DeviceEntry): void;
  /** The password was right on this device: from now on its key renews logins again. */
  admit(device: DeviceId): void;
  remove(account: AccountId, device: DeviceId): void;
  /** False when the list is not where the change was verified against. */
  moveHead(change: ListChange): boolean;
}

/** The rows on one SQLite connection. */
export function deviceRows(db: DatabaseSync): DeviceRows {
  // A `set` may take the place of a `revoke` of the same version (protocol.md "Device list").
  const insertEntry = db.prepare(
    "insert or replace into list_entries (account, version, body, signature) values (?, ?, ?, ?)",
  );
  const insertDevice = db.prepare(
    "insert into devices (id, account, kind, sign, agree, made) values (?, ?, ?, ?, ?, ?)",
  );
  const byId = db.prepare(`
    select id, account, kind, sign, agree, password_needed as passwordNeeded
    from devices where id = ?
  `);
  const admit = db.prepare("update devices set password_needed = 0 where id = ?");
  const idsOf = db.prepare("select id from devices where account = ? order by id");
  const head = db.prepare("select list_version, list_hash from accounts where id = ?");
  const entries = db.prepare(`
    select body, signature from list_entries where account = ? and version > ?
    order by version limit ?
  `);
  const move = db.prepare(`
    update accounts set list_version = ?, list_hash = ?
    where id = ? and list_version = ? and list_hash = ?
  `);
  const remove = db.prepare("delete from devices where id = ? and account = ?");
  // Devices of accounts that were started over are only in their entries: 16 bytes that come back with
  // them. The newest `set` has all of them, and at most one `revoke` for each can follow it.
  const mayComeBack = db.prepare(`
    select 1 from former_vaults v join former_entries e
    on e.account = v.account and e.version >= v.list_version - ?
    where v.account <> ? and instr(e.body, ?) > 0 limit 1
  `);
  const ids = (account: AccountId) => all<{ id: DeviceId }>(idsOf, account).map(({ id }) => id);
  const find = (device: DeviceId) => one<DeviceRow>(byId, device);
  return {
    find,
    anyTaken: (account, entries) =>
      entries.some(({ device }) =>
        (find(device)?.account ?? account) !== account ||
        mayComeBack.get(MAX_DEVICES, account, idBytes(device)) !== undefined
      ),
    ids,
    head(account) {
      const row = one<{ list_version: number; list_hash: Bytes }>(head, account);
      if (row === null) return null;
      return { version: row.list_version, hash: row.list_hash, devices: ids(account) };
    },
    entries: (account, after, limit) =>
      all<Signed>(entries, account, after, limit).map(({ body, signature }) => ({
        body,
        signature,
      })),
    appendEntry(account, version, entry) {
      insertEntry.run(account, version, entry.body, entry.signature);
    },
    insert(account, entry) {
      insertDevice.run(entry.device, account, entry.kind, entry.sign, entry.agree, entry.made);
    },
    admit: (device) => void admit.run(device),
    remove: (account, device) => void remove.run(device, account),
    moveHead({ account, before, after }) {
      const done = move.run(after.version, after.hash, account, before.version, before.hash);
      return Number(done.changes) === 1;
    },
  };
}

/** The store on one SQLite connection. */
export function createDevices(db: DatabaseSync): DevicesStore {
  const devices = deviceRows(db);
  const prekeys = prekeyRows(db);
  const logins = loginRows(db);

  /** The logins of devices that the new list no longer has, or null when the list has moved on. */
  function applyChange(change: ListChange): string[] | null {
    if (!devices.moveHead(change)) return null;
    const { account, after } = change;
    devices.appendEntry(account, after.version, change.entry);
    const listed = new Set(after.devices.map(({ device }) => device));
    const known = devices.ids(account);
    const gone = known.filter((device) => !listed.has(device));
    const ended = gone.flatMap((device) => logins.endOfDevice(device));
    for (const device of gone) devices.remove(account, device);
    for (const entry of after.devices) {
      if (!known.includes(entry.device)) devices.insert(account, entry);
    }
    return ended;
  }

  const named = db.prepare(
    "select id as device, kind, made, name, seen from devices where account = ? order by id",
  );
  const rename = db.prepare("update devices set name = ? where id = ? and account = ?");
  const neighbours = db.prepare(`
    select distinct other.account from room_members mine
    join room_members other on other.room = mine.room
    where mine.account = ? and mine.left_by is null and other.left_by is null
    and other.account <> mine.account
  `);

  function signIn(what: DeviceSignIn): DeviceSignInResult {
    if (!logins.has(what.partial, "partial")) return { kind: "login-gone" };
    const { change } = what;
    if (change !== null && devices.anyTaken(change.account, change.after.devices)) {
      return { kind: "id-taken" };
    }
    const ended = change === null ? [] : applyChange(change);
    if (ended === null || devices.find(what.device) === null) return { kind: "stale" };
    logins.end(what.login.account, what.partial);
    devices.admit(what.device);
    if (what.prekeys !== null) {
      prekeys.upload(what.device, what.prekeys.upload, what.prekeys.day, what.prekeyStock);
    }
    ended.push(...logins.endOfDevice(what.device));
    logins.insert(what.login);
    return { kind: "done", ended };
  }

  return {
    find: (device) => later(() => devices.find(device)),
    head: (account) => later(() => devices.head(account)),
    entries: (account, after, limit) => later(() => devices.entries(account, after, limit)),
    signIn: (what) => later(() => transaction(db, () => signIn(what))),
    change: (change) => later(() => transaction(db, () => applyChange(change))),
    named: (account) => later(() => all<NamedDevice>(named, account)),
    rename: (account, device, name) =>
      later(() => Number(rename.run(name, device, account).changes) === 1),
    neighbours: (account) =>
      later(() => all<{ account: AccountId }>(neighbours, account).map((row) => row.account)),
  };
}
