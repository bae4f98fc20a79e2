import assert from "node:assert/strict";
import { hmac } from "../../../crypto/kdf.ts";
import { randomBytes } from "../../../crypto/random.ts";
import { skipChain, stepChain } from "../../../crypto/ratchet/chain_key.ts";
import type { Bytes } from "../../../protocol/encoding.ts";

Deno.test("a step is HMAC of the chain key over 0x01 and 0x02, as WebCrypto has it", async () => {
  const key = randomBytes(32);
  const { messageKey, next } = stepChain(key);
  assert.deepEqual(messageKey, await hmac(key, Uint8Array.of(1)));
  assert.deepEqual(next, await hmac(key, Uint8Array.of(2)));
});

Deno.test("skipping gives the keys that stepping gives, the newest of them only", () => {
  const steps: Bytes[] = [];
  let key = randomBytes(32);
  const start = key;
  for (let i = 0; i < 10; i++) {
    const step = stepChain(key);
    steps.push(step.messageKey);
    key = step.next;
  }
  for (const keep of [0, 1, 4, 10, 99]) {
    const { messageKeys, next } = skipChain(start, 10, keep);
    assert.deepEqual(next, key);
    const expected = steps.slice(10 - Math.min(keep, 10)).flatMap((one) => [...one]);
    assert.deepEqual([...messageKeys], expected);
  }
});

Deno.test("skipping nothing changes nothing", () => {
  const key = randomBytes(32);
  assert.deepEqual(skipChain(key, 0, 5), { messageKeys: new Uint8Array(), next: key });
});
