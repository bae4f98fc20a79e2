import assert from "node:assert/strict";
import { cpuUsage } from "node:process";
import {
  isEmailAddress,
  isPhoneNumber,
  readContact,
  readFullName,
  readUsername,
} from "../../auth/names.ts";

const codeOf = (read: { ok: boolean; refusal?: { code: string } }) => read.refusal?.code ?? "ok";
const RULES = { phones: true, language: "en" };
const contactCode = async (text: string) => codeOf(await readContact(text, RULES));

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

Deno.test("attack: no control character gets into an address, wherever it stands", async () => {
  for (let code = 0; code < 32; code++) {
    const evil = String.fromCharCode(code);
    for (
      const text of [`ana${evil}@example.org`, `ana@example.org${evil}`, `${evil}ana@example.org`]
    ) {
      assert.equal(await contactCode(text), "bad-contact");
    }
    for (const text of [`+49${evil}1701234567`, `+491701234567${evil}`, `${evil}+491701234567`]) {
      assert.equal(await contactCode(text), "bad-contact");
    }
  }
  for (const evil of ["\u007f", "\u0085", "\u2028", "\u2029", "\u202e", "\ufeff"]) {
    assert.equal(await contactCode(`ana@example.org${evil}`), "bad-contact");
    assert.equal(await contactCode(`+491701234567${evil}`), "bad-contact");
  }
});

Deno.test("addresses are compared without regard to case and kept as typed", async () => {
  const read = await readContact(" Ana@Example.ORG ", RULES);
  assert.deepEqual(read, {
    ok: true,
    value: { kind: "email", address: "Ana@Example.ORG", key: "ana@example.org", language: "en" },
  });
});

Deno.test("one phone number is one number, however it is written", async () => {
  const forms = ["+491701234567", "+49 170 1234567", "0049 170/123-4567", "+49 (0)170 1234567"];
  for (const form of forms) {
    const read = await readContact(form, RULES);
    assert.deepEqual(read.ok && read.value, {
      ...{ kind: "phone", address: "+491701234567", key: "+491701234567", language: "en" },
    }, form);
  }
  assert.equal(await contactCode("+1 (555) 010-9999"), "ok");
});

Deno.test("a number without its country, of no country, or of a wrong length is none", async () => {
  for (
    const bad of ["0170 1234567", "1701234567", "+999 1234567", "+49 17", `+49${"1".repeat(20)}`]
  ) {
    assert.equal(await contactCode(bad), "bad-phone", bad);
  }
  for (
    const bad of ["+٤٩1701234567", "+49 170 CALLME", "+49 170 1234567 ext 5", "tel:+491701234567"]
  ) {
    assert.equal(await contactCode(bad), "bad-contact", bad);
  }
});

Deno.test("where no code reaches phones, a number is refused politely", async () => {
  const read = await readContact("+491701234567", { ...RULES, phones: false });
  assert.equal(codeOf(read), "phone-not-available");
});

Deno.test("E.164 is a plus and 6 to 15 digits, the first no zero", () => {
  for (const good of ["+491701234567", "+123456", "+123456789012345"]) {
    assert.ok(isPhoneNumber(good), good);
  }
  for (
    const bad of ["491701234567", "+0123456", "+12345", "+1234567890123456", "+49170\n123", ""]
  ) {
    assert.ok(!isPhoneNumber(bad), bad);
  }
});

Deno.test("attack: 50,000 characters are judged in no time", async () => {
  // What reads phone numbers is loaded with the first one.
  await readContact("+1", RULES);
  const before = cpuUsage();
  const shapes = ["a", "a.", "@", "a@", "\u0301", "\u200d", " ", "+1 "];
  for (const shape of shapes) {
    const text = shape.repeat(50_000 / shape.length);
    readUsername(text), readFullName(text), isEmailAddress(text), isPhoneNumber(text);
    await readContact(text, RULES);
  }
  const { user, system } = cpuUsage(before);
  assert.ok(user + system < 100_000, `${(user + system) / 1000} ms`);
});
