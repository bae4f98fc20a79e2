/**
 * The relay in one process: how many durable messages a second, beside a relay on the same stack
 * that stores nothing and sends one envelope a frame. A quick look, not the real comparison:
 * clients share the process with the server, so read the ratio.
 */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type RawData, WebSocket, WebSocketServer } from "ws";
import { createQueue } from "../db/queue.ts";
import { openDatabase } from "../db/sqlite.ts";
import { localBus } from "../hub/bus.ts";
import { Hub } from "../hub/hub.ts";
import { limitsWith } from "../limits.ts";
import { silentLog } from "../log.ts";
import { decodeServerFrame, encodeClientFrames, type Submit } from "../protocol/frame.ts";
import type { AccountId, DeviceId } from "../protocol/ids.ts";
import { MAX_FRAME_BYTES } from "../protocol/limits.ts";
import { addPerson, destination, nextId, type Person } from "../tests/helpers/relay_world.ts";

const ENVELOPE_BYTES = 256;
const SECONDS = Number(Deno.env.get("SNUG_BENCH_SECONDS") ?? 2);
const ROUNDS = Number(Deno.env.get("SNUG_BENCH_ROUNDS") ?? 3);
const NO_LIMIT = 2 ** 40;

/** So many senders, each with so many messages that were not delivered yet. */
interface Shape {
  readonly pairs: number;
  readonly inFlight: number;
}

const SHAPES: readonly Shape[] = [{ pairs: 50, inFlight: 20 }, { pairs: 200, inFlight: 1 }];

const idle = { minute: 0, hellos: [], confirms: [], submissions: [], acks: [] };

/** Delivered messages a second through the hub, with how many a transaction took. */
async function durable(shape: Shape): Promise<{ rate: number; batch: number }> {
  const dir = await Deno.makeTempDir();
  const db = openDatabase(`${dir}/snug.db`);
  const queue = createQueue(db, {
    envelopes: NO_LIMIT,
    bytes: NO_LIMIT,
    perSender: NO_LIMIT,
    overflow: "refuse",
  });
  let [commits, committed] = [0, 0];
  const hub = new Hub({
    queue: {
      ...queue,
      commit(batch) {
        commits++;
        committed += batch.submissions.length;
        return queue.commit(batch);
      },
    },
    bus: localBus(silentLog),
    limits: limitsWith({ socketMessagesPerSecond: NO_LIMIT, socketBytesPerSecond: NO_LIMIT }),
    now: Date.now,
    afterTurn: (work) => setImmediate(work),
    log: silentLog,
  });
  const server = await serve((socket, query) =>
    hub.accept(socket, {
      loginId: "bench",
      account: query.get("account") as AccountId,
      device: query.get("device") as DeviceId,
    })
  );
  const people = Array.from({ length: shape.pairs * 2 }, () => addPerson(db));
  await queue.commit(idle);
  const rate = await saturate(
    shape,
    (index, delivered) => snugClient(server.url, people[index]!, people[index ^ 1]!, delivered),
  );
  await hub.close();
  await server.close();
  db.close();
  await Deno.remove(dir, { recursive: true });
  return { rate, batch: committed / commits };
}

/** The same traffic through a server that passes each frame on and forgets it. */
async function forgetful(shape: Shape): Promise<{ rate: number }> {
  const sockets: WebSocket[] = [];
  const server = await serve((socket, query) => {
    const index = Number(query.get("index"));
    sockets[index] = socket;
    socket.on("message", (frame: RawData) => sockets[index ^ 1]?.send(frame as Uint8Array));
  });
  const rate = await saturate(
    shape,
    (index, delivered) => plainClient(server.url, index, delivered),
  );
  await server.close();
  return { rate };
}

interface Client {
  send(count: number): void;
  close(): void;
}

type Connect = (index: number, delivered: (count: number) => void) => Promise<Client>;

/** Even clients send to odd ones; every delivery lets its sender send again. */
async function saturate({ pairs, inFlight }: Shape, connect: Connect): Promise<number> {
  let [count, running] = [0, true];
  const clients: Client[] = [];
  const back = (index: number) => (delivered: number) => {
    count += delivered;
    if (running) clients[index ^ 1]!.send(delivered);
  };
  for (let index = 0; index < pairs * 2; index++) {
    clients.push(await connect(index, back(index)));
  }
  for (let index = 0; index < pairs * 2; index += 2) clients[index]!.send(inFlight);
  await pause(SECONDS * 300);
  const [from, start] = [count, performance.now()];
  await pause(SECONDS * 1000);
  const rate = (count - from) / (performance.now() - start) * 1000;
  running = false;
  for (const client of clients) client.close();
  return rate;
}

async function snugClient(
  url: string,
  me: Person,
  peer: Person,
  delivered: (count: number) => void,
): Promise<Client> {
  const query = new URLSearchParams({ account: me.account, device: me.devices[0]! });
  const socket = await open(`${url}/?${query}`);
  const [previous, next] = [new Uint8Array(16), new Uint8Array(16).fill(1)];
  socket.send(encodeClientFrames([{ type: "hello", previous, next, windowSize: 2048 }])[0]!);
  let ref = 0;
  const envelope = new Uint8Array(ENVELOPE_BYTES);
  const submit = (): Submit => {
    const destinations = [destination(peer, envelope)];
    return { type: "submit", ref: ++ref % 2 ** 32, submit: nextId(), destinations };
  };
  const welcomed = once(socket, "message");
  await welcomed;
  socket.on("message", (data: RawData) => {
    const items = decodeServerFrame(bytes(data)).filter((item) => item.type === "deliver");
    const last = items.at(-1);
    if (last === undefined) return;
    socket.send(encodeClientFrames([{ type: "ack", position: last.position }])[0]!);
    delivered(items.length);
  });
  return {
    send(count) {
      for (const frame of encodeClientFrames(Array.from({ length: count }, submit))) {
        socket.send(frame);
      }
    },
    close: () => socket.terminate(),
  };
}

async function plainClient(
  url: string,
  index: number,
  delivered: (count: number) => void,
): Promise<Client> {
  const socket = await open(`${url}/?index=${index}`);
  const envelope = new Uint8Array(ENVELOPE_BYTES);
  socket.on("message", () => delivered(1));
  return {
    send(count) {
      for (let n = 0; n < count; n++) socket.send(envelope);
    },
    close: () => socket.terminate(),
  };
}

async function serve(accept: (socket: WebSocket, query: URLSearchParams) => void) {
  const server = new WebSocketServer({
    host: "127.0.0.1",
    port: 0,
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
  });
  server.on("connection", (socket, request) => {
    accept(socket, new URL(request.url!, "http://bench.invalid").searchParams);
  });
  await once(server, "listening");
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const socket of server.clients) socket.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function open(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  socket.on("error", () => {});
  await once(socket, "open");
  return socket;
}

function bytes(data: RawData): Uint8Array {
  const { buffer, byteOffset, byteLength } = data as Uint8Array;
  return new Uint8Array(buffer, byteOffset, byteLength);
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function report(name: string, { pairs, inFlight }: Shape, values: number[], unit: string): void {
  values.sort((a, b) => a - b);
  const [min, median, max] = [values[0], values[values.length >> 1], values.at(-1)]
    .map((value) => Number((value ?? 0).toPrecision(3)));
  const runtime = `deno ${Deno.version.deno}`;
  console.log(
    JSON.stringify({ bench: "relay", name, pairs, inFlight, median, min, max, unit, runtime }),
  );
}

/** Interleaved, so that a busy neighbour meets both. */
export async function relayBench(): Promise<void> {
  for (const shape of SHAPES) {
    const [kept, forgot, batches, ratios]: number[][] = [[], [], [], []];
    for (let round = 0; round < ROUNDS; round++) {
      const without = await forgetful(shape);
      const { rate, batch } = await durable(shape);
      forgot!.push(without.rate);
      kept!.push(rate);
      batches!.push(batch);
      ratios!.push(rate / without.rate);
    }
    report("storage-free relay", shape, forgot!, "messages/s");
    report("snug, on disk before accepted", shape, kept!, "messages/s");
    report("snug, envelopes a transaction", shape, batches!, "envelopes");
    report("snug / storage-free", shape, ratios!, "ratio");
  }
}

if (import.meta.main) await relayBench();
