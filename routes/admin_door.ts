/** The door of the admin area: an admin, signed in by password within the last 30 days. */
import type { Context } from "hono";
import type { Actor, Auth, OwnerLogin } from "../auth/mod.ts";
import type { PageAssets } from "../views/layout.tsx";
import type { AppEnv } from "./env.ts";
import { HttpError } from "./errors.ts";
import { withOwner } from "./settings_door.ts";

/** What is known of the machine that the server runs on. */
export interface Machine {
  readonly version: string;
  /** Since when the server runs, in milliseconds since 1970; null while it does not. */
  readonly started: number | null;
  readonly sockets: number;
  readonly memoryBytes: number;
  readonly databaseBytes: number;
  /** Null where the system does not say. */
  readonly freeBytes: number | null;
  /** When the newest backup that the server knows of was made; null where it knows of none. */
  readonly backup: number | null;
}

/** What the admin area is built from. */
export interface AdminRouteDeps {
  readonly auth: Auth;
  readonly assets: PageAssets;
  readonly machine: () => Machine | Promise<Machine>;
}

/** Answers one request of an admin. */
export type AdminHandler = (
  c: Context<AppEnv>,
  actor: Actor,
  login: OwnerLogin,
) => Response | Promise<Response>;

/** Runs a handler for admins only; `next` is where to go on after a sign-in. */
export function withAdmin(
  { auth }: Pick<AdminRouteDeps, "auth">,
  next: string,
  handler: AdminHandler,
): (c: Context<AppEnv>) => Promise<Response> {
  return withOwner(auth, next, async (c, login) => {
    const actor = await auth.admin.actorOf(login);
    if (actor === null) throw new HttpError("forbidden");
    return await handler(c, actor, login);
  });
}

/** The words for what was done on another page, by the word in the address; nothing else is said. */
export function noticeOf(
  c: Context<AppEnv>,
  notices: Readonly<Record<string, string>>,
): { readonly notice?: string } {
  const done = c.req.query("done") ?? "";
  const notice = Object.hasOwn(notices, done) ? notices[done] : undefined;
  return notice === undefined ? {} : { notice };
}
