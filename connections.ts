/**
 * Limits on TCP connections before anything is read from them: how many in all, how many from one
 * address, and how long a new one may stay silent (slow-loris and idle floods, W8). And how many
 * requests one may have under way.
 */
import { readFileSync } from "node:fs";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Limits } from "./limits.ts";
import type { Log } from "./log.ts";
import { clientAddress, countingKey } from "./routes/client_address.ts";

/** What the guard needs. */
export interface ConnectionRules {
  readonly limits: Pick<Limits, "connections" | "connectionsPerIp" | "silentMilliseconds">;
  /** A trusted proxy brings everybody's connections, so it is not counted as one address. */
  readonly isTrustedProxy: (address: string) => boolean;
  readonly log: Log;
}

/** What the guard can do besides guarding. */
export interface ConnectionGuard {
  /** Ends connections that have asked for nothing yet: clients open spare ones and never use them. */
  dropSilent(): void;
}

/** Puts the limits on every connection that `server` takes from now on. */
export function guardConnections(server: Server, rules: ConnectionRules): ConnectionGuard {
  const { limits } = rules;
  const most = Math.min(limits.connections, descriptorsLeft());
  const total = createCounter();
  const perAddress = createCounter();
  const silence = createSilenceTimers(limits.silentMilliseconds);
  const refused = sayNowAndThen(rules.log);
  const heard = (request: IncomingMessage) => silence.end(request.socket);
  server.on("request", heard);
  server.on("upgrade", heard);
  server.on("connection", (socket: Socket) => {
    const peer = clientAddress(socket.remoteAddress ?? "", null, () => false);
    const key = countingKey(peer);
    const crowded = perAddress.count(key) >= limits.connectionsPerIp && !rules.isTrustedProxy(peer);
    if (crowded || total.count("") >= most) {
      refused();
      socket.destroy();
      return;
    }
    const leave = [total.add(""), perAddress.add(key)];
    silence.begin(socket);
    socket.once("close", () => {
      silence.end(socket);
      for (const each of leave) each();
    });
  });
  return { dropSilent: silence.dropAll };
}

/** Requests of one connection whose answers are not read: browsers and proxies have one, not hundreds. */
const MOST_AT_ONCE = 4;

/** Says whether a request comes in turn: each costs a whole answer, read or not. */
export function requestsInTurn(): (incoming: IncomingMessage, outgoing: ServerResponse) => boolean {
  const unread = new WeakMap<Socket, number>();
  const count = (socket: Socket, by: 1 | -1) => {
    const now = (unread.get(socket) ?? 0) + by;
    unread.set(socket, now);
    return now;
  };
  return ({ socket }, outgoing) => {
    outgoing.once("close", () => count(socket, -1));
    return count(socket, 1) <= MOST_AT_ONCE;
  };
}

/** File descriptors kept for everything that is no connection, and for a burst of those to be refused. */
const SPARE_DESCRIPTORS = 256;

/** How many connections this process may hold, where the system says how many files it may open. */
function descriptorsLeft(): number {
  try {
    const limits = readFileSync("/proc/self/limits", "utf8");
    const [, most] = /^Max open files +(\d+)/m.exec(limits) ?? [];
    return most === undefined ? Infinity : Math.max(1, Number(most) - SPARE_DESCRIPTORS);
  } catch {
    // Not Linux, or not readable here: the configured limit stands alone.
    return Infinity;
  }
}

/** The first is said at once, those of the next minute together: a flood is not to fill the log. */
const SAID_EVERY_MS = 60_000;

function sayNowAndThen(log: Log): () => void {
  let [count, said] = [0, -Infinity];
  return () => {
    count++;
    const now = performance.now();
    if (now - said < SAID_EVERY_MS) return;
    log.warn("connection.refused", { count });
    [count, said] = [0, now];
  };
}

/** Counts by key; a key goes when its count is back at zero, so the map cannot grow for ever. */
function createCounter() {
  const counts = new Map<string, number>();
  const change = (key: string, by: number) => {
    const next = (counts.get(key) ?? 0) + by;
    if (next > 0) counts.set(key, next);
    else counts.delete(key);
  };
  return {
    count: (key: string) => counts.get(key) ?? 0,
    add: (key: string) => {
      change(key, 1);
      return () => change(key, -1);
    },
  };
}

/**
 * One timer a connection, ended by its first request. Over TLS the request's socket is not the one
 * that connected, but both have the same two addresses, so the timers are kept by those.
 */
function createSilenceTimers(milliseconds: number) {
  const silent = new Map<string, { timer: ReturnType<typeof setTimeout>; socket: Socket }>();
  const name = (socket: Socket) => `${socket.remoteAddress} ${socket.remotePort}`;
  return {
    begin: (socket: Socket) => {
      const timer = setTimeout(() => socket.destroy(), milliseconds);
      silent.set(name(socket), { timer, socket });
    },
    end: (socket: Socket) => {
      clearTimeout(silent.get(name(socket))?.timer);
      silent.delete(name(socket));
    },
    dropAll: () => {
      for (const { socket } of [...silent.values()]) socket.destroy();
    },
  };
}
