import assert from "node:assert/strict";
import { Meter } from "../hub/meter.ts";
import { silentLog } from "../log.ts";
import { countingErrors, watchProcess } from "../watch.ts";

Deno.test("an error in the log is counted as a bug, a warning is not", () => {
  const meter = new Meter();
  const lines: string[] = [];
  const log = countingErrors({ ...silentLog, error: (event) => lines.push(event) }, meter);
  log.error("socket.failed");
  log.warn("queue.unavailable");
  assert.deepEqual([...meter.errors.counts], [["socket.failed", 1]]);
  assert.deepEqual(lines, ["socket.failed"]);
});

Deno.test("what nobody caught is counted", () => {
  const meter = new Meter();
  const end = watchProcess(meter);
  const events = [
    new ErrorEvent("error", { cancelable: true }),
    new Event("unhandledrejection", { cancelable: true }),
  ];
  for (const event of events) globalThis.dispatchEvent(event);
  end();
  globalThis.dispatchEvent(new ErrorEvent("error", { cancelable: true }));
  assert.deepEqual([...meter.errors.counts], [["process.error", 1], ["process.rejection", 1]]);
});

Deno.test("how late timers come is measured, as long as it is watched", async () => {
  const { loopDelaySeconds, errors } = new Meter();
  const observed = () => loopDelaySeconds.counts.reduce((sum, count) => sum + count);
  const first = Promise.withResolvers<void>();
  const observe = loopDelaySeconds.observe.bind(loopDelaySeconds);
  loopDelaySeconds.observe = (seconds) => {
    observe(seconds);
    first.resolve();
  };
  const end = watchProcess({ loopDelaySeconds, errors });
  const until = performance.now() + 120;
  // Nobody else gets a turn: the timer of 50 ms is 70 late at least.
  while (performance.now() < until);
  await first.promise;
  end();
  assert.equal(observed(), 1);
  assert.ok(loopDelaySeconds.sum >= 0.06, `${loopDelaySeconds.sum}`);
});
