import assert from "node:assert/strict";
import { dueAt, dueAtStart, shownWait } from "../acme_schedule.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NOW = Date.UTC(2026, 0, 1);
const quiet = { quietUntil: 0 };

Deno.test("without a certificate it is asked for at once, with one after two thirds of its life", () => {
  assert.equal(dueAt(null, null), 0);
  assert.equal(dueAt({ from: 900, until: 1200 }, null), 1100);
});

Deno.test("each failure makes the wait longer, up to six hours", () => {
  const waits = [1, 2, 3, 4, 5, 6, 7, 8, 50].map((failures) =>
    (dueAt(null, { failures, failedAt: [NOW], ...quiet }) - NOW) / MINUTE
  );
  assert.deepEqual(waits, [1, 5, 15, 60, 60, 180, 360, 360, 360]);
});

Deno.test("an authority that says when is not asked before", () => {
  const past = { failures: 1, failedAt: [NOW], quietUntil: NOW + 9 * HOUR };
  assert.equal(dueAt(null, past), NOW + 9 * HOUR);
  assert.equal(dueAtStart(null, past, NOW), NOW + 9 * HOUR);
});

Deno.test("a start asks at once, but starting again and again does not use up an hour's tries", () => {
  const failedAt = [10, 8, 6].map((minutes) => NOW - minutes * MINUTE);
  assert.equal(dueAtStart(null, { failures: 3, failedAt, ...quiet }, NOW), 0);
  const four = [NOW - 50 * MINUTE, ...failedAt];
  assert.equal(dueAtStart(null, { failures: 4, failedAt: four, ...quiet }, NOW), NOW + 10 * MINUTE);
  const old = [NOW - 2 * HOUR, ...failedAt];
  assert.equal(dueAtStart(null, { failures: 4, failedAt: old, ...quiet }, NOW), 0);
});

Deno.test("a wait is said in minutes and hours", () => {
  assert.deepEqual([1, MINUTE, 5 * MINUTE, HOUR, 6 * HOUR].map(shownWait), [
    "a minute",
    "a minute",
    "5 minutes",
    "an hour",
    "6 hours",
  ]);
});
