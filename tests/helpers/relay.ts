/** A hub behind real sockets on this machine, with a clock that tests turn by hand. */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { DatabaseSync } from "node:sqlite";
import { WebSocket, WebSocketServer } from "ws";
import { createQueue, type QueueLimits, type QueueStore } from "../../db/queue.ts";
import { openDatabase } from "../../db/sqlite.ts";
import { localBus } from "../../hub/bus.ts";
import { Hub } from "../../hub/hub.ts";
import { Meter } from "../../hub/meter.ts";
import { type Limits, limitsWith } from "../../limits.ts";
import { type Log, silentLog } from "../../log.ts";
import {
  type ClientItem,
  decodeServerFrame,
  type Deliver,
  encodeClientFrames,
  type ServerItem,
  type Submit,
} from "../../protocol/frame.ts";
import type { AccountId, DeviceId, SubmitId } from "../../protocol/ids.ts";
import { MAX_FRAME_BYTES } from "../../protocol/limits.ts";
import { countingErrors } from "../../watch.ts";
import { destination, nextId, numbered, numberIn, type Person, ROOMY } from "./relay_world.ts";

/** What a test may change. */
export interface RelayOptions {
  readonly queue?: Partial<QueueLimits>;
  readonly limits?: Partial<Limits>;
  readonly log?: Log;
  /** Put between the hub and the real queue. */
  readonly wrap?: (queue: QueueStore) => QueueStore;
}

/** A running relay. */
export interface Relay {
  readonly db: DatabaseSync;
  readonly hub: Hub;
  readonly meter: Meter;
  readonly queue: QueueStore;
  readonly clock: { now: number };
  /** Opens a socket and says nothing. */
  connect(user: Person, device?: DeviceId, login?: string): Promise<TestDevice>;
  /** Opens a socket, says hello, waits for the welcome. */
  online(user: Person, device?: DeviceId, windowSize?: number): Promise<TestDevice>;
}

/** Starts a relay, runs `body`, ends everything. */
export async function withRelay(
  options: RelayOptions,
  body: (relay: Relay) => Promise<void>,
): Promise<void> {
  const db = openDatabase(":memory:");
  const clock = { now: 1_800_000_000_000 };
  const meter = new Meter();
  const log = countingErrors(options.log ?? silentLog, meter);
  const turns = countedTurns();
  const real = createQueue(db, { ...ROOMY, ...options.queue });
  const hub = new Hub({
    queue: options.wrap?.(real) ?? real,
    bus: localBus(log),
    limits: limitsWith({ socketMessagesPerSecond: 100_000, ...options.limits }),
    now: () => clock.now,
    ...{ afterTurn: turns.after, soon: turns.after },
    meter,
    log,
  });
  const server = new WebSocketServer({
    host: "127.0.0.1",
    port: 0,
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
  });
  server.on("connection", (socket, request) => {
    const query = new URL(request.url!, "http://test.invalid").searchParams;
    hub.accept(socket, request.socket, {
      loginId: query.get("login")!,
      account: query.get("account") as AccountId,
      device: query.get("device") as DeviceId,
    });
  });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const devices: TestDevice[] = [];
  const connect = async (user: Person, device = user.devices[0]!, login = `login ${device}`) => {
    const query = new URLSearchParams({ account: user.account, device, login });
    const socket = new WebSocket(`ws://127.0.0.1:${port}/?${query}`, { perMessageDeflate: false });
    const made = new TestDevice(socket, user, device);
    devices.push(made);
    await once(socket, "open");
    return made;
  };
  try {
    await body({
      db,
      hub,
      meter,
      queue: real,
      clock,
      connect,
      async online(user, device, windowSize = 100) {
        const made = await connect(user, device);
        await made.hello(windowSize);
        return made;
      },
    });
  } finally {
    await hub.close();
    for (const device of devices) device.socket.terminate();
    // Those that were told to close have a timer until they did; not every version of Deno waits for them.
    const gone = [...server.clients].map((socket) => once(socket, "close"));
    for (const socket of server.clients) socket.terminate();
    await Promise.all([...gone, ...devices.map((device) => device.closed)]);
    await new Promise((resolve) => server.close(resolve));
    await turns.over();
    db.close();
  }
  // Whoever hands in a log of their own expects something in it.
  if (options.log === undefined) assert.deepEqual([...meter.errors.counts], [], "bugs");
}

/** What is to happen at the end of a turn; all of it happened when `over` resolves. */
function countedTurns() {
  let waiting = 0;
  return {
    after(work: () => void) {
      waiting++;
      setImmediate(() => {
        waiting--;
        work();
      });
    },
    async over() {
      while (waiting > 0) await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

const incarnations = new Map<DeviceId, number>();
let incarnation = 0;

/** A device that speaks frames and knows no cryptography. */
export class TestDevice {
  readonly items: ServerItem[] = [];
  /** Close code, when the socket has closed. */
  readonly closed: Promise<{ code: number; reason: string }>;
  #wake: () => void = () => {};

  constructor(
    readonly socket: WebSocket,
    readonly user: Person,
    readonly device: DeviceId,
  ) {
    this.closed = new Promise((resolve) => {
      socket.once("close", (code, reason) => {
        resolve({ code, reason: String(reason) });
        this.#wake();
      });
    });
    socket.on("error", () => {});
    socket.on("message", (frame) => {
      this.items.push(...decodeServerFrame(new Uint8Array(frame as Uint8Array)));
      this.#wake();
    });
  }

  send(...items: ClientItem[]): void {
    for (const frame of encodeClientFrames(items)) this.socket.send(frame);
  }

  /** Says hello with the right incarnations and waits for the answer. */
  async hello(windowSize = 100): Promise<ServerItem & { type: "welcome" }> {
    const previous = numbered(incarnations.get(this.device) ?? 0, 16);
    incarnations.set(this.device, ++incarnation);
    this.send({ type: "hello", previous, next: numbered(incarnation, 16), windowSize });
    return await this.next("welcome");
  }

  /** Takes the first item of a type out of what came, waiting for it. */
  async next<T extends ServerItem["type"]>(type: T): Promise<ServerItem & { type: T }> {
    while (true) {
      const at = this.items.findIndex((item) => item.type === type);
      if (at >= 0) return this.items.splice(at, 1)[0] as ServerItem & { type: T };
      if (this.socket.readyState === this.socket.CLOSED) throw new Error(`closed before ${type}`);
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  /** The numbers in the next `count` deliveries. */
  async numbers(count: number): Promise<number[]> {
    return (await this.deliveries(count)).map(({ envelope }) => numberIn(envelope));
  }

  async deliveries(count: number): Promise<Deliver[]> {
    const got: Deliver[] = [];
    while (got.length < count) got.push(await this.next("deliver"));
    return got;
  }

  /** Resolves when the server has dealt with everything sent before. */
  async settled(): Promise<void> {
    this.send({ type: "ping" });
    await this.next("pong");
  }
}

/** A test with a relay of its own. */
export function relayTest(
  name: string,
  body: (relay: Relay) => Promise<void>,
  options: RelayOptions = {},
): void {
  Deno.test(name, () => withRelay(options, body));
}

let refs = 0;

/** A submission of one number to all devices of a person, with the next ref. */
export function message(
  to: Person,
  n: number,
  length = 300,
): Submit {
  const destinations = [destination(to, numbered(n, length))];
  return { type: "submit", ref: ++refs, submit: nextId<SubmitId>(), destinations };
}

/** Waits until so many submissions are accepted; the others may not be refused. */
export async function acceptedAll(device: TestDevice, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await device.next("accepted");
}
