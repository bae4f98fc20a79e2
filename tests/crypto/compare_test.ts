import fc from "fast-check";
import assert from "node:assert/strict";
import { equalConstantTime } from "../../crypto/compare.ts";

Deno.test("secrets compare by length and every byte", () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 1 }), fc.nat(), (secret, at) => {
    const copy = secret.slice();
    assert.ok(equalConstantTime(secret, copy));
    assert.ok(!equalConstantTime(secret, copy.subarray(1)));
    copy[at % copy.length]! ^= 1 << at % 8;
    assert.ok(!equalConstantTime(secret, copy));
  }));
  assert.ok(equalConstantTime(new Uint8Array(), new Uint8Array()));
});
