import assert from "node:assert/strict";
import { idFrom } from "../../protocol/ids.ts";
import { KnownIds } from "../../protocol/known_ids.ts";

Deno.test("an id that is known is the same as one that is not, whatever came before it", () => {
  const known = new KnownIds();
  for (let n = 0; n < 20_000; n++) {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    for (let again = 0; again < 2; again++) assert.equal(known.of(bytes), idFrom(bytes));
  }
});

Deno.test("ATTACK ids that share a place in memory are never taken for each other", () => {
  const known = new KnownIds();
  const ids = Array.from({ length: 300 }, (_, n) => {
    const bytes = new Uint8Array(16).fill(7);
    bytes[15] = n;
    bytes[14] = n >> 8;
    return bytes;
  });
  for (let round = 0; round < 3; round++) {
    for (const bytes of ids) assert.equal(known.of(bytes), idFrom(bytes));
  }
});

Deno.test("what is kept is a copy: a frame's memory may be used again", () => {
  const known = new KnownIds();
  const bytes = new Uint8Array(16).fill(1);
  const first = known.of(bytes);
  bytes[15] = 2;
  assert.notEqual(known.of(bytes), first);
  assert.equal(known.of(new Uint8Array(16).fill(1)), first);
});

Deno.test("anything but 16 bytes is refused, known or not", () => {
  const known = new KnownIds();
  known.of(new Uint8Array(16));
  for (const length of [0, 15, 17]) {
    assert.throws(() => known.of(new Uint8Array(length)), RangeError);
  }
});
