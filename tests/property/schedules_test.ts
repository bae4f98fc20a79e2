/**
 * Three people with three devices each live through random days. However bad a day, in the end nothing is shown
 * twice, nothing is lost without being counted, and nothing stays unreadable. `SNUG_SEED=… SNUG_DAYS=1` lives a
 * day again.
 */
import assert from "node:assert/strict";
import type { Lived } from "../helpers/schedule_worker.ts";
import { newSeed } from "../helpers/seeded.ts";

const DAYS = Number(Deno.env.get("SNUG_DAYS")) || (Deno.env.get("SNUG_SLOW") ? 1_000 : 200);
/** Days are lived at the same time by so many workers; within one, one after the other. */
const WORKERS = 2;

const first = newSeed();
/** The days that have begun and not ended. */
const underway = new Set<number>();

function again(seed: number, days = 1): string {
  return `SNUG_SEED=${seed} SNUG_DAYS=${days} deno test -A tests/property/schedules_test.ts`;
}

/** At once, and past `--quiet`, which swallows what a test prints: whoever runs out of patience has read it. */
function say(words: string): void {
  Deno.writeTextFileSync("/dev/stderr", `${words}\n`, { append: true, create: false });
}

function live(from: number, to: number): Promise<Lived[]> {
  const worker = new Worker(new URL("../helpers/schedule_worker.ts", import.meta.url), {
    type: "module",
  });
  const lived: Lived[] = [];
  return new Promise<Lived[]>((resolve, reject) => {
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
    worker.onmessage = ({ data }: MessageEvent<Lived | null>) => {
      if (data === null) return resolve(lived);
      if (data.faults === null) return void underway.add(data.seed);
      underway.delete(data.seed);
      lived.push(data);
      if (data.faults.length > 0) say(`A bad day. ${again(data.seed)}\n${data.faults.join("\n")}`);
    };
    worker.postMessage({ from, to, step: WORKERS });
  }).finally(() => worker.terminate());
}

/** Which days were never finished: of a run that is cut off, or that failed otherwise than by what it judges. */
function unfinished(): string {
  return [...underway].map((seed) => `Not finished: ${again(seed)}`).join("\n");
}

/** Whatever ends the process from outside is told by the seeds: an error here ends the run with its words. */
function cutOff(): never {
  throw new Error(`cut off: ${again(first, DAYS)}\n${unfinished()}`);
}

// The seed is in the name, which is printed before anything else happens.
const name = `SNUG_SEED=${first}: ${DAYS} random days of three people with three devices each`;

Deno.test(`${name} end well`, async () => {
  Deno.addSignalListener("SIGTERM", cutOff);
  try {
    const parts = Array.from({ length: WORKERS }, (_, at) => live(first + at, first + DAYS));
    const lived = (await Promise.all(parts)).flat();
    assert.equal(lived.length, DAYS);
    const bad = lived.filter(({ faults }) => faults !== null && faults.length > 0);
    assert.deepEqual(bad, [], bad.map(({ seed }) => again(seed)).join("\n"));
  } catch (error) {
    if (underway.size > 0) say(unfinished());
    throw error;
  } finally {
    Deno.removeSignalListener("SIGTERM", cutOff);
  }
});
