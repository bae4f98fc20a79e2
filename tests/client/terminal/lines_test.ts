import assert from "node:assert/strict";
import { linesOf } from "../../../client/terminal/lines.ts";

async function lines(...chunks: string[]): Promise<string[]> {
  const bytes = chunks.map((chunk) => new TextEncoder().encode(chunk));
  return await Array.fromAsync(linesOf(ReadableStream.from(bytes)));
}

Deno.test("lines come out whole, however they are cut, with and without a last line end", async () => {
  assert.deepEqual(await lines("one\ntw", "o\r\n", "", "\nthree"), ["one", "two", "", "three"]);
  assert.deepEqual(await lines(), []);
});

Deno.test("a line that never ends is cut off instead of gathered for ever", async () => {
  const endless = Array.from({ length: 10 }, () => "x".repeat(100_000));
  const out = await lines(...endless);
  assert.ok(out.every((line) => line.length <= 400_000), "bounded");
  assert.equal(out.join("").length, 1_000_000);
});
