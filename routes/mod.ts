/** The map of URLs: which file answers what. */
import type { App, RouteDeps } from "./env.ts";
import { healthRoutes } from "./health.ts";
import { staticRoutes } from "./static.ts";

/** Adds every route to the application. */
export function mountRoutes(app: App, deps: RouteDeps): void {
  healthRoutes(app, deps);
  staticRoutes(app, deps);
  for (const family of deps.families) family(app);
}
