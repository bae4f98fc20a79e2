import assert from "node:assert/strict";
import { randomBytes, randomDigits, randomUint } from "../../crypto/random.ts";

Deno.test("random bytes come in any length, above the platform's limit too", () => {
  assert.equal(randomBytes(0).length, 0);
  const many = randomBytes(200_000);
  assert.equal(many.length, 200_000);
  assert.ok(many.subarray(131_072).some((byte) => byte !== 0));
});

Deno.test("random numbers are thrown away where a remainder would favour small ones", () => {
  const drawn = [2 ** 32 - 1, 4_294_967_290, 7];
  const restore = crypto.getRandomValues;
  crypto.getRandomValues = <T extends ArrayBufferView | null>(array: T): T => {
    (array as unknown as Uint32Array)[0] = drawn.shift()!;
    return array;
  };
  try {
    // 2^32 = 429,496,729 * 10 + 6: the last six values are refused.
    assert.equal(randomUint(10), 7);
    assert.equal(drawn.length, 0);
  } finally {
    crypto.getRandomValues = restore;
  }
});

Deno.test("random numbers stay below their bound and reach all of it", () => {
  const seen = new Set(Array.from({ length: 500 }, () => randomUint(6)));
  assert.deepEqual([...seen].sort(), [0, 1, 2, 3, 4, 5]);
  assert.equal(randomUint(1), 0);
  assert.ok(randomUint(2 ** 32) < 2 ** 32);
});

Deno.test("bounds that cannot be met are refused", () => {
  for (const bound of [0, -1, 1.5, NaN, 2 ** 32 + 1]) {
    assert.throws(() => randomUint(bound), RangeError);
  }
});

Deno.test("a code of six digits may begin with zero", () => {
  const codes = Array.from({ length: 300 }, () => randomDigits(6));
  assert.ok(codes.every((code) => /^[0-9]{6}$/.test(code)));
  assert.ok(codes.some((code) => code.startsWith("0")));
});
