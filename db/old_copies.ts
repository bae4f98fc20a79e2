/**
 * Copies of the database that lie beside it: of an upgrade, and of a backup that was cut short and
 * never gone on with. What people deleted must not live on in them, so none outlives two weeks.
 */
import { lstatSync } from "node:fs";
import { join } from "node:path";
import { clear, placesIn } from "./backup_copy.ts";
import { DATABASE } from "./backup_unpack.ts";
import { COPY_KEPT_MS, dropCopiesOfUpgrades } from "./before_upgrade.ts";

/** Removes those that are too old at `now` (milliseconds since 1970). */
export async function dropOldCopies(dataDir: string, now: number): Promise<void> {
  await dropCopiesOfUpgrades(join(dataDir, DATABASE), now);
  for (const place of await placesIn(dataDir)) {
    if (lstatSync(place).mtimeMs + COPY_KEPT_MS < now) await clear(place, () => {});
  }
}
