import assert from "node:assert/strict";
import { Blocks } from "../../db/blocks.ts";

Deno.test("what is kept in blocks stays what it was, whatever its length and whatever comes after", () => {
  const blocks = new Blocks();
  const written = new Uint8Array(100_000);
  const lengths = [0, 1, 300, 16_384, 16_385, 65_536, 100_000];
  const kept: { readonly bytes: Uint8Array; readonly length: number; readonly value: number }[] =
    [];
  for (let n = 0; n < 350; n++) {
    const length = lengths[n % lengths.length]!;
    const bytes = written.subarray(0, length).fill(n % 256);
    kept.push({ bytes: blocks.keep(bytes), length, value: n % 256 });
  }
  for (const { bytes, length, value } of kept) {
    assert.equal(bytes.length, length);
    assert.ok(bytes.every((one) => one === value));
  }
});

Deno.test("many small ones share a block, a large one has its own", () => {
  const blocks = new Blocks();
  const small = Array.from({ length: 200 }, () => blocks.keep(new Uint8Array(300)).buffer);
  assert.equal(new Set(small).size, 1);
  assert.equal(blocks.keep(new Uint8Array(20_000)).buffer.byteLength, 20_000);
});
