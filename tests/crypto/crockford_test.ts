import fc from "fast-check";
import assert from "node:assert/strict";
import {
  fromCrockford,
  inGroups,
  normaliseCrockford,
  toCrockford,
} from "../../crypto/crockford.ts";

Deno.test("crockford base 32 comes back as it went", () => {
  const fives = fc.integer({ min: 0, max: 12 }).chain((n) =>
    fc.uint8Array({ minLength: 5 * n, maxLength: 5 * n })
  );
  fc.assert(fc.property(fives, (bytes) => {
    assert.deepEqual([...fromCrockford(toCrockford(bytes))], [...bytes]);
  }));
  assert.throws(() => toCrockford(new Uint8Array(1)), RangeError);
  assert.throws(() => fromCrockford("0"), RangeError);
});

Deno.test("what people type becomes one form, and other letters are told", () => {
  assert.equal(normaliseCrockford(" o0-iIlL1 abc\u2013Z\t"), "0011111ABCZ");
  assert.equal(normaliseCrockford("\uff21"), "A");
  for (const typed of ["U", "!", "\u00e9", "A.B", "\u0660"]) {
    assert.equal(normaliseCrockford(typed), null);
  }
});

Deno.test("every letter has one value", () => {
  const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  const values = new Set([...letters].map((letter) => fromCrockford(letter + "0000000")[0]));
  assert.equal(values.size, 32);
});

Deno.test("groups are of four", () => {
  assert.equal(inGroups("ABCDEFGH"), "ABCD-EFGH");
  assert.equal(inGroups("ABCDE"), "ABCD-E");
});
