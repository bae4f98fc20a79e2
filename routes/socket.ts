/**
 * The door of `/socket`: everything that is decided about a WebSocket before its 101.
 *
 * A browser's cookie opens it only from our own pages (exact Origin: cross-site hijacking, W6).
 * A request without Origin is no browser; it opens it only with a bearer login.
 */
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import type { Limits } from "../limits.ts";

/** The request as the listener read it. */
export interface UpgradeRequest {
  readonly path: string;
  readonly headers: Headers;
  /** The client's address, for counting. */
  readonly address: string;
  /** Called once, when the connection under the request ends for whatever reason. */
  readonly onClose: (listener: () => void) => void;
}

/** Take the socket, or refuse the upgrade with a status. */
export type UpgradeVerdict =
  | { readonly accept: (socket: WebSocket, wire: Duplex) => void }
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

/** Takes over an open, authenticated socket and the connection under it. Errors and closing are the hub's from here on. */
export interface SocketHub<L extends SocketLogin> {
  accept(socket: WebSocket, wire: Duplex, login: L): void;
}

/** What the door is built from. */
export interface SocketDoorParts<L extends SocketLogin> {
  readonly origin: string;
  readonly limits: Pick<Limits, "sockets" | "socketsPerIp" | "socketsPerLogin">;
  readonly authenticate: AuthenticateSocket<L>;
  readonly hub: SocketHub<L>;
}

/**
 * The door of `/socket`. A place is taken before anything is awaited and given back when the
 * connection ends, so that a thousand upgrades at once cannot all find the last place free.
 */
export function createSocketDoor<L extends SocketLogin>(parts: SocketDoorParts<L>): UpgradeDoor {
  const { limits } = parts;
  const places = createPlaces();
  return async (request) => {
    const { headers, address, onClose } = request;
    if (!originAllowed(headers, parts.origin)) return { status: 403 };
    // What this closure holds lives as long as the connection: not the request and its headers.
    const take = (key: string, most: number) => places.take(key, most, onClose);
    if (!take("all", limits.sockets)) return { status: 503 };
    if (!take(`ip ${address}`, limits.socketsPerIp)) return { status: 429 };
    const login = await parts.authenticate(request);
    if (login === null) return { status: 401 };
    if (!take(`login ${login.loginId}`, limits.socketsPerLogin)) return { status: 429 };
    return { accept: (socket, wire) => parts.hub.accept(socket, wire, login) };
  };
}

function originAllowed(headers: Headers, own: string): boolean {
  const origin = headers.get("origin");
  if (origin !== null) return origin === own;
  return /^bearer /i.test(headers.get("authorization") ?? "") && headers.get("cookie") === null;
}

/** Counts by key; a key goes when its last connection ends, so the map cannot grow for ever. */
function createPlaces() {
  const counts = new Map<string, number>();
  const change = (key: string, by: number) => {
    const next = (counts.get(key) ?? 0) + by;
    if (next > 0) counts.set(key, next);
    else counts.delete(key);
  };
  return {
    take(key: string, most: number, onClose: UpgradeRequest["onClose"]): boolean {
      if ((counts.get(key) ?? 0) >= most) return false;
      change(key, 1);
      onClose(() => change(key, -1));
      return true;
    },
  };
}
