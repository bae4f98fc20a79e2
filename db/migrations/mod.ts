/** Every migration, in order. A migration that was released is never changed: add another. */
import type { Migration } from "../migrate.ts";
import { accounts } from "./0001_accounts.ts";
import { queue } from "./0002_queue.ts";
import { secondFactors } from "./0003_second_factors.ts";
import { rooms } from "./0004_rooms.ts";
import { invites } from "./0005_invites.ts";
import { passkeys } from "./0006_passkeys.ts";
import { admin } from "./0007_admin.ts";
import { archive } from "./0008_archive.ts";
import { departures } from "./0009_departures.ts";
import { directory } from "./0010_directory.ts";
import { recent } from "./0011_recent.ts";
import { turns } from "./0012_turns.ts";

export const MIGRATIONS: readonly Migration[] = [
  accounts,
  queue,
  secondFactors,
  rooms,
  invites,
  passkeys,
  admin,
  archive,
  departures,
  directory,
  recent,
  turns,
];
