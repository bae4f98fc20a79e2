/** The page's files from the embedded map: hashed names for ever, the rest by ETag. */
import type { Context } from "hono";
import type { Asset } from "./assets.ts";
import type { App, AppEnv, RouteDeps } from "./env.ts";
import { assetPolicy, CAMERA_PERMISSIONS, INTEGRITY_POLICY } from "./policy.ts";

const CHAT = "/chat";

/** Adds a route for every embedded file. A path that is not in the map falls through to 404. */
export function staticRoutes(app: App, deps: Pick<RouteDeps, "assets">): void {
  for (const { path } of deps.assets.all()) {
    app.get(path, (c, next) => {
      const asset = deps.assets.at(c.req.path);
      return asset === undefined ? next() : Promise.resolve(send(c, asset));
    });
  }
}

function send(c: Context<AppEnv>, asset: Asset): Response {
  const packed = acceptsGzip(c.req.header("accept-encoding")) ? asset.gzip() : undefined;
  const etag = `"${asset.sha256.slice(0, 32)}${packed === undefined ? "" : "-gzip"}"`;
  const headers: Record<string, string> = {
    "content-type": asset.type,
    "content-security-policy": assetPolicy(asset.policy),
    "cache-control": asset.immutable ? "public, max-age=31536000, immutable" : "no-cache",
    "vary": "accept-encoding",
    etag,
  };
  if (asset.path === CHAT) headers["permissions-policy"] = CAMERA_PERMISSIONS;
  if (asset.policy === "page") headers["integrity-policy"] = INTEGRITY_POLICY;
  if (c.req.header("if-none-match") === etag) return c.body(null, 304, headers);
  if (packed !== undefined) headers["content-encoding"] = "gzip";
  return c.body(packed ?? asset.bytes, 200, headers);
}

function acceptsGzip(header: string | undefined): boolean {
  return (header ?? "").toLowerCase().split(",").some((each) => /^\s*gzip\s*$/.test(each));
}
