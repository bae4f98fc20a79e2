import assert from "node:assert/strict";
import { generateAgreement } from "../../../crypto/agreement.ts";
import { KeyError } from "../../../crypto/errors.ts";
import { randomBytes } from "../../../crypto/random.ts";
import { turnRoot } from "../../../crypto/ratchet/root_key.ts";

Deno.test("both sides of a turn arrive at the same three keys, all different", async () => {
  const [a, b] = [await generateAgreement("sealed"), await generateAgreement("sealed")];
  const root = randomBytes(32);
  const turned = await turnRoot(root, a.private, b.public);
  assert.deepEqual(turned, await turnRoot(root, b.private, a.public));
  assert.equal(new Set(Object.values(turned).map(String)).size, 3);
});

Deno.test("another root key gives other keys", async () => {
  const [a, b] = [await generateAgreement("sealed"), await generateAgreement("sealed")];
  const one = await turnRoot(randomBytes(32), a.private, b.public);
  const other = await turnRoot(randomBytes(32), a.private, b.public);
  assert.notDeepEqual(one.root, other.root);
  assert.notDeepEqual(one.chain, other.chain);
  assert.notDeepEqual(one.nextHeaderKey, other.nextHeaderKey);
});

Deno.test("attack: a ratchet key of small order is refused", async () => {
  const { private: own } = await generateAgreement("sealed");
  const one = new Uint8Array(32);
  one[0] = 1;
  for (const key of [new Uint8Array(32), one]) {
    await assert.rejects(turnRoot(randomBytes(32), own, key), KeyError);
  }
});
