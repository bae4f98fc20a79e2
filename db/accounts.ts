/** Accounts, and the one transaction in which everything of a new one comes into being. */
import type { DatabaseSync } from "node:sqlite";
import type { Vault } from "../protocol/api.ts";
import type { DeviceList, PrekeyUpload, Signed } from "../protocol/bundle.ts";
import type { Bytes } from "../protocol/encoding.ts";
import type { AccountId, DeviceId } from "../protocol/ids.ts";
import { challengeRows, type Contact } from "./challenges.ts";
import { departureRows } from "./departures.ts";
import { deviceRows } from "./devices.ts";
import { inviteRows } from "./invites.ts";
import { type LoginRow, loginRows } from "./logins.ts";
import { prekeyRows } from "./prekeys.ts";
import { later, one, transaction } from "./transaction.ts";
import { vaultRows } from "./vaults.ts";

/** An account as the server knows it. */
export interface AccountRow {
  readonly id: AccountId;
  readonly username: string;
  readonly fullName: string;
  readonly contact: Contact;
  /** Null for an account without a password: only passkeys and the recovery key open it. */
  readonly passwordRecord: string | null;
  readonly aik: Bytes;
  readonly listVersion: number;
  readonly listHash: Bytes;
  readonly admin: boolean;
  /** When an admin switched the account off, in milliseconds since 1970; null while it is on. */
  readonly disabled: number | null;
  readonly made: number;
}

/** Everything that a new account begins with, verified. */
export interface NewAccount {
  readonly account: AccountId;
  readonly username: string;
  readonly fullName: string;
  readonly contact: Contact;
  readonly passwordRecord: string;
  readonly entry: Signed;
  readonly list: DeviceList;
  readonly device: DeviceId;
  readonly prekeys: PrekeyUpload;
  readonly prekeyDay: number;
  readonly prekeyStock: number;
  readonly vault: Vault;
  readonly login: LoginRow;
  /** The confirmed challenge it came from; it is used up. */
  readonly challenge: Bytes;
  /** The invite it needs, or null when none is asked for; it is used up. */
  readonly invite: Bytes | null;
  /** The first account needs an invite, whatever was so when the sign-up began. */
  readonly firstByInvite: boolean;
  readonly now: number;
}

/** A contact that is to take another one's place; both were confirmed. */
export interface ContactChange {
  readonly account: AccountId;
  /** The old one, as it is compared; if it is another by now, nothing happens. */
  readonly from: string;
  readonly to: Contact;
  /** The confirmed challenges, of the old and of the new one. They are used up. */
  readonly challenges: readonly Bytes[];
  readonly now: number;
}

/** `created`, or what another sign-up was quicker with; `bad-keys`: its device has another one's id. */
export type Creation =
  | "created"
  | "challenge-gone"
  | "bad-keys"
  | "invite-gone"
  | "name-taken"
  | "contact-taken";

/** Accounts by id, name and contact. */
export interface AccountsStore {
  count(): Promise<number>;
  byId(account: AccountId): Promise<AccountRow | null>;
  byUsername(username: string): Promise<AccountRow | null>;
  /** By the contact as it is compared. */
  byContact(key: string): Promise<AccountRow | null>;
  /** Somebody has the name, or had it a short while ago. */
  hasUsername(username: string, now: number): Promise<boolean>;
  hasContact(key: string): Promise<boolean>;
  /** One transaction: account, password record, list, device, prekeys, vault, login; or nothing. */
  create(account: NewAccount): Promise<Creation>;
  /** `listed`: what the person is found by from now on, if they let themselves be found. */
  setFullName(account: AccountId, fullName: string, listed: string): Promise<void>;
  changeContact(change: ContactChange): Promise<"changed" | "challenge-gone" | "contact-taken">;
  /** The one link that the first account is made through; an earlier one is dead. */
  replaceFirstInvite(hash: Bytes, id: string, now: number): Promise<void>;
  hasInvite(hash: Bytes, now: number): Promise<boolean>;
}

/** In the place of a password record. */
export const NO_PASSWORD = "";

interface Row {
  readonly id: AccountId;
  readonly username: string;
  readonly full_name: string;
  readonly contact_kind: Contact["kind"];
  readonly contact: string;
  readonly contact_key: string;
  readonly language: string;
  readonly password_record: string;
  readonly aik: Bytes;
  readonly list_version: number;
  readonly list_hash: Bytes;
  readonly admin: number;
  readonly disabled: number | null;
  readonly made: number;
}

function fromRow(row: Row): AccountRow {
  return {
    id: row.id,
    username: row.username,
    fullName: row.full_name,
    contact: {
      ...{ kind: row.contact_kind, address: row.contact, key: row.contact_key },
      language: row.language,
    },
    passwordRecord: row.password_record === NO_PASSWORD ? null : row.password_record,
    aik: row.aik,
    listVersion: row.list_version,
    listHash: row.list_hash,
    admin: row.admin === 1,
    disabled: row.disabled,
    made: row.made,
  };
}

/** The store on one SQLite connection. */
export function createAccounts(db: DatabaseSync): AccountsStore {
  const challenges = challengeRows(db);
  const devices = deviceRows(db);
  const prekeys = prekeyRows(db);
  const vaults = vaultRows(db);
  const logins = loginRows(db);
  const invites = inviteRows(db);
  const count = db.prepare("select count(*) as n from accounts");
  const byId = db.prepare("select * from accounts where id = ?");
  const byUsername = db.prepare("select * from accounts where username = ?");
  const byContact = db.prepare("select * from accounts where contact_key = ?");
  const hasUsername = db.prepare("select 1 from accounts where username = ?");
  const hasContact = db.prepare("select 1 from accounts where contact_key = ?");
  const insert = db.prepare(`
    insert into accounts (id, username, full_name, contact_kind, contact, contact_key,
    language, password_record, aik, list_version, list_hash, admin, made)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  `);
  const setFullName = db.prepare(`
    update accounts set full_name = ?, listed = case when listed is null then null else ? end
    where id = ?
  `);

  const departures = departureRows(db);
  const setContact = db.prepare(`
    update accounts set contact_kind = ?, contact = ?, contact_key = ?
    where id = ? and contact_key = ?
  `);

  const isTaken = (name: string, now: number) =>
    hasUsername.get(name) !== undefined || departures.isReserved(name, now);
  const total = () => one<{ n: number }>(count)!.n;
  const found = (row: Row | null) => row === null ? null : fromRow(row);

  /** Checked inside the transaction: of two sign-ups at once, one is told politely. */
  function obstacle(a: NewAccount): Exclude<Creation, "created"> | null {
    if (!challenges.isConfirmed(a.challenge, a.now)) return "challenge-gone";
    if (a.invite !== null && !invites.isGood(a.invite, a.now)) return "invite-gone";
    if (a.invite === null && a.firstByInvite && total() === 0) return "invite-gone";
    if (isTaken(a.username, a.now)) return "name-taken";
    if (hasContact.get(a.contact.key) !== undefined) return "contact-taken";
    return devices.anyTaken(a.account, a.list.devices) ? "bad-keys" : null;
  }

  function insertAccount(a: NewAccount): void {
    const { kind, address, key, language } = a.contact;
    const { aik, version, hash } = a.list;
    insert.run(
      ...[a.account, a.username, a.fullName, kind, address, key, language],
      // Whoever makes the first account runs the server.
      ...[a.passwordRecord, aik, version, hash, total() === 0 ? 1 : 0, a.now],
    );
  }

  function changeContact({ account, from, to, challenges: used, now }: ContactChange) {
    if (!used.every((hash) => challenges.isConfirmed(hash, now))) return "challenge-gone" as const;
    if (hasContact.get(to.key) !== undefined) return "contact-taken" as const;
    const { changes } = setContact.run(to.kind, to.address, to.key, account, from);
    if (Number(changes) !== 1) return "challenge-gone" as const;
    for (const hash of used) challenges.close(hash);
    return "changed" as const;
  }

  function create(a: NewAccount): Creation {
    const refused = obstacle(a);
    if (refused !== null) return refused;
    insertAccount(a);
    devices.appendEntry(a.account, a.list.version, a.entry);
    for (const entry of a.list.devices) devices.insert(a.account, entry);
    prekeys.upload(a.device, a.prekeys, a.prekeyDay, a.prekeyStock);
    vaults.insert(a.account, a.vault);
    logins.insert(a.login);
    challenges.close(a.challenge);
    if (a.invite !== null && !invites.use(a.invite, a.account, a.now)) {
      throw new Error("the invite was good a moment ago");
    }
    return "created";
  }

  return {
    count: () => later(total),
    byId: (account) => later(() => found(one<Row>(byId, account))),
    byUsername: (username) => later(() => found(one<Row>(byUsername, username))),
    byContact: (key) => later(() => found(one<Row>(byContact, key))),
    hasUsername: (username, now) => later(() => isTaken(username, now)),
    hasContact: (key) => later(() => hasContact.get(key) !== undefined),
    create: (account) => later(() => transaction(db, () => create(account))),
    changeContact: (what) => later(() => transaction(db, () => changeContact(what))),
    setFullName: (account, fullName, listed) =>
      later(() => void setFullName.run(fullName, listed, account)),
    replaceFirstInvite: (hash, id, now) =>
      later(() => transaction(db, () => invites.replaceFirst(hash, id, now))),
    hasInvite: (hash, now) => later(() => invites.isGood(hash, now)),
  };
}
