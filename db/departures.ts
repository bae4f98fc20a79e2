/** An account that goes: everything of it in one transaction, and its name kept back for a while. */
import type { DatabaseSync } from "node:sqlite";
import type { AccountId } from "../protocol/ids.ts";
import { all, later, one, transaction } from "./transaction.ts";

/** For so long nobody can take the name of an account that is gone. */
const RESERVED_MS = 30 * 86_400_000;

/** `last-admin`: others are here, and nobody else could run the server. `ended` are logins that are no more. */
export type Departure =
  | { readonly kind: "gone"; readonly ended: string[] }
  | { readonly kind: "last-admin" };

/** Accounts that go. */
export interface DeparturesStore {
  remove(account: AccountId, now: number): Promise<Departure>;
  /** Gives names back whose time is over. */
  purge(now: number): Promise<void>;
}

/** The same, synchronous, for use inside a transaction. */
export interface DepartureRows {
  /** Everything that is the account's; returns the logins that ended. */
  remove(account: AccountId, now: number): string[];
  isReserved(name: string, now: number): boolean;
}

/** The rows on one SQLite connection. */
export function departureRows(db: DatabaseSync): DepartureRows {
  const logins = db.prepare("select id from logins where account = ?");
  const reserve = db.prepare(`
    insert or replace into reserved_names (name, until)
    select username, ? from accounts where id = ?
  `);
  // These two refer to nothing, so nothing takes them along.
  const dropCodes = db.prepare(
    "delete from challenges where contact_key = (select contact_key from accounts where id = ?)",
  );
  const dropChallenges = db.prepare(
    "delete from device_challenges where device in (select id from devices where account = ?)",
  );
  const drop = db.prepare("delete from accounts where id = ?");
  const reserved = db.prepare("select 1 from reserved_names where name = ? and until > ?");
  return {
    remove(account, now) {
      const ended = all<{ id: string }>(logins, account).map(({ id }) => id);
      reserve.run(now + RESERVED_MS, account);
      dropCodes.run(account);
      dropChallenges.run(account);
      drop.run(account);
      return ended;
    },
    isReserved: (name, now) => reserved.get(name, now) !== undefined,
  };
}

/** The store on one SQLite connection. */
export function createDepartures(db: DatabaseSync): DeparturesStore {
  const rows = departureRows(db);
  const rank = db.prepare(`
    select (select count(*) from accounts) as people,
    (select count(*) from accounts where admin = 1 and disabled is null) as admins,
    (select count(*) from accounts where admin = 1 and disabled is null and id = ?) as self
  `);
  const purge = db.prepare("delete from reserved_names where until <= ?");
  return {
    remove: (account, now) =>
      later(() =>
        transaction(db, (): Departure => {
          type Rank = { people: number; admins: number; self: number };
          const { people, admins, self } = one<Rank>(rank, account)!;
          if (self === 1 && admins === 1 && people > 1) return { kind: "last-admin" };
          return { kind: "gone", ended: rows.remove(account, now) };
        })
      ),
    purge: (now) => later(() => void purge.run(now)),
  };
}
