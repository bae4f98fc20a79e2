import assert from "node:assert/strict";
import { createLog, type LogFields, type LogLevel, silentLog } from "../log.ts";

function capture(level: LogLevel = "debug") {
  const lines: string[] = [];
  const log = createLog({ level, now: () => 0, write: (line) => lines.push(line) });
  return { log, lines };
}

Deno.test("a line is one JSON object with the time, the level and the event", () => {
  const { log, lines } = capture();
  log.info("server.started", { version: "1.2.3", count: 4 });
  assert.deepEqual(JSON.parse(lines[0] ?? ""), {
    time: "1970-01-01T00:00:00.000Z",
    level: "info",
    event: "server.started",
    version: "1.2.3",
    count: 4,
  });
});

Deno.test("fields that are not on the list are not written, whatever the caller passes", () => {
  const { log, lines } = capture();
  const canary = { email: "ann@example.org", code: 123456, key: "k", reason: { a: "ann" } };
  log.warn("x", canary as unknown as LogFields);
  assert.deepEqual(Object.keys(JSON.parse(lines[0] ?? "")), ["time", "level", "event"]);
});

Deno.test("of an error only its class and its stack are written, never its message", () => {
  const { log, lines } = capture();
  log.error("x", { error: new TypeError("the password is hunter2\n at hunter2:1:1 hunter2") });
  log.error("x", { error: "hunter2" });
  assert.ok(!lines.join("").includes("hunter2"));
  const first = JSON.parse(lines[0] ?? "");
  assert.equal(first.error, "TypeError");
  assert.match(first.stack[0], /^at .*log_test\.ts:\d+:\d+/);
});

Deno.test("terminal escapes and long words cannot reach the log", () => {
  const { log, lines } = capture();
  log.info("x", { reason: `\x1b[2J\u202e${"a".repeat(5_000)}` });
  const { reason } = JSON.parse(lines[0] ?? "");
  assert.equal(reason.length, 200);
  assert.ok(reason.startsWith("?[2J?aaa"));
});

Deno.test("lines below the level are not written", () => {
  const { log, lines } = capture("warn");
  log.debug("a");
  log.info("b");
  log.warn("c");
  log.error("d");
  assert.deepEqual(lines.map((line) => JSON.parse(line).event), ["c", "d"]);
});

Deno.test("a log that cannot be written does not throw", () => {
  const log = createLog({
    level: "info",
    now: () => 0,
    write: () => {
      throw new Error("disk full");
    },
  });
  log.error("x");
  silentLog.error("y");
});
