import assert from "node:assert/strict";
import { initials, plainName, tintOf, TINTS } from "../../../client/web/names.ts";
import { randomId } from "../../../protocol/ids.ts";

Deno.test("a name keeps its letters and loses what cannot be seen", () => {
  assert.equal(plainName("  Mira   Kaplan ", "mira"), "Mira Kaplan");
  assert.equal(plainName("ليلى حسن", "layla"), "ليلى حسن");
  assert.equal(plainName("O’Brien-Łuczak 2nd", "x"), "O’Brien-Łuczak 2nd");
});

Deno.test("attack: bidi and invisible characters cannot dress a name up as another", () => {
  assert.equal(plainName("Mira\u202e\u2066 naplaK\u0007\u200b", "mira"), "Mira naplaK");
  assert.equal(plainName("\u3164", "ben"), "ben");
  assert.equal(plainName("\u200e\u061c \ufeff", "ben"), "ben");
});

Deno.test("initials are of the first and the last word, whole letters of any script", () => {
  assert.equal(initials("Mira Kaplan"), "MK");
  assert.equal(initials("mira"), "M");
  assert.equal(initials("Ana (at work) Silva"), "AS");
  assert.equal(initials("ليلى حسن"), "لح");
  assert.equal(initials("👩‍👩‍👧"), "👩‍👩‍👧");
  assert.equal(initials("person_00042"), "P0");
});

Deno.test("an account has the same colours everywhere, and all colours are used", () => {
  const account = randomId<"account">();
  assert.equal(tintOf(account), tintOf(account));
  const counts = new Array<number>(TINTS).fill(0);
  for (let i = 0; i < 2_400; i++) counts[tintOf(randomId<"account">())]!++;
  assert.ok(Math.min(...counts) > 100, `uneven: ${counts}`);
});
