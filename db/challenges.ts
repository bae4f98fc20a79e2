/** Browsers in the middle of something: sign-ups with their codes, and devices about to sign in. */
import type { DatabaseSync } from "node:sqlite";
import type { Bytes } from "../protocol/encoding.ts";
import type { AccountId, DeviceId } from "../protocol/ids.ts";
import { later, one, transaction } from "./transaction.ts";

/** What a code may be used for. A code of one purpose is no code for another. */
export type ChallengePurpose = "sign-up" | "reset" | "old-contact" | "new-contact";

/** An e-mail address or a phone number. */
export interface Contact {
  readonly kind: "email" | "phone";
  /** Where codes go: an e-mail address as it was typed, or a number in E.164. */
  readonly address: string;
  /** As it is compared. */
  readonly key: string;
  /** Of letters to it, such as "en". */
  readonly language: string;
}

/** What somebody who signs up has said so far. */
export interface SignUpDetails {
  readonly username: string;
  readonly fullName: string;
  readonly contact: Contact;
  /** SHA-256 of the invite it came with. */
  readonly invite: Bytes | null;
}

/** A challenge as it is opened. */
export interface NewChallenge extends SignUpDetails {
  /** SHA-256 of what the browser carries. */
  readonly hash: Bytes;
  readonly purpose: ChallengePurpose;
  /** The id of the account that may come of it. */
  readonly account: AccountId;
  /** No code confirms it: the contact already has an account. */
  readonly void: boolean;
  readonly made: number;
  readonly expires: number;
}

/** The code of a challenge: an HMAC, and from when to when it is good. */
export interface StoredCode {
  readonly mac: Bytes;
  readonly made: number;
  readonly expires: number;
}

/** A challenge as it is kept. */
export interface ChallengeRow extends NewChallenge {
  readonly code: Bytes | null;
  readonly codeMade: number;
  readonly codeExpires: number;
  readonly tries: number;
  readonly confirmed: number | null;
  /** When the second factor was right as well. */
  readonly proven: number | null;
}

/** The code that a counted try may be compared with. */
export interface CountedTry {
  readonly code: Bytes;
  readonly tries: number;
  readonly void: boolean;
}

/** Challenges by the hash of what their browser carries. */
export interface ChallengesStore {
  open(challenge: NewChallenge, code: StoredCode): Promise<void>;
  /** Null when there is none or its time is over. */
  find(hash: Bytes, purpose: ChallengePurpose, now: number): Promise<ChallengeRow | null>;
  /** Other details for the same contact; the code stays. */
  amend(hash: Bytes, details: SignUpDetails): Promise<void>;
  /** A new code; the old one is dead, the tries begin again. */
  replaceCode(hash: Bytes, code: StoredCode): Promise<void>;
  /** Counts a try and only then hands out what to compare it with (A4). Null: no try is left. */
  countTry(
    hash: Bytes,
    purpose: ChallengePurpose,
    most: number,
    now: number,
  ): Promise<CountedTry | null>;
  /** Uses the code up. False when somebody else just did. */
  confirm(hash: Bytes, code: Bytes, now: number, expires: number): Promise<boolean>;
  /** The second factor was right too. False when the challenge is not confirmed, or over. */
  prove(hash: Bytes, now: number): Promise<boolean>;
  close(hash: Bytes): Promise<void>;
  openForDevice(hash: Bytes, device: DeviceId, now: number, expires: number): Promise<void>;
  /** Uses a device's challenge up. False when there is none. */
  takeForDevice(hash: Bytes, device: DeviceId, now: number): Promise<boolean>;
  purge(now: number): Promise<void>;
}

interface Row {
  readonly hash: Bytes;
  readonly purpose: ChallengePurpose;
  readonly account: AccountId;
  readonly username: string;
  readonly full_name: string;
  readonly contact_kind: Contact["kind"];
  readonly contact: string;
  readonly contact_key: string;
  readonly language: string;
  readonly invite: Bytes | null;
  readonly void: number;
  readonly code: Bytes | null;
  readonly code_made: number;
  readonly code_expires: number;
  readonly tries: number;
  readonly confirmed: number | null;
  readonly proven: number | null;
  readonly made: number;
  readonly expires: number;
}

function fromRow(row: Row): ChallengeRow {
  const { hash, purpose, account, username, invite, code, tries, confirmed, proven } = row;
  const { made, expires, language } = row;
  return {
    ...{ hash, purpose, account, username, invite, code, tries, confirmed, proven, made, expires },
    fullName: row.full_name,
    contact: { kind: row.contact_kind, address: row.contact, key: row.contact_key, language },
    void: row.void === 1,
    codeMade: row.code_made,
    codeExpires: row.code_expires,
  };
}

// Nothing is good before it was made ("made <= ?"): a clock that is set back brings no old code to
// life (W26).

/** The same, synchronous, for use inside a transaction. */
export interface ChallengeRows {
  close(hash: Bytes): void;
  isConfirmed(hash: Bytes, now: number): boolean;
}

/** The rows on one SQLite connection. */
export function challengeRows(db: DatabaseSync): ChallengeRows {
  const close = db.prepare("delete from challenges where hash = ?");
  const confirmed = db.prepare(`
    select 1 from challenges where hash = ? and confirmed is not null and
    void = 0 and made <= ? and expires > ?
  `);
  return {
    close: (hash) => void close.run(hash),
    isConfirmed: (hash, now) => confirmed.get(hash, now, now) !== undefined,
  };
}

/** The store on one SQLite connection. */
export function createChallenges(db: DatabaseSync): ChallengesStore {
  const rows = challengeRows(db);
  const insert = db.prepare(`
    insert into challenges (hash, purpose, account, username, full_name, contact_kind, contact,
    contact_key, language, invite, void, code, code_made, code_expires, tries, made, expires)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?)
  `);
  const find = db.prepare(
    "select * from challenges where hash = ? and purpose = ? and made <= ? and expires > ?",
  );
  const amend = db.prepare(
    "update challenges set username = ?, full_name = ?, invite = ? where hash = ?",
  );
  const replaceCode = db.prepare(`
    update challenges set code = ?, code_made = ?, code_expires = ?, tries = 0
    where hash = ? and confirmed is null
  `);
  const countTry = db.prepare(`
    update challenges set tries = tries + 1 where hash = ? and purpose = ? and tries < ? and
    code is not null and code_made <= ? and code_expires > ? and expires > ?
    returning code, tries, void
  `);
  const confirm = db.prepare(
    "update challenges set code = null, confirmed = ?, expires = ? where hash = ? and code = ?",
  );
  const prove = db.prepare(`
    update challenges set proven = ? where hash = ? and confirmed is not null and
    void = 0 and made <= ? and expires > ?
  `);
  const openDevice = db.prepare(
    "insert into device_challenges (hash, device, made, expires) values (?, ?, ?, ?)",
  );
  const takeDevice = db.prepare(
    "delete from device_challenges where hash = ? and device = ? and made <= ? and expires > ?",
  );
  const purge = db.prepare("delete from challenges where expires <= ?");
  const purgeDevice = db.prepare("delete from device_challenges where expires <= ?");

  function open(c: NewChallenge, code: StoredCode): void {
    const { kind, address, key, language } = c.contact;
    insert.run(
      ...[c.hash, c.purpose, c.account, c.username, c.fullName, kind, address, key, language],
      ...[c.invite, c.void ? 1 : 0, code.mac, code.made, code.expires, c.made, c.expires],
    );
  }

  return {
    open: (challenge, code) => later(() => open(challenge, code)),
    find: (hash, purpose, now) =>
      later(() => {
        const row = one<Row>(find, hash, purpose, now, now);
        return row === null ? null : fromRow(row);
      }),
    amend: (hash, { username, fullName, invite }) =>
      later(() => void amend.run(username, fullName, invite, hash)),
    replaceCode: (hash, { mac, made, expires }) =>
      later(() => void replaceCode.run(mac, made, expires, hash)),
    countTry: (hash, purpose, most, now) =>
      later(() => {
        type Tried = { code: Bytes; tries: number; void: number };
        const row = one<Tried>(countTry, hash, purpose, most, now, now, now);
        return row === null ? null : { code: row.code, tries: row.tries, void: row.void === 1 };
      }),
    confirm: (hash, code, now, expires) =>
      later(() => Number(confirm.run(now, expires, hash, code).changes) === 1),
    prove: (hash, now) => later(() => Number(prove.run(now, hash, now, now).changes) === 1),
    close: (hash) => later(() => rows.close(hash)),
    openForDevice: (hash, device, now, expires) =>
      later(() => void openDevice.run(hash, device, now, expires)),
    takeForDevice: (hash, device, now) =>
      later(() => Number(takeDevice.run(hash, device, now, now).changes) === 1),
    purge: (now) =>
      later(() =>
        transaction(db, () => {
          purge.run(now);
          purgeDevice.run(now);
        })
      ),
  };
}
