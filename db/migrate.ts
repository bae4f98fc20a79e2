/** Brings a database to the version this program knows: forward only, one transaction a step. */
import type { DatabaseSync } from "node:sqlite";
import { one, transaction } from "./transaction.ts";

/** One step: SQL made of constants, and the version the database has afterwards. */
export interface Migration {
  readonly version: number;
  readonly sql: string;
}

/** A database that this program must not touch. The message is for the person who started it. */
export class DatabaseError extends Error {
  override readonly name = "DatabaseError";
}

/** "Snug" in ASCII: tells our files from other SQLite databases. */
const APPLICATION_ID = 0x536e7567;

/** Applies what is missing of `migrations`, whose versions count up from 1. */
export function migrate(db: DatabaseSync, migrations: readonly Migration[]): void {
  const version = readVersion(db);
  for (const migration of migrations) {
    if (migration.version > version) transaction(db, () => apply(db, migration));
  }
}

/**
 * Only reads: may this program use the database?
 * @throws {DatabaseError} for a database of a newer program or of another one
 */
export function checkDatabase(db: DatabaseSync, migrations: readonly Migration[]): void {
  const newest = migrations.at(-1)?.version ?? 0;
  const version = readVersion(db);
  if (version > newest) {
    throw new DatabaseError(
      `This database was written by a newer Snug (version ${version} of its tables, this program ` +
        `knows ${newest}). Start the newer program, or restore a backup from before the upgrade.`,
    );
  }
  refuseForeign(db, version);
}

/** The version of a database's tables; 0 for an empty one. */
export function readVersion(db: DatabaseSync): number {
  return one<{ user_version: number }>(db.prepare("pragma user_version"))?.user_version ?? 0;
}

function refuseForeign(db: DatabaseSync, version: number): void {
  const id = one<{ application_id: number }>(db.prepare("pragma application_id"));
  const tables = one<{ count: number }>(db.prepare("select count(*) as count from sqlite_schema"));
  const fresh = version === 0 && tables?.count === 0;
  if (!fresh && id?.application_id !== APPLICATION_ID) {
    throw new DatabaseError("That file is a database, but not one of Snug.");
  }
}

function apply(db: DatabaseSync, { version, sql }: Migration): void {
  db.exec(sql);
  // A pragma takes no bound values; both are numbers of our own.
  db.exec(pragma("application_id", APPLICATION_ID));
  db.exec(pragma("user_version", version));
}

function pragma(name: "application_id" | "user_version", value: number): string {
  return `pragma ${name} = ${value}`;
}
