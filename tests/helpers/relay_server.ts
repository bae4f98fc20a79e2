/**
 * The relay of the server as a process of its own, to be killed: the same listener, door, hub and
 * queue as in `snug serve`, without accounts, pages and TLS. It says "ready", takes one line
 * ({@link RelayOrder} as JSON) and says the port it listens on. A bearer names account and device.
 */
import { createInterface } from "node:readline";
import { createQueue } from "../../db/queue.ts";
import { openDatabase } from "../../db/sqlite.ts";
import { localBus } from "../../hub/bus.ts";
import type { SocketUser } from "../../hub/connection.ts";
import { Hub } from "../../hub/hub.ts";
import { Meter } from "../../hub/meter.ts";
import { type Limits, limitsWith } from "../../limits.ts";
import { listen } from "../../listener.ts";
import { createLog } from "../../log.ts";
import { type AccountId, type DeviceId, parseId } from "../../protocol/ids.ts";
import { MAX_FRAME_BYTES } from "../../protocol/limits.ts";
import { bareHeaders } from "../../routes/bare_answer.ts";
import { createSocketDoor, type UpgradeRequest } from "../../routes/socket.ts";

/** What such a process is told. */
export interface RelayOrder {
  /** The database file. */
  readonly path: string;
  readonly limits?: Partial<Limits>;
}

/** Nobody is refused by number: what is refused here is for another reason. */
const QUEUE = { queueEnvelopes: 2 ** 40, queueBytes: 2 ** 40 };
const ORIGIN = "http://relay.invalid";
const log = createLog({ level: "warn", now: Date.now, write: (line) => console.error(line) });

function authenticate({ headers }: UpgradeRequest): Promise<SocketUser | null> {
  const [, account, device] = (headers.get("authorization") ?? "").split(" ");
  const ids = [parseId<"account">(account ?? ""), parseId<"device">(device ?? "")];
  const user = { loginId: device!, account: ids[0] as AccountId, device: ids[1] as DeviceId };
  return Promise.resolve(ids.includes(null) ? null : user);
}

async function serve({ path, limits: changes }: RelayOrder): Promise<number> {
  const limits = limitsWith({
    ...{ socketsPerIp: 100_000, connectionsPerIp: 100_000, socketMessagesPerSecond: 1_000_000 },
    ...{ socketBytesPerSecond: 2 ** 40, queuePerSender: 2 ** 40, ...QUEUE, ...changes },
  });
  const queue = createQueue(openDatabase(path), {
    ...{ envelopes: limits.queueEnvelopes, bytes: limits.queueBytes },
    ...{ perSender: limits.queuePerSender, overflow: "refuse" },
  });
  const afterTurn = (work: () => void) => void setImmediate(work);
  const soon = (work: () => void) => void setTimeout(work, 20);
  const hub = new Hub({
    ...{ queue, bus: localBus(log), limits, now: Date.now, afterTurn, soon, log },
    meter: new Meter(),
  });
  setInterval(() => hub.tick(), 1_000);
  const listener = await listen({
    ...{ hostname: "127.0.0.1", port: 0, certificate: undefined, hosts: ["relay.invalid"] },
    ...{ isTrustedProxy: () => false, limits, maxFrameBytes: MAX_FRAME_BYTES, log },
    fetch: () => new Response("relay"),
    headers: bareHeaders(false),
    doors: new Map([["/socket", createSocketDoor({ origin: ORIGIN, limits, authenticate, hub })]]),
  });
  return listener.port;
}

if (import.meta.main) {
  // As main.ts does. Otherwise the runtime (2.9.6) makes what it needs for signals half a second after
  // the start, and dies where it finds no file descriptor then.
  Deno.addSignalListener("SIGTERM", () => Deno.exit(143));
  console.log("ready");
  createInterface({ input: (await import("node:process")).stdin }).once("line", async (line) => {
    console.log(`listening ${await serve(JSON.parse(line))}`);
  });
}
