/** Proving who you are: everything of auth/ put together. */
import { type Archives, createArchives } from "./archive.ts";
import type { AuthDeps } from "./deps.ts";
import { createDeviceLogins, type DeviceLogins } from "./device_login.ts";
import { createLimiter } from "./limits.ts";
import { createLogins, type Logins } from "./logins.ts";
import { createNewAccounts, type NewAccounts } from "./new_account.ts";
import { createOpaque } from "./opaque.ts";
import { createPeople, type People } from "./people.ts";
import { createPasswordChanges, type PasswordChanges } from "./password_change.ts";
import { createRooms, type Rooms } from "./rooms.ts";
import { createSecondFactors, type SecondFactors } from "./second_factor.ts";
import { createSettings, type Settings } from "./settings.ts";
import { createSignIn, type SignIn } from "./sign_in.ts";
import { createSignUp, type SignUp } from "./sign_up.ts";

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
export { firstAccountLink } from "./first_account.ts";
export type { Carrier, DeviceLogin, IssuedLogin, Login, OwnerLogin } from "./logins.ts";
export { createChannels } from "./channels.ts";
export { createOutboxChannel, createSmtpChannel, type MailChannel } from "./mail.ts";
export { createSmsChannel } from "./sms.ts";
export { openSecrets, SecretsError } from "./secrets.ts";

/** What routes are built on. */
export interface Auth {
  readonly signUp: SignUp;
  readonly newAccounts: NewAccounts;
  readonly signIn: SignIn;
  readonly deviceLogins: DeviceLogins;
  readonly logins: Logins;
  readonly people: People;
  readonly rooms: Rooms;
  readonly archives: Archives;
  readonly secondFactors: SecondFactors;
  readonly passwordChanges: PasswordChanges;
  readonly settings: Settings;
  /** Removes what time has ended; to be called every few minutes. */
  purge(): Promise<void>;
}

/** Counters older than this decide nothing any more. */
const COUNTERS_MS = 25 * 3_600_000;

/** Everything, over one store. */
export function createAuth(deps: AuthDeps): Auth {
  const limiter = createLimiter(deps);
  const logins = createLogins(deps);
  const opaque = createOpaque(deps.secrets);
  const secondFactors = createSecondFactors(deps, limiter);
  return {
    signUp: createSignUp(deps, limiter),
    newAccounts: createNewAccounts(deps, { limiter, logins, opaque }),
    signIn: createSignIn(deps, { limiter, logins, opaque, secondFactors }),
    deviceLogins: createDeviceLogins(deps, { limiter, logins }),
    logins,
    people: createPeople(deps, limiter),
    rooms: createRooms(deps, limiter),
    archives: createArchives(deps),
    secondFactors,
    passwordChanges: createPasswordChanges(deps, { limiter, logins, opaque }),
    settings: createSettings(deps, limiter),
    async purge() {
      await logins.purge();
      await secondFactors.purge();
      await deps.store.challenges.purge(deps.now());
      await deps.store.limits.purge(deps.now() - COUNTERS_MS);
    },
  };
}
