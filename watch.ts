/** What the process counts of itself: bugs, wherever they show, and how late its timers come. */
import type { Meter } from "./hub/meter.ts";
import type { Log } from "./log.ts";

/** A timer is asked for so often; what it is late by, everybody waited. */
const BEAT_MS = 50;

/** The log, counting its errors: an error is a bug. */
export function countingErrors(log: Log, meter: Pick<Meter, "errors">): Log {
  return {
    ...log,
    error: (event, fields) => {
      meter.errors.add(event);
      log.error(event, fields);
    },
  };
}

/** Counts what nobody caught (main.ts keeps the process alive) and measures the event loop; returns the end of it. */
export function watchProcess(meter: Pick<Meter, "errors" | "loopDelaySeconds">): () => void {
  const onError = () => meter.errors.add("process.error");
  const onRejection = () => meter.errors.add("process.rejection");
  globalThis.addEventListener("error", onError);
  globalThis.addEventListener("unhandledrejection", onRejection);
  let last = performance.now();
  const beat = setInterval(() => {
    const now = performance.now();
    meter.loopDelaySeconds.observe(Math.max(0, now - last - BEAT_MS) / 1_000);
    last = now;
  }, BEAT_MS);
  return () => {
    clearInterval(beat);
    globalThis.removeEventListener("error", onError);
    globalThis.removeEventListener("unhandledrejection", onRejection);
  };
}
