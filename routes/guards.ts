/** What is checked before any route runs: method, origin and the size and kind of the body. */
import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "./env.ts";
import { HttpError } from "./errors.ts";

const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "DELETE"]);
const BODY_TYPES = new Set([
  "application/x-www-form-urlencoded",
  "application/json",
  "application/cbor",
]);

/** Refuses methods that nothing here uses. */
export function methodGuard(): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    if (!METHODS.has(c.req.method)) throw new HttpError("wrong-method");
    await next();
  };
}

/**
 * Cross-site requests change nothing (W5). A browser sends Origin with every request that is not
 * GET or HEAD, and it must be ours; without Origin a request must carry no cookie either: that
 * is the terminal client with its bearer login, or nobody.
 */
export function originGuard(own: string): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    if (c.req.method !== "GET" && c.req.method !== "HEAD") {
      const origin = c.req.header("origin");
      const site = c.req.header("sec-fetch-site");
      const foreign = origin === undefined
        ? c.req.header("cookie") !== undefined
        : origin !== own || (site !== undefined && site !== "same-origin");
      if (foreign) throw new HttpError("foreign-origin");
    }
    await next();
  };
}

/** A body must say its length and kind before a byte of it is read (W9). */
export function bodyGuard(maxBytes: number): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    if (c.req.method !== "GET" && c.req.method !== "HEAD") {
      const length = c.req.header("content-length");
      const chunked = c.req.header("transfer-encoding") !== undefined;
      const bodiless = c.req.method === "DELETE" && length === undefined && !chunked;
      if (!bodiless) checkBody(length, chunked, maxBytes, c.req.header("content-type"));
      if (c.req.header("content-encoding") !== undefined) throw new HttpError("wrong-type");
    }
    await next();
  };
}

function checkBody(
  length: string | undefined,
  chunked: boolean,
  maxBytes: number,
  type: string | undefined,
): void {
  if (chunked || length === undefined || !/^\d{1,15}$/.test(length)) {
    throw new HttpError("length-needed");
  }
  if (Number(length) > maxBytes) throw new HttpError("too-large");
  const kind = (type ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  if (Number(length) > 0 && !BODY_TYPES.has(kind)) throw new HttpError("wrong-type");
}
