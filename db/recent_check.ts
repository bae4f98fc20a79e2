/**
 * Can what is recent be read? Asked before anybody is served, and by `snug doctor`: found later, one
 * changed bit would refuse every message, and the page that counts would fail too.
 */
import type { DatabaseSync } from "node:sqlite";
import { DatabaseError } from "./migrate.ts";
import { BrokenRow } from "./packing.ts";
import { TakenSubmits } from "./taken.ts";
import { Unclaimed } from "./unclaimed.ts";

/**
 * Only reads. The tables are those of this program's version.
 * @throws {DatabaseError} that names the row which cannot be read
 */
export function checkRecent(db: DatabaseSync): void {
  try {
    new Unclaimed(db).read();
    new TakenSubmits(db, 0).read();
  } catch (error) {
    if (!(error instanceof BrokenRow)) throw error;
    throw new DatabaseError(
      `The database is damaged: ${error.message}. Keep a copy of the data folder, then restore the ` +
        'last backup. Without one, "A row that cannot be read" in docs/self_hosting.md helps.',
    );
  }
}
