import assert from "node:assert/strict";
import { isEmailAddress, readContact, readFullName, readUsername } from "../../auth/names.ts";

const codeOf = (read: { ok: boolean; refusal?: { code: string } }) => read.refusal?.code ?? "ok";

Deno.test("usernames are 3 to 32 of a-z, 0-9 and _, in any case", () => {
  for (const good of ["ana", "a_1", "x".repeat(32), " Ana ", "ANA"]) {
    assert.equal(codeOf(readUsername(good)), "ok", good);
  }
  const bad = [
    "an",
    "x".repeat(33),
    "a-b",
    "a.b",
    "ana\n",
    "\tana",
    "änä",
    "аna",
    "an a",
    "",
    "ana\0",
  ];
  for (const name of [...bad, "a".repeat(50_000)]) {
    assert.equal(codeOf(readUsername(name)), "bad-username", name.slice(0, 40));
  }
});

Deno.test("names that could pass for the server are taken", () => {
  for (const name of ["admin", "Snug", "support", "security", "root", "sign_in"]) {
    assert.equal(codeOf(readUsername(name)), "name-taken", name);
  }
});

Deno.test("full names lose control, bidirectional and invisible characters, not their letters", () => {
  const read = (text: string) => {
    const name = readFullName(text);
    return name.ok ? name.value : name.refusal.code;
  };
  assert.equal(read("  Ana   María \t López "), "Ana María López");
  assert.equal(read("A\u202Enа\u2066b\u200B\uFEFF"), "Anаb");
  assert.equal(read("Ame\u0301lie"), "Amélie");
  assert.equal(read("می\u200Cخواهم"), "می\u200Cخواهم", "a joiner between letters is spelling");
  assert.equal(read("\u200DAna\u200C"), "Ana", "and nothing anywhere else");
  assert.equal(read("x\r\nBcc: a@b.c"), "x Bcc: a@b.c");
  assert.equal(read("王小明"), "王小明");
  for (
    const bad of ["", "   ", "\u202E\u200B", "x".repeat(65), "\ud800", "...", "a".repeat(50_000)]
  ) {
    assert.equal(read(bad), "bad-full-name", JSON.stringify(bad.slice(0, 20)));
  }
});

Deno.test("e-mail addresses: a dot-atom, an @, a name of at least two labels", () => {
  const good = [
    "a@b.co",
    "ana+snug@example.org",
    "first.last@sub.example.co.uk",
    "o'neil@example.org",
    "x_y-z@xn--bcher-kva.example",
    `${"a".repeat(64)}@example.org`,
  ];
  for (const address of good) assert.ok(isEmailAddress(address), address);
  const bad = [
    "",
    "ana",
    "@example.org",
    "ana@",
    "ana@localhost",
    "ana@example",
    "ana@@example.org",
    ".ana@example.org",
    "a..b@example.org",
    "ana.@example.org",
    '"a b"@example.org',
    "ana@[127.0.0.1]",
    "ana@127.0.0.1",
    "ana@-a.org",
    "ana@a-.org",
    "a,b@example.org",
    "ana@example.org,eve@example.org",
    "Ana <ana@example.org>",
    "ana(x)@example.org",
    "änä@example.org",
    "ana@exämple.org",
    `${"a".repeat(65)}@example.org`,
    `a@${"b".repeat(64)}.org`,
    `a@${"b.".repeat(130)}org`,
  ];
  for (const address of bad) assert.ok(!isEmailAddress(address), address);
});

Deno.test("attack: no control character gets into an address, wherever it stands", () => {
  for (let code = 0; code < 32; code++) {
    const evil = String.fromCharCode(code);
    for (
      const text of [`ana${evil}@example.org`, `ana@example.org${evil}`, `${evil}ana@example.org`]
    ) {
      assert.equal(codeOf(readContact(text)), "bad-contact");
    }
  }
  for (const evil of ["\u007f", "\u0085", "\u2028", "\u2029", "\u202e", "\ufeff"]) {
    assert.equal(codeOf(readContact(`ana@example.org${evil}`)), "bad-contact");
  }
});

Deno.test("addresses are compared without regard to case and kept as typed", () => {
  const read = readContact(" Ana@Example.ORG ");
  assert.deepEqual(read, {
    ok: true,
    value: { kind: "email", address: "Ana@Example.ORG", key: "ana@example.org" },
  });
});

Deno.test("a phone number is recognised", () => {
  for (const phone of ["+491701234567", "0170 1234567", "+1 (555) 010-9999"]) {
    assert.equal(codeOf(readContact(phone)), "phone-not-available", phone);
  }
});

Deno.test("attack: 50,000 characters are judged in no time", () => {
  const started = performance.now();
  const shapes = ["a", "a.", "@", "a@", "\u0301", "\u200d", " ", "+1 "];
  for (const shape of shapes) {
    const text = shape.repeat(50_000 / shape.length);
    readUsername(text), readFullName(text), readContact(text), isEmailAddress(text);
  }
  assert.ok(performance.now() - started < 100);
});
