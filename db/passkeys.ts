/** Passkeys of accounts, and the challenges that they sign. Challenges are kept as hashes. */
import type { DatabaseSync } from "node:sqlite";
import { MAX_PASSKEYS } from "../protocol/passkey_api.ts";
import type { Bytes } from "../protocol/encoding.ts";
import type { AccountId } from "../protocol/ids.ts";
import { secondFactorRows } from "./second_factors.ts";
import { all, later, one, transaction } from "./transaction.ts";
import { vaultRows } from "./vaults.ts";

/** One passkey. Times are milliseconds since 1970. */
export interface PasskeyRow {
  /** Names it in lists; opens nothing. */
  readonly id: string;
  readonly account: AccountId;
  readonly credential: Bytes;
  /** COSE. */
  readonly publicKey: Bytes;
  readonly counter: number;
  /** As the browser listed them, with commas between. */
  readonly transports: string;
  readonly name: string;
  /** The vault key under the passkey's PRF output; null where it gives none. */
  readonly wrap: Bytes | null;
  readonly made: number;
  /** Null until it has signed in or proven something. */
  readonly used: number | null;
}

/** What a challenge is good for; `proven` is not signed but named by the owner's next act. */
export type PasskeyPurpose = "sign-in" | "second-factor" | "owner" | "proven";

/** A challenge, or the right to take it. */
export interface ChallengeName {
  readonly hash: Bytes;
  readonly purpose: PasskeyPurpose;
  /** Null where nobody is signed in yet. */
  readonly login: string | null;
}

/** A new passkey and what has to be so for it. */
export interface NewPasskey {
  readonly row: PasskeyRow;
  /** The vault's edition that the wrap was made beside. */
  readonly generation: number;
  /** MACs of recovery codes, taken when the account has none. */
  readonly codes: readonly Bytes[];
}

/** `ended` are sign-ins that had only a password. */
export type AddedPasskey =
  | { readonly kind: "added"; readonly ended: string[]; readonly codesTaken: boolean }
  | { readonly kind: "stale" | "taken" | "full" };

/** `last-key`: without it nothing but the recovery key would open the vault. */
export type RemovedPasskey =
  | { readonly kind: "removed"; readonly ended: string[] }
  | { readonly kind: "unknown" | "last-key" };

/** Passkeys by account and credential. */
export interface PasskeysStore {
  /** Oldest first. */
  of(account: AccountId): Promise<PasskeyRow[]>;
  byCredential(credential: Bytes): Promise<PasskeyRow | null>;
  /** One transaction: the passkey, recovery codes if there are none, the end of password-only sign-ins. */
  add(passkey: NewPasskey): Promise<AddedPasskey>;
  /** Moves the counter on. False when another use was quicker, or the passkey is gone. */
  use(id: string, counter: number, now: number): Promise<boolean>;
  rename(account: AccountId, id: string, name: string): Promise<boolean>;
  /** The passkey with its wrap; sign-ins that are under way end, and with the last factor the recovery codes go. */
  remove(account: AccountId, id: string): Promise<RemovedPasskey>;
  openChallenge(challenge: ChallengeName, now: number, expires: number): Promise<void>;
  /** Uses a challenge up. False: none such, another's, or too old. */
  takeChallenge(challenge: ChallengeName, now: number): Promise<boolean>;
  purge(now: number): Promise<void>;
}

/** The store on one SQLite connection. */
export function createPasskeys(db: DatabaseSync): PasskeysStore {
  const of = db.prepare(`
    select id, account, credential, public_key as publicKey, counter, transports, name, wrap,
    made, used from passkeys where account = ? order by made, id
  `);
  const byCredential = db.prepare(`
    select id, account, credential, public_key as publicKey, counter, transports, name, wrap,
    made, used from passkeys where credential = ?
  `);
  const insert = db.prepare(`
    insert into passkeys (id, account, credential, public_key, counter, transports, name, wrap,
    made, used) values (?, ?, ?, ?, ?, ?, ?, ?, ?, null)
  `);
  // Authenticators without a counter stay at 0; with one, it only ever rises.
  const use = db.prepare(`
    update passkeys set counter = ?, used = ?
    where id = ? and (counter < ? or (counter = 0 and ? = 0))
  `);
  const rename = db.prepare("update passkeys set name = ? where id = ? and account = ?");
  const remove = db.prepare("delete from passkeys where id = ? and account = ?");
  const openers = db.prepare(`
    select (select count(*) from wraps where account = ? and kind = 'password') +
    (select count(*) from passkeys where account = ? and wrap is not null and id <> ?) as n
  `);
  const open = db.prepare(`
    insert into passkey_challenges (hash, purpose, login, made, expires) values (?, ?, ?, ?, ?)
  `);
  const take = db.prepare(`
    delete from passkey_challenges where hash = ? and purpose = ? and login is ? and expires > ?
  `);
  const purge = db.prepare("delete from passkey_challenges where expires <= ?");
  const partials = db.prepare(
    "delete from logins where account = ? and kind = 'partial' returning id",
  );
  const vaults = vaultRows(db);
  const factors = secondFactorRows(db);
  const list = (account: AccountId) => all<PasskeyRow>(of, account);
  const endPartials = (account: AccountId) =>
    all<{ id: string }>(partials, account).map((row) => row.id);
  const atOnce = <T>(work: () => T) => later(() => transaction(db, work));
  const changed = ({ changes }: { changes: number | bigint }) => Number(changes) === 1;

  function add({ row, generation, codes }: NewPasskey): AddedPasskey {
    const { id, account, credential, publicKey, counter, transports, name, wrap, made } = row;
    if (vaults.find(account)?.generation !== generation) return { kind: "stale" };
    if (byCredential.get(credential) !== undefined) return { kind: "taken" };
    const known = list(account);
    if (known.length >= MAX_PASSKEYS) return { kind: "full" };
    // The first factor ends every sign-in that had only a password to show.
    const first = factors.summary(account) === null;
    insert.run(id, account, credential, publicKey, counter, transports, name, wrap, made);
    const codesTaken = factors.countCodes(account) === 0;
    if (codesTaken) factors.putCodes(account, codes, made);
    return { kind: "added", ended: first ? endPartials(account) : [], codesTaken };
  }

  function removeOne(account: AccountId, id: string): RemovedPasskey {
    const found = list(account).find((row) => row.id === id);
    if (found === undefined) return { kind: "unknown" };
    const left = one<{ n: number }>(openers, account, account, id)!.n;
    if (found.wrap !== null && left === 0) return { kind: "last-key" };
    remove.run(id, account);
    if (factors.summary(account) === null) factors.clearCodes(account);
    return { kind: "removed", ended: endPartials(account) };
  }

  return {
    of: (account) => later(() => list(account)),
    byCredential: (credential) => later(() => one<PasskeyRow>(byCredential, credential)),
    add: (passkey) => atOnce(() => add(passkey)),
    use: (id, counter, now) => later(() => changed(use.run(counter, now, id, counter, counter))),
    rename: (account, id, name) => later(() => changed(rename.run(name, id, account))),
    remove: (account, id) => atOnce(() => removeOne(account, id)),
    openChallenge: ({ hash, purpose, login }, now, expires) =>
      later(() => void open.run(hash, purpose, login, now, expires)),
    takeChallenge: ({ hash, purpose, login }, now) =>
      later(() => changed(take.run(hash, purpose, login, now))),
    purge: (now) => later(() => void purge.run(now)),
  };
}
