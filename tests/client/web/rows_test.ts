import assert from "node:assert/strict";
import type { Message } from "../../../client/types.ts";
import { freshMark, keyOf, type Row, toRows, withNewer } from "../../../client/web/rows.ts";
import { makeCalendar } from "../../../client/web/words.ts";
import { randomId } from "../../../protocol/ids.ts";

const calendar = makeCalendar("en-GB", "Europe/Berlin");
const now = Date.UTC(2026, 10, 21, 13, 0);
const MINUTE = 60_000;
const [ana, ben] = [randomId<"account">(), randomId<"account">()];
const device = randomId<"device">();

function message(minutesAgo: number, change: Partial<Message> = {}): Message {
  return {
    id: randomId<"message">(),
    ...{ conversation: ben, kind: "text", from: ben, device, mine: false, text: "hi" },
    time: now - minutesAgo * MINUTE,
    ...{ verified: false, order: "0" },
    ...change,
  };
}

const mine = { from: ana, mine: true } as const;
const rows = (messages: Message[], fresh = freshMark(messages, 0), complete = false) =>
  toRows(messages, { calendar, now, complete, fresh });
const shape = (all: Row[]) =>
  all.map((row) => row.kind === "message" ? row.first ? "first" : "next" : row.kind);

Deno.test("one person's messages in a row are a group, until five minutes or somebody else come between", () => {
  const all = [message(20), message(19), message(9), message(8, mine), message(7, mine)];
  assert.deepEqual(shape(rows(all)), ["day", "first", "next", "first", "first", "next"]);
});

Deno.test("a new day is set apart and begins a group", () => {
  const all = [message(24 * 60), message(2), message(1)];
  assert.deepEqual(shape(rows(all)), ["day", "first", "day", "first", "next"]);
});

Deno.test("a system line stands for itself and ends the group", () => {
  const all = [message(3), message(2, { kind: "line", line: "new-device" }), message(1)];
  assert.deepEqual(shape(rows(all)), ["day", "first", "line", "first"]);
});

Deno.test("the mark stands before the oldest unread message of somebody else", () => {
  const all = [message(9), message(8), message(7, mine), message(6)];
  assert.equal(freshMark(all, 2)?.key, keyOf(all[1]!));
  assert.deepEqual(freshMark(all, 0), null);
  assert.deepEqual(freshMark([message(1, mine)], 3), null, "nothing of others is here");
  const marked = shape(rows(all, freshMark(all, 2)));
  assert.deepEqual(marked, ["day", "first", "fresh", "first", "first", "first"]);
});

Deno.test("the conversation's beginning is shown when there is nothing older", () => {
  assert.deepEqual(shape(rows([message(1)], null, true)), ["beginning", "day", "first"]);
  assert.deepEqual(shape(rows([], null, true)), ["beginning"]);
});

Deno.test("keys are unique, also when two devices chose one id", () => {
  const one = message(2);
  const two = message(1, { id: one.id, device: randomId<"device">() });
  const keys = rows([one, two]).map(({ key }) => key);
  assert.equal(new Set(keys).size, keys.length);
});

Deno.test("reading again keeps what came meanwhile, and shows nothing twice", () => {
  const old = message(9, { order: "1" });
  const came = message(1, { order: "3" });
  const waiting = message(0, { ...mine, order: "~0" });
  const landed = message(2, { ...mine, order: "2" });
  const read = [old, landed];
  const shown = [old, came, waiting, { ...landed, order: "~1" }];
  assert.deepEqual(withNewer(read, shown), [old, landed, came, waiting]);
  assert.deepEqual(withNewer([], [waiting]), [waiting]);
});

Deno.test("what somebody blocked wrote in a row is one line, and is not news", () => {
  const cleo = { from: randomId<"account">(), blocked: true } as const;
  const all = [message(5), message(4, cleo), message(3, cleo), message(2), message(1, cleo)];
  const made = rows(all);
  assert.deepEqual(shape(made), ["day", "first", "hidden", "first", "hidden"]);
  assert.deepEqual(made.flatMap((row) => row.kind === "hidden" ? [row.messages.length] : []), [
    2,
    1,
  ]);
  assert.equal(freshMark(all, 1)?.key, keyOf(all[3]!));
});
