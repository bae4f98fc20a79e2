/**
 * Notices that no connection is taken any more, and listens again.
 *
 * Measured on Deno 2.9.6: one accept that fails for want of a file descriptor is the last one, for
 * ever and without a word. Open connections live on; nobody else gets in until the process is
 * started again. So a server that has taken nobody for a while knocks at its own door.
 */
import type { Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import type { Log } from "./log.ts";

/** When to look, and whom to tell. */
export interface WatchRules {
  readonly log: Pick<Log, "warn">;
  /** Milliseconds without a connection after which the server knocks, and again until one comes. */
  readonly quietMs: number;
  /** Milliseconds in which a knock must be heard. */
  readonly answerMs: number;
}

const NO_DESCRIPTORS = /EMFILE|ENFILE|too many open files/i;

/** Watches a server that listens; returns what ends the watch. */
export function watchAccepting(server: Server, rules: WatchRules): () => void {
  let heard = true;
  /** Does this platform tell of connections? Deno 2.4 does not: there is nothing to go by. */
  let tells = false;
  const onConnection = () => heard = tells = true;
  server.on("connection", onConnection);
  let callOff: (() => void) | null = null;
  const look = () => {
    if (callOff !== null) return;
    if (!tells || heard) return void (heard = false);
    callOff = knock(server, rules.answerMs, (answered) => {
      callOff = null;
      if (answered && !heard) listenAgain(server, rules.log);
    });
  };
  const timer = setInterval(look, rules.quietMs);
  return () => {
    clearInterval(timer);
    callOff?.();
    server.off("connection", onConnection);
  };
}

/**
 * Connects to the server and says when it is time to judge: false for a knock that never was one,
 * because this process has no descriptor left for it. Returns what calls it off.
 */
function knock(server: Server, patience: number, done: (knocked: boolean) => void): () => void {
  const { port, address } = server.address() as AddressInfo;
  const host = { "0.0.0.0": "127.0.0.1", "::": "::1" }[address] ?? address;
  const socket = connect({ port, host });
  let knocked = true;
  socket.on("error", (error) => {
    if (NO_DESCRIPTORS.test(error.message)) knocked = false;
  });
  const callOff = () => {
    clearTimeout(timer);
    socket.destroy();
  };
  const timer = setTimeout(() => {
    callOff();
    done(knocked);
  }, patience);
  return callOff;
}

/** Open connections stay; those that wait to be taken are told by their system that there is nobody. */
function listenAgain(server: Server, log: WatchRules["log"]): void {
  const { port, address } = server.address() as AddressInfo;
  log.warn("listener.stuck");
  server.close();
  server.listen({ port, host: address });
}
