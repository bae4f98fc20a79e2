/** The application: guards, headers, routes and one place for errors. It does no I/O of its own. */
import { type Context, Hono } from "hono";
import { troubleOf } from "./db/trouble.ts";
import type { AppEnv, RouteDeps } from "./routes/env.ts";
import { answerWith } from "./routes/error_answer.ts";
import { HttpError } from "./routes/errors.ts";
import { bodyGuard, methodGuard, originGuard } from "./routes/guards.ts";
import { mountRoutes } from "./routes/mod.ts";
import {
  accountPagePolicy,
  commonHeaders,
  FORM_REFERRER_POLICY,
  INTEGRITY_POLICY,
  PLAIN_POLICY,
} from "./routes/policy.ts";

const NONCE_BYTES = 16;
/** When a request may come again that met another program at the database. */
const BUSY_SECONDS = 2;

/** Builds the application from what the composition root, or a test, gives it. */
export function createApp(deps: RouteDeps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.onError((error, c) => answerError(error, c, deps));
  app.notFound((c) => answerWith(c, deps, "not-found"));
  app.use(async (c, next) => {
    c.set("nonce", newNonce());
    await next();
    c.res = finish(c, deps, c.res);
    deps.answered?.(c.res.status);
  });
  app.use(methodGuard());
  app.use(originGuard(deps.origin));
  app.use(bodyGuard(deps.limits.bodyBytes));
  mountRoutes(app, deps);
  return app;
}

function newNonce(): string {
  return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(NONCE_BYTES))));
}

/** Puts the headers that every answer carries on one that a route made. */
function finish(c: Context<AppEnv>, deps: RouteDeps, response: Response): Response {
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(commonHeaders(deps.trustedCertificate))) {
    // Two pages may ask for the camera.
    if (name !== "permissions-policy" || !headers.has(name)) headers.set(name, value);
  }
  if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
  if (!headers.has("content-security-policy")) {
    const html = headers.get("content-type")?.startsWith("text/html") ?? false;
    headers.set("content-security-policy", html ? accountPagePolicy(c.var.nonce) : PLAIN_POLICY);
    if (html) {
      headers.set("integrity-policy", INTEGRITY_POLICY);
      headers.set("referrer-policy", FORM_REFERRER_POLICY);
    }
  }
  return new Response(response.body, { status: response.status, headers });
}

function answerError(error: Error, c: Context<AppEnv>, deps: RouteDeps): Promise<Response> {
  if (error instanceof HttpError) return answerWith(c, deps, error.code, error.retryAfter);
  const trouble = troubleOf(error);
  if (trouble !== null) deps.log.warn("request.unwritten", { method: c.req.method, error });
  if (trouble === "full") return answerWith(c, deps, "storage-full");
  if (trouble === "busy") return answerWith(c, deps, "not-ready", BUSY_SECONDS);
  deps.log.error("request.failed", { method: c.req.method, error });
  return answerWith(c, deps, "internal");
}
