import assert from "node:assert/strict";
import encodeQR from "qr";
import decodeQR from "qr/decode.js";
import { compareCode, safetyCode } from "../../../client/web/safety_code.ts";

const digits = "30641".repeat(12);

/** A code as a camera's picture: RGBA, so many pixels a module. */
function picture(text: string, size = 6) {
  const rows = encodeQR(text, "raw", { ecc: "medium", border: 4 });
  const width = rows.length * size;
  const data = new Uint8Array(width * width * 4).fill(255);
  for (let at = 0; at < width * width; at++) {
    const [x, y] = [Math.floor(at % width / size), Math.floor(at / width / size)];
    if (rows[y]![x]) data.fill(0, at * 4, at * 4 + 3);
  }
  return { width, height: width, data };
}

Deno.test("a safety number survives the way through a picture", () => {
  assert.equal(compareCode(decodeQR(picture(safetyCode(digits))), digits), "same");
});

Deno.test("attack: another number, or another kind of code, is never the same", () => {
  const swapped = `${digits.slice(0, 59)}2`;
  assert.equal(compareCode(decodeQR(picture(safetyCode(swapped))), digits), "different");
  for (
    const other of [digits, `SNUG1:${digits}0`, `snug1:${digits}`, `x SNUG1:${digits}`, "", " "]
  ) {
    assert.equal(compareCode(other, digits), "other", other);
  }
  assert.equal(compareCode(`SNUG1:${digits}\n`, digits), "other");
});
