/** What every route handler finds in its hono context, and what all routes are built from. */
import type { Hono } from "hono";
import type { Limits } from "../limits.ts";
import type { Log } from "../log.ts";
import type { Html } from "../views/html.ts";
import type { Assets } from "./assets.ts";

/** What the listener tells about a request. */
export interface RequestFacts {
  /** The client's address, made for counting. */
  readonly address: string;
  /** True when the request comes from this machine without a proxy. */
  readonly loopback: boolean;
}

/** `c.env` and `c.var` of every handler. */
export interface AppEnv {
  Bindings: RequestFacts;
  Variables: {
    /** Fresh for each answer: on every script tag and htmx element of a page. */
    nonce: string;
  };
}

/** The application as routes see it. */
export type App = Hono<AppEnv>;

/** What the routes are built from; the composition root fills it in. */
export interface RouteDeps {
  readonly version: string;
  /** Scheme, host and port of our own pages. */
  readonly origin: string;
  /** True only when browsers trust the certificate: then, and only then, HSTS is sent. */
  readonly trustedCertificate: boolean;
  readonly limits: Pick<Limits, "bodyBytes">;
  readonly log: Log;
  readonly assets: Assets;
  /** Told the status of every answer. */
  readonly answered?: (status: number) => void;
  /** Shows an error to a person who opened an address; without it the answer is plain JSON. */
  readonly problemPage?: (props: ProblemProps) => Html;
  /** True once the server can take people. */
  readonly ready: () => boolean;
  /** Adds a URL family: accounts, pages, keys… In the order given, after health and files. */
  readonly families: readonly RouteFamily[];
}

/** What a page about an error is given. */
export interface ProblemProps {
  readonly words: string;
  readonly nonce: string;
  /** True when htmx asked, for a part of a page that is open. */
  readonly part: boolean;
}

/** A file of routes: adds its URLs to the application. */
export type RouteFamily = (app: App) => void;
