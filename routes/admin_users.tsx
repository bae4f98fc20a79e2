/** `/admin/users`: people, and what can be done to an account. */
import type { Context } from "hono";
import { maxLength, optional, pipe, strictObject, string } from "valibot";
import { type Actor, type OwnerLogin, USER_ACTS, type UserAct } from "../auth/mod.ts";
import type { Refusal } from "../auth/outcome.ts";
import { type AccountId, parseId } from "../protocol/ids.ts";
import { PeopleList, UserPage, UsersPage } from "../views/admin_users.tsx";
import { type AdminRouteDeps, noticeOf, withAdmin } from "./admin_door.ts";
import { page, refuse, wantsPart } from "./answers.ts";
import { readForm } from "./bodies.ts";
import type { App, AppEnv } from "./env.ts";
import { HttpError } from "./errors.ts";
import { REFUSALS, wordsOf } from "./refusals.ts";
import { toSignIn } from "./settings_door.ts";

const shortText = pipe(string(), maxLength(1_000));
const searchSchema = strictObject({ search: shortText, after: optional(shortText) });
const actSchema = strictObject({ username: optional(shortText) });

const NOTICES: Readonly<Record<string, string>> = {
  "disable": "The account is off. Its sockets are closed and nobody signs in to it.",
  "enable": "The account is on.",
  "sign-out": "Signed out everywhere.",
  "reset-second-factor": "The second factor is gone. The owner gets a letter.",
  "make-admin": "They are an admin now.",
  "unmake-admin": "They are no admin any more.",
};

/** Adds the URLs of people. */
export function adminUserRoutes(app: App, deps: AdminRouteDeps): void {
  const people = (handler: Parameters<typeof withAdmin>[2]) =>
    withAdmin(deps, "/admin/users", handler);

  app.get("/admin/users", people((c) => found(c, deps, "", "")));

  app.post(
    "/admin/users",
    people(async (c) => {
      const form = await readForm(c, searchSchema);
      if (!form.ok) return refuse(c, form.refusal);
      return await found(c, deps, form.value.search, form.value.after ?? "");
    }),
  );

  app.get(
    "/admin/users/:account",
    people((c, actor) => one(c, deps, actor, accountOf(c))),
  );

  app.post(
    "/admin/users/:account/:act",
    people(async (c, actor, login) => {
      const act = USER_ACTS.find((each) => each === c.req.param("act"));
      if (act === undefined) throw new HttpError("not-found");
      const form = await readForm(c, actSchema);
      if (!form.ok) return refuse(c, form.refusal);
      return await doAct(c, deps, { actor, login, act, typed: form.value.username });
    }),
  );
}

async function found(
  c: Context<AppEnv>,
  { auth: { admin }, assets }: AdminRouteDeps,
  search: string,
  after: string,
): Promise<Response> {
  const { users, next } = await admin.users(search, after);
  const lines = users.map((user) => ({ ...user, admin: user.admin === 1 }));
  const props = { assets, nonce: c.var.nonce, search, users: lines, next, later: after !== "" };
  return wantsPart(c)
    ? await c.html(<PeopleList {...props} />)
    : await page(c, <UsersPage {...props} />);
}

/** What stands on a person's page besides the person. */
interface Wrong {
  readonly refusal: Refusal;
  /** What was typed to delete the account, when it is about that. */
  readonly name?: string;
}

async function one(
  c: Context<AppEnv>,
  { auth: { admin }, assets }: AdminRouteDeps,
  actor: Actor,
  account: AccountId,
  wrong?: Wrong,
): Promise<Response> {
  const details = await admin.user(account);
  if (!details.ok) throw new HttpError("not-found");
  const { user, secondFactor, logins } = details.value;
  const words = wrong ? wordsOf(wrong.refusal) : undefined;
  const props = {
    ...{ assets, nonce: c.var.nonce, user: { ...user, admin: user.admin === 1 } },
    ...{ secondFactor, logins, self: actor.account === account },
    ...(words === undefined
      ? {}
      : wrong?.name !== undefined
      ? { deleteProblem: words, deleteTyped: wrong.name }
      : { problem: words }),
    ...noticeOf(c, NOTICES),
  };
  const status = wrong ? REFUSALS[wrong.refusal.code].status : 200;
  return await page(c, <UserPage {...props} />, status);
}

async function doAct(
  c: Context<AppEnv>,
  deps: AdminRouteDeps,
  { actor, login, act, typed }: {
    readonly actor: Actor;
    readonly login: OwnerLogin;
    readonly act: UserAct;
    readonly typed: string | undefined;
  },
): Promise<Response> {
  const { admin } = deps.auth;
  const account = accountOf(c);
  if (admin.needsFresh(act) && !admin.isFresh(login)) {
    return toSignIn(c, `/admin/users/${account}`);
  }
  if (act === "delete") {
    const details = await admin.user(account);
    const right = details.ok && details.value.user.username === typed?.trim().replace(/^@/, "");
    if (!right) {
      return one(c, deps, actor, account, {
        refusal: { code: "wrong-name" },
        name: typed ?? "",
      });
    }
  }
  const done = await admin.act(actor, act, account);
  if (!done.ok) return one(c, deps, actor, account, { refusal: done.refusal });
  const where = act === "delete" ? "/admin?done=delete" : `/admin/users/${account}?done=${act}`;
  return c.redirect(where, 303);
}

function accountOf(c: Context<AppEnv>): AccountId {
  const account = parseId<"account">(c.req.param("account") ?? "");
  if (account === null) throw new HttpError("not-found");
  return account;
}
