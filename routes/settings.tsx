/** `/settings`: name, logins, and what the server sees. Every form works without scripts. */
import type { Context } from "hono";
import { maxLength, pipe, strictObject, string } from "valibot";
import type { Auth, OwnerLogin } from "../auth/mod.ts";
import type { PageAssets } from "../views/layout.tsx";
import {
  type LoginLine,
  LoginsSection,
  ProfileSection,
  type ProfileState,
  SettingsPage,
} from "../views/settings.tsx";
import { ServerSeesPage } from "../views/server_sees.tsx";
import { page, refuse, sayRetryAfter, wantsPart } from "./answers.ts";
import { readForm } from "./bodies.ts";
import type { App, AppEnv } from "./env.ts";
import { REFUSALS, wordsOf } from "./refusals.ts";
import { settingsDeviceRoutes } from "./settings_devices.tsx";
import { passkeyRoutes } from "./settings_passkeys.tsx";
import { accountSettingsRoutes } from "./settings_account.tsx";
import { historyRoutes } from "./settings_history.tsx";
import { passwordRoutes } from "./settings_password.tsx";
import { secondFactorRoutes } from "./settings_second_factor.tsx";
import { withOwner } from "./settings_door.ts";

const shortText = pipe(string(), maxLength(1_000));
const profileSchema = strictObject({ fullName: shortText });
const loginSchema = strictObject({ login: shortText });
const nothing = strictObject({});

const DAY_MS = 86_400_000;

/** What was done on another page, by the word in the address; nothing else is said. */
const NOTICES: Readonly<Record<string, string>> = {
  contact: "Codes and warnings go to the new one from now on.",
  name: "Your name is saved. People see it from now on.",
  password: "Your password is changed. Your other devices are signed out.",
  "second-factor-off": "The second factor is off.",
};

interface Deps {
  readonly auth: Auth;
  readonly assets: PageAssets;
}

/** What the page shows instead of what is stored. */
interface Shown {
  readonly profile?: ProfileState;
  readonly notice?: string;
}

/** Adds the URLs of the settings. */
export function settingsRoutes(app: App, deps: Deps): void {
  const { auth, assets } = deps;
  const { settings, logins } = auth;
  const owner = (handler: Parameters<typeof withOwner>[2]) => withOwner(auth, "/settings", handler);

  app.get(
    "/settings",
    owner(async (c, login) => {
      const done = c.req.query("done") ?? "";
      const notice = Object.hasOwn(NOTICES, done) ? NOTICES[done] : undefined;
      return page(c, await whole(c, deps, login, notice ? { notice } : {}));
    }),
  );

  app.post(
    "/settings/profile",
    owner(async (c, login) => {
      const form = await readForm(c, profileSchema);
      if (!form.ok) return refuse(c, form.refusal);
      const set = await settings.setFullName(login, form.value.fullName);
      const profile = set.ok
        ? { fullName: set.value, saved: true }
        : { fullName: form.value.fullName, problem: wordsOf(set.refusal) };
      const status = set.ok ? 200 : REFUSALS[set.refusal.code].status;
      if (!wantsPart(c)) {
        return set.ok
          ? c.redirect("/settings?done=name", 303)
          : page(c, await whole(c, deps, login, { profile }), status);
      }
      const props = { assets, nonce: c.var.nonce };
      return c.html(<ProfileSection {...props} {...profile} />, status);
    }),
  );

  app.post(
    "/settings/logins/end",
    owner(async (c, login) => {
      const form = await readForm(c, loginSchema);
      if (!form.ok) return refuse(c, form.refusal);
      // Already gone, or not one's own: the list that comes back shows what there is (W12).
      await settings.endLogin(login, form.value.login);
      return await loginsAgain(c, deps, login);
    }),
  );

  app.post(
    "/settings/logins/end-others",
    owner(async (c, login) => {
      const form = await readForm(c, nothing);
      if (!form.ok) return refuse(c, form.refusal);
      await logins.endOthers(login);
      return await loginsAgain(c, deps, login);
    }),
  );

  app.get(
    "/settings/what-the-server-sees",
    withOwner(auth, "/settings/what-the-server-sees", async (c, login) => {
      const kept = await settings.footprint(login);
      if (!kept.ok) {
        sayRetryAfter(c, kept.refusal);
        return refuse(c, kept.refusal);
      }
      const { username, fullName, contact, made } = await settings.owner(login);
      const about = { username, fullName, contact: contact.address, made, kept: kept.value };
      return page(c, <ServerSeesPage assets={assets} nonce={c.var.nonce} {...about} />);
    }),
  );

  accountSettingsRoutes(app, deps);
  passwordRoutes(app, deps);
  secondFactorRoutes(app, deps);
  passkeyRoutes(app, deps);
  settingsDeviceRoutes(app, deps);
  historyRoutes(app, deps);
}

async function whole(
  c: Context<AppEnv>,
  { auth, assets }: Deps,
  login: OwnerLogin,
  shown: Shown,
) {
  const { username, fullName, contact, admin } = await auth.settings.owner(login);
  const props = {
    ...{ assets, nonce: c.var.nonce, username, contact: contact.address },
    profile: { fullName },
    logins: await linesOf(auth, login),
    factor: await auth.secondFactors.status(login.account),
    mayInvite: await auth.invites.may(login),
    resetWaits: await auth.startingOver.waiting(login) !== null,
    admin,
    ...shown,
  };
  return <SettingsPage {...props} />;
}

async function loginsAgain(
  c: Context<AppEnv>,
  { auth, assets }: Deps,
  login: OwnerLogin,
): Promise<Response> {
  if (!wantsPart(c)) return c.redirect("/settings", 303);
  const lines = await linesOf(auth, login);
  return c.html(<LoginsSection assets={assets} nonce={c.var.nonce} logins={lines} />);
}

/** This one first, then by last use. */
async function linesOf(auth: Auth, login: OwnerLogin): Promise<LoginLine[]> {
  const rows = await auth.settings.logins(login);
  const lines = rows.map(({ id, deviceKind, deviceMade, used }) => ({
    ...{ id, kind: deviceKind, first: deviceMade * DAY_MS, last: used, current: id === login.id },
  }));
  return [...lines.filter(({ current }) => current), ...lines.filter(({ current }) => !current)];
}
