/** Everything the server remembers, behind one asynchronous interface. */
import { dirname } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { type AccountsStore, createAccounts } from "./accounts.ts";
import { type AdminStore, createAdmin } from "./admin.ts";
import { type ArchiveStore, createArchive } from "./archive.ts";
import { type AuditStore, createAudit } from "./audit.ts";
import { keepBeforeUpgrade } from "./before_upgrade.ts";
import { type ChallengesStore, createChallenges } from "./challenges.ts";
import { createDepartures, type DeparturesStore } from "./departures.ts";
import { createDirectory, type DirectoryStore } from "./directory.ts";
import { createDevices, type DevicesStore } from "./devices.ts";
import { createExports, type ExportsStore } from "./exports.ts";
import { createFootprints, type FootprintsStore } from "./footprint.ts";
import { createInvites, type InvitesStore } from "./invites.ts";
import { lockFolder, serverLock } from "./folder_lock.ts";
import { createLimits, type LimitsStore } from "./limits.ts";
import { createLogins, type LoginsStore } from "./logins.ts";
import { MIGRATIONS } from "./migrations/mod.ts";
import { createPasskeys, type PasskeysStore } from "./passkeys.ts";
import { createPasswords, type PasswordsStore } from "./passwords.ts";
import { createPrekeys, type PrekeysStore } from "./prekeys.ts";
import { createQueue, type QueueLimits, type QueueStore } from "./queue.ts";
import { checkRecent } from "./recent_check.ts";
import { createReports, type ReportsStore } from "./reports.ts";
import { createResetsStore, type ResetsStore } from "./resets.ts";
import { createRooms, type RoomsStore } from "./rooms.ts";
import { createSecondFactors, type SecondFactorsStore } from "./second_factors.ts";
import { createServerSettings, type ServerSettingsStore } from "./server_settings.ts";
import { openDatabase } from "./sqlite.ts";
import { refuseHalfRestored } from "./unfinished.ts";
import { createVaults, type VaultsStore } from "./vaults.ts";

/** The stores; each method is one transaction. */
export interface Store {
  readonly accounts: AccountsStore;
  readonly admin: AdminStore;
  readonly archive: ArchiveStore;
  readonly audit: AuditStore;
  readonly challenges: ChallengesStore;
  readonly departures: DeparturesStore;
  readonly devices: DevicesStore;
  readonly directory: DirectoryStore;
  readonly exports: ExportsStore;
  readonly footprints: FootprintsStore;
  readonly invites: InvitesStore;
  readonly limits: LimitsStore;
  readonly logins: LoginsStore;
  readonly passkeys: PasskeysStore;
  readonly passwords: PasswordsStore;
  readonly prekeys: PrekeysStore;
  readonly queue: QueueStore;
  readonly reports: ReportsStore;
  readonly resets: ResetsStore;
  readonly rooms: RoomsStore;
  readonly secondFactors: SecondFactorsStore;
  readonly serverSettings: ServerSettingsStore;
  readonly vaults: VaultsStore;
  /** Writes the log back and closes the file. Nothing may be asked afterwards. */
  close(): Promise<void>;
}

/**
 * The store in the SQLite file at `path`, made if it is not there.
 * @throws {DatabaseError} when the file is of a newer program, not ours, or another server's
 */
export function openStore(path: string, limits: QueueLimits): Store {
  const unlock = path === ":memory:" ? () => {} : lockFolder(serverLock(path));
  const db = openLocked(path, unlock);
  const queue = createQueue(db, limits);
  const { settle } = queue;
  return {
    accounts: createAccounts(db),
    admin: createAdmin(db, settle),
    archive: createArchive(db),
    audit: createAudit(db),
    challenges: createChallenges(db),
    departures: createDepartures(db),
    devices: createDevices(db),
    directory: createDirectory(db),
    exports: createExports(db, settle),
    footprints: createFootprints(db, settle),
    invites: createInvites(db),
    limits: createLimits(db),
    logins: createLogins(db),
    passkeys: createPasskeys(db),
    passwords: createPasswords(db),
    prekeys: createPrekeys(db),
    queue,
    reports: createReports(db),
    resets: createResetsStore(db),
    rooms: createRooms(db),
    secondFactors: createSecondFactors(db),
    serverSettings: createServerSettings(db),
    vaults: createVaults(db),
    close: () => {
      db.close();
      unlock();
      return Promise.resolve();
    },
  };
}

function openLocked(path: string, unlock: () => void): DatabaseSync {
  try {
    if (path !== ":memory:") {
      refuseHalfRestored(dirname(path));
      keepBeforeUpgrade(path, MIGRATIONS);
    }
    return openReadable(path);
  } catch (error) {
    unlock();
    throw error;
  }
}

function openReadable(path: string): DatabaseSync {
  const db = openDatabase(path);
  try {
    checkRecent(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}
