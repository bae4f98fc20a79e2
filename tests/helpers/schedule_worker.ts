/// <reference lib="deno.worker" />
/** Lives through every other day from a seed on, and says what was wrong with each. */
import { Day, threePeople } from "./schedules.ts";

self.onmessage = async ({ data }: MessageEvent<{ from: number; to: number; step: number }>) => {
  const people = await threePeople();
  for (let seed = data.from; seed < data.to; seed += data.step) {
    self.postMessage({ seed, faults: await new Day(people, seed).live() });
  }
  self.postMessage(null);
};
