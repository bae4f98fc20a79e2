import assert from "node:assert/strict";
import { printable, printableLine } from "../../../client/terminal/printable.ts";

Deno.test("a message cannot steer the terminal: no C0, C1, DEL or ESC gets through", () => {
  const all = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join("");
  const kept = [...printable(all)];
  assert.ok(kept.every((character) => {
    const code = character.charCodeAt(0);
    return code === 9 || code === 10 || code >= 32 && code < 127 || code > 159;
  }));
  assert.equal(kept.length, 2 + 95 + 96);
  assert.equal(printable("\x1b]0;owned\x07\x1b[2Jtext\u009b31m"), "]0;owned[2Jtext31m");
});

Deno.test("marks that turn the direction of writing are taken out, letters of any script stay", () => {
  assert.equal(printable("a\u202egpj.exe\u2066b\u200f"), "agpj.exeb");
  assert.equal(printable("שלום ❄ 日本語 👩‍🚀"), "שלום ❄ 日本語 👩‍🚀");
});

Deno.test("one line stays one line", () => {
  assert.equal(printableLine("one\ntwo\r\n\tthree\u2028four"), "one two three four");
  assert.equal(printable("one\ntwo"), "one\ntwo");
});
