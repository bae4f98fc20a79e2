import assert from "node:assert/strict";
import { badge, counted, makeCalendar } from "../../../client/web/words.ts";

const calendar = makeCalendar("en-GB", "Europe/Berlin");
const now = Date.UTC(2026, 10, 21, 13, 7);
const DAY = 86_400_000;

Deno.test("days are told as people tell them", () => {
  assert.equal(calendar.day(now - 60_000, now), "Today");
  assert.equal(calendar.day(now - DAY, now), "Yesterday");
  assert.match(calendar.day(now - 3 * DAY, now), /^Wednesday,? 18 November$/);
  assert.match(calendar.day(Date.UTC(2025, 0, 3), now), /2025/);
});

Deno.test("the list's times are as short as they can be", () => {
  assert.equal(calendar.brief(now, now), "14:07");
  assert.equal(calendar.brief(now - 2 * DAY, now), "Thu");
  assert.equal(calendar.brief(now - 18 * DAY, now), "3 Nov");
  assert.equal(calendar.brief(Date.UTC(2025, 0, 3), now), "03/01/2025");
  assert.equal(calendar.brief(now + 3 * DAY, now), "24 Nov", "a sender's clock runs ahead");
});

Deno.test("a day begins at midnight where the reader is, summer time or not", () => {
  const night = Date.UTC(2026, 6, 1, 22, 30);
  assert.equal(calendar.dayKey(night), calendar.dayKey(night + 60_000));
  assert.notEqual(calendar.dayKey(night), calendar.dayKey(night - 3_600_000));
});

Deno.test("a clock beyond all dates says nothing instead of failing", () => {
  assert.equal(calendar.clock(Number.MAX_SAFE_INTEGER), "");
  assert.equal(calendar.brief(Number.MAX_SAFE_INTEGER, now), "");
});

Deno.test("counts agree with their noun, and a badge stays small", () => {
  assert.equal(counted(1, "new message"), "1 new message");
  assert.equal(counted(2, "new message"), "2 new messages");
  assert.equal(badge(99), "99");
  assert.equal(badge(140), "99+");
});
