/** Everything the server remembers, behind one asynchronous interface. */
import { type AccountsStore, createAccounts } from "./accounts.ts";
import { type ChallengesStore, createChallenges } from "./challenges.ts";
import { createDevices, type DevicesStore } from "./devices.ts";
import { createFootprints, type FootprintsStore } from "./footprint.ts";
import { createLimits, type LimitsStore } from "./limits.ts";
import { createLogins, type LoginsStore } from "./logins.ts";
import { createPasswords, type PasswordsStore } from "./passwords.ts";
import { createPrekeys, type PrekeysStore } from "./prekeys.ts";
import { createQueue, type QueueLimits, type QueueStore } from "./queue.ts";
import { createRooms, type RoomsStore } from "./rooms.ts";
import { createSecondFactors, type SecondFactorsStore } from "./second_factors.ts";
import { openDatabase } from "./sqlite.ts";
import { createVaults, type VaultsStore } from "./vaults.ts";

/** The stores; each method is one transaction. */
export interface Store {
  readonly accounts: AccountsStore;
  readonly challenges: ChallengesStore;
  readonly devices: DevicesStore;
  readonly footprints: FootprintsStore;
  readonly limits: LimitsStore;
  readonly logins: LoginsStore;
  readonly passwords: PasswordsStore;
  readonly prekeys: PrekeysStore;
  readonly queue: QueueStore;
  readonly rooms: RoomsStore;
  readonly secondFactors: SecondFactorsStore;
  readonly vaults: VaultsStore;
  /** Writes the log back and closes the file. Nothing may be asked afterwards. */
  close(): Promise<void>;
}

/**
 * The store in the SQLite file at `path`, made if it is not there.
 * @throws {DatabaseError} when the file is of a newer program or not ours
 */
export function openStore(path: string, limits: QueueLimits): Store {
  const db = openDatabase(path);
  return {
    accounts: createAccounts(db),
    challenges: createChallenges(db),
    devices: createDevices(db),
    footprints: createFootprints(db),
    limits: createLimits(db),
    logins: createLogins(db),
    passwords: createPasswords(db),
    prekeys: createPrekeys(db),
    queue: createQueue(db, limits),
    rooms: createRooms(db),
    secondFactors: createSecondFactors(db),
    vaults: createVaults(db),
    close: () => Promise.resolve(db.close()),
  };
}
