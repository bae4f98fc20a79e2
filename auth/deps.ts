/** What auth/ is built from. Everything that has effects comes from outside. */
import type { AccountsStore } from "../db/accounts.ts";
import type { AdminStore } from "../db/admin.ts";
import type { ArchiveStore } from "../db/archive.ts";
import type { AuditStore } from "../db/audit.ts";
import type { ChallengesStore } from "../db/challenges.ts";
import type { DeparturesStore } from "../db/departures.ts";
import type { DevicesStore } from "../db/devices.ts";
import type { DirectoryStore } from "../db/directory.ts";
import type { ExportsStore } from "../db/exports.ts";
import type { FootprintsStore } from "../db/footprint.ts";
import type { InvitesStore } from "../db/invites.ts";
import type { LimitsStore } from "../db/limits.ts";
import type { LoginsStore } from "../db/logins.ts";
import type { PasskeysStore } from "../db/passkeys.ts";
import type { PasswordsStore } from "../db/passwords.ts";
import type { PrekeysStore, PrekeyStock } from "../db/prekeys.ts";
import type { ReportsStore } from "../db/reports.ts";
import type { ResetsStore } from "../db/resets.ts";
import type { RoomsStore } from "../db/rooms.ts";
import type { SecondFactorsStore } from "../db/second_factors.ts";
import type { ServerSettingsStore } from "../db/server_settings.ts";
import type { VaultsStore } from "../db/vaults.ts";
import type { Bytes } from "../protocol/encoding.ts";
import type { AccountId, DeviceId, RoomId } from "../protocol/ids.ts";
import type { Letter } from "./letters.ts";
import type { LiveSettings, Registration } from "./live_settings.ts";

/** The parts of the store that accounts need. */
export interface AuthStore {
  readonly accounts: AccountsStore;
  readonly challenges: ChallengesStore;
  readonly logins: LoginsStore;
  readonly departures: DeparturesStore;
  readonly devices: DevicesStore;
  readonly directory: DirectoryStore;
  readonly exports: ExportsStore;
  readonly prekeys: PrekeysStore;
  readonly vaults: VaultsStore;
  readonly limits: LimitsStore;
  readonly passkeys: PasskeysStore;
  readonly passwords: PasswordsStore;
  readonly secondFactors: SecondFactorsStore;
  readonly footprints: FootprintsStore;
  readonly invites: InvitesStore;
  readonly resets: ResetsStore;
  readonly rooms: RoomsStore;
  readonly archive: ArchiveStore;
  readonly admin: AdminStore;
  readonly audit: AuditStore;
  readonly reports: ReportsStore;
  readonly serverSettings: ServerSettingsStore;
}

/** What is kept outside the database, in secrets.json. */
export interface Secrets {
  /** OPAQUE's long-term secret; without it no password of this server opens anything. */
  readonly opaqueSetup: string;
  /** 32 bytes: HMAC key of codes and of the names of counters; the key that seals seeds comes from it. */
  readonly codeKey: Bytes;
}

/** The numbers; names and units as in the server's table of limits. */
export interface AuthLimits {
  readonly codeSeconds: number;
  readonly codeTries: number;
  readonly codeResendSeconds: number;
  readonly codesPerAddressHour: number;
  readonly codesPerIpHour: number;
  readonly passwordTries: number;
  readonly passwordTriesPerIp: number;
  readonly signUpsPerIpHour: number;
  readonly invitesPerDay: number;
  readonly takeoutsPerHour: number;
  readonly invitesOpen: number;
  readonly loginIdleSeconds: number;
  readonly loginSeconds: number;
  readonly prekeyFetches: number;
  readonly prekeyRefillSeconds: number;
  readonly prekeysPerHour: number;
  readonly prekeyStock: number;
  readonly nameChecksPerIpHour: number;
  readonly lookupsPerHour: number;
  readonly searchesPerHour: number;
  readonly challengesPerIpHour: number;
  readonly roomLookupsPerHour: number;
  readonly roomLookupsPerIpHour: number;
  readonly roomEntriesPerHour: number;
  readonly reportsPerDay: number;
  readonly archiveBytes: number;
  readonly archiveReadsPerHour: number;
}

export type { Registration } from "./live_settings.ts";

/** Brings a letter to somebody. A rejection means that it was not taken. */
export interface Mailer {
  send(letter: Letter): Promise<void>;
}

/** What others must hear of. Called after the commit; must not throw. */
export interface AuthEvents {
  /** These logins are no more: their sockets are to be closed at once. */
  loginsEnded(ids: readonly string[]): void;
  /** `also`: accounts whose devices hear of it besides its own. */
  listChanged(account: AccountId, version: number, also?: readonly AccountId[]): void;
  /** Few one-time keys are left: the device should upload more. */
  prekeysLow(device: DeviceId, stock: PrekeyStock): void;
  /** The log has a new entry; `accounts` are in the room or have just left it. */
  roomChanged(room: RoomId, seq: number, accounts: readonly AccountId[]): void;
}

/** The part of the log that auth/ writes to: short fixed words, never anything that came in. */
export interface AuthLog {
  info(event: string, fields?: { readonly code?: string; readonly count?: number }): void;
  warn(event: string, fields?: { readonly code?: string; readonly error?: unknown }): void;
}

/** `length` random bytes from the system's generator. */
export type RandomSource = (length: number) => Bytes;

/** Everything. */
export interface AuthDeps {
  readonly store: AuthStore;
  readonly secrets: Secrets;
  readonly mailer: Mailer;
  readonly events: AuthEvents;
  readonly log: AuthLog;
  readonly limits: AuthLimits;
  /** Scheme, host and port of this server as browsers write them. */
  readonly origin: string;
  /** As {@link live} has it now. */
  readonly registration: Registration;
  /** What admins change while the server runs. */
  readonly live: LiveSettings<AuthLimits>;
  /** True off loopback: nobody but the reader of the start-up lines makes the first account. */
  readonly firstAccountByLink: boolean;
  /** Whether codes can be sent to phones. */
  readonly phones: boolean;
  /** Whether everybody may invite others; admins always may. */
  readonly memberInvites: boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly random: RandomSource;
}
