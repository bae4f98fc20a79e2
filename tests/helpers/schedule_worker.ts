/// <reference lib="deno.worker" />
/** Lives through every other day from a seed on, and says which it begins and what was wrong with each. */
import { Day, type Faults, threePeople } from "./schedules.ts";

/** A day and its faults; null when it begins. */
export interface Lived {
  readonly seed: number;
  readonly faults: Faults | null;
}

self.onmessage = async ({ data }: MessageEvent<{ from: number; to: number; step: number }>) => {
  const people = await threePeople();
  const tell = (lived: Lived | null) => self.postMessage(lived);
  for (let seed = data.from; seed < data.to; seed += data.step) {
    tell({ seed, faults: null });
    tell({ seed, faults: await new Day(people, seed).live() });
  }
  tell(null);
};
