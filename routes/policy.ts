/**
 * Content security policies and the other security headers, in one place.
 *
 * No policy allows inline scripts, eval or another origin. `wasm-unsafe-eval` is given to the one
 * worker that runs OPAQUE and to no page: a worker's policy is the one on its own response.
 */
import type { AssetPolicy } from "./assets.ts";

const CLOSED = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const TYPES = "require-trusted-types-for 'script'; trusted-types";

/** Answers that are no page and no script: nothing in them may do anything. */
export const PLAIN_POLICY = CLOSED;

/** The policy of an htmx page or partial; its scripts carry `nonce`. */
export function accountPagePolicy(nonce: string): string {
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    "style-src 'self'",
    "font-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "worker-src 'self'",
    "manifest-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    `${TYPES} htmx snug`,
  ].join("; ");
}

const STATIC_PAGE = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "font-src 'self'",
  "img-src 'self' blob: data:",
  "media-src blob:",
  "connect-src 'self'",
  "worker-src 'self'",
  "manifest-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  `${TYPES} snug`,
].join("; ");

const SCRIPT = [
  "default-src 'none'",
  "script-src 'self'",
  "connect-src 'self'",
  "frame-ancestors 'none'",
  TYPES + " 'none'",
].join("; ");

const POLICIES: Record<AssetPolicy, string> = {
  "plain": PLAIN_POLICY,
  "page": STATIC_PAGE,
  "script": SCRIPT,
  "wasm-worker": SCRIPT.replace("script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'"),
};

/** The policy on a file's own response. */
export function assetPolicy(policy: AssetPolicy): string {
  return POLICIES[policy];
}

/** Scripts without `integrity` are blocked on pages, where the browser knows this header. */
export const INTEGRITY_POLICY = "blocked-destinations=(script)";

/**
 * Of account pages. Under "no-referrer" a form that is sent without a script says `Origin: null`
 * and would be refused as foreign; this tells other sites just as little.
 */
export const FORM_REFERRER_POLICY = "same-origin";

const NOT_USED = "microphone=(), geolocation=(), payment=(), usb=()";

/**
 * Of the two pages that read codes by camera, the chat (safety numbers) and the linking of a device: for themselves,
 * for nothing that they embed.
 */
export const CAMERA_PERMISSIONS = `camera=(self), ${NOT_USED}`;

/** Headers that every answer carries. */
export function commonHeaders(trustedCertificate: boolean): Record<string, string> {
  return {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": `camera=(), ${NOT_USED}`,
    // No includeSubDomains: the owner's other sites may be plain (W29).
    ...(trustedCertificate ? { "strict-transport-security": "max-age=31536000" } : {}),
  };
}
