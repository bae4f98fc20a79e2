/** The door of the settings: a sign-in by password of the last 30 days, or the way to one. */
import type { Context } from "hono";
import type { Auth, OwnerLogin } from "../auth/mod.ts";
import { refuse, wantsCbor, wantsPart } from "./answers.ts";
import type { AppEnv } from "./env.ts";

/** Where a second factor is set up: open to those who need one before anything else. */
const SETS_UP: readonly string[] = ["/settings/second-factor", "/settings/passkeys"];

/** Answers one request of an owner. */
export type OwnerHandler = (
  c: Context<AppEnv>,
  login: OwnerLogin,
) => Response | Promise<Response>;

/**
 * Runs a handler for an owner only. Everybody else is sent to sign in and then on to `next`, a page
 * that can be opened: whoever was in the middle of a form begins it anew.
 */
export function withOwner(
  auth: Auth,
  next: string,
  handler: OwnerHandler,
): (c: Context<AppEnv>) => Promise<Response> {
  return async (c) => {
    const { logins } = auth;
    const { headers } = c.req.raw;
    const login = SETS_UP.includes(next)
      ? await logins.authenticateHeldOwner(headers)
      : await logins.authenticateOwner(headers);
    if (login !== null) return await handler(c, login);
    const held = await logins.authenticateHeldOwner(headers) !== null;
    if (wantsCbor(c)) {
      return refuse(c, { code: held ? "second-factor-required" : "sign-in-needed" });
    }
    return held ? toPage(c, SETS_UP[0]!) : toSignIn(c, next);
  };
}

/** Sends the whole page to the sign-in; htmx would put it into the part that asked. */
export function toSignIn(c: Context<AppEnv>, next: string): Response {
  return toPage(c, `/sign-in?next=${next}`);
}

function toPage(c: Context<AppEnv>, where: string): Response {
  if (!wantsPart(c)) return c.redirect(where, 303);
  c.header("HX-Redirect", where);
  return c.body(null, 204);
}
