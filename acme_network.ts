/**
 * How acme-client reaches the authority: by fetch, with a private authority's own certificate where
 * one is given. Its usual way, node:http, takes extra certificates from variables that differ
 * between versions of Deno.
 */
import type { Problem } from "./acme_words.ts";

const PATIENCE_MS = 30_000;

/** What acme-client's axios hands to an adapter, as far as it is looked at here. */
export interface WireRequest {
  readonly url?: string;
  readonly method?: string;
  readonly headers?: unknown;
  readonly data?: unknown;
}

/** What an adapter answers. */
export interface WireAnswer<Request> {
  readonly data: unknown;
  readonly status: number;
  readonly statusText: string;
  readonly headers: Record<string, string>;
  readonly config: Request;
}

/** The way to one authority. */
export interface AcmeNetwork {
  /** An axios adapter. */
  send<Request extends WireRequest>(request: Request): Promise<WireAnswer<Request>>;
  /** The last refusal: acme-client's errors carry only its words. */
  readonly problem: () => Problem | undefined;
  close(): void;
}

/** A way that trusts what this machine trusts and the certificate in `ca` (PEM). */
export function openNetwork(ca: string | undefined, stop: AbortSignal): AcmeNetwork {
  const client = Deno.createHttpClient({ caCerts: ca === undefined ? [] : [ca], http2: false });
  let problem: Problem | undefined;
  return {
    async send(request) {
      problem = undefined;
      const answer = await ask(request, client, stop).catch(() => undefined);
      if (answer === undefined) {
        problem = { type: "unreachable", retryAfter: 0 };
        throw new Error("the authority cannot be reached");
      }
      const text = await answer.text();
      const data = answer.headers.get("content-type")?.includes("json") ? JSON.parse(text) : text;
      if (answer.status >= 400) problem = problemOf(data, answer.headers);
      return {
        data,
        status: answer.status,
        statusText: answer.statusText,
        headers: Object.fromEntries(answer.headers),
        config: request,
      };
    },
    problem: () => problem,
    close: () => client.close(),
  };
}

function ask(request: WireRequest, client: Deno.HttpClient, stop: AbortSignal): Promise<Response> {
  const { url = "", method = "get", data } = request;
  const body = data === undefined || data === null ? null : String(data);
  const init: RequestInit & { client: Deno.HttpClient } = {
    method: method.toUpperCase(),
    body,
    headers: body === null ? {} : { "content-type": "application/jose+json" },
    redirect: "error",
    signal: AbortSignal.any([stop, AbortSignal.timeout(PATIENCE_MS)]),
    client,
  };
  return fetch(url, init);
}

/** What a refusal says (RFC 8555 section 6.7), or what its absence means. */
function problemOf(data: unknown, headers: Headers): Problem {
  const { type } = Object(data) as { type?: unknown };
  const seconds = Number(headers.get("retry-after") ?? 0);
  return {
    type: typeof type === "string" ? type.replace(/^urn:ietf:params:acme:error:/, "") : "unknown",
    retryAfter: Number.isFinite(seconds) ? seconds : 0,
  };
}
