/** `/admin/reports`: what people say about others, to be settled. */
import type { Context } from "hono";
import { maxLength, pipe, strictObject, string } from "valibot";
import type { Refusal } from "../auth/outcome.ts";
import { ReportPage, ReportsPage } from "../views/admin_reports.tsx";
import { type AdminRouteDeps, noticeOf, withAdmin } from "./admin_door.ts";
import { page, refuse } from "./answers.ts";
import { readForm } from "./bodies.ts";
import type { App, AppEnv } from "./env.ts";
import { HttpError } from "./errors.ts";
import { REFUSALS, wordsOf } from "./refusals.ts";

const noteSchema = strictObject({ note: pipe(string(), maxLength(4_000)) });

const NOTICES: Readonly<Record<string, string>> = {
  settled: "Settled. The messages that were shown are forgotten.",
};

/** Adds the URLs of reports for admins. */
export function adminReportRoutes(app: App, deps: AdminRouteDeps): void {
  const { auth: { reports }, assets } = deps;
  const door = (handler: Parameters<typeof withAdmin>[2]) =>
    withAdmin(deps, "/admin/reports", handler);

  app.get(
    "/admin/reports",
    door(async (c) => {
      const [open, settled] = [await reports.open(), await reports.settled()];
      const props = { assets, nonce: c.var.nonce, open, settled, ...noticeOf(c, NOTICES) };
      return page(c, <ReportsPage {...props} />);
    }),
  );

  app.get("/admin/reports/:report", door((c) => one(c, deps)));

  app.post(
    "/admin/reports/:report/settle",
    door(async (c, actor) => {
      const form = await readForm(c, noteSchema);
      if (!form.ok) return refuse(c, form.refusal);
      const { note } = form.value;
      const settled = await reports.settle(actor, c.req.param("report") ?? "", note);
      return settled.ok
        ? c.redirect("/admin/reports?done=settled", 303)
        : one(c, deps, { refusal: settled.refusal, typed: note });
    }),
  );
}

async function one(
  c: Context<AppEnv>,
  { auth: { reports }, assets }: AdminRouteDeps,
  wrong?: { readonly refusal: Refusal; readonly typed: string },
): Promise<Response> {
  const found = await reports.find(c.req.param("report") ?? "");
  if (!found.ok) throw new HttpError("not-found");
  const props = {
    ...{ assets, nonce: c.var.nonce, report: found.value },
    ...(wrong ? { problem: wordsOf(wrong.refusal), typed: wrong.typed } : {}),
  };
  return await page(
    c,
    <ReportPage {...props} />,
    wrong ? REFUSALS[wrong.refusal.code].status : 200,
  );
}
