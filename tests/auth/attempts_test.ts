import assert from "node:assert/strict";
import { createAttempts } from "../../auth/attempts.ts";
import { FakeClock, fakeRandom, MINUTE } from "../helpers/account_world.ts";

function open() {
  const clock = new FakeClock();
  return { clock, attempts: createAttempts<number>(clock.now, fakeRandom("attempts")) };
}

Deno.test("an attempt is taken once, within a minute, by its name", () => {
  const { clock, attempts } = open();
  const name = attempts.open(7);
  assert.equal(attempts.take("another"), null);
  assert.equal(attempts.take(name), 7);
  assert.equal(attempts.take(name), null);
  const late = attempts.open(8);
  clock.forward(MINUTE);
  assert.equal(attempts.take(late), null);
});

Deno.test("a clock that is set back brings no attempt to life", () => {
  const { clock, attempts } = open();
  const name = attempts.open(7);
  clock.forward(-1);
  assert.equal(attempts.take(name), null);
});

Deno.test("attack: a flood of attempts takes a bounded amount of memory; the oldest go first", () => {
  const { attempts } = open();
  const names = Array.from({ length: 10_001 }, (_, i) => attempts.open(i));
  assert.equal(attempts.take(names[0]!), null);
  assert.equal(attempts.take(names[1]!), 1);
  assert.equal(attempts.take(names[10_000]!), 10_000);
});
