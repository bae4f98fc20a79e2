/** `/api/reports`: a device tells whoever runs the server about somebody. */
import type { Auth } from "../auth/mod.ts";
import { reportRequest } from "../protocol/reports.ts";
import { refuse } from "./answers.ts";
import { readCbor } from "./bodies.ts";
import type { App } from "./env.ts";
import { withDevice } from "./people.ts";

/** Adds the URL of reports. */
export function reportRoutes(app: App, { auth }: { readonly auth: Auth }): void {
  app.post(
    "/api/reports",
    withDevice(auth, async (c, login) => {
      const body = await readCbor(c, reportRequest);
      if (!body.ok) return refuse(c, body.refusal);
      const told = await auth.reports.report(login, body.value);
      return told.ok ? c.body(null, 204) : refuse(c, told.refusal);
    }),
  );
}
