/** The door of the settings: a sign-in by password of the last 30 days, or the way to one. */
import type { Context } from "hono";
import type { Auth, OwnerLogin } from "../auth/mod.ts";
import { refuse, wantsCbor, wantsPart } from "./answers.ts";
import type { AppEnv } from "./env.ts";

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
    const login = await auth.logins.authenticateOwner(c.req.raw.headers);
    if (login !== null) return await handler(c, login);
    return wantsCbor(c) ? refuse(c, { code: "sign-in-needed" }) : toSignIn(c, next);
  };
}

/** Sends the whole page to the sign-in; htmx would put it into the part that asked. */
export function toSignIn(c: Context<AppEnv>, next: string): Response {
  const where = `/sign-in?next=${next}`;
  if (!wantsPart(c)) return c.redirect(where, 303);
  c.header("HX-Redirect", where);
  return c.body(null, 204);
}
