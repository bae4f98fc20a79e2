/** All URLs of accounts, as one family. */
import type { Auth } from "../auth/mod.ts";
import type { PageAssets } from "../views/layout.tsx";
import { archiveRoutes } from "./archive.ts";
import type { App, RouteFamily } from "./env.ts";
import { forgotRoutes } from "./forgot.tsx";
import { inviteRoutes } from "./invites.tsx";
import { deviceRoutes } from "./devices.ts";
import { directoryRoutes } from "./directory.tsx";
import { linkRoutes } from "./link.tsx";
import { loginRoutes } from "./login.ts";
import { peopleRoutes } from "./people.ts";
import { prekeyRoutes } from "./prekeys.ts";
import { reportRoutes } from "./reports.ts";
import { resetWaitingRoutes } from "./reset_waiting.tsx";
import { roomRoutes } from "./rooms.ts";
import { settingsRoutes } from "./settings.tsx";
import { passkeySignInRoutes } from "./sign_in_passkey.ts";
import { signInRoutes } from "./sign_in.tsx";
import { signUpRoutes } from "./sign_up.tsx";

/** What the account URLs are built from. */
export interface AccountRouteDeps {
  readonly auth: Auth;
  readonly assets: PageAssets;
  /** Does the server sign its own certificate? Then sign-in leads to the page about it. */
  readonly selfSigned?: boolean;
}

/** Sign-up, sign-in, logins, people, prekeys and rooms; and `/`, which leads to one of the pages. */
export function accountRoutes(deps: AccountRouteDeps): RouteFamily {
  return (app: App) => {
    app.get("/", async (c) => {
      const { logins } = deps.auth;
      const { headers } = c.req.raw;
      if (await logins.authenticateDevice(headers) !== null) return c.redirect("/chat", 303);
      const held = await logins.isHeld(headers);
      return c.redirect(held ? "/settings/second-factor" : "/sign-in", 303);
    });
    signUpRoutes(app, deps);
    signInRoutes(app, deps);
    passkeySignInRoutes(app, deps);
    loginRoutes(app, deps);
    settingsRoutes(app, deps);
    inviteRoutes(app, deps);
    forgotRoutes(app, deps);
    resetWaitingRoutes(app, deps);
    peopleRoutes(app, deps);
    directoryRoutes(app, deps);
    prekeyRoutes(app, deps);
    deviceRoutes(app, deps);
    linkRoutes(app, deps);
    roomRoutes(app, deps);
    reportRoutes(app, deps);
    archiveRoutes(app, deps);
  };
}
