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

/**
 * Turns of the event loop, each with its look at the network, that a knock may go unheard after its
 * time: a server that has too much to do is late, not deaf, and listening anew would cut off all who
 * wait to be taken.
 */
const LATE_TURNS = 20;
const TURN_MS = 50;

const NO_DESCRIPTORS = /EMFILE|ENFILE|too many open files/i;

/** Where a server listens. */
type Place = Pick<AddressInfo, "address" | "port">;

/** Watches a server that listens; returns what ends the watch. */
export function watchAccepting(server: Server, rules: WatchRules): () => void {
  const place = server.address() as AddressInfo;
  let heard = true;
  /** Does this platform tell of connections? Deno 2.4 does not: there is nothing to go by. */
  let tells = false;
  const onConnection = () => heard = tells = true;
  server.on("connection", onConnection);
  let callOff: (() => void) | null = null;
  const look = () => {
    if (callOff !== null) return;
    // Listening again can fail, for want of a descriptor or because somebody was quicker: once more.
    if (!server.listening) return void listenAt(server, place);
    if (!tells || heard) return void (heard = false);
    callOff = knock(place, rules.answerMs, () => heard, (unheard) => {
      callOff = null;
      if (unheard) listenAgain(server, place, rules.log);
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
 * Connects to the server and says whether that went unheard. Not when this process has no descriptor
 * left for a knock: then it was none. Returns what calls it off.
 */
function knock(
  { port, address }: Place,
  patience: number,
  heard: () => boolean,
  done: (unheard: boolean) => void,
): () => void {
  const host = { "0.0.0.0": "127.0.0.1", "::": "::1" }[address] ?? address;
  const socket = connect({ port, host });
  let knocked = true;
  socket.on("error", (error) => {
    if (NO_DESCRIPTORS.test(error.message)) knocked = false;
  });
  let turns = 0;
  const judge = () => {
    if (knocked && !heard() && turns++ < LATE_TURNS) {
      timer = setTimeout(judge, TURN_MS);
      return;
    }
    socket.destroy();
    done(knocked && !heard());
  };
  let timer = setTimeout(judge, patience);
  return () => {
    clearTimeout(timer);
    socket.destroy();
  };
}

/** Open connections stay; those that wait to be taken are told by their system that there is nobody. */
function listenAgain(server: Server, place: Place, log: WatchRules["log"]): void {
  log.warn("listener.stuck");
  server.close();
  listenAt(server, place);
}

function listenAt(server: Server, { port, address }: Place): void {
  server.listen({ port, host: address });
}
