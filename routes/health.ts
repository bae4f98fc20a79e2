/** `GET /health`: 200 once the server takes people, 503 before and while it stops. */
import type { App, RouteDeps } from "./env.ts";
import { HttpError } from "./errors.ts";

/** Adds /health. */
export function healthRoutes(app: App, deps: Pick<RouteDeps, "ready" | "version">): void {
  app.get("/health", (c) => {
    if (!deps.ready()) throw new HttpError("not-ready", 1);
    return c.json({ status: "ok", version: deps.version });
  });
}
