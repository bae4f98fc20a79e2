/**
 * `GET /metrics`: numbers for Prometheus, for this machine or a bearer only. To everybody else the
 * address does not exist: how busy a server is, is its owner's business.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { QueueDepth } from "../db/queue.ts";
import { type Meter, Tally } from "../hub/meter.ts";
import type { RouteFamily } from "./env.ts";
import { HttpError } from "./errors.ts";
import { counter, type Family, gauge, histogram, tally } from "./exposition.ts";

/** What the metrics are built from. */
export interface MetricsDeps {
  readonly meter: Meter;
  /** Open sockets. */
  readonly sockets: () => number;
  readonly queue: () => Promise<QueueDepth>;
  /** Bytes of memory this process has. */
  readonly memory: () => number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
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
  const answers = new Tally();
  return {
    answered: (status) => answers.add(`${Math.floor(status / 100)}xx`),
    routes: (app) => {
      app.get("/metrics", async (c) => {
        if (!c.env.loopback && !hasToken(c.req.header("authorization"), deps.token)) {
          throw new HttpError("not-found");
        }
        const families = [
          tally("snug_http_answers_total", "HTTP answers.", "status", answers.counts),
          tally(
            "snug_errors_total",
            "Bugs, as the log names them.",
            "event",
            deps.meter.errors.counts,
          ),
          ...relayFamilies(deps.meter),
          ...await stateFamilies(deps),
        ];
        const type = "text/plain; version=0.0.4; charset=utf-8";
        return c.body(families.join(""), 200, { "content-type": type });
      });
    },
  };
}

function relayFamilies(meter: Meter): Family[] {
  return [
    counter("snug_accepted_total", "Submissions on disk.", meter.accepted),
    counter("snug_delivered_total", "Envelopes handed to a socket.", meter.delivered),
    counter("snug_acked_total", "Envelopes that a device says it has.", meter.acked),
    tally("snug_refused_total", "Submissions refused.", "code", meter.refused.counts),
    tally("snug_closed_total", "Sockets the server closed.", "code", meter.closed.counts),
    counter("snug_failed_commits_total", "Transactions the disk refused.", meter.failedCommits),
    histogram("snug_commit_seconds", "Time of one transaction.", meter.commitSeconds),
    histogram("snug_commit_submissions", "Submissions in one transaction.", meter.batch),
    histogram(
      ...["snug_event_loop_delay_seconds", "How late a timer came."] as const,
      meter.loopDelaySeconds,
    ),
  ];
}

async function stateFamilies({ queue, sockets, memory, now }: MetricsDeps): Promise<Family[]> {
  const { waiting, oldestMinute } = await queue();
  const age = oldestMinute === null ? 0 : Math.max(0, now() / 1_000 - oldestMinute * 60);
  return [
    gauge("snug_queue_envelopes", "Envelopes that wait.", waiting),
    gauge("snug_queue_age_seconds", "Age of the oldest of them, to the minute.", age),
    gauge("snug_sockets", "Open sockets.", sockets()),
    gauge("process_resident_memory_bytes", "Memory of the process.", memory()),
  ];
}

/** Compares hashes in constant time, so that neither length nor bytes leak. */
function hasToken(header: string | undefined, token: string | undefined): boolean {
  if (header === undefined || token === undefined) return false;
  const hash = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(header), hash(`Bearer ${token}`));
}
