/**
 * A small database of every version of the tables that was released, as SQL: what upgrades are tested
 * with. Run it before a release; files that are there are never made again, since what they hold is
 * what people have on their disks.
 *
 *     deno run --allow-read --allow-write=tests/fixtures tools/schema_fixtures.ts [VERSION]
 */
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { migrate } from "../db/migrate.ts";
import { MIGRATIONS } from "../db/migrations/mod.ts";
import { toHex } from "../protocol/encoding.ts";

const FOLDER = `${fileURLToPath(new URL("..", import.meta.url))}tests/fixtures/schemas`;
const ROWS = [1, 2];
type Value = null | number | string | Uint8Array;

/** Where a rule of the table wants something else than the filler writes. */
const OWN_VALUES: Readonly<Record<string, Readonly<Record<string, Value>>>> = {
  accounts: { disabled: null },
  envelopes: { shared: null },
  invites: { maker: null },
  // Packed rows: a minute, or a day, in which nothing happened.
  taken: { body: new Uint8Array([1, 1, 0, 0]) },
  turns: { body: new Uint8Array([1, 1, 0, 0]) },
};

interface Column {
  readonly name: string;
  readonly type: string;
}

interface Reference {
  readonly from: string;
  readonly to: string;
  readonly table: string;
}

/** The SQL that makes a database of this version, with two rows in every table that takes them. */
export function fixtureOf(version: number): string {
  const db = new DatabaseSync(":memory:");
  try {
    db.exec("pragma foreign_keys = on");
    migrate(db, MIGRATIONS.filter((step) => step.version <= version));
    const tables = inOrder(db, namesOf(db, "table"));
    for (const table of tables) for (const number of ROWS) fill(db, table, number);
    return dump(db, tables, version);
  } finally {
    db.close();
  }
}

function namesOf(db: DatabaseSync, type: string): string[] {
  const rows = db.prepare(
    "select name from sqlite_schema where type = ? and name not like 'sqlite_%' order by rowid",
  ).all(type);
  return rows.map(({ name }) => String(name));
}

/** Tables that others refer to come first; one that an upgrade made anew stands last in the schema. */
function inOrder(db: DatabaseSync, tables: readonly string[]): string[] {
  const ordered = new Set<string>();
  const add = (table: string, path: readonly string[]) => {
    if (ordered.has(table) || path.includes(table)) return;
    const rows = db.prepare('select distinct "table" as other from pragma_foreign_key_list(?)')
      .all(table);
    for (const { other } of rows) add(String(other), [...path, table]);
    ordered.add(table);
  };
  for (const table of tables) add(table, []);
  return [...ordered];
}

/** A table with one row by nature keeps the one its migration wrote. */
function fill(db: DatabaseSync, table: string, number: number): void {
  const columns = columnsOf(db, table);
  if (columns.some(({ name }) => name === "one")) return;
  const places = columns.map(() => "?").join(", ");
  const names = columns.map(({ name }) => name).join(", ");
  const values = columns.map((column) => valueFor(db, table, column, number));
  run(db, ["insert into ", table, " (", names, ") values (", places, ")"], values);
}

function columnsOf(db: DatabaseSync, table: string): Column[] {
  return db.prepare("select name, type from pragma_table_info(?) order by cid").all(table)
    .map(({ name, type }) => ({ name: String(name), type: String(type) }));
}

function valueFor(db: DatabaseSync, table: string, { name, type }: Column, number: number): Value {
  const own = OWN_VALUES[table];
  if (own !== undefined && name in own) return own[name]!;
  const reference = referenceOf(db, table, name);
  if (reference !== undefined) return referred(db, reference, number);
  const allowed = allowedWord(db, table, name);
  if (allowed !== undefined) return allowed;
  if (type === "TEXT") return `${table} ${name} ${number}`;
  return type === "BLOB" ? new Uint8Array(16).fill(number) : number;
}

function referenceOf(db: DatabaseSync, table: string, column: string): Reference | undefined {
  const found = db.prepare(
    'select "from", "to", "table" from pragma_foreign_key_list(?) where "from" = ?',
  ).get(table, column);
  return found as unknown as Reference | undefined;
}

function referred(db: DatabaseSync, { table, to }: Reference, number: number): Value {
  const rows = all(db, ["select ", to, " as value from ", table, " order by 1"]);
  // A table that refers to itself has no row yet.
  return (rows[number - 1] ?? rows[0])?.value as Value ?? null;
}

/** The first word of `check (column in ('a', 'b'))`. */
function allowedWord(db: DatabaseSync, table: string, column: string): string | undefined {
  const { sql } = db.prepare("select sql from sqlite_schema where name = ?").get(table) ?? {};
  return new RegExp(`\\(${column} in \\('([^']*)'`).exec(String(sql))?.[1];
}

function dump(db: DatabaseSync, tables: readonly string[], version: number): string {
  const statements = (type: string) =>
    db.prepare("select sql from sqlite_schema where type = ? and sql is not null order by rowid")
      .all(type).filter(({ sql }) => !String(sql).startsWith("CREATE TABLE sqlite_"))
      .map(({ sql }) => `${sql};`);
  const { application_id } = db.prepare("pragma application_id").get() ?? {};
  return [
    `-- Version ${version} of the tables. Made by tools/schema_fixtures.ts once; never changed.`,
    `pragma application_id = ${application_id};`,
    `pragma user_version = ${version};`,
    ...statements("table"),
    ...tables.flatMap((table) => rowsOf(db, table)),
    // Last, so that they do not answer to the rows above.
    ...statements("index"),
    ...statements("view"),
    ...statements("trigger"),
  ].join("\n") + "\n";
}

function rowsOf(db: DatabaseSync, table: string): string[] {
  return all(db, ["select * from ", table]).map((row) => {
    const values = Object.values(row).map((value) => literal(value as Value));
    return `insert into ${table} values (${values.join(", ")});`;
  });
}

function literal(value: Value): string {
  if (value === null) return "null";
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return `'${value.replaceAll("'", "''")}'`;
  return `x'${toHex(value)}'`;
}

/** Names come from the schema itself; a name cannot be bound. */
function run(db: DatabaseSync, parts: readonly string[], values: readonly Value[]): void {
  try {
    db.prepare(parts.join("")).run(...values as string[]);
  } catch (error) {
    throw new Error(`${parts[1]}: a rule wants other values: say which in OWN_VALUES`, {
      cause: error,
    });
  }
}

function all(db: DatabaseSync, parts: readonly string[]): Record<string, unknown>[] {
  return db.prepare(parts.join("")).all() as Record<string, unknown>[];
}

/** Where the fixture of a version is. */
export function fixtureFile(version: number): string {
  return `${FOLDER}/${String(version).padStart(4, "0")}.sql`;
}

if (import.meta.main) {
  const newest = Number(Deno.args[0] ?? MIGRATIONS.length);
  await Deno.mkdir(FOLDER, { recursive: true });
  for (let version = 1; version <= newest; version++) {
    const file = fixtureFile(version);
    if (await Deno.stat(file).then(() => true, () => false)) continue;
    await Deno.writeTextFile(file, fixtureOf(version));
    console.log(file);
  }
}
