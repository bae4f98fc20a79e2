/**
 * `GET /metrics`: numbers for Prometheus, for this machine or a bearer only. To everybody else the
 * address does not exist: how busy a server is, is its owner's business.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { RouteFamily } from "./env.ts";
import { HttpError } from "./errors.ts";

/** Numbers that are read when somebody asks, by name: `snug_sockets`. */
export type Gauges = () => Readonly<Record<string, number>>;

/** What the metrics are built from. */
export interface MetricsDeps {
  readonly gauges: Gauges;
  /** Whoever sends it may read from anywhere; undefined lets nobody. */
  readonly token: string | undefined;
}

/** Counts, and the URL that shows the counts. */
export interface Metrics {
  answered(status: number): void;
  readonly routes: RouteFamily;
}

/** Numbers of this process, from zero at its start. */
export function createMetrics(deps: MetricsDeps): Metrics {
  const answers = new Map<string, number>();
  return {
    answered(status) {
      const kind = `${Math.floor(status / 100)}xx`;
      answers.set(kind, (answers.get(kind) ?? 0) + 1);
    },
    routes: (app) => {
      app.get("/metrics", (c) => {
        if (!c.env.loopback && !hasToken(c.req.header("authorization"), deps.token)) {
          throw new HttpError("not-found");
        }
        const type = "text/plain; version=0.0.4; charset=utf-8";
        return c.body(metricsText(answers, deps.gauges()), 200, { "content-type": type });
      });
    },
  };
}

function metricsText(answers: ReadonlyMap<string, number>, gauges: Record<string, number>): string {
  const lines = ["# TYPE snug_http_answers_total counter"];
  for (const [kind, count] of [...answers].sort()) {
    lines.push(`snug_http_answers_total{status="${kind}"} ${count}`);
  }
  for (const [name, value] of Object.entries(gauges)) {
    lines.push(`# TYPE ${name} gauge`, `${name} ${value}`);
  }
  return lines.join("\n") + "\n";
}

/** Compares hashes in constant time, so that neither length nor bytes leak. */
function hasToken(header: string | undefined, token: string | undefined): boolean {
  if (header === undefined || token === undefined) return false;
  const hash = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(header), hash(`Bearer ${token}`));
}
