import assert from "node:assert/strict";
import { isPicture } from "../../client/room_picture.ts";
import { utf8 } from "../../protocol/encoding.ts";

Deno.test("PNG, JPEG and WebP begin as pictures do", () => {
  assert.ok(isPicture(Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0)));
  assert.ok(isPicture(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0)));
  assert.ok(isPicture(utf8("RIFF____WEBPVP8 ")));
});

Deno.test("attack: markup, a cut-off head and other RIFF files are no pictures", () => {
  for (const text of ["<svg onload=alert(1)>", "GIF89a", "RIFF____WAVE", "RIFF", ""]) {
    assert.equal(isPicture(utf8(text)), false, text);
  }
  assert.equal(isPicture(Uint8Array.of(0x89, 0x50, 0x4e)), false);
});
