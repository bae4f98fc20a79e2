import assert from "node:assert/strict";
import { fromBase64Url } from "../../protocol/encoding.ts";
import { idBytes, idFrom, parseId, randomId, risingId } from "../../protocol/ids.ts";

Deno.test("an id is 16 bytes and 22 characters, both ways", () => {
  const id = randomId<"device">();
  assert.equal(id.length, 22);
  assert.equal(idBytes(id).length, 16);
  assert.equal(idFrom(idBytes(id)), id);
  assert.throws(() => idFrom(new Uint8Array(15)), RangeError);
  assert.throws(() => idFrom(new Uint8Array(17)), RangeError);
});

Deno.test("the bytes of an id go where one wants them, if they fit there exactly", () => {
  const [one, other] = [randomId(), randomId()];
  const into = new Uint8Array(16);
  assert.equal(idBytes(one, into), into);
  assert.equal(idFrom(into), one);
  assert.equal(idFrom(idBytes(other, into)), other);
  for (const length of [0, 15, 17]) {
    assert.throws(() => idBytes(one, new Uint8Array(length)), RangeError);
  }
});

Deno.test("random ids differ", () => {
  assert.equal(new Set(Array.from({ length: 1000 }, () => randomId())).size, 1000);
});

Deno.test("rising ids sort by the time they were made at, and differ within it", () => {
  const times = [0, 1, 255, 256, 1_800_000_000_000, 1_800_000_000_001, 2 ** 48 - 1];
  const ids = times.map((now) => idBytes(risingId(now)));
  const heads = ids.map((bytes) =>
    [...bytes.subarray(0, 6)].reduce((sum, byte) => sum * 256 + byte)
  );
  assert.deepEqual(heads, times);
  assert.deepEqual(
    [...idBytes(risingId(-1)).subarray(0, 6)],
    [0, 0, 0, 0, 0, 0],
    "a clock before 1970",
  );
  assert.equal(new Set(Array.from({ length: 1000 }, () => risingId(7))).size, 1000);
});

Deno.test("parseId takes the one encoding of 16 bytes", () => {
  const id = randomId();
  assert.equal(parseId(id), id);
  for (const text of ["", "a", "A".repeat(21), "A".repeat(23), "A".repeat(21) + "B", id + "\n"]) {
    assert.equal(parseId(text), null, text);
  }
  for (const last of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") {
    const text = "A".repeat(21) + last;
    assert.equal(parseId(text) !== null, decodes(text), text);
  }
});

function decodes(text: string): boolean {
  try {
    return fromBase64Url(text).length === 16;
  } catch {
    return false;
  }
}
