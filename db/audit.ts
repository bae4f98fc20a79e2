/**
 * The log of what admins did. Each entry names its number and the hash of the entry before, and the
 * hash is over the whole entry in one encoding, so that none can be changed, added or taken out of
 * the middle without every later hash changing. What the log alone cannot show is that its newest
 * entries were cut off, or that all of it was written anew: for that somebody notes a head elsewhere.
 */
import { createHash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import {
  bytes,
  decode,
  encode,
  id,
  type Infer,
  nullable,
  record,
  text,
  uint,
} from "../protocol/codec.ts";
import { type Bytes, equalBytes, utf8 } from "../protocol/encoding.ts";
import { FormatError } from "../protocol/errors.ts";
import type { AccountId } from "../protocol/ids.ts";
import { all, later, one, transaction } from "./transaction.ts";

/** Keeps the hash apart from every other hash of the same bytes. */
const LABEL = utf8("snug/1 admin act\0");
const HASH_BYTES = 32;
/** Entries that are judged in one turn of the event loop: some 10 ms. */
const BATCH = 100;
/** Below every number that an entry could have, right or wrong. */
const BEFORE_ALL = Number.MIN_SAFE_INTEGER;
/** Before the first entry. */
const START: Bytes = new Uint8Array(HASH_BYTES);

/** One act. `at` is in milliseconds since 1970. */
const entrySchema = record({
  seq: uint(),
  at: uint(Number.MAX_SAFE_INTEGER),
  /** Null: by `snug admin`, whoever may write to the server's folder. */
  actor: nullable(id<"account">()),
  /** As they were called then. */
  actorName: text({ max: 32 }),
  act: text({ max: 40 }),
  subject: nullable(id<"account">()),
  subjectName: text({ max: 32 }),
  /** A setting's name and value, a note: never a secret, never a message. */
  detail: text({ max: 4_096 }),
  previous: bytes(HASH_BYTES),
});
/** One act, as it was hashed. */
export type AuditEntry = Infer<typeof entrySchema>;

/** An act that is about to be logged. */
export type Act = Omit<AuditEntry, "seq" | "previous">;

/** An entry and its hash. */
export interface AuditRow {
  readonly entry: AuditEntry;
  readonly hash: Bytes;
}

/** The newest entry: its number and hash. Zero and zeros while there is none. */
export interface AuditHead {
  readonly seq: number;
  readonly hash: Bytes;
}

/** What a look at the whole log found: whole, up to `head`; or broken at entry `seq`. */
export type AuditVerdict =
  | { readonly whole: true; readonly head: AuditHead }
  | { readonly whole: false; readonly seq: number };

/** The log. Most acts write their line in their own transaction: see admin.ts. */
export interface AuditStore {
  /** An act that is in no other transaction. */
  append(act: Act): Promise<AuditHead>;
  /** Entries below `before`, the newest first. */
  list(before: number, limit: number): Promise<AuditRow[]>;
  /** Reads everything. With a head that was noted earlier, it must be in the log as it was. */
  verify(noted?: AuditHead): Promise<AuditVerdict>;
}

/** The log, synchronous, for use inside a transaction. */
export interface AuditRows {
  append(act: Act): AuditHead;
}

interface Row {
  readonly seq: number;
  readonly actor: AccountId | null;
  readonly subject: AccountId | null;
  readonly entry: Bytes;
  readonly hash: Bytes;
}

function hashOf(entry: Bytes): Bytes {
  return new Uint8Array(createHash("sha256").update(LABEL).update(entry).digest());
}

/** The rows on one SQLite connection. */
export function auditRows(db: DatabaseSync): AuditRows {
  const newest = db.prepare("select seq, hash from admin_acts order by seq desc limit 1");
  const insert = db.prepare(
    "insert into admin_acts (seq, actor, subject, entry, hash) values (?, ?, ?, ?, ?)",
  );
  return {
    append(act) {
      const head = one<AuditHead>(newest) ?? { seq: 0, hash: START };
      const seq = head.seq + 1;
      const entry = encode(entrySchema, { ...act, seq, previous: new Uint8Array(head.hash) });
      const hash = hashOf(entry);
      insert.run(seq, act.actor, act.subject, entry, hash);
      return { seq, hash };
    },
  };
}

/** The entry of a row that is what it says; null for any other. */
function readRow(row: Row): AuditEntry | null {
  try {
    const entry = decode(entrySchema, row.entry);
    const same = entry.seq === row.seq && entry.actor === row.actor &&
      entry.subject === row.subject && equalBytes(hashOf(row.entry), row.hash);
    return same ? entry : null;
  } catch (error) {
    if (error instanceof FormatError) return null;
    throw error;
  }
}

/** The store on one SQLite connection. */
export function createAudit(db: DatabaseSync): AuditStore {
  const list = db.prepare("select * from admin_acts where seq < ? order by seq desc limit ?");
  const after = db.prepare("select * from admin_acts where seq > ? order by seq limit ?");

  /** In batches, with a turn for everybody else in between: a long log takes a second in all. */
  async function verify(noted?: AuditHead): Promise<AuditVerdict> {
    let head: AuditHead = { seq: 0, hash: START };
    let seen = noted === undefined || noted.seq === 0;
    for (let batch = all<Row>(after, BEFORE_ALL, BATCH); batch.length > 0;) {
      for (const row of batch) {
        const entry = readRow(row);
        const follows = entry !== null && entry.seq === head.seq + 1 &&
          equalBytes(entry.previous, head.hash);
        if (!follows) return { whole: false, seq: head.seq + 1 };
        head = { seq: entry.seq, hash: row.hash };
        if (head.seq === noted?.seq) {
          if (!equalBytes(head.hash, noted.hash)) return { whole: false, seq: head.seq };
          seen = true;
        }
      }
      await new Promise<void>((resolve) => setImmediate(resolve));
      batch = all<Row>(after, head.seq, BATCH);
    }
    return seen ? { whole: true, head } : { whole: false, seq: head.seq + 1 };
  }

  const rows = auditRows(db);
  return {
    append: (act) => later(() => transaction(db, () => rows.append(act))),
    list: (before, limit) =>
      later(() =>
        all<Row>(list, before, limit).flatMap((row) => {
          const entry = readRow(row);
          return entry === null ? [] : [{ entry, hash: row.hash }];
        })
      ),
    verify,
  };
}
