/** `/admin`: the server's switches, limits, health and log. Every form works without scripts. */
import type { Context } from "hono";
import { maxLength, picklist, pipe, strictObject, string } from "valibot";
import type { Actor } from "../auth/mod.ts";
import type { Outcome } from "../auth/outcome.ts";
import { toHex } from "../protocol/encoding.ts";
import { AdminHome } from "../views/admin.tsx";
import { type ActLine, LogPage } from "../views/admin_log.tsx";
import {
  AdminSeesPage,
  HealthPage,
  type LimitProblem,
  LimitRow,
  LimitsPage,
  SignUpsPage,
} from "../views/admin_server.tsx";
import { type AdminRouteDeps, noticeOf, withAdmin } from "./admin_door.ts";
import { adminReportRoutes } from "./admin_reports.tsx";
import { adminUserRoutes } from "./admin_users.tsx";
import { page, refuse, wantsPart } from "./answers.ts";
import { readForm } from "./bodies.ts";
import type { App, AppEnv, RouteFamily } from "./env.ts";
import { REFUSALS, wordsOf } from "./refusals.ts";

const shortText = pipe(string(), maxLength(1_000));
const modeSchema = strictObject({ mode: picklist(["open", "invite", "closed"]) });
const factorSchema = strictObject({ required: picklist(["yes", "no"]) });
const limitSchema = strictObject({ name: shortText, value: shortText });

const NOTICES: Readonly<Record<string, string>> = {
  delete: "The account is deleted.",
};
const SAVED: Readonly<Record<string, string>> = {
  saved: "Saved. It holds from now on.",
};

/** Adds the URLs of the admin area. */
export function adminRoutes(deps: AdminRouteDeps): RouteFamily {
  return (app) => {
    homeRoutes(app, deps);
    signUpRulesRoutes(app, deps);
    limitRoutes(app, deps);
    adminUserRoutes(app, deps);
    adminReportRoutes(app, deps);
  };
}

function homeRoutes(app: App, deps: AdminRouteDeps): void {
  const { auth: { admin }, assets } = deps;

  app.get(
    "/admin",
    withAdmin(deps, "/admin", async (c) => {
      const { accounts, openReports } = await admin.health();
      const { registration } = admin.switches();
      const props = { assets, nonce: c.var.nonce, accounts, openReports, registration };
      return page(c, <AdminHome {...props} {...noticeOf(c, NOTICES)} />);
    }),
  );

  app.get(
    "/admin/health",
    withAdmin(deps, "/admin/health", async (c) => {
      const { accounts, admins, queue } = await admin.health();
      const { envelopes, bytes: envelopeBytes, oldest } = queue;
      const known = { accounts, admins, envelopes, envelopeBytes, oldest };
      const props = { assets, nonce: c.var.nonce, ...known, ...await deps.machine() };
      return page(c, <HealthPage {...props} />);
    }),
  );

  app.get(
    "/admin/what-admins-see",
    withAdmin(
      deps,
      "/admin/what-admins-see",
      (c) => page(c, <AdminSeesPage assets={assets} nonce={c.var.nonce} />),
    ),
  );

  app.get("/admin/log", withAdmin(deps, "/admin/log", (c) => logPage(c, deps)));
}

async function logPage(
  c: Context<AppEnv>,
  { auth: { admin }, assets }: AdminRouteDeps,
): Promise<Response> {
  const text = c.req.query("before") ?? "";
  const before = /^[1-9]\d{0,9}$/.test(text) ? Number(text) : Number.MAX_SAFE_INTEGER;
  const verdict = await admin.verify();
  const acts = (await admin.acts(before)).map(({ entry, hash }): ActLine => {
    const { seq, at, actorName, act, subjectName, detail } = entry;
    return { seq, at, actorName, act, subjectName, detail, hash: toHex(hash) };
  });
  const head = verdict.whole ? { seq: verdict.head.seq, hash: toHex(verdict.head.hash) } : null;
  const broken = verdict.whole ? null : verdict.seq;
  return await page(c, <LogPage assets={assets} nonce={c.var.nonce} {...{ acts, broken, head }} />);
}

function signUpRulesRoutes(app: App, deps: AdminRouteDeps): void {
  const { auth: { admin } } = deps;
  const door = (handler: Parameters<typeof withAdmin>[2]) =>
    withAdmin(deps, "/admin/sign-ups", handler);

  app.get("/admin/sign-ups", door((c) => signUpsPage(c, deps)));

  app.post(
    "/admin/sign-ups",
    door(async (c, actor) => {
      const form = await readForm(c, modeSchema);
      if (!form.ok) return refuse(c, form.refusal);
      return saved(c, deps, await admin.setRegistration(actor, form.value.mode));
    }),
  );

  app.post(
    "/admin/second-factor",
    door(async (c, actor) => {
      const form = await readForm(c, factorSchema);
      if (!form.ok) return refuse(c, form.refusal);
      const required = form.value.required === "yes";
      return saved(c, deps, await admin.setSecondFactorRequired(actor, required));
    }),
  );
}

function saved(
  c: Context<AppEnv>,
  deps: AdminRouteDeps,
  outcome: Outcome<null>,
): Response | Promise<Response> {
  return outcome.ok ? c.redirect("/admin/sign-ups?done=saved", 303) : signUpsPage(c, deps, outcome);
}

function signUpsPage(
  c: Context<AppEnv>,
  { auth: { admin }, assets }: AdminRouteDeps,
  wrong?: Extract<Outcome<null>, { ok: false }>,
): Response | Promise<Response> {
  const { registration, registrationFixed: fixed, secondFactorRequired } = admin.switches();
  const props = {
    ...{ assets, nonce: c.var.nonce, registration, fixed, secondFactorRequired },
    ...noticeOf(c, SAVED),
    ...(wrong ? { problem: wordsOf(wrong.refusal) } : {}),
  };
  const status = wrong ? REFUSALS[wrong.refusal.code].status : 200;
  return page(c, <SignUpsPage {...props} />, status);
}

function limitRoutes(app: App, deps: AdminRouteDeps): void {
  const { auth: { admin }, assets } = deps;
  const door = (handler: Parameters<typeof withAdmin>[2]) =>
    withAdmin(deps, "/admin/limits", handler);

  app.get(
    "/admin/limits",
    door((c) => {
      const props = { assets, nonce: c.var.nonce, limits: admin.limits(), ...noticeOf(c, SAVED) };
      return page(c, <LimitsPage {...props} />);
    }),
  );

  app.post(
    "/admin/limits",
    door(async (c, actor) => {
      const form = await readForm(c, limitSchema);
      if (!form.ok) return refuse(c, form.refusal);
      return await setLimit(c, deps, actor, form.value);
    }),
  );
}

async function setLimit(
  c: Context<AppEnv>,
  { auth: { admin }, assets }: AdminRouteDeps,
  actor: Actor,
  { name, value: typed }: { readonly name: string; readonly value: string },
): Promise<Response> {
  const digits = typed.replace(/[\s,._]/g, "");
  const number = /^\d{1,15}$/.test(digits) ? Number(digits) : NaN;
  const set = await admin.setLimit(actor, name, digits === "" ? null : number);
  const limits = admin.limits();
  const limit = limits.find((line) => line.name === name);
  if (!set.ok && limit?.live !== true) return refuse(c, set.refusal);
  if (set.ok && !wantsPart(c)) return c.redirect("/admin/limits?done=saved", 303);
  const problem: { problem?: LimitProblem } = set.ok
    ? {}
    : { problem: { name, typed, words: wordsOf(set.refusal) } };
  const status = set.ok ? 200 : REFUSALS[set.refusal.code].status;
  const props = { assets, nonce: c.var.nonce, ...problem };
  return wantsPart(c)
    ? await c.html(<LimitRow {...props} limit={limit!} saved={set.ok} />, status)
    : await page(c, <LimitsPage {...props} limits={limits} />, status);
}
