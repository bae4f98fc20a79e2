import fc from "fast-check";
import assert from "node:assert/strict";
import { DecryptError } from "../../crypto/errors.ts";
import { pad, paddedLength, unpad } from "../../crypto/padding.ts";

Deno.test("short content takes the next bucket, one byte always being left for the end", () => {
  const sizes = {
    0: 256,
    1: 256,
    255: 256,
    256: 512,
    511: 512,
    1023: 1024,
    2047: 2048,
    4095: 4096,
  };
  for (const [length, padded] of Object.entries(sizes)) {
    assert.equal(pad(new Uint8Array(Number(length))).length, padded);
  }
});

Deno.test("long content takes the next Padmé size", () => {
  // Worked out by hand: 4,097 has exponent 12, four bits of it kept, so steps of 2^8.
  assert.equal(paddedLength(4_096), 4_352);
  assert.equal(paddedLength(4_351), 4_352);
  assert.equal(paddedLength(4_352), 4_608);
  assert.equal(paddedLength(65_535), 65_536);
  assert.equal(paddedLength(65_536), 67_584);
  assert.equal(paddedLength(100 * 2 ** 20), 100 * 2 ** 20 + 2 ** 21);
});

Deno.test("Padmé costs at most 12 percent and never shrinks", () => {
  fc.assert(fc.property(fc.integer({ min: 4_096, max: 2 ** 31 }), (length) => {
    const padded = paddedLength(length);
    assert.ok(padded > length && padded <= (length + 1) * 1.12);
    assert.ok(paddedLength(length + 1) >= padded);
    assert.equal(paddedLength(padded - 1), padded);
  }));
});

Deno.test("content comes back as it went, zeros and end bytes at its end too", () => {
  const ends = fc.array(fc.constantFrom(0, 0x80), { maxLength: 20 });
  fc.assert(fc.property(fc.uint8Array({ maxLength: 5_000 }), ends, (start, end) => {
    const content = Uint8Array.of(...start, ...end);
    assert.deepEqual([...unpad(pad(content))], [...content]);
  }));
});

Deno.test("padding carries nothing: every other form of a padded content is refused", () => {
  const refused = [
    new Uint8Array(),
    new Uint8Array(256),
    Uint8Array.of(1, 0x80),
    new Uint8Array(256).fill(0x80, 255, 256).subarray(0, 255),
    padBadly(10, 512),
    padBadly(300, 1_024),
    padBadly(10, 4_352),
    padBadly(4_200, 4_400),
    pad(Uint8Array.of(1)).fill(1, 1, 2),
    pad(Uint8Array.of(1)).fill(1, 255),
  ];
  for (const padded of refused) assert.throws(() => unpad(padded), DecryptError);
});

function padBadly(content: number, length: number): Uint8Array {
  const padded = new Uint8Array(length).fill(7, 0, content);
  padded[content] = 0x80;
  return padded;
}
