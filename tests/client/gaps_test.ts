import assert from "node:assert/strict";
import { Writer } from "../../client/change.ts";
import { Gaps } from "../../client/gaps.ts";
import { MemoryStore } from "../../client/store_memory.ts";
import type { EngineEvent } from "../../client/types.ts";
import { randomId } from "../../protocol/ids.ts";

const BEN = randomId<"account">();

function scene() {
  const told: EngineEvent[] = [];
  const timers = new Set<{ at: number; run: () => void }>();
  const writer = new Writer(new MemoryStore(), (event) => told.push(event));
  const clock = { now: 0 };
  const gaps = new Gaps({
    writer,
    now: () => clock.now,
    after: (ms, run) => {
      const timer = { at: clock.now + ms, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    failed: (error) => assert.fail(String(error)),
  });
  const pass = async (ms = 5_000) => {
    clock.now += ms;
    for (const timer of timers) {
      if (timer.at > clock.now) continue;
      timers.delete(timer);
      timer.run();
    }
    await writer.idle();
  };
  const counts = () =>
    told.map((event) => event.kind === "gap" ? [event.conversation ?? null, event.count] : null);
  return { writer, gaps, pass, counts, clock, timers };
}

Deno.test("what a session explains is not told by the server too", async () => {
  const { writer, gaps, pass, counts } = scene();
  await writer.change((change) => gaps.total(change, 2));
  await writer.change((change) => gaps.missing(change, BEN, 2));
  await pass();
  assert.deepEqual(counts(), [[BEN, 2]]);
});

Deno.test("what only devices among themselves noticed explains nothing: the server's count is told", async () => {
  const { writer, gaps, pass, counts } = scene();
  await writer.change((change) => gaps.total(change, 1));
  await writer.change((change) => gaps.missing(change, null, 1));
  await pass();
  assert.deepEqual(counts(), [[null, 1]]);
});

Deno.test("what own devices told each other and a server keeps to itself is told after a day, once", async () => {
  const { writer, gaps, pass, counts, clock } = scene();
  const connect = () => writer.change((change) => gaps.total(change, 0));
  await writer.change((change) => gaps.missing(change, null, 3));
  await writer.change((change) => gaps.lateOwn(change));
  await connect();
  clock.now = 23 * 3_600_000;
  await connect();
  await pass();
  assert.deepEqual(counts(), [], "it may still come");
  clock.now = 24 * 3_600_000;
  await connect();
  await connect();
  await pass();
  assert.deepEqual(counts(), [[null, 2]], "one of the three has come");
});

Deno.test("what own devices missed and the server counts too is told once, whoever says it first", async () => {
  for (const first of ["server", "session"]) {
    const { writer, gaps, pass, counts, clock } = scene();
    const missing = () => writer.change((change) => gaps.missing(change, null, 2));
    if (first === "session") await missing();
    await writer.change((change) => gaps.total(change, 2));
    await pass();
    if (first === "server") await missing();
    clock.now = 25 * 3_600_000;
    await writer.change((change) => gaps.total(change, 2));
    await pass();
    assert.deepEqual(counts(), [[null, 2]], first);
  }
});

Deno.test("attack: a server that keeps the connection open for days does not put off what own devices have missed", async () => {
  const { writer, gaps, pass, counts, timers } = scene();
  await writer.change((change) => gaps.missing(change, null, 3));
  await pass(23 * 3_600_000);
  assert.deepEqual(counts(), []);
  await pass(3_600_000);
  assert.deepEqual(counts(), [[null, 3]]);
  await writer.change((change) => gaps.missing(change, null, 1));
  gaps.stop();
  assert.equal(timers.size, 0);
});

Deno.test("attack: a server that once spoke of many lost messages hushes no session a month later, nor without end", async () => {
  const { writer, gaps, pass, counts, clock } = scene();
  for (const total of [2 ** 32 - 1, 0, 2 ** 32 - 1]) {
    await writer.change((change) => gaps.total(change, total));
    await pass();
  }
  assert.equal(counts().length, 2, "it is told of as it says");
  await writer.change((change) => gaps.missing(change, null, 2));
  clock.now += 31 * 24 * 3_600_000;
  await writer.change((change) => gaps.missing(change, null, 3));
  await pass(24 * 3_600_000);
  assert.deepEqual(counts().slice(2), [[null, 3]]);
});

Deno.test("what the server counted and a conversation explains later explains nothing of own devices", async () => {
  const { writer, gaps, pass, counts } = scene();
  await writer.change((change) => gaps.total(change, 2));
  await pass();
  await writer.change((change) => gaps.missing(change, BEN, 2));
  await writer.change((change) => gaps.missing(change, null, 2));
  await pass(24 * 3_600_000);
  assert.deepEqual(counts(), [[null, 2], [BEN, 2], [null, 2]]);
});

Deno.test("a clock that is set back a year delays what own devices have missed, and makes no storm of timers", async () => {
  const { writer, gaps, clock, timers } = scene();
  clock.now = 400 * 24 * 3_600_000;
  await writer.change((change) => gaps.missing(change, null, 1));
  clock.now = 0;
  await writer.change((change) => gaps.total(change, 0));
  assert.deepEqual([...timers].map(({ at }) => at), [24 * 3_600_000]);
});

Deno.test("what a session had missed comes late: it was another one that the server dropped, and that is told", async () => {
  const { writer, gaps, pass, counts } = scene();
  await writer.change((change) => gaps.total(change, 1));
  await writer.change((change) => gaps.missing(change, BEN, 1));
  await pass();
  await writer.change((change) => gaps.late(change));
  await pass();
  assert.deepEqual(counts(), [[BEN, 1], [null, 1]]);
});

Deno.test("a late message that nobody had blamed on the server reopens nothing", async () => {
  const { writer, gaps, pass, counts } = scene();
  await writer.change((change) => gaps.total(change, 1));
  await writer.change((change) => gaps.missing(change, BEN, 1));
  await writer.change((change) => gaps.missing(change, BEN, 3));
  for (let i = 0; i < 3; i++) await writer.change((change) => gaps.late(change));
  await pass();
  assert.deepEqual(counts(), [[BEN, 1], [BEN, 3]]);
});
