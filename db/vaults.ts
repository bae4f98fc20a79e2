/** Sealed vaults and the sealed copies of their keys. The server can open neither. */
import type { DatabaseSync } from "node:sqlite";
import type { Vault, Wrap } from "../protocol/api.ts";
import type { Bytes } from "../protocol/encoding.ts";
import type { AccountId } from "../protocol/ids.ts";
import { all, later, one } from "./transaction.ts";

/** One vault for each account. */
export interface VaultsStore {
  find(account: AccountId): Promise<Vault | null>;
}

/** The same, synchronous, for use inside a transaction. */
export interface VaultRows {
  insert(account: AccountId, vault: Vault): void;
  /** The next edition; each wrap takes the place of the old one of its kind. Throws when `from` is not the generation that is there. */
  replace(account: AccountId, from: number, vault: Vault): void;
  find(account: AccountId): Vault | null;
}

/** The rows on one SQLite connection. */
export function vaultRows(db: DatabaseSync): VaultRows {
  const insertVault = db.prepare(
    "insert into vaults (account, generation, sealed) values (?, ?, ?)",
  );
  const insertWrap = db.prepare("insert into wraps (account, kind, sealed) values (?, ?, ?)");
  const replaceVault = db.prepare(
    "update vaults set generation = ?, sealed = ? where account = ? and generation = ?",
  );
  const replaceWrap = db.prepare(
    "insert or replace into wraps (account, kind, sealed) values (?, ?, ?)",
  );
  const vault = db.prepare("select generation, sealed from vaults where account = ?");
  const wraps = db.prepare("select kind, sealed from wraps where account = ? order by kind");
  return {
    insert(account, vault) {
      insertVault.run(account, vault.generation, vault.sealed);
      for (const { kind, sealed } of vault.wraps) insertWrap.run(account, kind, sealed);
    },
    replace(account, from, { generation, sealed, wraps }) {
      const { changes } = replaceVault.run(generation, sealed, account, from);
      if (Number(changes) !== 1) throw new Error("the vault has moved on");
      for (const { kind, sealed } of wraps) replaceWrap.run(account, kind, sealed);
    },
    find(account) {
      const row = one<{ generation: number; sealed: Bytes }>(vault, account);
      if (row === null) return null;
      const copies = all<Wrap>(wraps, account).map(({ kind, sealed }) => ({ kind, sealed }));
      return { generation: row.generation, sealed: row.sealed, wraps: copies };
    },
  };
}

/** The store on one SQLite connection. */
export function createVaults(db: DatabaseSync): VaultsStore {
  const vaults = vaultRows(db);
  return { find: (account) => later(() => vaults.find(account)) };
}
