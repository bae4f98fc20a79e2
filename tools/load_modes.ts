/** What is measured of a target: saturation, a fixed rate, a queue stored and drained. */
import { type MemoryFound, memoryFound, type MemoryLook } from "./load_memory.ts";
import { memoryOf, timeOf } from "./load_process.ts";
import type { LoadClient, LoadTarget, Told } from "./load_target.ts";

/** So many senders, each with so many messages that are not delivered yet. */
export interface Shape {
  readonly pairs: number;
  readonly inFlight: number;
}

const WARM_UP = 0.3;
/** Between two looks, at most. */
const LOOK_MS = 250;
const IGNORED: Told = { accepted: () => {}, delivered: () => {} };
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Messages delivered a second, and the processor time of both ends. */
export interface Saturation {
  readonly rate: number;
  /** 1 is a whole processor. */
  readonly serverTime: number;
  readonly ownTime: number;
  /** Of the server, from the end of warming up. */
  readonly memory: MemoryFound;
}

/**
 * Even clients send to odd ones; every delivery lets its sender send again. After warming up for
 * three tenths of `seconds` it lasts so long, or until `messages` were delivered.
 */
export async function saturate(
  target: LoadTarget,
  { pairs, inFlight }: Shape,
  seconds: number,
  messages: number | null = null,
): Promise<Saturation> {
  let [count, sent, running] = [0, 0, true];
  const clients: LoadClient[] = [];
  const send = (index: number, messages: number) => {
    sent += messages;
    clients[index]!.send(messages);
  };
  for (let index = 0; index < pairs * 2; index++) {
    const delivered = (fresh: number) => {
      count += fresh;
      if (running) send(index ^ 1, fresh);
    };
    clients.push(await target.connect(index, { ...IGNORED, delivered }));
  }
  for (let index = 0; index < pairs * 2; index += 2) send(index, inFlight);
  await pause(seconds * 1_000 * WARM_UP);
  const from = { count, at: performance.now(), server: timeOf(target.pid), own: timeOf(Deno.pid) };
  const looks = await watched(target, seconds, messages, () => count - from.count);
  const elapsed = (performance.now() - from.at) / 1_000;
  const result = {
    rate: (count - from.count) / elapsed,
    serverTime: (timeOf(target.pid) - from.server) / elapsed,
    ownTime: (timeOf(Deno.pid) - from.own) / elapsed,
    memory: memoryFound(looks),
  };
  running = false;
  await settled(() => count >= sent);
  for (const client of clients) client.close();
  return result;
}

/** Looks at the server's memory until the load is over. */
async function watched(
  target: LoadTarget,
  seconds: number,
  messages: number | null,
  passed: () => number,
): Promise<MemoryLook[]> {
  const looks: MemoryLook[] = [];
  const look = () => looks.push({ messages: passed(), bytes: memoryOf(target.pid) });
  const end = performance.now() + seconds * 1_000;
  const over = () => messages === null ? performance.now() >= end : passed() >= messages;
  for (look(); !over(); look()) {
    await pause(Math.min(LOOK_MS, seconds * 100));
  }
  return looks;
}

/** What is under way arrives, and what was said about it too: the next load begins with empty queues. */
async function settled(done: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500 && !done(); tries++) await pause(10);
  await pause(200);
}

/** Milliseconds from sending until the server said so, and until it was there. */
export interface Latencies {
  readonly accepted: number[];
  readonly delivered: number[];
}

/** So many messages a second, evenly spread in time over the pairs. Order tells which one is meant. */
export async function fixedRate(
  target: LoadTarget,
  pairs: number,
  perSecond: number,
  seconds: number,
): Promise<Latencies> {
  const found: Latencies = { accepted: [], delivered: [] };
  const clients: LoadClient[] = [];
  const sent = Array.from({ length: pairs * 2 }, () => ({ accepted: [0], delivered: [0] }));
  for (const waiting of sent) waiting.accepted.length = waiting.delivered.length = 0;
  const take = (from: number[], into: number[]) => (count: number) => {
    const now = performance.now();
    for (const at of from.splice(0, count)) into.push(now - at);
  };
  for (let index = 0; index < pairs * 2; index++) {
    clients.push(
      await target.connect(index, {
        accepted: take(sent[index]!.accepted, found.accepted),
        delivered: take(sent[index ^ 1]!.delivered, found.delivered),
      }),
    );
  }
  await paced(perSecond, seconds, (number) => {
    const index = number % pairs * 2;
    const now = performance.now();
    sent[index]!.accepted.push(now);
    sent[index]!.delivered.push(now);
    clients[index]!.send(1);
  });
  await pause(500);
  for (const client of clients) client.close();
  return found;
}

/** Calls `one` on time; when it is late it catches up, so that a slow server is not spared. */
async function paced(perSecond: number, seconds: number, one: (number: number) => void) {
  const start = performance.now();
  for (let number = 0; number < perSecond * seconds;) {
    const due = (performance.now() - start) / 1_000 * perSecond;
    while (number <= due && number < perSecond * seconds) one(number++);
    await pause(1);
  }
}

/** Messages a second into the queue of somebody who is away, and out of it. */
export interface Offline {
  readonly store: number;
  readonly drain: number;
}

/** Client `from` sends to its peer, who is away and then comes. */
export async function offline(
  target: LoadTarget,
  from: number,
  messages: number,
): Promise<Offline> {
  if (target.prepare) await target.prepare(from ^ 1);
  const start = performance.now();
  if (target.store) await target.store(from, messages);
  else await storeAll(target, from, messages);
  const store = messages / (performance.now() - start) * 1_000;
  return { store, drain: await drain(target, from ^ 1, messages) };
}

async function storeAll(target: LoadTarget, from: number, messages: number): Promise<void> {
  const all = Promise.withResolvers<void>();
  let accepted = 0;
  const sender = await target.connect(from, {
    ...IGNORED,
    accepted: (count) => {
      accepted += count;
      if (accepted >= messages) all.resolve();
    },
  });
  sender.send(messages);
  await all.promise;
  sender.close();
}

async function drain(target: LoadTarget, index: number, messages: number): Promise<number> {
  const whole = Promise.withResolvers<void>();
  let delivered = 0;
  const start = performance.now();
  const client = await target.connect(index, {
    ...IGNORED,
    delivered: (count) => {
      delivered += count;
      if (delivered >= messages) whole.resolve();
    },
  });
  await whole.promise;
  const rate = messages / (performance.now() - start) * 1_000;
  client.close();
  return rate;
}
