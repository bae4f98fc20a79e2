/** The one transaction of a changed password. */
import type { DatabaseSync } from "node:sqlite";
import type { Vault } from "../protocol/api.ts";
import { deviceRows, type ListChange } from "./devices.ts";
import { type LoginRow, loginRows } from "./logins.ts";
import { later, transaction } from "./transaction.ts";
import { vaultRows } from "./vaults.ts";

/** A changed password and everything that changes with it, verified. */
export interface PasswordChange {
  /** The entry that names the new vault generation. */
  readonly list: ListChange;
  /** OPAQUE registration record of the new password. */
  readonly record: string;
  /** The vault as it stands then; its one wrap takes the place of the old password's. */
  readonly vault: Vault;
  /** The generation it was made from; if another came first, nothing happens. */
  readonly fromGeneration: number;
  /** Takes the place of every login of the account. */
  readonly login: LoginRow;
}

/** `ended` are logins that are no more. */
export type PasswordChangeResult =
  | { readonly kind: "done"; readonly ended: string[] }
  | { readonly kind: "stale" };

/** Changing passwords. */
export interface PasswordsStore {
  /** All of it or nothing: record, vault, wrap, list entry, logins. */
  change(change: PasswordChange): Promise<PasswordChangeResult>;
}

/** The store on one SQLite connection. */
export function createPasswords(db: DatabaseSync): PasswordsStore {
  const devices = deviceRows(db);
  const vaults = vaultRows(db);
  const logins = loginRows(db);
  const putRecord = db.prepare("update accounts set password_record = ? where id = ?");

  function change({ list, record, vault, fromGeneration, login }: PasswordChange) {
    const { account, after, entry } = list;
    const head = devices.head(account);
    const fresh = head?.version === list.before.version &&
      vaults.find(account)?.generation === fromGeneration;
    if (!fresh || !devices.moveHead(list)) return { kind: "stale" as const };
    devices.appendEntry(account, after.version, entry);
    vaults.replace(account, fromGeneration, vault);
    putRecord.run(record, account);
    logins.insert(login);
    const ended = logins.endOthers(account, login.id);
    return { kind: "done" as const, ended };
  }

  return { change: (what) => later(() => transaction(db, () => change(what))) };
}
