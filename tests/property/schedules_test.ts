/**
 * Three people with three devices each live through random days. However bad a day, in the end nothing is shown
 * twice, nothing is lost without being counted, and nothing stays unreadable. `SNUG_SEED=… SNUG_DAYS=1` lives a
 * day again.
 */
import assert from "node:assert/strict";
import type { Faults } from "../helpers/schedules.ts";
import { newSeed } from "../helpers/seeded.ts";

const DAYS = Number(Deno.env.get("SNUG_DAYS")) || (Deno.env.get("SNUG_SLOW") ? 1_000 : 200);
/** Days are lived at the same time by so many workers; within one, one after the other. */
const WORKERS = 2;

type Lived = { readonly seed: number; readonly faults: Faults } | null;

function live(from: number, to: number): Promise<Lived[]> {
  const worker = new Worker(new URL("../helpers/schedule_worker.ts", import.meta.url), {
    type: "module",
  });
  const lived: Lived[] = [];
  return new Promise<Lived[]>((resolve, reject) => {
    worker.onerror = (event) => reject(new Error(event.message));
    worker.onmessage = ({ data }: MessageEvent<Lived>) => {
      if (data === null) resolve(lived);
      else lived.push(data);
    };
    worker.postMessage({ from, to, step: WORKERS });
  }).finally(() => worker.terminate());
}

Deno.test(`${DAYS} random days of three people with three devices each end well`, async () => {
  const first = newSeed();
  console.log(`SNUG_SEED=${first}`);
  const parts = Array.from({ length: WORKERS }, (_, at) => live(first + at, first + DAYS));
  const lived = (await Promise.all(parts)).flat();
  assert.equal(lived.length, DAYS);
  const bad = lived.filter((day) => day && day.faults.length > 0);
  assert.deepEqual(bad, [], "live it again with SNUG_SEED and SNUG_DAYS=1");
});
