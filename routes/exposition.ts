/** The text that Prometheus reads: https://prometheus.io/docs/instrumenting/exposition_formats/ */
import type { Histogram } from "../hub/meter.ts";

/** One family of samples as its lines. */
export type Family = string;

export function counter(name: string, help: string, value: number): Family {
  return `${head(name, help, "counter")}${name} ${value}\n`;
}

export function gauge(name: string, help: string, value: number): Family {
  return `${head(name, help, "gauge")}${name} ${value}\n`;
}

/** One counter for each value of a label. */
export function tally(
  name: string,
  help: string,
  label: string,
  counts: ReadonlyMap<string, number>,
): Family {
  const lines = [...counts].sort().map(([word, count]) => {
    return `${name}{${label}="${escaped(word)}"} ${count}\n`;
  });
  return head(name, help, "counter") + lines.join("");
}

export function histogram(name: string, help: string, { bounds, counts, sum }: Histogram): Family {
  let total = 0;
  const lines = [...bounds, "+Inf"].map((bound, at) => {
    total += counts[at]!;
    return `${name}_bucket{le="${bound}"} ${total}\n`;
  });
  return `${head(name, help, "histogram")}${lines.join("")}${name}_sum ${sum}\n` +
    `${name}_count ${total}\n`;
}

function head(name: string, help: string, type: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

function escaped(word: string): string {
  return word.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n");
}
