/**
 * Copies a database row by row, as of one moment, through SQLite alone.
 *
 * For the server's own process, which must never open its database as a plain file: closing that
 * would drop every lock the process has on it (see snapshot.ts). Slower than copying pages, and one
 * long reader: the log grows by what is written meanwhile. The copy has no free pages, and nothing of
 * what was deleted.
 */
import { DatabaseSync } from "node:sqlite";
import { all, one } from "./transaction.ts";

const ROWS_AT_ONCE = 2_000;

/** One thing of the schema. */
interface Made {
  readonly type: string;
  readonly name: string;
  readonly sql: string;
}

/**
 * Writes a copy of the database at `path` into the new file `target`.
 * @param step is called between pieces; what it throws ends the copying
 */
export async function cloneDatabase(
  path: string,
  target: string,
  step: (rows: number) => void | Promise<void> = () => {},
): Promise<void> {
  const from = new DatabaseSync(path, { readOnly: true });
  const to = new DatabaseSync(target);
  try {
    from.exec("pragma busy_timeout = 2000; begin");
    // Nobody reads it before it is whole, and it is synced with what it goes into.
    to.exec("pragma journal_mode = off; pragma synchronous = off; begin");
    await copyAll(from, to, step);
    to.exec("commit");
    copyNumber(from, to, "application_id");
    copyNumber(from, to, "user_version");
  } finally {
    to.close();
    from.close();
  }
}

async function copyAll(
  from: DatabaseSync,
  to: DatabaseSync,
  step: (rows: number) => void | Promise<void>,
): Promise<void> {
  const schema = all<Made>(from.prepare(
    "select type, name, sql from sqlite_schema where sql is not null and name not like 'sqlite_%' order by rowid",
  ));
  const make = (type: string) => {
    for (const each of schema) if (each.type === type) to.exec(each.sql);
  };
  make("table");
  let rows = 0;
  for (const { type, name } of schema) {
    if (type !== "table") continue;
    for (const count of copyRows(from, to, name)) await step(rows += count);
  }
  // Triggers last, so that they do not answer to the rows.
  for (const type of ["index", "view", "trigger"]) make(type);
}

/** Copies a table in pieces; names come from the schema itself, since a name cannot be bound. */
function* copyRows(from: DatabaseSync, to: DatabaseSync, table: string): Iterable<number> {
  const name = quoted(table);
  const read = from.prepare(["select * from ", name].join(""));
  read.setReadBigInts(true);
  const places = from.prepare("select count(*) as n from pragma_table_info(?)").get(table);
  const marks = Array.from({ length: Number(places?.n) }, () => "?").join(", ");
  const write = to.prepare(["insert into ", name, " values (", marks, ")"].join(""));
  let count = 0;
  for (const row of read.iterate()) {
    write.run(...Object.values(row as Record<string, never>));
    if (++count % ROWS_AT_ONCE === 0) yield ROWS_AT_ONCE;
  }
  yield count % ROWS_AT_ONCE;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function copyNumber(
  from: DatabaseSync,
  to: DatabaseSync,
  name: "application_id" | "user_version",
): void {
  const row = one<Record<string, number>>(from.prepare(["pragma ", name].join("")));
  to.exec(["pragma ", name, " = ", String(Number(row?.[name] ?? 0))].join(""));
}
