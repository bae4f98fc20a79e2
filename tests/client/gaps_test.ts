import assert from "node:assert/strict";
import { Writer } from "../../client/change.ts";
import { Gaps } from "../../client/gaps.ts";
import { MemoryStore } from "../../client/store_memory.ts";
import type { EngineEvent } from "../../client/types.ts";
import { randomId } from "../../protocol/ids.ts";

const BEN = randomId<"account">();

function scene() {
  const told: EngineEvent[] = [];
  const timers: (() => void)[] = [];
  const writer = new Writer(new MemoryStore(), (event) => told.push(event));
  const clock = { now: 0 };
  const gaps = new Gaps({
    writer,
    now: () => clock.now,
    after: (_ms, run) => {
      timers.push(run);
      return () => timers.splice(timers.indexOf(run), 1);
    },
    failed: (error) => assert.fail(String(error)),
  });
  const pass = async () => {
    for (const run of timers.splice(0)) run();
    await writer.idle();
  };
  const counts = () =>
    told.map((event) => event.kind === "gap" ? [event.conversation ?? null, event.count] : null);
  return { writer, gaps, pass, counts, clock };
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
