/**
 * The door of `/socket`: everything that is decided about a WebSocket before its 101.
 *
 * A browser's cookie opens it only from our own pages (exact Origin: cross-site hijacking, W6).
 * A request without Origin is no browser; it opens it only with a bearer login.
 */
import type { WebSocket } from "ws";
import type { Limits } from "../limits.ts";

/** The request as the listener read it. */
export interface UpgradeRequest {
  readonly path: string;
  readonly headers: Headers;
  /** The client's address, for counting. */
  readonly address: string;
}

/** Take the socket, or refuse the upgrade with a status. */
export type UpgradeVerdict =
  | { readonly accept: (socket: WebSocket) => void }
  | { readonly status: 401 | 403 | 404 | 429 | 503 };

/** Decides about one upgrade, before 101. */
export type UpgradeDoor = (request: UpgradeRequest) => Promise<UpgradeVerdict>;

/** What the door must know about a login: enough to count its sockets. */
export interface SocketLogin {
  readonly loginId: string;
}

/** Checks the cookie or the bearer login of a request; null when it is nobody. */
export type AuthenticateSocket<L extends SocketLogin> = (
  request: UpgradeRequest,
) => Promise<L | null>;

/** Takes over an open, authenticated socket. Errors and closing are the hub's from here on. */
export interface SocketHub<L extends SocketLogin> {
  accept(socket: WebSocket, login: L): void;
}

/** What the door is built from. */
export interface SocketDoorParts<L extends SocketLogin> {
  readonly origin: string;
  readonly limits: Pick<Limits, "sockets" | "socketsPerIp" | "socketsPerLogin">;
  readonly authenticate: AuthenticateSocket<L>;
  readonly hub: SocketHub<L>;
}

/** The door of `/socket`. */
export function createSocketDoor<L extends SocketLogin>(parts: SocketDoorParts<L>): UpgradeDoor {
  const places = createPlaces();
  return async (request) => {
    if (!originAllowed(request.headers, parts.origin)) return { status: 403 };
    const { limits } = parts;
    if (places.count("all") >= limits.sockets) return { status: 503 };
    if (places.count(`ip ${request.address}`) >= limits.socketsPerIp) return { status: 429 };
    const login = await parts.authenticate(request);
    if (login === null) return { status: 401 };
    if (places.count(`login ${login.loginId}`) >= limits.socketsPerLogin) return { status: 429 };
    return {
      accept: (socket) => {
        const leave = places.take("all", `ip ${request.address}`, `login ${login.loginId}`);
        socket.once("close", leave);
        parts.hub.accept(socket, login);
      },
    };
  };
}

function originAllowed(headers: Headers, own: string): boolean {
  const origin = headers.get("origin");
  if (origin !== null) return origin === own;
  return /^bearer /i.test(headers.get("authorization") ?? "") && headers.get("cookie") === null;
}

/** Counts open sockets by key; a key goes when its last socket closes. */
function createPlaces() {
  const counts = new Map<string, number>();
  const add = (key: string, change: number) => {
    const next = (counts.get(key) ?? 0) + change;
    if (next > 0) counts.set(key, next);
    else counts.delete(key);
  };
  return {
    count: (key: string) => counts.get(key) ?? 0,
    take: (...keys: string[]) => {
      for (const key of keys) add(key, 1);
      return () => keys.forEach((key) => add(key, -1));
    },
  };
}
