/** The one transaction of a changed password. */
import type { DatabaseSync } from "node:sqlite";
import type { Vault } from "../protocol/api.ts";
import type { Bytes } from "../protocol/encoding.ts";
import { NO_PASSWORD } from "./accounts.ts";
import { challengeRows } from "./challenges.ts";
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

/** A password taken away, and everything that changes with it, verified. */
export type PasswordRemoval = Pick<PasswordChange, "list" | "vault" | "fromGeneration">;

/** `last-key`: no passkey opens the vault. */
export type PasswordRemovalResult = "done" | "stale" | "last-key";

/** A password set anew with the recovery key, verified. `login` is partial. */
export interface PasswordReset extends PasswordChange {
  /** The confirmed challenge it comes from; it is used up. */
  readonly challenge: Bytes;
  readonly now: number;
}

/** Changing passwords. */
export interface PasswordsStore {
  /** All of it or nothing: record, vault, wrap, list entry, logins. */
  change(change: PasswordChange): Promise<PasswordChangeResult>;
  /** The same; no login and no device key goes on. */
  reset(reset: PasswordReset): Promise<PasswordChangeResult | { readonly kind: "challenge-gone" }>;
  /** All of it or nothing: record and wrap gone, vault, list entry. */
  remove(removal: PasswordRemoval): Promise<PasswordRemovalResult>;
}

/** The store on one SQLite connection. */
export function createPasswords(db: DatabaseSync): PasswordsStore {
  const devices = deviceRows(db);
  const vaults = vaultRows(db);
  const logins = loginRows(db);
  const challenges = challengeRows(db);
  const stopWaiting = db.prepare("delete from resets where account = ?");
  const putRecord = db.prepare("update accounts set password_record = ? where id = ?");

  const opens = db.prepare(
    "select 1 from passkeys where account = ? and wrap is not null limit 1",
  );
  const dropWrap = db.prepare("delete from wraps where account = ? and kind = 'password'");

  /** The list and the vault one step on, or false when either has moved. */
  function moveOn({ list, vault, fromGeneration }: PasswordRemoval): boolean {
    const { account, after, entry } = list;
    const fresh = devices.head(account)?.version === list.before.version &&
      vaults.find(account)?.generation === fromGeneration;
    if (!fresh || !devices.moveHead(list)) return false;
    devices.appendEntry(account, after.version, entry);
    vaults.replace(account, fromGeneration, vault);
    return true;
  }

  function remove(removal: PasswordRemoval): PasswordRemovalResult {
    const { account } = removal.list;
    if (opens.get(account) === undefined) return "last-key";
    if (!moveOn(removal)) return "stale";
    putRecord.run(NO_PASSWORD, account);
    dropWrap.run(account);
    return "done";
  }

  function change({ list, record, vault, fromGeneration, login }: PasswordChange) {
    const { account } = list;
    if (!moveOn({ list, vault, fromGeneration })) return { kind: "stale" as const };
    putRecord.run(record, account);
    logins.insert(login);
    const ended = logins.endOthers(account, login.id);
    // Whoever can do this has forgotten nothing: somebody else wants to start the account over.
    stopWaiting.run(account);
    return { kind: "done" as const, ended };
  }

  function reset({ challenge, now, ...rest }: PasswordReset) {
    if (!challenges.isConfirmed(challenge, now)) return { kind: "challenge-gone" as const };
    const result = change(rest);
    if (result.kind === "done") challenges.close(challenge);
    return result;
  }

  return {
    change: (what) => later(() => transaction(db, () => change(what))),
    reset: (what) => later(() => transaction(db, () => reset(what))),
    remove: (what) => later(() => transaction(db, () => remove(what))),
  };
}
