/**
 * The table of submissions that were taken. Ids of our clients rise, so those of one sender stand many
 * to a row: the first, and behind it those that follow. Ranges of such rows never overlap, so an id is
 * looked for in one of them. An id that does not rise has a row of its own.
 */
import type { DatabaseSync } from "node:sqlite";
import { equalBytes } from "../protocol/encoding.ts";
import { ID_BYTES } from "../protocol/ids.ts";
import { one } from "./transaction.ts";

/** In bytes, so that a row is not split: a page of 4 KiB takes up to 1,002 of one. */
const MOST_TOGETHER = 56 * ID_BYTES;

/** Prepares the statements. Synchronous, for use in a transaction. */
export interface SubmitsTable {
  has(sender: number, submit: Uint8Array): boolean;
  /** The highest id that was taken from a sender. */
  highest(sender: number): Uint8Array | null;
  /** `ids`, one behind the other, rise, and are higher than all that were added before. */
  addRising(sender: number, ids: Uint8Array, day: number): void;
  addAlone(sender: number, submit: Uint8Array, day: number): void;
  isSender(queue: number): boolean;
}

/** See {@link SubmitsTable}. */
export function submitsTable(db: DatabaseSync): SubmitsTable {
  const alone = db.prepare("select 1 as found from submits where sender = ? and submit = ?");
  const around = db.prepare(
    `select more from submits where sender = ? and submit < ? and more is not null
      order by submit desc limit 1`,
  );
  const highestAlone = db.prepare("select max(submit) as submit from submits where sender = ?");
  const highestMore = db.prepare(
    `select substr(more, -16) as submit from submits where sender = ? and more is not null
      order by submit desc limit 1`,
  );
  const insert = db.prepare(
    "insert or ignore into submits (sender, submit, day, more) values (?, ?, ?, ?)",
  );
  const sender = db.prepare("select 1 as found from queues where no = ?");
  type Submit = { readonly submit: Uint8Array | null };
  return {
    has(sender, submit) {
      if (one(alone, sender, submit) !== null) return true;
      const row = one<{ more: Uint8Array }>(around, sender, submit);
      return row !== null && includes(row.more, submit);
    },
    highest(sender) {
      const single = one<Submit>(highestAlone, sender)?.submit ?? null;
      const more = one<Submit>(highestMore, sender)?.submit ?? null;
      return more !== null && isHigher(more, single) ? more : single;
    },
    addRising(sender, ids, day) {
      for (let from = 0; from < ids.length; from += MOST_TOGETHER) {
        const row = ids.subarray(from, from + MOST_TOGETHER);
        const [first, more] = [row.subarray(0, ID_BYTES), row.subarray(ID_BYTES)];
        insert.run(sender, first, day, more.length === 0 ? null : more);
      }
    },
    addAlone: (sender, submit, day) => void insert.run(sender, submit, day, null),
    isSender: (queue) => one(sender, queue) !== null,
  };
}

function includes(ids: Uint8Array, id: Uint8Array): boolean {
  for (let at = 0; at < ids.length; at += ID_BYTES) {
    if (equalBytes(ids.subarray(at, at + ID_BYTES), id)) return true;
  }
  return false;
}

/** As SQLite compares blobs of one length; everything is higher than nothing. */
export function isHigher(a: Uint8Array, b: Uint8Array | null): boolean {
  if (b === null) return true;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return a[at]! > b[at]!;
  return false;
}
