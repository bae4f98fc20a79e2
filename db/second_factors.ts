/** Authenticator apps and recovery codes. Seeds are sealed and codes are HMACs before they get here. */
import type { DatabaseSync } from "node:sqlite";
import type { Bytes } from "../protocol/encoding.ts";
import type { AccountId } from "../protocol/ids.ts";
import { loginRows } from "./logins.ts";
import { all, later, one, transaction } from "./transaction.ts";

/** An account's second factor. */
export interface SecondFactorRow {
  readonly sealed: Bytes;
  readonly lastStep: number;
  readonly made: number;
  /** How many recovery codes are left. */
  readonly codes: number;
}

/** A seed whose first code was right. */
export interface Enrolment {
  readonly account: AccountId;
  /** The login that was shown the seed. */
  readonly login: string;
  readonly sealed: Bytes;
  /** The step of the confirming code: it is used up. */
  readonly step: number;
  readonly codes: readonly Bytes[];
  readonly now: number;
}

/** Second factors by account. */
export interface SecondFactorsStore {
  find(account: AccountId): Promise<SecondFactorRow | null>;
  /** Keeps a seed for the login that is shown it; an earlier one of this login is gone. */
  offer(login: string, sealed: Bytes, now: number): Promise<void>;
  /** The seed offered to a login since `since`. */
  offered(login: string, since: number): Promise<Bytes | null>;
  /**
   * One transaction: the factor, its codes, and the end of every sign-in that had only a password.
   * Returns the logins that ended; null when the offer is gone or a factor is there already.
   */
  enrol(enrolment: Enrolment): Promise<string[] | null>;
  /** Uses a time step up. False when it or a later one was used before (A7). */
  takeStep(account: AccountId, step: number): Promise<boolean>;
  /** Uses a recovery code up. Returns how many are left; null when there is no such code. */
  takeCode(account: AccountId, mac: Bytes): Promise<number | null>;
  /** Other codes instead of all old ones. False when there is no second factor. */
  replaceCodes(account: AccountId, codes: readonly Bytes[], now: number): Promise<boolean>;
  remove(account: AccountId): Promise<void>;
  /** Forgets offers made before `before`. */
  purgeOffers(before: number): Promise<void>;
}

/** The store on one SQLite connection. */
export function createSecondFactors(db: DatabaseSync): SecondFactorsStore {
  const logins = loginRows(db);
  const find = db.prepare(`
    select sealed, last_step as lastStep, made,
    (select count(*) from recovery_codes where account = totp.account) as codes
    from totp where account = ?
  `);
  const offer = db.prepare(
    "insert or replace into totp_offers (login, sealed, made) values (?, ?, ?)",
  );
  const offered = db.prepare("select sealed from totp_offers where login = ? and made >= ?");
  const takeOffer = db.prepare("delete from totp_offers where login = ? and sealed = ?");
  const purgeOffers = db.prepare("delete from totp_offers where made < ?");
  const insert = db.prepare(`
    insert into totp (account, sealed, last_step, made) values (?, ?, ?, ?)
    on conflict (account) do nothing
  `);
  const takeStep = db.prepare("update totp set last_step = ? where account = ? and last_step < ?");
  const remove = db.prepare("delete from totp where account = ?");
  const insertCode = db.prepare(
    "insert into recovery_codes (account, mac, made) values (?, ?, ?)",
  );
  const takeCode = db.prepare("delete from recovery_codes where account = ? and mac = ?");
  const clearCodes = db.prepare("delete from recovery_codes where account = ?");
  const partials = db.prepare(
    "delete from logins where account = ? and kind = 'partial' returning id",
  );
  const changed = ({ changes }: { changes: number | bigint }) => Number(changes) === 1;

  function putCodes(account: AccountId, codes: readonly Bytes[], now: number): void {
    clearCodes.run(account);
    for (const mac of codes) insertCode.run(account, mac, now);
  }

  function enrol({ account, login, sealed, step, codes, now }: Enrolment): string[] | null {
    const alive = logins.has(login, "full") && find.get(account) === undefined;
    if (!alive || !changed(takeOffer.run(login, sealed))) return null;
    insert.run(account, sealed, step, now);
    putCodes(account, codes, now);
    return all<{ id: string }>(partials, account).map(({ id }) => id);
  }

  const atOnce = <T>(work: () => T) => later(() => transaction(db, work));
  return {
    find: (account) => later(() => one<SecondFactorRow>(find, account)),
    offer: (login, sealed, now) => later(() => void offer.run(login, sealed, now)),
    offered: (login, since) =>
      later(() => one<{ sealed: Bytes }>(offered, login, since)?.sealed ?? null),
    enrol: (enrolment) => atOnce(() => enrol(enrolment)),
    takeStep: (account, step) => later(() => changed(takeStep.run(step, account, step))),
    takeCode: (account, mac) =>
      atOnce(() =>
        changed(takeCode.run(account, mac)) ? one<SecondFactorRow>(find, account)?.codes ?? 0 : null
      ),
    replaceCodes: (account, codes, now) =>
      atOnce(() => {
        if (find.get(account) === undefined) return false;
        putCodes(account, codes, now);
        return true;
      }),
    remove: (account) =>
      atOnce(() => {
        remove.run(account);
        clearCodes.run(account);
      }),
    purgeOffers: (before) => later(() => void purgeOffers.run(before)),
  };
}
