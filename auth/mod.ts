/** Proving who you are: everything of auth/ put together. */
import { type Admin, createAdminDesk } from "./admin.ts";
import { type Archives, createArchives } from "./archive.ts";
import type { AuthDeps } from "./deps.ts";
import { type ContactChanges, createContactChanges } from "./contact_change.ts";
import { createDepartureDesk, type Departures } from "./departure.ts";
import { createDevices, type Devices } from "./devices.ts";
import { createDirectoryDesk, type DirectoryDesk } from "./directory.ts";
import { createDeviceLinks, type DeviceLinks } from "./device_links.ts";
import { createDeviceLogins, type DeviceLogins } from "./device_login.ts";
import { createInviteDesk, type Invites } from "./invites.ts";
import { createLimiter } from "./limits.ts";
import { createLogins, type Logins } from "./logins.ts";
import { createNewAccounts, type NewAccounts } from "./new_account.ts";
import { createOpaque } from "./opaque.ts";
import { createPeople, type People } from "./people.ts";
import { createPasskeys, type Passkeys } from "./passkeys.ts";
import { createPasswordless, type Passwordless } from "./passwordless.ts";
import { createPasswordChanges, type PasswordChanges } from "./password_change.ts";
import { createRecoveries, type Recoveries } from "./recovery.ts";
import { createReportDesk, type Reports } from "./reports.ts";
import { createResets, type Resets } from "./reset.ts";
import { createRooms, type Rooms } from "./rooms.ts";
import { createSecondFactors, type SecondFactors } from "./second_factor.ts";
import { createSettings, type Settings } from "./settings.ts";
import { createSignIn, type SignIn } from "./sign_in.ts";
import { createStartingOver, type StartingOver } from "./starting_over.ts";
import { createSignUp, type SignUp } from "./sign_up.ts";
import { createVaultProofs, type VaultProofs } from "./vault_proof.ts";

export type {
  AuthDeps,
  AuthEvents,
  AuthLimits,
  AuthLog,
  AuthStore,
  Mailer,
  Registration,
} from "./deps.ts";
export type { Secrets } from "./deps.ts";
export { type Actor, type Admin, COMMAND_LINE, USER_ACTS, type UserAct } from "./admin.ts";
export { firstAccountLink } from "./first_account.ts";
export type { Carrier, DeviceLogin, IssuedLogin, Login, OwnerLogin } from "./logins.ts";
export { createChannels } from "./channels.ts";
export { type LiveSettings, openLiveSettings } from "./live_settings.ts";
export { watchMailer } from "./mail_watch.ts";
export { createOutboxChannel, createSmtpChannel, type MailChannel } from "./mail.ts";
export { createSmsChannel } from "./sms.ts";
export { openSecrets, SecretsError } from "./secrets.ts";

/** What routes are built on. */
export interface Auth {
  readonly signUp: SignUp;
  readonly newAccounts: NewAccounts;
  readonly invites: Invites;
  readonly resets: Resets;
  readonly contactChanges: ContactChanges;
  readonly departures: Departures;
  readonly recoveries: Recoveries;
  readonly startingOver: StartingOver;
  readonly signIn: SignIn;
  readonly deviceLogins: DeviceLogins;
  readonly devices: Devices;
  readonly deviceLinks: DeviceLinks;
  readonly logins: Logins;
  readonly people: People;
  readonly directory: DirectoryDesk;
  readonly rooms: Rooms;
  readonly archives: Archives;
  readonly secondFactors: SecondFactors;
  readonly passkeys: Passkeys;
  readonly vaultProofs: VaultProofs;
  readonly passwordChanges: PasswordChanges;
  readonly passwordless: Passwordless;
  readonly settings: Settings;
  readonly admin: Admin;
  readonly reports: Reports;
  /** Removes what time has ended; to be called every few minutes. */
  purge(): Promise<void>;
}

/** Counters older than this decide nothing any more. */
const COUNTERS_MS = 25 * 3_600_000;

/** Everything, over one store. */
export function createAuth(deps: AuthDeps): Auth {
  const limiter = createLimiter(deps);
  const reports = createReportDesk(deps, limiter);
  const logins = createLogins(deps);
  const opaque = createOpaque(deps.secrets);
  const secondFactors = createSecondFactors(deps, limiter);
  const passkeys = createPasskeys(deps, { limiter, secondFactors });
  const invites = createInviteDesk(deps, limiter);
  const departures = createDepartureDesk(deps, { limiter, passkeys, secondFactors });
  const resets = createResets(deps, { limiter, secondFactors });
  const startingOver = createStartingOver(deps, { limiter, logins, opaque, resets });
  return {
    invites,
    resets,
    recoveries: createRecoveries(deps, { limiter, logins, opaque, resets, startingOver }),
    startingOver,
    signUp: createSignUp(deps, limiter),
    newAccounts: createNewAccounts(deps, { limiter, logins, opaque }),
    signIn: createSignIn(deps, { limiter, logins, opaque, secondFactors, passkeys }),
    devices: createDevices(deps),
    deviceLinks: createDeviceLinks(deps, { limiter, logins, passkeys }),
    deviceLogins: createDeviceLogins(deps, { limiter, logins }),
    logins,
    people: createPeople(deps, limiter),
    directory: createDirectoryDesk(deps, limiter),
    rooms: createRooms(deps, limiter),
    archives: createArchives(deps, limiter),
    secondFactors,
    passkeys,
    vaultProofs: createVaultProofs(deps, { limiter, opaque, passkeys }),
    passwordChanges: createPasswordChanges(deps, { limiter, logins, opaque, passkeys }),
    passwordless: createPasswordless(deps, passkeys),
    settings: createSettings(deps, limiter),
    admin: createAdminDesk(deps, { logins, secondFactors }),
    reports,
    contactChanges: createContactChanges(deps, limiter),
    departures,
    async purge() {
      await logins.purge();
      await invites.purge();
      await departures.purge();
      await startingOver.purge();
      await secondFactors.purge();
      await reports.purge();
      await passkeys.purge();
      await deps.store.challenges.purge(deps.now());
      await deps.store.limits.purge(deps.now() - COUNTERS_MS);
    },
  };
}
