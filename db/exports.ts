/**
 * Every row that is about one account, for its owner to take away. The tables are those of
 * footprint.ts; a test compares the two.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { AccountId } from "../protocol/ids.ts";
import { all } from "./transaction.ts";

/** A row as it is stored. */
export type StoredRow = Readonly<Record<string, string | number | Uint8Array | null>>;

/** Rows of one table; `next` is where to go on, or null at the end. */
export interface StoredPage {
  readonly rows: readonly StoredRow[];
  readonly next: number | null;
}

/** What is kept about whom, row by row. */
export interface ExportsStore {
  readonly tables: readonly string[];
  /** From `after` on, which is 0 at first. */
  page(table: string, account: AccountId, after: number): Promise<StoredPage>;
}

/** Rows of up to 64 KiB each, a page at a time: a full queue is not read into memory. */
const PAGE = 100;

/** Small tables, all at once. Each takes the account id. */
const WHOLE: Readonly<Record<string, string>> = {
  accounts: "select * from accounts where id = ?",
  list_entries: "select * from list_entries where account = ? order by version",
  devices: "select * from devices where account = ?",
  bundles: "select * from bundles where device in (select id from devices where account = ?)",
  one_time_prekeys:
    "select * from one_time_prekeys where device in (select id from devices where account = ?)",
  kem_prekeys:
    "select * from kem_prekeys where device in (select id from devices where account = ?)",
  vaults: "select * from vaults where account = ?",
  wraps: "select * from wraps where account = ?",
  logins: "select * from logins where account = ?",
  totp: "select * from totp where account = ?",
  totp_offers: "select * from totp_offers where login in (select id from logins where account = ?)",
  recovery_codes: "select * from recovery_codes where account = ?",
  passkeys: "select * from passkeys where account = ?",
  passkey_challenges:
    "select * from passkey_challenges where login in (select id from logins where account = ?)",
  queues: "select * from queues where device in (select id from devices where account = ?)",
  rooms: `
    select r.* from room_members m join rooms r on r.id = m.room
    where m.account = ? and m.left_by is null`,
  room_entries: "select * from room_entries where author = ? order by room, seq",
  room_members: "select * from room_members where account = ?",
  archives: "select * from archives where account = ?",
  deposits: "select * from deposits where account = ?",
  // Of a report about oneself: that there is one. What it says is the reporter's.
  reports: `
    with me (id) as (select ?) select r.id, r.made, r.settled,
    case when r.reporter = me.id then 'by me' else 'about me' end as whose,
    case when r.reporter = me.id then r.words end as words,
    case when r.reporter = me.id then r.messages end as messages
    from reports r, me where me.id in (r.reporter, r.reported)`,
  // The same of what an admin did to one: a note may name who reported.
  admin_acts: `
    with me (id) as (select ?) select a.seq,
    case when a.actor = me.id then 'by me' else 'about me' end as whose,
    case when a.actor = me.id then a.entry end as entry,
    case when a.actor = me.id then a.hash end as hash
    from admin_acts a, me where me.id in (a.actor, a.subject)`,
  device_challenges:
    "select * from device_challenges where device in (select id from devices where account = ?)",
  invites: "select id, kind, made, expires, uses, used, revoked from invites where maker = ?",
  invited: "select * from invited where ? in (account, host)",
  challenges: `
    select purpose, contact_kind, contact, made, expires from challenges
    where contact_key = (select contact_key from accounts where id = ?)`,
  resets: "select * from resets where account = ?",
  former_vaults: "select * from former_vaults where account = ?",
  former_entries: "select * from former_entries where account = ? order by version",
};

/** Large ones. Each takes the account id, where to begin, and how many; `page_no` counts up. */
const PAGED: Readonly<Record<string, string>> = {
  envelopes: `
    select e.no as page_no, d.id as device, e.position, e.sender, e.minute,
    coalesce(e.body, b.body) as body
    from devices d join queues q on q.device = d.id join envelopes e on e.queue = q.no
    left join bodies b on b.no = e.shared
    where d.account = ? and e.no > ? order by e.no limit ?`,
  submits: `
    select s.page_no, s.device, s.submit, s.more, s.day from (
      select row_number() over (order by q.no, s.submit) as page_no, d.id as device,
      s.submit, s.more, s.day
      from devices d join queues q on q.device = d.id join submits s on s.sender = q.no
      where d.account = ?
    ) s where s.page_no > ? order by s.page_no limit ?`,
  segments: `
    select no as page_no, device, seq, tag, minute, body, signature, sealed from segments
    where account = ? and no > ? order by no limit ?`,
};

/**
 * The store on one SQLite connection.
 * @param settle moves what is recent to where it is found by account
 */
export function createExports(db: DatabaseSync, settle: () => Promise<void>): ExportsStore {
  const whole = prepared(db, WHOLE);
  const paged = prepared(db, PAGED);

  function page(table: string, account: AccountId, after: number): StoredPage {
    const small = whole.get(table);
    if (small !== undefined) return { rows: all<StoredRow>(small, account), next: null };
    const large = paged.get(table);
    if (large === undefined) throw new RangeError("no such table");
    const rows = all<StoredRow>(large, account, after, PAGE);
    const next = rows.length < PAGE ? null : Number(rows.at(-1)!["page_no"]);
    return { rows: rows.map(({ page_no: _no, ...row }) => row), next };
  }

  return {
    tables: [...whole.keys(), ...paged.keys()],
    page: (table, account, after) => settle().then(() => page(table, account, after)),
  };
}

function prepared(
  db: DatabaseSync,
  queries: Readonly<Record<string, string>>,
): Map<string, StatementSync> {
  return new Map(Object.entries(queries).map(([table, sql]) => [table, db.prepare(sql)]));
}
