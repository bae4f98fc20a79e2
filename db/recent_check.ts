/**
 * Can what is recent be read? Asked before anybody is served, and by `snug doctor`: found later, one
 * changed bit would refuse every message, and the page that counts would fail too.
 */
import type { DatabaseSync } from "node:sqlite";
import { DatabaseError } from "./migrate.ts";
import { BrokenRow } from "./packing.ts";
import { TakenSubmits } from "./taken.ts";
import { Unclaimed } from "./unclaimed.ts";

/** The first row that cannot be read, or null. The tables are those of this program's version. */
export function brokenRow(db: DatabaseSync): BrokenRow | null {
  try {
    new Unclaimed(db).read();
    new TakenSubmits(db, 0).read();
    return null;
  } catch (error) {
    if (error instanceof BrokenRow) return error;
    throw error;
  }
}

/**
 * Only reads. The tables are those of this program's version.
 * @throws {DatabaseError} that names the row which cannot be read
 */
export function checkRecent(db: DatabaseSync): void {
  const broken = brokenRow(db);
  if (broken === null) return;
  throw new DatabaseError(
    `The database is damaged: ${broken.message}. Keep a copy of the data folder, then restore the ` +
      "last backup. Without one, snug restore --give-up-rows helps.",
  );
}
