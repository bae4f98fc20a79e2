/**
 * Accounts that begin anew with other keys: the wait before, the one transaction in which it
 * happens, and the one that brings the old keys back.
 */
import type { DatabaseSync } from "node:sqlite";
import type { Vault } from "../protocol/api.ts";
import type { DeviceList, PrekeyUpload, Signed } from "../protocol/bundle.ts";
import type { Bytes } from "../protocol/encoding.ts";
import type { AccountId, DeviceId } from "../protocol/ids.ts";
import { challengeRows } from "./challenges.ts";
import { deviceRows } from "./devices.ts";
import { type LoginRow, loginRows } from "./logins.ts";
import { prekeyRows } from "./prekeys.ts";
import { secondFactorRows } from "./second_factors.ts";
import { all, later, one, transaction } from "./transaction.ts";
import { vaultRows } from "./vaults.ts";

/** Somebody waits to start over. Times are milliseconds since 1970. */
export interface WaitingReset {
  readonly made: number;
  readonly due: number;
}

/** What an account had before it was started over. */
export interface FormerAccount {
  readonly aik: Bytes;
  readonly generation: number;
  readonly sealed: Bytes;
  /** The vault key, wrapped by the recovery key of then. */
  readonly recovery: Bytes;
  readonly until: number;
  readonly entries: Signed[];
}

interface OneUse {
  /** The confirmed challenge it comes from; it is used up. */
  readonly challenge: Bytes;
  readonly account: AccountId;
  readonly record: string;
  readonly entry: Signed;
  readonly list: DeviceList;
  readonly vault: Vault;
  readonly login: LoginRow;
  readonly now: number;
}

/** Everything that an account begins anew with, verified. */
export interface StartingOver extends OneUse {
  readonly device: DeviceId;
  readonly prekeys: PrekeyUpload;
  readonly prekeyDay: number;
  readonly prekeyStock: number;
  /** False where a second factor was shown. */
  readonly wait: boolean;
  /** How long the old keys can be brought back. */
  readonly until: number;
}

/**
 * The old keys, back. `entry` follows the former list; its devices need the password. `login` is
 * partial.
 */
export interface BringingBack extends OneUse {
  /** The generation that the former vault has; if another is kept, nothing happens. */
  readonly fromGeneration: number;
  /** When the account was started over: second factors made since go. */
  readonly since: number;
}

/** `ended` are logins that are no more. */
export type ResetResult =
  | { readonly kind: "done"; readonly ended: string[] }
  | { readonly kind: "challenge-gone" | "not-due" | "stale" | "bad-keys" };

/** A browser that has shown the mailbox and waits to start over. */
export interface WaitingBrowser {
  /** SHA-256 of what it carries. */
  readonly challenge: Bytes;
}

/** Resets by account. */
export interface ResetsStore {
  waiting(account: AccountId): Promise<WaitingReset | null>;
  /** Keeps one that waits already: asking again neither hastens nor delays. True when it is new. */
  begin(account: AccountId, times: WaitingReset): Promise<boolean>;
  /** Browsers that have shown the mailbox of an account, and any second factor it has. */
  browsers(account: AccountId, now: number): Promise<WaitingBrowser[]>;
  /** Lets one browser start over without more of a wait. False when nothing waits. */
  approve(account: AccountId, challenge: Bytes): Promise<boolean>;
  /** Whether a device has let this browser through. */
  isApproved(account: AccountId, challenge: Bytes): Promise<boolean>;
  /** False when nothing waits. */
  cancel(account: AccountId): Promise<boolean>;
  startOver(what: StartingOver): Promise<ResetResult>;
  former(account: AccountId, now: number): Promise<FormerAccount | null>;
  /** Whether the account has a second factor that is older than `time`. */
  hasFactorBefore(account: AccountId, time: number): Promise<boolean>;
  bringBack(what: BringingBack): Promise<ResetResult>;
  /** Forgets what waited and was not taken up by `lapsed`, and old keys whose time is over. */
  purge(now: number, lapsed: number): Promise<void>;
}

/** The store on one SQLite connection. */
export function createResetsStore(db: DatabaseSync): ResetsStore {
  const challenges = challengeRows(db);
  const vaults = vaultRows(db);
  const logins = loginRows(db);
  const prekeys = prekeyRows(db);
  const devices = deviceRows(db);
  const keys = keyRows(db);
  const factors = factorRows(db);
  const waiting = db.prepare("select made, due from resets where account = ?");
  const begin = db.prepare(
    "insert into resets (account, made, due) values (?, ?, ?) on conflict (account) do nothing",
  );
  const cancel = db.prepare("delete from resets where account = ?");
  const isDue = db.prepare("select 1 from resets where account = ? and made <= ? and due <= ?");
  const browsers = db.prepare(`
    select hash as challenge from challenges where account = ? and purpose = 'reset' and
    confirmed is not null and void = 0 and made <= ? and expires > ?
  `);
  const approve = db.prepare("update resets set approved = ? where account = ?");
  const approved = db.prepare("select 1 from resets where account = ? and approved = ?");
  const lapse = db.prepare("delete from resets where due <= ?");
  const forget = db.prepare("delete from former_vaults where until <= ?");

  /** The list first: a login refers to a device of it. */
  function install({ account, record, list, vault, login, challenge, entry }: OneUse): void {
    keys.set(account, list, record);
    devices.appendEntry(account, list.version, entry);
    for (const one of list.devices) devices.insert(account, one);
    vaults.insert(account, vault);
    logins.insert(login);
    challenges.close(challenge);
    cancel.run(account);
  }

  function startOver(what: StartingOver): ResetResult {
    const { account, now, list, device, until } = what;
    if (!challenges.isConfirmed(what.challenge, now)) return { kind: "challenge-gone" };
    const allowed = !what.wait || approved.get(account, what.challenge) !== undefined ||
      isDue.get(account, now, now) !== undefined;
    if (!allowed) return { kind: "not-due" };
    if (devices.anyTaken(account, list.devices)) return { kind: "bad-keys" };
    if (keys.former(account, now) === null) keys.keep(account, until);
    const ended = keys.clear(account);
    install(what);
    prekeys.upload(device, what.prekeys, what.prekeyDay, what.prekeyStock);
    return { kind: "done", ended };
  }

  function bringBack(what: BringingBack): ResetResult {
    const { account, now, vault } = what;
    if (!challenges.isConfirmed(what.challenge, now)) return { kind: "challenge-gone" };
    const former = keys.former(account, now);
    if (former?.generation !== what.fromGeneration) return { kind: "stale" };
    const ended = keys.clear(account);
    const recovery = { kind: "recovery" as const, sealed: former.recovery };
    install({ ...what, vault: { ...vault, wraps: [...vault.wraps, recovery] } });
    for (const [i, old] of former.entries.entries()) devices.appendEntry(account, i + 1, old);
    keys.lockDevices(account);
    keys.dropFormer(account);
    factors.dropSince(account, what.since);
    return { kind: "done", ended };
  }

  const atOnce = <T>(work: () => T) => later(() => transaction(db, work));
  return {
    waiting: (account) => later(() => one<WaitingReset>(waiting, account)),
    begin: (account, { made, due }) =>
      later(() => Number(begin.run(account, made, due).changes) === 1),
    browsers: (account, now) => later(() => all<WaitingBrowser>(browsers, account, now, now)),
    approve: (account, challenge) =>
      later(() => Number(approve.run(challenge, account).changes) === 1),
    isApproved: (account, challenge) => later(() => approved.get(account, challenge) !== undefined),
    cancel: (account) => later(() => Number(cancel.run(account).changes) === 1),
    startOver: (what) => atOnce(() => startOver(what)),
    former: (account, now) => later(() => keys.former(account, now)),
    hasFactorBefore: (account, time) => later(() => factors.hasBefore(account, time)),
    bringBack: (what) => atOnce(() => bringBack(what)),
    purge: (now, lapsed) =>
      atOnce(() => {
        lapse.run(lapsed);
        forget.run(now);
      }),
  };
}

/** The keys of one account: kept, taken away, set. */
function keyRows(db: DatabaseSync) {
  const former = db.prepare(`
    select aik, generation, sealed, recovery, until from former_vaults where account = ? and until > ?
  `);
  const formerEntries = db.prepare(
    "select body, signature from former_entries where account = ? order by version",
  );
  const dropFormer = db.prepare("delete from former_vaults where account = ?");
  const keepVault = db.prepare(`
    insert into former_vaults
    (account, aik, list_version, list_hash, generation, sealed, recovery, until)
    select a.id, a.aik, a.list_version, a.list_hash, v.generation, v.sealed, w.sealed, ?
    from accounts a join vaults v on v.account = a.id
    join wraps w on w.account = a.id and w.kind = 'recovery' where a.id = ?
  `);
  const keepEntries = db.prepare(`
    insert into former_entries (account, version, body, signature)
    select account, version, body, signature from list_entries where account = ?
  `);
  const loginsOf = db.prepare("select id from logins where account = ?");
  // Passkeys stay as a second factor; what their keys opened is the other vault.
  const shutPasskeys = db.prepare("update passkeys set wrap = null where account = ?");
  const dropLogins = db.prepare("delete from logins where account = ?");
  const dropDevices = db.prepare("delete from devices where account = ?");
  const lockDevices = db.prepare("update devices set password_needed = 1 where account = ?");
  const dropEntries = db.prepare("delete from list_entries where account = ?");
  const dropVault = db.prepare("delete from vaults where account = ?");
  const set = db.prepare(`
    update accounts set aik = ?, list_version = ?, list_hash = ?, password_record = ? where id = ?
  `);
  return {
    former(account: AccountId, now: number): FormerAccount | null {
      const row = one<Omit<FormerAccount, "entries">>(former, account, now);
      return row && { ...row, entries: all<Signed>(formerEntries, account).map(plain) };
    },
    lockDevices: (account: AccountId) => void lockDevices.run(account),
    dropFormer: (account: AccountId) => void dropFormer.run(account),
    keep(account: AccountId, until: number): void {
      dropFormer.run(account);
      keepVault.run(until, account);
      keepEntries.run(account);
    },
    /** Everything that hangs on the account key. Returns the logins that ended. */
    clear(account: AccountId): string[] {
      const ended = all<{ id: string }>(loginsOf, account).map(({ id }) => id);
      shutPasskeys.run(account);
      for (const drop of [dropLogins, dropDevices, dropEntries, dropVault]) drop.run(account);
      return ended;
    },
    set(account: AccountId, { aik, version, hash }: DeviceList, record: string): void {
      set.run(aik, version, hash, record, account);
    },
  };
}

/** Second factors by their age. */
function factorRows(db: DatabaseSync) {
  const factors = secondFactorRows(db);
  const before = db.prepare(`
    select 1 from totp where account = ? and made < ? union all
    select 1 from passkeys where account = ? and made < ? limit 1
  `);
  const dropApp = db.prepare("delete from totp where account = ? and made >= ?");
  const dropPasskeys = db.prepare("delete from passkeys where account = ? and made >= ?");
  const dropCodes = db.prepare("delete from recovery_codes where account = ? and made >= ?");
  return {
    hasBefore: (account: AccountId, time: number): boolean =>
      before.get(account, time, account, time) !== undefined,
    dropSince(account: AccountId, time: number): void {
      for (const drop of [dropApp, dropPasskeys, dropCodes]) drop.run(account, time);
      if (factors.summary(account) === null) factors.clearCodes(account);
    },
  };
}

function plain({ body, signature }: Signed): Signed {
  return { body, signature };
}
