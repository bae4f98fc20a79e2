/** Many connections that mostly do nothing: what each costs, and what a restart of the server does to them. */
import { memoryOf, timeOf } from "./load_process.ts";
import type { LoadServer } from "./load_server.ts";
import type { Told } from "./load_target.ts";

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
/** Connections that are being made at once. */
const AT_ONCE = 100;
const QUIET: Told = { accepted: () => {}, delivered: () => {} };

/** What idle connections cost. */
export interface Idle {
  readonly connections: number;
  readonly kibEach: number;
  /** Resident memory of the server, before anybody came and with all of them there. */
  readonly emptyMib: number;
  readonly fullMib: number;
  /** Event-loop delay of the server while they are pinged, milliseconds: the bound of /metrics it is below. */
  readonly delayP99: number;
  /** Of the server, while they are pinged; 1 is a whole processor. */
  readonly serverTime: number;
}

/** Connects so many, leaves them alone while each is pinged twice, and looks. */
export async function idle(server: LoadServer, connections: number): Promise<Idle> {
  await server.connect(connections, QUIET).then((client) => client.close());
  await pause(2_000);
  const before = memoryOf(server.pid);
  const clients: { close(): void }[] = [];
  await inSteps(
    connections,
    async (index) => void clients.push(await server.connect(index, QUIET)),
  );
  await pause(2_000);
  const full = memoryOf(server.pid);
  const from = await server.metrics();
  const start = { at: performance.now(), time: timeOf(server.pid) };
  await pause(28_000);
  const elapsed = (performance.now() - start.at) / 1_000;
  const serverTime = (timeOf(server.pid) - start.time) / elapsed;
  const delayP99 = quantile(from, await server.metrics(), "snug_event_loop_delay_seconds", 0.99);
  for (const client of clients) client.close();
  return {
    connections,
    kibEach: (full - before) / 2 ** 10 / connections,
    emptyMib: before / 2 ** 20,
    fullMib: full / 2 ** 20,
    delayP99: delayP99 * 1_000,
    serverTime,
  };
}

/** What a restart under so many clients looks like. Milliseconds from the kill. */
export interface Storm {
  readonly clients: number;
  readonly halfBack: number;
  readonly allBack: number;
  /** Tries that were refused or broken off. */
  readonly failures: number;
  /** Connections that were lost again in the time after all were back. */
  readonly lostAgain: number;
  readonly memoryMib: number;
}

/** Longest first wait of a client that lost its connection, milliseconds; the next ones double. */
const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 30_000;

/** All are connected, the server is killed and started again, all come back with jitter and stay for so many seconds. */
export async function storm(
  server: LoadServer,
  clients: number,
  seconds: number,
): Promise<Storm> {
  let [failures, killed, lostAgain] = [0, 0, 0];
  const back: number[] = [];
  const done = Promise.withResolvers<void>();
  const keep = async (index: number): Promise<void> => {
    for (let wait = FIRST_WAIT;; wait = Math.min(wait * 2, LONGEST_WAIT)) {
      if (killed > 0) await pause(jitter(wait));
      try {
        const lost = Promise.withResolvers<void>();
        await server.connect(index, { ...QUIET, closed: () => lost.resolve() });
        if (killed > 0 && back.push(performance.now() - killed) === clients) done.resolve();
        if (killed > 0) lost.promise.then(() => lostAgain++);
        else lost.promise.then(() => keep(index));
        return;
      } catch {
        failures++;
      }
    }
  };
  await inSteps(clients, keep);
  killed = performance.now();
  await server.restart();
  await done.promise;
  await pause(seconds * 1_000);
  const memoryMib = memoryOf(server.pid) / 2 ** 20;
  const [halfBack, allBack] = [back[clients >> 1]!, back.at(-1)!];
  return { clients, halfBack, allBack, failures, lostAgain, memoryMib };
}

function jitter(wait: number): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]! / 2 ** 32 * wait;
}

async function inSteps(count: number, one: (index: number) => Promise<void>): Promise<void> {
  for (let from = 0; from < count; from += AT_ONCE) {
    const step = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, n) => one(from + n));
    await Promise.all(step);
  }
}

/** One value of Prometheus text. */
export function gauge(text: string, name: string): number | null {
  const line = text.split("\n").find((line) => line.startsWith(`${name} `));
  return line === undefined ? null : Number(line.slice(name.length + 1));
}

/** The bound of a histogram below which `part` of what came between two readings was. */
export function quantile(from: string, to: string, name: string, part: number): number {
  const read = (text: string) =>
    [...text.matchAll(new RegExp(`^${name}_bucket{le="([^"]+)"} (\\d+)$`, "gm"))]
      .map(([, bound, count]) => ({
        bound: bound === "+Inf" ? Infinity : Number(bound),
        count: Number(count),
      }));
  const before = read(from);
  const grown = read(to).map(({ bound, count }, at) => ({
    bound,
    count: count - before[at]!.count,
  }));
  const all = grown.at(-1)?.count ?? 0;
  return grown.find(({ count }) => count >= all * part)?.bound ?? NaN;
}
