import assert from "node:assert/strict";
import { pictureType, pictureUrl } from "../../../client/web/pictures.ts";
import { fromHex, utf8 } from "../../../protocol/encoding.ts";

const PNG = fromHex("89504e470d0a1a0a00");
const WEBP = new Uint8Array([...utf8("RIFF"), 0, 0, 0, 0, ...utf8("WEBPVP8 ")]);

Deno.test("a picture is one of three kinds by its own bytes", () => {
  assert.equal(pictureType(PNG), "image/png");
  assert.equal(pictureType(fromHex("ffd8ffe0")), "image/jpeg");
  assert.equal(pictureType(WEBP), "image/webp");
});

Deno.test("attack: what scripts could hide in is no picture", () => {
  for (
    const text of ["<svg onload=alert(1)>", "<html>", "GIF89a", "BM", "%PDF-", "", "RIFF0000WAVE"]
  ) {
    assert.equal(pictureType(utf8(text)), null, text);
    assert.equal(pictureUrl("room", utf8(text)), null);
  }
});

Deno.test("an address is kept while the picture is the same, and taken back when it is another", async () => {
  const first = pictureUrl("one", PNG)!;
  assert.equal(pictureUrl("one", PNG.slice()), first);
  assert.notEqual(pictureUrl("two", PNG), first);
  assert.notEqual(pictureUrl("one", WEBP), first);
  await assert.rejects(fetch(first), TypeError);
  assert.equal(pictureUrl("one", null), null);
});
