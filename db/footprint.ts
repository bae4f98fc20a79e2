/**
 * What the database holds about one account: rows, bytes and times of every table, and what is in
 * the tables that are about nobody. A new table needs a line here; a test compares them.
 */
import type { DatabaseSync } from "node:sqlite";
import type { AccountId } from "../protocol/ids.ts";
import { one } from "./transaction.ts";

/** One table's rows about an account. Times are milliseconds since 1970, null where none is kept. */
export interface Footprint {
  readonly table: string;
  readonly rows: number;
  /** Bytes of the contents, without what SQLite adds. */
  readonly bytes: number;
  readonly first: number | null;
  readonly last: number | null;
}

/** What is kept about whom. */
export interface FootprintsStore {
  of(account: AccountId): Promise<Footprint[]>;
}

/** For each table with rows about somebody: how many, how large, from when. It takes the account id. */
const ABOUT_SOMEBODY: Readonly<Record<string, string>> = {
  accounts: `
    select count(*) as rows, sum(length(id) + length(username) + length(full_name) +
    length(contact) + length(contact_key) + length(language) + length(password_record) + length(aik) +
    length(list_hash) + coalesce(length(listed), 0) + 16) as bytes, min(made) as first, max(made) as last
    from accounts where id = ?`,
  list_entries: `
    select count(*) as rows, sum(length(body) + length(signature)) as bytes,
    null as first, null as last from list_entries where account = ?`,
  devices: `
    select count(*) as rows, sum(length(id) + length(kind) + length(sign) + length(agree) +
    length(name) + 12) as bytes, min(made) * 86400000 as first,
    max(coalesce(seen, made)) * 86400000 as last from devices where account = ?`,
  bundles: `
    select count(*) as rows, sum(length(body) + length(signature) + length(last_kem_key) +
    length(last_kem_signature) + 32) as bytes, min(day) * 86400000 as first,
    max(day) * 86400000 as last from bundles
    where device in (select id from devices where account = ?)`,
  one_time_prekeys: `
    select count(*) as rows, sum(length(key) + 8) as bytes, null as first, null as last
    from one_time_prekeys where device in (select id from devices where account = ?)`,
  kem_prekeys: `
    select count(*) as rows, sum(length(key) + length(signature) + 8) as bytes,
    null as first, null as last
    from kem_prekeys where device in (select id from devices where account = ?)`,
  vaults: `
    select count(*) as rows, sum(length(sealed) + 8) as bytes, null as first, null as last
    from vaults where account = ?`,
  wraps: `
    select count(*) as rows, sum(length(kind) + length(sealed)) as bytes,
    null as first, null as last from wraps where account = ?`,
  logins: `
    select count(*) as rows, sum(length(id) + length(hash) + length(kind) +
    coalesce(length(challenge), 0) + 32) as bytes, min(made) as first, max(used) as last
    from logins where account = ?`,
  totp: `
    select count(*) as rows, sum(length(sealed) + 16) as bytes, min(made) as first,
    max(last_step) * 30000 as last from totp where account = ?`,
  totp_offers: `
    select count(*) as rows, sum(length(sealed) + 8) as bytes, min(made) as first,
    max(made) as last from totp_offers where login in (select id from logins where account = ?)`,
  recovery_codes: `
    select count(*) as rows, sum(length(mac) + 8) as bytes, min(made) as first,
    max(made) as last from recovery_codes where account = ?`,
  passkeys: `
    select count(*) as rows, sum(length(id) + length(credential) + length(public_key) +
    length(transports) + length(name) + coalesce(length(wrap), 0) + 24) as bytes,
    min(made) as first, max(coalesce(used, made)) as last from passkeys where account = ?`,
  passkey_challenges: `
    select count(*) as rows, sum(length(hash) + length(purpose) + 24) as bytes,
    min(made) as first, max(made) as last
    from passkey_challenges where login in (select id from logins where account = ?)`,
  queues: `
    select count(*) as rows, sum(40) as bytes, null as first, null as last
    from queues where device in (select id from devices where account = ?)`,
  envelopes: `
    select count(*) as rows, sum(length(e.sender) + coalesce(length(e.body), length(b.body)) + 24)
    as bytes, min(e.minute) * 60000 as first, max(e.minute) * 60000 as last
    from devices d join queues q on q.device = d.id join envelopes e on e.queue = q.no
    left join bodies b on b.no = e.shared where d.account = ?`,
  submits: `
    select count(*) as rows, sum(length(s.submit) + coalesce(length(s.more), 0) + 16) as bytes,
    min(s.day) * 86400000 as first, max(s.day) * 86400000 as last
    from devices d join queues q on q.device = d.id join submits s on s.sender = q.no
    where d.account = ?`,
  rooms: `
    select count(*) as rows, sum(length(r.id) + length(r.state) + 8) as bytes,
    null as first, null as last from room_members m join rooms r on r.id = m.room
    where m.account = ? and m.left_by is null`,
  room_entries: `
    select count(*) as rows, sum(length(room) + length(author) + length(entry) + 8) as bytes,
    null as first, null as last from room_entries where author = ?`,
  room_members: `
    select count(*) as rows, sum(length(room) + length(account) + 8) as bytes,
    null as first, null as last from room_members where account = ?`,
  segments: `
    select count(*) as rows, sum(length(device) + length(tag) + length(body) + length(signature) +
    length(sealed) + 16) as bytes, min(minute) * 60000 as first, max(minute) * 60000 as last
    from segments where account = ?`,
  archives: `
    select count(*) as rows, sum(9) as bytes, null as first, null as last
    from archives where account = ?`,
  deposits: `
    select count(*) as rows, sum(length(key) + length(body) + length(signature)) as bytes,
    null as first, null as last from deposits where account = ?`,
  reports: `
    select count(*) as rows, sum(length(id) + length(words) + coalesce(length(messages), 0) +
    coalesce(length(note), 0) + 60) as bytes, min(made) as first, max(made) as last
    from reports where ? in (reporter, reported)`,
  admin_acts: `
    select count(*) as rows, sum(length(entry) + length(hash)) as bytes,
    null as first, null as last from admin_acts where ? in (actor, subject)`,
  device_challenges: `
    select count(*) as rows, sum(length(hash) + length(device) + 16) as bytes,
    min(made) as first, max(made) as last
    from device_challenges where device in (select id from devices where account = ?)`,
  resets: `
    select count(*) as rows, sum(length(account) + 16) as bytes, min(made) as first,
    max(made) as last from resets where account = ?`,
  former_vaults: `
    select count(*) as rows, sum(length(aik) + length(list_hash) + length(sealed) +
    length(recovery) + 24) as bytes, null as first, null as last
    from former_vaults where account = ?`,
  former_entries: `
    select count(*) as rows, sum(length(body) + length(signature)) as bytes,
    null as first, null as last from former_entries where account = ?`,
  invites: `
    select count(*) as rows, sum(length(hash) + length(id) + length(kind) + length(maker) + 40)
    as bytes, min(made) as first, max(made) as last from invites where maker = ?`,
  invited: `
    select count(*) as rows, sum(length(account) + coalesce(length(host), 0) + length(invite) + 8)
    as bytes, min(made) as first, max(made) as last from invited where ? in (account, host)`,
  // Somebody signs up with an address that has an account: perhaps its owner, perhaps not.
  challenges: `
    select count(*) as rows, sum(length(hash) + length(username) + length(full_name) +
    length(contact) + length(contact_key) + length(language) + 48) as bytes, min(made) as first, max(made) as last
    from challenges where contact_key = (select contact_key from accounts where id = ?)`,
};

/**
 * Tables without rows about anybody: counters under keys that are hashes,
 * ciphertexts (`bodies`) that are counted with the envelopes they belong to, lookup ids of rooms,
 * names that nobody has any more, what is moved to other tables before anybody looks (`turns`,
 * `taken`), and three numbers.
 */
export const ABOUT_NOBODY: readonly string[] = [
  "bodies",
  "buckets",
  "counted",
  "directory_epoch",
  "reserved_names",
  "room_lookups",
  "server_id",
  "server_settings",
  "taken",
  "turns",
];

/** The tables that have rows about somebody. */
export const TABLES_ABOUT_SOMEBODY: readonly string[] = Object.keys(ABOUT_SOMEBODY);

/**
 * The store on one SQLite connection.
 * @param settle moves what is recent to where it is counted
 */
export function createFootprints(
  db: DatabaseSync,
  settle: () => Promise<void>,
): FootprintsStore {
  const queries = Object.entries(ABOUT_SOMEBODY).map(([table, sql]) =>
    [table, db.prepare(sql)] as const
  );
  type Sums = Omit<Footprint, "table" | "bytes"> & { readonly bytes: number | null };
  return {
    of: (account) =>
      settle().then(() =>
        queries.map(([table, query]) => {
          const { rows, bytes, first, last } = one<Sums>(query, account)!;
          return { table, rows, bytes: bytes ?? 0, first, last };
        })
      ),
  };
}
