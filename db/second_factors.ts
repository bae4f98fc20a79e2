/** Authenticator apps and recovery codes. Seeds are sealed and codes are HMACs before they get here. */
import type { DatabaseSync } from "node:sqlite";
import type { Bytes } from "../protocol/encoding.ts";
import type { AccountId } from "../protocol/ids.ts";
import { loginRows } from "./logins.ts";
import { all, later, one, transaction } from "./transaction.ts";

/** An account's authenticator app. */
export interface SecondFactorRow {
  readonly sealed: Bytes;
  readonly lastStep: number;
  readonly made: number;
}

/** What an account has besides its password. */
export interface FactorSummary {
  /** Since when there is an authenticator app; null where there is none. */
  readonly app: number | null;
  readonly passkeys: number;
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
  /** Null while the password alone signs in. */
  summary(account: AccountId): Promise<FactorSummary | null>;
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
  /** Removes the app, and the recovery codes where there is no passkey either. */
  remove(account: AccountId): Promise<void>;
  /** Forgets offers made before `before`. */
  purgeOffers(before: number): Promise<void>;
}

/** The part that other transactions use, synchronous. */
export interface SecondFactorRows {
  summary(account: AccountId): FactorSummary | null;
  countCodes(account: AccountId): number;
  /** These codes instead of all old ones. */
  putCodes(account: AccountId, macs: readonly Bytes[], now: number): void;
  clearCodes(account: AccountId): void;
}

/** The rows on one SQLite connection. */
export function secondFactorRows(db: DatabaseSync): SecondFactorRows {
  const summary = db.prepare(`
    select (select made from totp where account = ?) as app,
    (select count(*) from passkeys where account = ?) as passkeys,
    (select count(*) from recovery_codes where account = ?) as codes
  `);
  const count = db.prepare("select count(*) as n from recovery_codes where account = ?");
  const insert = db.prepare("insert into recovery_codes (account, mac, made) values (?, ?, ?)");
  const clear = db.prepare("delete from recovery_codes where account = ?");
  return {
    summary(account) {
      const row = one<FactorSummary>(summary, account, account, account)!;
      return row.app === null && row.passkeys === 0 ? null : row;
    },
    countCodes: (account) => one<{ n: number }>(count, account)!.n,
    putCodes(account, macs, now) {
      clear.run(account);
      for (const mac of macs) insert.run(account, mac, now);
    },
    clearCodes: (account) => void clear.run(account),
  };
}

/** The store on one SQLite connection. */
export function createSecondFactors(db: DatabaseSync): SecondFactorsStore {
  const logins = loginRows(db);
  const rows = secondFactorRows(db);
  const find = db.prepare("select sealed, last_step as lastStep, made from totp where account = ?");
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
  const takeCode = db.prepare("delete from recovery_codes where account = ? and mac = ?");
  const partials = db.prepare(
    "delete from logins where account = ? and kind = 'partial' returning id",
  );
  const changed = ({ changes }: { changes: number | bigint }) => Number(changes) === 1;

  function enrol({ account, login, sealed, step, codes, now }: Enrolment): string[] | null {
    const alive = logins.has(login, "full") && find.get(account) === undefined;
    if (!alive || !changed(takeOffer.run(login, sealed))) return null;
    insert.run(account, sealed, step, now);
    rows.putCodes(account, codes, now);
    return all<{ id: string }>(partials, account).map(({ id }) => id);
  }

  const atOnce = <T>(work: () => T) => later(() => transaction(db, work));
  return {
    find: (account) => later(() => one<SecondFactorRow>(find, account)),
    summary: (account) => later(() => rows.summary(account)),
    offer: (login, sealed, now) => later(() => void offer.run(login, sealed, now)),
    offered: (login, since) =>
      later(() => one<{ sealed: Bytes }>(offered, login, since)?.sealed ?? null),
    enrol: (enrolment) => atOnce(() => enrol(enrolment)),
    takeStep: (account, step) => later(() => changed(takeStep.run(step, account, step))),
    takeCode: (account, mac) =>
      atOnce(() => changed(takeCode.run(account, mac)) ? rows.countCodes(account) : null),
    replaceCodes: (account, codes, now) =>
      atOnce(() => {
        if (rows.summary(account) === null) return false;
        rows.putCodes(account, codes, now);
        return true;
      }),
    remove: (account) =>
      atOnce(() => {
        remove.run(account);
        if (rows.summary(account) === null) rows.clearCodes(account);
      }),
    purgeOffers: (before) => later(() => void purgeOffers.run(before)),
  };
}
