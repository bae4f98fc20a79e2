/** How long one window of measuring lasts, and how many there are: the median hides a busy neighbour. */
const WINDOW_MS = 300;
const WINDOWS = 5;

/** Prints one JSON line: how often `work` runs in a second. `times` is how many operations one call does. */
export async function rate(
  name: string,
  work: () => Promise<unknown>,
  times = 1,
): Promise<void> {
  await window(work);
  const rates: number[] = [];
  for (let i = 0; i < WINDOWS; i++) rates.push(await window(work) * times);
  rates.sort((a, b) => a - b);
  const [min, median, max] = [rates[0], rates[WINDOWS >> 1], rates.at(-1)].map(rounded);
  line({ name, unit: "ops/s", median, min, max });
}

/** Prints one JSON line for a figure that is not a rate. */
export function figure(name: string, unit: string, value: number): void {
  line({ name, unit, value });
}

function line(figures: Record<string, unknown>): void {
  console.log(
    JSON.stringify({ bench: "crypto", ...figures, runtime: `deno ${Deno.version.deno}` }),
  );
}

async function window(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  let runs = 0;
  do {
    await work();
    runs++;
  } while (performance.now() - start < WINDOW_MS);
  return runs / (performance.now() - start) * 1000;
}

/** Three digits say all that a shared machine can. */
function rounded(value: number | undefined): number {
  return Number((value ?? 0).toPrecision(3));
}
