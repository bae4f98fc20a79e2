/** Signed-in browsers and terminals. Only the SHA-256 of what they carry is here. */
import type { DatabaseSync } from "node:sqlite";
import type { Bytes } from "../protocol/encoding.ts";
import type { AccountId, DeviceId } from "../protocol/ids.ts";
import { all, later, one, transaction } from "./transaction.ts";

/**
 * `partial`: the password was right, the device is missing. `full`: signed in with the password.
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
  readonly challenge: Bytes | null;
  readonly made: number;
  readonly used: number;
  /** The login ends then, however much it is used. */
  readonly expires: number;
}

/** Logins by hash, by device and by account. */
export interface LoginsStore {
  insert(login: LoginRow): Promise<void>;
  /** Ends every other login of the device and adds this one. Returns the ids that ended. */
  replaceOfDevice(device: DeviceId, login: LoginRow): Promise<string[]>;
  /** Alive or not: the caller judges by the times. */
  find(hash: Bytes): Promise<LoginRow | null>;
  use(id: string, now: number): Promise<void>;
  end(id: string): Promise<void>;
  /** Ends all logins of an account but one. Returns the ids that ended. */
  endOthers(account: AccountId, keep: string): Promise<string[]>;
  /** Removes what ended by time. */
  purge(now: number, idleMs: number): Promise<number>;
}

/** The same, synchronous, for use inside a transaction. */
export interface LoginRows {
  insert(login: LoginRow): void;
  find(hash: Bytes): LoginRow | null;
  has(id: string, kind: LoginKind): boolean;
  use(id: string, now: number): void;
  end(id: string): void;
  /** Returns the ids that ended. */
  endOfDevice(device: DeviceId): string[];
  endOthers(account: AccountId, keep: string): string[];
  purge(now: number, idleMs: number): number;
}

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
  const end = db.prepare("delete from logins where id = ?");
  const endOfDevice = db.prepare("delete from logins where device = ? returning id");
  const endOthers = db.prepare("delete from logins where account = ? and id <> ? returning id");
  const purge = db.prepare("delete from logins where expires <= ? or used <= ?");
  const ids = (rows: { id: string }[]) => rows.map(({ id }) => id);
  return {
    insert(login) {
      const { id, hash, account, device, kind, challenge, made, used, expires } = login;
      insert.run(id, hash, account, device, kind, challenge, made, used, expires);
    },
    find: (hash) => one<LoginRow>(find, hash),
    has: (id, kind) => has.get(id, kind) !== undefined,
    use: (id, now) => void use.run(now, id),
    end: (id) => void end.run(id),
    endOfDevice: (device) => ids(all<{ id: string }>(endOfDevice, device)),
    endOthers: (account, keep) => ids(all<{ id: string }>(endOthers, account, keep)),
    purge: (now, idleMs) => Number(purge.run(now, now - idleMs).changes),
  };
}

/** The store on one SQLite connection. */
export function createLogins(db: DatabaseSync): LoginsStore {
  const logins = loginRows(db);
  return {
    insert: (login) => later(() => logins.insert(login)),
    replaceOfDevice: (device, login) =>
      later(() =>
        transaction(db, () => {
          const ended = logins.endOfDevice(device);
          logins.insert(login);
          return ended;
        })
      ),
    find: (hash) => later(() => logins.find(hash)),
    use: (id, now) => later(() => logins.use(id, now)),
    end: (id) => later(() => logins.end(id)),
    endOthers: (account, keep) => later(() => logins.endOthers(account, keep)),
    purge: (now, idleMs) => later(() => logins.purge(now, idleMs)),
  };
}
