/** Accounts as whoever runs the server sees them, and what may be done to them: each act with its line in the log. */
import type { DatabaseSync } from "node:sqlite";
import type { AccountId } from "../protocol/ids.ts";
import { type Act, auditRows } from "./audit.ts";
import { departureRows } from "./departures.ts";
import { loginRows } from "./logins.ts";
import { all, later, one, transaction } from "./transaction.ts";

/** One line of the list of people. Times are milliseconds since 1970. */
export interface UserRow {
  readonly account: AccountId;
  readonly username: string;
  readonly fullName: string;
  readonly contact: string;
  readonly admin: 0 | 1;
  readonly disabled: number | null;
  readonly made: number;
  /** When any of their logins was last used; null when there is none now. */
  readonly seen: number | null;
  readonly devices: number;
  readonly waiting: number;
}

/** How an act ended. `last-admin`: nobody would be left to run the server. */
export type ActResult =
  | { readonly kind: "done"; readonly ended: string[] }
  | { readonly kind: "gone" }
  | { readonly kind: "last-admin" };

/** What waits, in numbers. */
export interface QueueDepth {
  readonly envelopes: number;
  readonly bytes: number;
  /** Minute of the oldest one, in milliseconds since 1970. */
  readonly oldest: number | null;
}

/** People, and acts on them. The act's line is written in the transaction of the act, or neither is. */
export interface AdminStore {
  /** Accounts whose username, full name or address has `part` in it, by username, after `after`. */
  users(part: string, after: string, limit: number): Promise<UserRow[]>;
  user(account: AccountId): Promise<UserRow | null>;
  /** Null while there is no admin who is on. */
  oldestAdmin(): Promise<AccountId | null>;
  count(): Promise<{ readonly accounts: number; readonly admins: number }>;
  /** Switches the account off or on; off ends every login. */
  setDisabled(account: AccountId, disabled: boolean, act: Act): Promise<ActResult>;
  setAdmin(account: AccountId, admin: boolean, act: Act): Promise<ActResult>;
  /** Ends every login; each device needs the password to come back. */
  signOut(account: AccountId, act: Act): Promise<ActResult>;
  /** Takes away every second factor, and every login with it: whoever comes back proves the password. */
  resetFactor(account: AccountId, act: Act): Promise<ActResult>;
  /** Everything of it goes; its name is kept back for a while. */
  remove(account: AccountId, act: Act): Promise<ActResult>;
  /** Logins of accounts that have no second factor. */
  loginsWithoutFactor(): Promise<string[]>;
  queueDepth(): Promise<QueueDepth>;
}

/**
 * The store on one SQLite connection.
 * @param settle moves what is recent to where it is counted
 */
export function createAdmin(db: DatabaseSync, settle: () => Promise<void>): AdminStore {
  const audit = auditRows(db);
  const logins = loginRows(db);
  const departures = departureRows(db);
  const users = db.prepare(`
    select * from people where username > ? and (instr(username, ?) > 0
      or instr(lower(fullName), ?) > 0 or instr(lower(contact), ?) > 0)
    order by username limit ?
  `);
  const user = db.prepare("select * from people where account = ?");
  const count = db.prepare(`
    select count(*) as accounts, coalesce(sum(admin = 1 and disabled is null), 0) as admins
    from accounts
  `);
  const oldest = db.prepare(`
    select id from accounts where admin = 1 and disabled is null order by made, id limit 1
  `);
  const disable = db.prepare("update accounts set disabled = ? where id = ?");
  const setAdmin = db.prepare("update accounts set admin = ? where id = ?");
  const dropTotp = db.prepare("delete from totp where account = ?");
  const dropCodes = db.prepare("delete from recovery_codes where account = ?");
  const endAll = db.prepare("delete from logins where account = ? returning id");
  const dropPasskeys = db.prepare("delete from passkeys where account = ?");
  const withoutFactor = db.prepare(`
    select id from logins where account not in (select account from totp)
    and account not in (select account from passkeys)
  `);
  const depth = db.prepare(`
    select count(*) as envelopes, coalesce(sum(bytes), 0) as bytes, min(minute) * 60000 as oldest
    from (
      select length(coalesce(e.body, b.body)) as bytes, e.minute
      from envelopes e left join bodies b on b.no = e.shared
    )
  `);

  /** One act on one account, unless it would leave the server without an admin. */
  function change(
    account: AccountId,
    act: Act,
    takesAdmin: boolean,
    work: () => string[],
  ): Promise<ActResult> {
    return later(() =>
      transaction(db, (): ActResult => {
        const row = one<UserRow>(user, account);
        if (row === null) return { kind: "gone" };
        const last = row.admin === 1 && row.disabled === null &&
          one<{ admins: number }>(count)!.admins === 1;
        if (takesAdmin && last) return { kind: "last-admin" };
        audit.append(act);
        return { kind: "done", ended: work() };
      })
    );
  }

  const allLogins = (account: AccountId) =>
    all<{ id: string }>(endAll, account).map(({ id }) => id);
  return {
    users: (part, after, limit) =>
      settle().then(() => all<UserRow>(users, after, part, part, part, limit)),
    user: (account) => settle().then(() => one<UserRow>(user, account)),
    oldestAdmin: () => later(() => one<{ id: AccountId }>(oldest)?.id ?? null),
    count: () => later(() => one<{ accounts: number; admins: number }>(count)!),
    setDisabled: (account, disabled, act) =>
      change(account, act, disabled, () => {
        disable.run(disabled ? act.at : null, account);
        return disabled ? allLogins(account) : [];
      }),
    setAdmin: (account, admin, act) =>
      change(account, act, !admin, () => {
        setAdmin.run(admin ? 1 : 0, account);
        return [];
      }),
    signOut: (account, act) => change(account, act, false, () => logins.endOthers(account, "")),
    resetFactor: (account, act) =>
      change(account, act, false, () => {
        dropTotp.run(account);
        dropCodes.run(account);
        dropPasskeys.run(account);
        return logins.endOthers(account, "");
      }),
    remove: (account, act) => change(account, act, true, () => departures.remove(account, act.at)),
    loginsWithoutFactor: () => later(() => all<{ id: string }>(withoutFactor).map(({ id }) => id)),
    queueDepth: () => settle().then(() => one<QueueDepth>(depth)!),
  };
}
