/**
 * The plain-http door of `--tls acme`: it answers the authority's questions and sends everybody else
 * on to https. Nothing else is ever said there.
 */
import type { Answers } from "./acme.ts";
import type { Config } from "./config.ts";
import { listen, type Listener } from "./listener.ts";
import type { Log } from "./log.ts";
import { bareHeaders } from "./routes/bare_answer.ts";

/** Where RFC 8555 section 8.3 has the answers. */
const PLACE = "/.well-known/acme-challenge/";

/** Over plain http no browser listens to the one that asks for https. */
const HEADERS = bareHeaders(false);

/** What the door needs of the configuration. */
export type DoorConfig = Pick<Config, "acme" | "isTrustedProxy" | "limits" | "origin">;

/**
 * Opens it.
 * @throws {Error} in words when the port cannot be had
 */
export function openDoor(config: DoorConfig, answers: Answers, log: Log): Promise<Listener> {
  const { acme, isTrustedProxy, limits, origin } = config;
  const { hostname, port } = acme!.httpListen;
  return listen({
    hostname,
    port,
    certificate: undefined,
    // The authority comes to port 80; a router may bring it to another one.
    hosts: [acme!.domain, `${acme!.domain}:${port}`],
    isTrustedProxy,
    limits,
    maxFrameBytes: 0,
    fetch: (request) => answer(new URL(request.url), request.method, answers, origin),
    doors: new Map(),
    headers: HEADERS,
    log,
  });
}

function answer(url: URL, method: string, answers: Answers, origin: string): Response {
  if (method !== "GET" && method !== "HEAD") return new Response(null, refusal(405));
  if (!url.pathname.startsWith(PLACE)) {
    const location = origin + url.pathname + url.search;
    return new Response(null, { status: 308, headers: { ...HEADERS, location } });
  }
  const said = answers.get(url.pathname.slice(PLACE.length));
  if (said === undefined) return new Response(null, refusal(404));
  return new Response(said, {
    headers: { ...HEADERS, "content-type": "application/octet-stream" },
  });
}

function refusal(status: number) {
  return { status, headers: HEADERS };
}
