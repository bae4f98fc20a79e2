/** Signed-in browsers and terminals. Only the SHA-256 of what they carry is here. */
import type { DatabaseSync } from "node:sqlite";
import type { Bytes } from "../protocol/encoding.ts";
import type { AccountId, DeviceId } from "../protocol/ids.ts";
import { all, later, one, transaction } from "./transaction.ts";

/**
 * `partial`: the password was right; a second factor, where there is one, and the device are missing. `full`: signed in with the password.
 * `device`: renewed by the device key, which is enough to chat.
 */
export type LoginKind = "partial" | "full" | "device";

/** One login. Times are milliseconds since 1970. */
export interface LoginRow {
  /** Names the login in lists and logs; opens nothing. */
  readonly id: string;
  readonly hash: Bytes;
  readonly account: AccountId;
  /** Null exactly while the login is partial. */
  readonly device: DeviceId | null;
  readonly kind: LoginKind;
  /** What the device signs; null until the second factor is confirmed, and once the login is not partial. */
  readonly challenge: Bytes | null;
  readonly made: number;
  readonly used: number;
  /** The login ends then, however much it is used. */
  readonly expires: number;
}

/** A login as its owner sees it. */
export interface ListedLogin {
  readonly id: string;
  readonly device: DeviceId;
  readonly deviceKind: "browser" | "terminal";
  /** Unix day on which the device joined the account. */
  readonly deviceMade: number;
  readonly made: number;
  readonly used: number;
}

/** Logins by hash, by device and by account. */
export interface LoginsStore {
  insert(login: LoginRow): Promise<void>;
  /**
   * Ends every other login of the device and adds this one. Returns the ids that ended; null, and nothing
   * happens, when the device is gone or its owner signed it out.
   */
  replaceOfDevice(device: DeviceId, login: LoginRow): Promise<string[] | null>;
  /** Alive or not: the caller judges by the times. */
  find(hash: Bytes): Promise<LoginRow | null>;
  use(id: string, now: number): Promise<void>;
  /** Ends a login of the account; its device must bring the password next time. False: there is none such. */
  end(account: AccountId, id: string): Promise<boolean>;
  /** Ends all logins of an account but one, likewise. Returns the ids that ended. */
  endOthers(account: AccountId, keep: string): Promise<string[]>;
  /** Logins with a device, used after `usedAfter` and not past their end; the last used first. */
  ofAccount(account: AccountId, usedAfter: number, now: number): Promise<ListedLogin[]>;
  /** Counts a try at a second factor (A4). False when all of them were spent before. */
  countTry(id: string, most: number): Promise<boolean>;
  /** Another partial login in place of this one. False when it is gone. */
  replacePartial(id: string, login: LoginRow): Promise<boolean>;
  /** Removes what ended by time. Returns the ids. */
  purge(now: number, idleMs: number): Promise<string[]>;
}

/** The same, synchronous, for use inside a transaction. */
export interface LoginRows {
  insert(login: LoginRow): void;
  find(hash: Bytes): LoginRow | null;
  has(id: string, kind: LoginKind): boolean;
  use(id: string, now: number): void;
  end(account: AccountId, id: string): boolean;
  /** Returns the ids that ended. */
  endOfDevice(device: DeviceId): string[];
  endOthers(account: AccountId, keep: string): string[];
  purge(now: number, idleMs: number): string[];
}

const DAY_MS = 86_400_000;

/** The rows on one SQLite connection. */
export function loginRows(db: DatabaseSync): LoginRows {
  const insert = db.prepare(`
    insert into logins (id, hash, account, device, kind, challenge, made, used, expires)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?)
  `);
  const find = db.prepare(`
    select id, hash, account, device, kind, challenge, made, used, expires from logins
    where hash = ?
  `);
  const has = db.prepare("select 1 from logins where id = ? and kind = ?");
  const use = db.prepare("update logins set used = ? where id = ?");
  // To the day: who reads the database learns no more about when somebody is here than they must.
  const see = db.prepare("update devices set seen = ? where id = ? and seen is not ?");
  const deviceOf = db.prepare("select device from logins where id = ?");
  const end = db.prepare("delete from logins where id = ? and account = ?");
  // Whom its owner signs out stays out: the device key alone renews nothing.
  const lock = db.prepare(`
    update devices set password_needed = 1 where account = ? and
    id = (select l.device from logins l where l.id = ? and l.account = devices.account)
  `);
  const lockOthers = db.prepare(`
    update devices set password_needed = 1 where account = ? and
    id is not (select l.device from logins l where l.id = ? and l.account = devices.account)
  `);
  const endOfDevice = db.prepare("delete from logins where device = ? returning id");
  const endOthers = db.prepare("delete from logins where account = ? and id <> ? returning id");
  const purge = db.prepare("delete from logins where expires <= ? or used <= ? returning id");
  const ids = (rows: { id: string }[]) => rows.map(({ id }) => id);
  const seen = (device: DeviceId, now: number) => {
    const day = Math.floor(now / DAY_MS);
    see.run(day, device, day);
  };
  return {
    insert(login) {
      const { id, hash, account, device, kind, challenge, made, used, expires } = login;
      insert.run(id, hash, account, device, kind, challenge, made, used, expires);
      if (device !== null) seen(device, made);
    },
    find: (hash) => one<LoginRow>(find, hash),
    has: (id, kind) => has.get(id, kind) !== undefined,
    use(id, now) {
      use.run(now, id);
      const row = one<{ device: DeviceId | null }>(deviceOf, id);
      if (row?.device) seen(row.device, now);
    },
    end(account, id) {
      lock.run(account, id);
      return Number(end.run(id, account).changes) === 1;
    },
    endOfDevice: (device) => ids(all<{ id: string }>(endOfDevice, device)),
    endOthers(account, keep) {
      lockOthers.run(account, keep);
      return ids(all<{ id: string }>(endOthers, account, keep));
    },
    purge: (now, idleMs) => ids(all<{ id: string }>(purge, now, now - idleMs)),
  };
}

/** The store on one SQLite connection. */
export function createLogins(db: DatabaseSync): LoginsStore {
  const logins = loginRows(db);
  const ofAccount = db.prepare(`
    select l.id, l.device, d.kind as deviceKind, d.made as deviceMade, l.made, l.used
    from logins l join devices d on d.id = l.device
    where l.account = ? and l.used > ? and l.expires > ? order by l.used desc, l.id
  `);
  const countTry = db.prepare(
    "update logins set tries = tries + 1 where id = ? and kind = 'partial' and tries < ?",
  );
  const renewable = db.prepare("select 1 from devices where id = ? and password_needed = 0");
  const atOnce = <T>(work: () => T) => later(() => transaction(db, work));
  return {
    insert: (login) => later(() => logins.insert(login)),
    replaceOfDevice: (device, login) =>
      atOnce(() => {
        if (renewable.get(device) === undefined) return null;
        const ended = logins.endOfDevice(device);
        logins.insert(login);
        return ended;
      }),
    find: (hash) => later(() => logins.find(hash)),
    use: (id, now) => later(() => logins.use(id, now)),
    end: (account, id) => atOnce(() => logins.end(account, id)),
    endOthers: (account, keep) => atOnce(() => logins.endOthers(account, keep)),
    ofAccount: (...args) => later(() => all<ListedLogin>(ofAccount, ...args)),
    countTry: (id, most) => later(() => Number(countTry.run(id, most).changes) === 1),
    replacePartial: (id, login) =>
      atOnce(() => {
        if (!logins.has(id, "partial")) return false;
        logins.end(login.account, id);
        logins.insert(login);
        return true;
      }),
    purge: (now, idleMs) => later(() => logins.purge(now, idleMs)),
  };
}
