/**
 * Gives up rows of the last moments that cannot be read: the way out for whoever has no backup in which
 * they can be. What waited in them is lost.
 */
import type { DatabaseSync } from "node:sqlite";
import { brokenRow } from "./recent_check.ts";
import { transaction } from "./transaction.ts";

/** Further than any row goes: no position that was in it is given to another envelope. */
const APART = 1_000_000;

const DELETE = {
  turns: "delete from turns where no = ?",
  taken: "delete from taken where no = ?",
} as const;

/**
 * All of them in one transaction. The tables are those of this program's version.
 * @returns which, in words; none where every row can be read
 */
export function giveUpRows(db: DatabaseSync): string[] {
  return transaction(db, () => {
    const given: string[] = [];
    let isTurn = false;
    for (let row = brokenRow(db)?.row; row; row = brokenRow(db)?.row) {
      db.prepare(DELETE[row.table]).run(row.no);
      given.push(`row ${row.no} of the table ${row.table}`);
      isTurn ||= row.table === "turns";
    }
    if (isTurn) db.prepare("update queues set top = top + ?").run(APART);
    return given;
  });
}
