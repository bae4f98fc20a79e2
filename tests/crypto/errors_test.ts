import assert from "node:assert/strict";
import { DecryptError, KeyError } from "../../crypto/errors.ts";

Deno.test("decryption errors are all alike", () => {
  assert.equal(new DecryptError().message, new DecryptError().message);
  assert.deepEqual(Object.keys(new DecryptError()), ["name"]);
});

Deno.test("a key error names the fault and nothing of the key", () => {
  const error = new KeyError("low-order");
  assert.equal(error.fault, "low-order");
  assert.equal(error.message, "refused key: low-order");
});
