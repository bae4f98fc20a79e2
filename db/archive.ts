/** The history archive: sealed segments, one chain a device, and keys that wait for the vault. */
import type { DatabaseSync } from "node:sqlite";
import type { Cursor } from "../protocol/archive_api.ts";
import type { Bytes } from "../protocol/encoding.ts";
import type { AccountId, DeviceId } from "../protocol/ids.ts";
import type {
  DepositBody,
  DepositEntry,
  Segment,
  SegmentBody,
  SegmentHead,
  SegmentTag,
} from "../protocol/segment.ts";
import { all, later, one, transaction } from "./transaction.ts";

/** A segment whose signature was checked. */
export interface CheckedSegment {
  readonly body: SegmentBody;
  readonly segment: Segment;
}

/** A segment and where it stands. */
export interface PlacedSegment {
  readonly at: Cursor;
  readonly segment: Segment;
}

/** How much of an answer is wanted. */
export interface PageSize {
  readonly segments: number;
  readonly bytes: number;
}

/** What an archive holds. */
export interface ArchiveState {
  readonly chains: { readonly device: DeviceId; readonly seq: number }[];
  readonly bytes: number;
  readonly on: boolean;
}

/** Archives by account. */
export interface ArchiveStore {
  state(account: AccountId): Promise<ArchiveState>;
  deposits(account: AccountId): Promise<DepositEntry[]>;
  /** Appends what is above the device's newest seq. Nothing when that is more than `most` bytes in all, or unwanted. */
  append(
    account: AccountId,
    device: DeviceId,
    segments: readonly CheckedSegment[],
    most: number,
  ): Promise<number | "full" | "off">;
  /** Newest tags first; of each its newest segment and more of them until there are `perTag` bytes. */
  recent(
    account: AccountId,
    perTag: number,
    before: Cursor | null,
    size: PageSize,
  ): Promise<{ readonly segments: PlacedSegment[]; readonly next: Cursor | null }>;
  /** One conversation, newest first. */
  read(
    account: AccountId,
    tag: SegmentTag,
    before: Cursor | null,
    size: PageSize,
  ): Promise<PlacedSegment[]>;
  /** Oldest first, above `after`. */
  chain(
    account: AccountId,
    device: DeviceId,
    after: number,
    limit: number,
  ): Promise<SegmentHead[]>;
  /** False when there are `most` already. One that is there stays as it is. */
  deposit(body: DepositBody, entry: DepositEntry, most: number): Promise<boolean>;
  /** Erasing takes the segments; deposits stay, since devices go on writing under those keys. */
  set(account: AccountId, on: boolean, erase: boolean): Promise<void>;
}

interface ArchiveRow {
  readonly bytes: number;
  readonly off: 0 | 1;
}

interface SegmentRow {
  readonly no: number;
  readonly minute: number;
  readonly body: Bytes;
  readonly signature: Bytes;
  readonly sealed: Bytes;
}

const END: Cursor = { minute: Number.MAX_SAFE_INTEGER, no: Number.MAX_SAFE_INTEGER };

/** The store on one SQLite connection. */
export function createArchive(db: DatabaseSync): ArchiveStore {
  const chains = db.prepare(
    "select device, max(seq) as seq from segments where account = ? group by device limit 1024",
  );
  const deposits = db.prepare(
    "select body, signature from deposits where account = ? order by key",
  );
  const find = db.prepare("select bytes, off from archives where account = ?");
  const tags = db.prepare(`
    select tag, max(minute) as minute, max(no) as no from segments where account = ?
    group by tag having (max(minute), max(no)) < (?, ?) order by minute desc, no desc limit ?
  `);
  const sizes = db.prepare(`
    select no, length(sealed) as bytes from segments
    where account = ? and tag = ? and (minute, no) < (?, ?)
    order by minute desc, no desc limit ?
  `);
  const whole = db.prepare("select no, minute, body, signature, sealed from segments where no = ?");
  const heads = db.prepare(`
    select body, signature from segments where account = ? and device = ? and seq > ?
    order by seq limit ?
  `);
  const dropAll = db.prepare("delete from segments where account = ?");
  const empty = db.prepare("update archives set bytes = 0 where account = ?");
  const put = db.prepare(`
    insert into archives (account, off) values (?, ?)
    on conflict (account) do update set off = excluded.off
  `);
  const append = appender(db);
  const putDeposit = depositor(db);

  /** Sizes first, so that no more is read than what goes into the answer. */
  function read(
    account: AccountId,
    tag: SegmentTag,
    before: Cursor | null,
    wanted: PageSize,
  ): PlacedSegment[] {
    const found: PlacedSegment[] = [];
    const { minute, no } = before ?? END;
    let left = wanted.bytes;
    const limit = wanted.segments;
    const rows = all<{ no: number; bytes: number }>(sizes, account, tag, minute, no, limit);
    for (const row of rows) {
      left -= row.bytes;
      if (left < 0 && found.length > 0) break;
      found.push(place(one<SegmentRow>(whole, row.no)!));
    }
    return found;
  }

  const recent: ArchiveStore["recent"] = (account, perTag, before, wanted) =>
    later(() => {
      const { minute, no } = before ?? END;
      const rows = all<Cursor & { tag: SegmentTag }>(tags, account, minute, no, wanted.segments);
      const segments: PlacedSegment[] = [];
      let bytes = wanted.bytes;
      let next: Cursor | null = null;
      for (const row of rows) {
        const room = wanted.segments - segments.length;
        if (room === 0 || bytes < 0) return { segments, next };
        const each = { segments: room, bytes: Math.min(perTag, bytes) };
        const newest = read(account, row.tag, null, each);
        bytes -= newest.reduce((sum, { segment }) => sum + segment.sealed.length, 0);
        segments.push(...newest);
        next = { minute: row.minute, no: row.no };
      }
      return { segments, next: rows.length < wanted.segments ? null : next };
    });

  return {
    recent,
    append,
    deposit: putDeposit,
    state: (account) =>
      later(() => {
        const { bytes, off } = one<ArchiveRow>(find, account) ?? { bytes: 0, off: 0 };
        return {
          chains: all<ArchiveState["chains"][number]>(chains, account)
            .map(({ device, seq }) => ({ device, seq })),
          bytes,
          on: off === 0,
        };
      }),
    deposits: (account) =>
      later(() =>
        all<DepositEntry>(deposits, account).map(({ body, signature }) => ({ body, signature }))
      ),
    read: (account, tag, before, wanted) => later(() => read(account, tag, before, wanted)),
    chain: (account, device, after, limit) =>
      later(() =>
        all<SegmentHead>(heads, account, device, after, limit).map(({ body, signature }) => {
          return { body, signature };
        })
      ),
    set: (account, on, erase) =>
      later(() =>
        transaction(db, () => {
          put.run(account, on ? 0 : 1);
          if (!erase) return;
          dropAll.run(account);
          empty.run(account);
        })
      ),
  };
}

function place({ no, minute, body, signature, sealed }: SegmentRow): PlacedSegment {
  return { at: { minute, no }, segment: { head: { body, signature }, sealed } };
}

function appender(db: DatabaseSync): ArchiveStore["append"] {
  const head = db.prepare(
    "select max(seq) as seq from segments where account = ? and device = ?",
  );
  const insert = db.prepare(`
    insert into segments (account, device, seq, tag, minute, body, signature, sealed)
    values (?, ?, ?, ?, ?, ?, ?, ?)
  `);
  const find = db.prepare("select bytes, off from archives where account = ?");
  const grow = db.prepare(`
    insert into archives (account, bytes) values (?, ?)
    on conflict (account) do update set bytes = bytes + excluded.bytes
  `);
  return (account, device, segments, most) =>
    later(() =>
      transaction(db, () => {
        const kept = one<ArchiveRow>(find, account) ?? { bytes: 0, off: 0 };
        if (kept.off === 1) return "off";
        const last = one<{ seq: number | null }>(head, account, device)?.seq ?? 0;
        const fresh = segments.filter(({ body }) => body.seq > last);
        if (fresh.length === 0) return last;
        const bytes = fresh.reduce((sum, { segment }) => sum + bytesOf(segment), 0);
        if (kept.bytes + bytes > most) return "full";
        for (const { body: { seq, tag, minute }, segment: { head, sealed } } of fresh) {
          insert.run(account, device, seq, tag, minute, head.body, head.signature, sealed);
        }
        grow.run(account, bytes);
        return fresh.at(-1)!.body.seq;
      })
    );
}

function depositor(db: DatabaseSync): ArchiveStore["deposit"] {
  const count = db.prepare("select count(*) as count from deposits where account = ?");
  const insert = db.prepare(
    "insert or ignore into deposits (account, key, body, signature) values (?, ?, ?, ?)",
  );
  return ({ account, key }, { body, signature }, most) =>
    later(() =>
      transaction(db, () => {
        if (one<{ count: number }>(count, account)!.count >= most) return false;
        insert.run(account, key, body, signature);
        return true;
      })
    );
}

function bytesOf({ head, sealed }: Segment): number {
  return head.body.length + head.signature.length + sealed.length;
}
