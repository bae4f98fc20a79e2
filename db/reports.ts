/** Reports of people about others, and what became of them. */
import type { DatabaseSync } from "node:sqlite";
import type { Bytes } from "../protocol/encoding.ts";
import type { AccountId } from "../protocol/ids.ts";
import { type Act, auditRows } from "./audit.ts";
import { all, later, one, transaction } from "./transaction.ts";

/** A report as it came in. `messages` is encoded by the caller. */
export interface NewReport {
  readonly id: string;
  readonly reporter: AccountId;
  readonly reported: AccountId;
  readonly words: string;
  readonly messages: Bytes;
  readonly made: number;
}

/** A report as an admin sees it. Times are milliseconds since 1970. */
export interface ReportRow {
  readonly id: string;
  /** Null once the account that reported is gone. */
  readonly reporter: AccountId | null;
  readonly reporterName: string | null;
  readonly reported: AccountId;
  readonly reportedName: string;
  readonly words: string;
  /** Null once settled. */
  readonly messages: Bytes | null;
  readonly made: number;
  readonly settled: number | null;
  readonly note: string | null;
}

/** Reports by id. */
export interface ReportsStore {
  /** False when nobody has the reported account. */
  insert(report: NewReport): Promise<boolean>;
  find(id: string): Promise<ReportRow | null>;
  /** Open ones, the oldest first; or settled ones, the newest first. */
  list(state: "open" | "settled", limit: number): Promise<ReportRow[]>;
  countOpen(): Promise<number>;
  /** Settles an open one, logs the act and forgets the messages: all or nothing. False: there is none such. */
  settle(id: string, note: string, act: Act): Promise<boolean>;
  /** Forgets what was settled before. */
  purge(settledBefore: number): Promise<void>;
}

/** The store on one SQLite connection. */
export function createReports(db: DatabaseSync): ReportsStore {
  const audit = auditRows(db);
  const insert = db.prepare(`
    insert into reports (id, reporter, reported, words, messages, made)
    select ?, ?, id, ?, ?, ? from accounts where id = ?
  `);
  const find = db.prepare("select * from report_lines where id = ?");
  const open = db.prepare(
    "select * from report_lines where settled is null order by made, id limit ?",
  );
  const settled = db.prepare(
    "select * from report_lines where settled is not null order by settled desc, id limit ?",
  );
  const countOpen = db.prepare("select count(*) as n from reports where settled is null");
  const settle = db.prepare(`
    update reports set settled = ?, note = ?, messages = null where id = ? and settled is null
  `);
  const purge = db.prepare("delete from reports where settled < ?");
  return {
    insert: ({ id, reporter, reported, words, messages, made }) =>
      later(() => Number(insert.run(id, reporter, words, messages, made, reported).changes) === 1),
    find: (id) => later(() => one<ReportRow>(find, id)),
    list: (state, limit) => later(() => all<ReportRow>(state === "open" ? open : settled, limit)),
    countOpen: () => later(() => one<{ n: number }>(countOpen)!.n),
    settle: (id, note, act) =>
      later(() =>
        transaction(db, () => {
          if (Number(settle.run(act.at, note, id).changes) !== 1) return false;
          audit.append(act);
          return true;
        })
      ),
    purge: (settledBefore) => later(() => void purge.run(settledBefore)),
  };
}
