import assert from "node:assert/strict";
import { cpuUsage } from "node:process";
import { mentions } from "../../../client/mentions.ts";
import { isEmojiOnly, pieces } from "../../../client/web/links.ts";

const links = (text: string) =>
  pieces(text).filter((piece) => piece.kind === "link").map(({ text }) => text);
const whole = (text: string) => pieces(text).map((piece) => piece.text).join("");

Deno.test("addresses of the three kinds become links, without the sentence's own stops", () => {
  assert.deepEqual(links("See https://example.org/a_(b)?c=d#e, or http://localhost:8443."), [
    "https://example.org/a_(b)?c=d#e",
    "http://localhost:8443",
  ]);
  assert.deepEqual(links("(https://example.org/x)"), ["https://example.org/x"]);
  assert.deepEqual(links("mailto:ana@example.org!"), ["mailto:ana@example.org"]);
  assert.deepEqual(links("HTTPS://EXAMPLE.ORG"), ["HTTPS://EXAMPLE.ORG"]);
});

Deno.test("attack: other schemes and addresses in disguise stay text", () => {
  for (
    const text of [
      "javascript:alert(1)",
      "data:text/html,<script>alert(1)</script>",
      "vbscript:x",
      "file:///etc/passwd",
      "ftp://example.org",
      "blob:https://example.org/1",
      "xhttps://example.org",
      "//example.org",
      "https://",
      "https://user:password@example.org",
      "https://bank.example@evil.example",
      "mailto:nobody",
    ]
  ) assert.deepEqual(links(text).filter((link) => !link.startsWith("https://example.org/1")), []);
});

Deno.test("attack: a bidi override ends a link instead of turning it round", () => {
  assert.deepEqual(links("https://example.org/\u202egpj.exe"), ["https://example.org/"]);
});

Deno.test("no text is lost or doubled", () => {
  for (
    const text of [
      "",
      "plain",
      "https://a.example",
      "a https://a.example b http://b.example, c",
      "https://a.examplehttps://b.example",
      "https://[bad https://good.example",
    ]
  ) assert.equal(whole(text), text);
});

Deno.test("attack: long hostile texts are cut in linear time", () => {
  for (const unit of ["https://", "(", ")", "http://a)", "mailto:a@", "https://a.b/((((", "!"]) {
    const text = "https://a.b/" + unit.repeat(50_000 / unit.length);
    const before = cpuUsage();
    assert.equal(whole(text), text);
    const { user, system } = cpuUsage(before);
    assert.ok(user + system < 500_000, unit);
  }
});

Deno.test("a few emoji alone are shown large, anything else is not", () => {
  for (const text of ["🌱", "🌱🍅 🍓", "👩‍👩‍👧", "👍🏽", "🇪🇺"]) assert.ok(isEmojiOnly(text), text);
  for (const text of ["", "1", "a🌱", "🌱🌱🌱🌱", "#", " "]) assert.ok(!isEmojiOnly(text), text);
});

Deno.test("in a room, @ and a username is a mention, as the engine counts it", () => {
  const found = (text: string) =>
    pieces(text, true).filter(({ kind }) => kind === "mention").map(({ text }) => text);
  assert.deepEqual(found("@ana and (@Ben)! and @cleo_2, @dora."), [
    "@ana",
    "@Ben",
    "@cleo_2",
    "@dora",
  ]);
  assert.deepEqual(found("ana@ben.example a.@ben x-@ben @ab mailto:ana@example.org"), []);
  assert.deepEqual(found(`https://example.org/@ana @${"a".repeat(33)}`), []);
  for (const name of ["ana", "ben"]) {
    for (const text of ["@ana", "x@ana", "(@ANA)", "@anabel", "é@ana", "@ana@ben", "@ben", "@be"]) {
      const marked = found(text).some((each) => each.slice(1).toLowerCase() === name);
      assert.equal(marked, mentions(text, name), `${text} ${name}`);
    }
  }
  const text = "a @ana b https://example.org c @ben";
  assert.equal(pieces(text, true).map((piece) => piece.text).join(""), text);
  assert.deepEqual(
    pieces("@ana").map(({ kind }) => kind),
    ["text"],
    "between two people it is text",
  );
});
