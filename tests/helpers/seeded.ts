/** Chance that can be repeated. */

/** The seed of this run: `SNUG_SEED`, or a new one. Print it when something fails. */
export function newSeed(): number {
  const given = Number(Deno.env.get("SNUG_SEED"));
  return given > 0 ? given : crypto.getRandomValues(new Uint32Array(1))[0]! + 1;
}

/** Whole numbers from `0` to below `most`, the same for the same seed (mulberry32). */
export function seeded(seed: number): (most: number) => number {
  let state = seed >>> 0;
  return (most) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % most;
  };
}
