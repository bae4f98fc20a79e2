import assert from "node:assert/strict";
import { randomBytes } from "../../../crypto/random.ts";
import { openHeader, sealHeader } from "../../../crypto/ratchet/header.ts";
import { randomId } from "../../../protocol/ids.ts";

const KEY = randomBytes(32);
const SESSION = randomId<"session">();
const HEADER = { ratchetKey: randomBytes(32), previousLength: 2 ** 32 - 1, number: 7 };

Deno.test("a header of 40 bytes seals to 68 and opens under its key and session", async () => {
  const sealed = await sealHeader(KEY, HEADER, SESSION);
  assert.equal(sealed.length, 68);
  assert.deepEqual(await openHeader(KEY, sealed, SESSION), HEADER);
});

Deno.test("the same header never seals to the same bytes: a random IV", async () => {
  const [one, two] = [
    await sealHeader(KEY, HEADER, SESSION),
    await sealHeader(KEY, HEADER, SESSION),
  ];
  assert.notDeepEqual(one.subarray(0, 12), two.subarray(0, 12));
  assert.notDeepEqual(one.subarray(12), two.subarray(12));
});

Deno.test("a header opens neither under another key nor for another session", async () => {
  const sealed = await sealHeader(KEY, HEADER, SESSION);
  assert.equal(await openHeader(randomBytes(32), sealed, SESSION), null);
  assert.equal(await openHeader(KEY, sealed, randomId<"session">()), null);
});

Deno.test("attack: every single-bit flip of a sealed header is refused", async () => {
  const sealed = await sealHeader(KEY, HEADER, SESSION);
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const flipped = sealed.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    assert.equal(await openHeader(KEY, flipped, SESSION), null);
  }
});
