/** Writing answers: CBOR for programs, HTML for people, and the two cookies. */
import type { Context } from "hono";
import { html } from "hono/html";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { IssuedLogin } from "../auth/logins.ts";
import { cookieValue, LOGIN_COOKIE } from "../auth/logins.ts";
import type { Refusal } from "../auth/outcome.ts";
import { CHALLENGE_COOKIE, INVITE_COOKIE } from "../auth/sign_up.ts";
import { CBOR_TYPE, CHALLENGE_HEADER, CLIENT_HEADER, errorAnswer } from "../protocol/api.ts";
import { encode, type Schema } from "../protocol/codec.ts";
import type { Html } from "../views/html.ts";
import type { AppEnv } from "./env.ts";
import { REFUSALS, wordsOf } from "./refusals.ts";

/** Does the request ask for a program's answer? */
export function wantsCbor(c: Context<AppEnv>): boolean {
  return (c.req.header("accept") ?? "").toLowerCase().includes(CBOR_TYPE);
}

/** Is it htmx that asks, and wants a part of a page? */
export function wantsPart(c: Context<AppEnv>): boolean {
  return c.req.header("hx-request") === "true";
}

/** A CBOR answer. */
export function answer<T>(
  c: Context<AppEnv>,
  schema: Schema<T>,
  value: T,
  status: ContentfulStatusCode = 200,
): Response {
  return c.body(encode(schema, value), status, { "content-type": CBOR_TYPE });
}

/** A refusal as CBOR. */
export function refuse(c: Context<AppEnv>, refusal: Refusal): Response {
  sayRetryAfter(c, refusal);
  const { code, retryAfter = null } = refusal;
  const body = { code, message: wordsOf(refusal), retryAfter };
  return answer(c, errorAnswer, body, REFUSALS[code].status);
}

/** Sets Retry-After where it makes sense. */
export function sayRetryAfter(c: Context<AppEnv>, { retryAfter }: Refusal): void {
  if (retryAfter !== undefined) c.header("Retry-After", String(retryAfter));
}

/** A whole page. */
export function page(
  c: Context<AppEnv>,
  content: Html,
  status: ContentfulStatusCode = 200,
): Response | Promise<Response> {
  return c.html(html`<!DOCTYPE html>${content}`, status);
}

/**
 * A terminal keeps its secrets itself. Browsers send Origin with every POST and cannot leave it
 * out, so no page can make the server put a secret where a script could read it.
 */
export function isTerminal(c: Context<AppEnv>): boolean {
  return c.req.header(CLIENT_HEADER) === "terminal" && c.req.header("origin") === undefined;
}

/** Hands a login over: in the answer for a terminal, else as a cookie. Returns the answer's `login`. */
export function giveLogin(c: Context<AppEnv>, { secret, maxAge }: IssuedLogin): string | null {
  if (isTerminal(c)) return secret;
  setCookie(c, LOGIN_COOKIE, secret, maxAge);
  return null;
}

/** The same for the challenge of a sign-up. */
export function giveChallenge(
  c: Context<AppEnv>,
  challenge: { readonly secret: string; readonly maxAge: number } | null,
): string | null {
  if (challenge === null) return null;
  if (isTerminal(c)) return challenge.secret;
  setCookie(c, CHALLENGE_COOKIE, challenge.secret, challenge.maxAge);
  return null;
}

/** The challenge that a request carries. */
export function carriedChallenge(c: Context<AppEnv>): string | undefined {
  if (isTerminal(c)) return c.req.header(CHALLENGE_HEADER);
  return cookieValue(c.req.header("cookie") ?? "", CHALLENGE_COOKIE);
}

/** The sign-up is over. */
export function dropChallenge(c: Context<AppEnv>): void {
  if (isTerminal(c)) return;
  setCookie(c, CHALLENGE_COOKIE, "", 0);
  if (carriedInvite(c) !== undefined) setCookie(c, INVITE_COOKIE, "", 0);
}

/** Time to fill in a form. */
const INVITE_SECONDS = 3_600;

/** Keeps an invite for the form to come. What cannot be one is not kept: it goes into a header. */
export function giveInvite(c: Context<AppEnv>, secret: string): void {
  if (/^[A-Za-z0-9_-]{43}$/.test(secret)) setCookie(c, INVITE_COOKIE, secret, INVITE_SECONDS);
}

/** The invite that a browser came with. */
export function carriedInvite(c: Context<AppEnv>): string | undefined {
  return cookieValue(c.req.header("cookie") ?? "", INVITE_COOKIE);
}

/** The browser forgets its login. */
export function dropLogin(c: Context<AppEnv>): void {
  if (!isTerminal(c)) setCookie(c, LOGIN_COOKIE, "", 0);
}

function setCookie(c: Context<AppEnv>, name: string, value: string, maxAge: number): void {
  const rules = "Path=/; Secure; HttpOnly; SameSite=Strict";
  c.header("Set-Cookie", `${name}=${value}; ${rules}; Max-Age=${maxAge}`, { append: true });
}
