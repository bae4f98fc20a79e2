/**
 * The HTTP(S) listener: node:http with a limit on everything, and `ws` for sockets.
 *
 * Deno.serve is not used because it lets 64 MiB frames through before any handler runs and has no
 * header, body or idle timeout (docs/decisions/0002).
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { getRequestListener, RequestError } from "@hono/node-server";
import { type WebSocket, WebSocketServer } from "ws";
import { watchAccepting } from "./accept_watch.ts";
import { guardConnections, requestsInTurn } from "./connections.ts";
import type { Limits } from "./limits.ts";
import type { Log } from "./log.ts";
import { bareAnswer, type BareHeaders } from "./routes/bare_answer.ts";
import { clientAddress, countingKey } from "./routes/client_address.ts";
import type { UpgradeDoor } from "./routes/socket.ts";

/** Certificate chain and private key, PEM. */
export interface CertificatePair {
  readonly cert: string;
  readonly key: string;
}

/** What the application is told about a request besides the Request itself. */
export interface RequestContext {
  /** The client's address, made for counting. */
  readonly address: string;
  /** True when the TCP peer is this machine. */
  readonly loopback: boolean;
}

/** The limits that the listener enforces itself. */
export type ListenerLimits = Pick<
  Limits,
  | "connections"
  | "connectionsPerIp"
  | "headerMilliseconds"
  | "idleMilliseconds"
  | "quietMilliseconds"
  | "requestMilliseconds"
  | "shutdownMilliseconds"
  | "silentMilliseconds"
  | "stalledMilliseconds"
>;

/** What a listener is made of. */
export interface ListenerParts {
  readonly hostname: string;
  readonly port: number;
  /** Without a certificate it speaks plain HTTP. */
  readonly certificate: CertificatePair | undefined;
  /** The host names (with port, as browsers send them) this server answers to. */
  readonly hosts: readonly string[];
  readonly isTrustedProxy: (address: string) => boolean;
  readonly limits: ListenerLimits;
  /** Longest WebSocket frame or message in bytes. */
  readonly maxFrameBytes: number;
  readonly fetch: (request: Request, context: RequestContext) => Response | Promise<Response>;
  readonly doors: ReadonlyMap<string, UpgradeDoor>;
  /** Of every answer that is given before, or beside, the application. */
  readonly headers: BareHeaders;
  readonly log: Log;
}

/** A listener that runs. */
export interface Listener {
  readonly port: number;
  /**
   * New connections get this certificate; open ones keep theirs. False where the runtime cannot
   * change it (Deno before 2.9): then it is taken up at the next start.
   */
  replaceCertificate(pair: CertificatePair): boolean;
  /** Finishes requests in flight, closes sockets with 1001, then everything else. */
  close(): Promise<void>;
}

/** Starts listening; resolves once connections are taken. */
export async function listen(parts: ListenerParts): Promise<Listener> {
  const server = makeServer(parts);
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: parts.maxFrameBytes,
    perMessageDeflate: false,
  });
  const guard = guardConnections(server, parts);
  // Not setTimeout(), which does the same: Deno 2.4 only writes to the console that it has none.
  server.timeout = parts.limits.stalledMilliseconds;
  const isOurs = hostCheck(server, parts.hosts);
  server.on("request", requestHandler(parts, isOurs));
  server.on("upgrade", upgradeHandler(sockets, parts, isOurs));
  server.on("clientError", noRequestHandler(parts.headers));
  server.on("checkExpectation", (_incoming, outgoing) => endPlain(outgoing, 417, parts.headers));
  sockets.on("wsClientError", (_error, socket) => refuseUpgrade(socket, 400, parts.headers));
  await startListening(server, parts);
  server.on("error", (error) => parts.log.warn("listener.error", { error }));
  const unwatch = watchAccepting(server, {
    ...{ log: parts.log, quietMs: parts.limits.quietMilliseconds, answerMs: KNOCK_MS },
  });
  return {
    port: (server.address() as AddressInfo).port,
    replaceCertificate: (pair) => replaceCertificate(server, pair),
    close: () => {
      unwatch();
      const closed = closeAll(server, sockets, parts.limits.shutdownMilliseconds);
      guard.dropSilent();
      return closed;
    },
  };
}

function startListening(server: Server, { hostname, port }: ListenerParts): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => {
      const shown = hostname.includes(":") ? `[${hostname}]` : hostname;
      reject(new Error(`cannot listen on ${shown}:${port}: ${reasonOf(error, port)}`));
    });
    server.listen({ port, host: hostname }, () => resolve());
  });
}

/** Everybody may listen from here on. */
const FIRST_FREE_PORT = 1_024;

/** Each version of Deno says it in its own way. */
function reasonOf({ message }: Error, port: number): string {
  if (/EADDRINUSE|os error 98|in use/i.test(message)) {
    return "the address is in use. Is a server running already?";
  }
  if (/EACCES|EPERM|os error 13|permission denied/i.test(message)) {
    return port >= FIRST_FREE_PORT
      ? "this user may not"
      : "only root may use ports below 1024. Allow this program once, with " +
        `"sudo setcap cap_net_bind_service=+ep ${Deno.execPath()}", or let systemd open the port ` +
        "(docs/self_hosting.md, Ports below 1024).";
  }
  if (
    /EADDRNOTAVAIL|EINVAL|os error (22|99)|ENOTFOUND|not known|getaddrinfo|lookup/i.test(message)
  ) {
    return "this machine does not have that address";
  }
  return message;
}

function makeServer({ certificate, limits }: ListenerParts): Server {
  const timing = {
    headersTimeout: limits.headerMilliseconds,
    requestTimeout: Math.max(limits.requestMilliseconds, limits.headerMilliseconds),
    keepAliveTimeout: limits.idleMilliseconds,
    connectionsCheckingInterval: Math.ceil(limits.headerMilliseconds / 10),
    maxHeaderSize: 16_384,
    // It is asked for all the same, and refused in our own words.
    requireHostHeader: false,
  };
  if (certificate === undefined) return createServer(timing);
  return createTlsServer({
    ...timing,
    ...certificate,
    minVersion: "TLSv1.2",
    ALPNProtocols: ["http/1.1"],
    handshakeTimeout: limits.silentMilliseconds,
  }) as unknown as Server;
}

function replaceCertificate(server: Server, pair: CertificatePair): boolean {
  const secure = server as Server & { setSecureContext?: (options: unknown) => void };
  if (secure.setSecureContext === undefined) return false;
  secure.setSecureContext({ ...pair, minVersion: "TLSv1.2" });
  return true;
}

function requestHandler(parts: ListenerParts, isOurs: HostCheck) {
  const answer = getRequestListener(
    (request, env) => parts.fetch(request, contextOf(env.incoming as IncomingMessage, parts)),
    {
      overrideGlobalObjects: false,
      errorHandler: (error) => {
        if (error instanceof RequestError) return plainResponse(400, parts.headers);
        parts.log.error("listener.unhandled", { error });
        return plainResponse(500, parts.headers);
      },
    },
  );
  const isInTurn = requestsInTurn();
  return (incoming: IncomingMessage, outgoing: ServerResponse) => {
    outgoing.on("error", () => {});
    if (!isInTurn(incoming, outgoing)) return void incoming.socket.destroy();
    const status = refusal(incoming, isOurs);
    if (status !== undefined) return endPlain(outgoing, status, parts.headers);
    answer(incoming, outgoing).catch((error) => {
      parts.log.error("listener.failed", { error });
      outgoing.destroy();
    });
  };
}

function plainResponse(status: number, headers: BareHeaders): Response {
  return new Response(null, { status, headers: { ...headers, connection: "close" } });
}

function endPlain(outgoing: ServerResponse, status: number, headers: BareHeaders): void {
  outgoing.writeHead(status, { ...headers, connection: "close" });
  outgoing.end();
}

/** The answer that is under way on a connection, as Node keeps it there. */
type Answering = Duplex & { readonly _httpMessage?: { readonly headersSent: boolean } };

/**
 * Bytes that are no request, or headers that never end. Node's own answer has none of our headers; an
 * answer that has begun is not written into.
 */
function noRequestHandler(headers: BareHeaders) {
  return (error: Error & { readonly code?: string }, socket: Answering) => {
    if (!socket.writable || socket._httpMessage?.headersSent) return void socket.destroy();
    const status = NO_REQUEST[error.code ?? ""] ?? 400;
    socket.end(bareAnswer(status, headers), () => socket.destroy());
  };
}

/** What Node calls what is wrong; everything else is a 400. */
const NO_REQUEST: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  HPE_HEADER_OVERFLOW: 431,
};

type HostCheck = (host: string, incoming: IncomingMessage) => boolean;

/**
 * Ours are the configured hosts and, for a peer on this machine, the loopback names. So no link is
 * ever built from a stranger's header, and a foreign name that resolves to this machine (DNS
 * rebinding) reaches nothing.
 */
function hostCheck(server: Server, hosts: readonly string[]): HostCheck {
  // Kept: while it stops, or listens anew, the server has none, and open connections ask on.
  let port = 0;
  server.on("listening", () => ({ port } = server.address() as AddressInfo));
  return (host, incoming) => {
    if (hosts.includes(host)) return true;
    const local = [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`];
    return local.includes(host) && isLoopbackPeer(incoming);
  };
}

/** What is refused before the application sees it: a target that is no path, a foreign Host. */
function refusal(incoming: IncomingMessage, isOurs: HostCheck): 400 | 421 | undefined {
  if (!incoming.url?.startsWith("/") || incoming.url.startsWith("//")) return 400;
  const host = incoming.headers.host?.toLowerCase();
  if (host === undefined || isFramedTwice(incoming)) return 400;
  return isOurs(host, incoming) ? undefined : 421;
}

/**
 * What two servers in a row could read as two different requests: Node takes the first of several hosts,
 * a coding where HTTP/1.0 knows none, and notices an unknown one only at the end of the body, when a
 * route has run.
 */
function isFramedTwice({ headers, httpVersion, rawHeaders }: IncomingMessage): boolean {
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (rawHeaders[at]!.toLowerCase() === "host") hosts++;
  }
  const coding = headers["transfer-encoding"];
  return hosts > 1 || coding !== undefined && (coding !== "chunked" || httpVersion === "1.0");
}

function isLoopbackPeer(incoming: IncomingMessage): boolean {
  const peer = (incoming.socket.remoteAddress ?? "").replace(/^::ffff:/, "");
  return peer === "::1" || peer.startsWith("127.");
}

function contextOf(incoming: IncomingMessage, parts: ListenerParts): RequestContext {
  const forwarded = incoming.headers["x-forwarded-for"];
  const header = Array.isArray(forwarded) ? forwarded.join(",") : forwarded;
  const peer = incoming.socket.remoteAddress ?? "";
  const address = countingKey(clientAddress(peer, header, parts.isTrustedProxy));
  // A proxy here brings strangers, whether it says whom or not.
  const proxied = header !== undefined ||
    parts.isTrustedProxy(clientAddress(peer, null, () => false));
  return { address, loopback: isLoopbackPeer(incoming) && !proxied };
}

function upgradeHandler(sockets: WebSocketServer, parts: ListenerParts, isOurs: HostCheck) {
  return async (incoming: IncomingMessage, socket: Duplex, head: Uint8Array) => {
    socket.on("error", () => socket.destroy());
    try {
      const status = refusal(incoming, isOurs) ??
        await openDoor(sockets, parts, incoming, socket, head);
      if (status !== undefined) refuseUpgrade(socket, status, parts.headers);
    } catch (error) {
      parts.log.error("upgrade.failed", { error });
      refuseUpgrade(socket, 500, parts.headers);
    }
  };
}

async function openDoor(
  sockets: WebSocketServer,
  parts: ListenerParts,
  incoming: IncomingMessage,
  socket: Duplex,
  head: Uint8Array,
): Promise<number | undefined> {
  // Not by URL: it takes "/\\" for the beginning of a host, and throws at some.
  const [path = "/"] = (incoming.url ?? "/").split("?");
  const door = parts.doors.get(path);
  if (door === undefined) return 404;
  const { address } = contextOf(incoming, parts);
  let closed = false;
  socket.once("close", () => closed = true);
  const onClose = (listener: () => void) => {
    if (closed) listener();
    else socket.once("close", listener);
  };
  const verdict = await door({ path, headers: headersOf(incoming), address, onClose });
  if ("status" in verdict) return verdict.status;
  if (socket.destroyed) return undefined;
  sockets.handleUpgrade(incoming, socket, head as never, (open) => {
    // Without a listener here an over-long frame would be an uncaught error (M1).
    open.on("error", () => {});
    try {
      verdict.accept(open, socket);
    } catch (error) {
      parts.log.error("socket.failed", { error });
      open.close(1011);
    }
  });
  return undefined;
}

function headersOf(incoming: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) {
    for (const each of [value ?? []].flat()) headers.append(name, each);
  }
  return headers;
}

/** The version is named for whoever spoke another one (RFC 6455 section 4.4). */
function refuseUpgrade(socket: Duplex, status: number, headers: BareHeaders): void {
  if (socket.destroyed) return;
  socket.end(bareAnswer(status, { ...headers, "sec-websocket-version": "13" }));
}

/** The server hears its own knock in this time, or it does not hear any more. */
const KNOCK_MS = 2_000;
const SWEEP_MS = 50;
/** How long connections that were cut off may take to be gone. Deno 2.4 forgets some of them: they end with the process. */
const CUT_OFF_MS = 500;

async function closeAll(server: Server, sockets: WebSocketServer, patience: number): Promise<void> {
  const listening = new Promise<void>((resolve) => server.close(() => resolve()));
  const closed = Promise.all([listening, ...[...sockets.clients].map(gone)]);
  // Again and again: a connection whose answer was still on its way is idle only afterwards.
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
  server.closeIdleConnections();
  for (const socket of sockets.clients) socket.close(1001, "Server shutting down");
  if (!await within(closed, patience)) {
    for (const socket of sockets.clients) socket.terminate();
    server.closeAllConnections();
    await within(closed, CUT_OFF_MS);
  }
  clearInterval(sweep);
}

function gone(socket: WebSocket): Promise<void> {
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

/** Whether `work` was done before the time was over. */
async function within(work: Promise<unknown>, milliseconds: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  const inTime = await Promise.race([work.then(() => true), over]);
  clearTimeout(timer);
  return inTime;
}
