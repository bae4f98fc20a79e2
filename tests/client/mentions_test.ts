import assert from "node:assert/strict";
import { mentions } from "../../client/mentions.ts";

Deno.test("a text names somebody by @ and the whole username, in any case", () => {
  for (
    const text of ["@ana", "hello @Ana!", "(@ANA)", "@ana's turn", "one\n@ana, two", "@ben @ana"]
  ) {
    assert.equal(mentions(text, "ana"), true, text);
  }
});

Deno.test("a longer name, an address and a bare word name nobody", () => {
  for (const text of ["ana", "@anabel", "@ana_b", "@ana2", "x@ana.example", "a.@ana", "@ben", ""]) {
    assert.equal(mentions(text, "ana"), false, text);
  }
});

Deno.test("attack: what is no username is never made a pattern", () => {
  assert.equal(mentions("@aaaaaaaa", "a+"), false);
  assert.equal(mentions("@anything", ".*"), false);
});
