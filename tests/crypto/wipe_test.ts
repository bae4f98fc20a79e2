import assert from "node:assert/strict";
import { wipe } from "../../crypto/wipe.ts";

Deno.test("wiped secrets are zeros", () => {
  const [a, b] = [Uint8Array.of(1, 2), Uint8Array.of(3)];
  wipe(a, b);
  assert.deepEqual([...a, ...b], [0, 0, 0]);
});
