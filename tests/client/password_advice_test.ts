import assert from "node:assert/strict";
import { readKnownPasswords } from "../../client/known_passwords.ts";
import { adviseOnPassword } from "../../client/password_advice.ts";

const nobody = { username: "", contact: "" };
const list = await Deno.readFile(new URL("../../static/known_passwords.bin", import.meta.url));
const known = readKnownPasswords(list.buffer);

async function verdict(password: string, around = nobody): Promise<boolean> {
  return (await adviseOnPassword(password, around, known)).ok;
}

Deno.test("four ordinary words make a password", async () => {
  assert.equal(await verdict("copper lantern seven boats"), true);
  assert.equal(await verdict("кофе на подоконнике"), true);
  assert.equal(await verdict("x".repeat(3) + "Qz7!".repeat(60)), true);
});

Deno.test("a short password is refused with how much is missing", async () => {
  const advice = await adviseOnPassword("lantern 12", nobody, known);
  assert.deepEqual(advice, { ok: false, words: "2 more characters. Four or five words do well." });
  assert.match((await adviseOnPassword("lantern 123", nobody, known)).words, /^1 more character\./);
});

Deno.test("characters are counted as people see them, not as code units", async () => {
  assert.equal(await verdict("🏮🗝️🚪🪟🛋️"), false);
});

Deno.test("a leaked password is refused in any case", async () => {
  for (const leaked of ["1qaz2wsx3edc", "q1w2e3r4t5y6", "Q1W2E3R4T5Y6", "leavemealone"]) {
    assert.equal(await verdict(leaked), false, leaked);
  }
});

Deno.test("one's own name or address with a bit added is refused", async () => {
  const around = { username: "mira_kaplan", contact: "mira@example.org" };
  assert.equal(await verdict("mira_kaplan12", around), false);
  assert.equal(await verdict("Mira@Example.org1", around), false);
  assert.equal(await verdict("mira_kaplan under the old stairs", around), true);
});

Deno.test("one character repeated and a novel are refused", async () => {
  assert.equal(await verdict("aaaaaaaaaaaaaaaa"), false);
  assert.equal(await verdict("abcdefg ".repeat(40)), false);
});

Deno.test("every entry of the list is found and a cut-off list is refused", () => {
  assert.throws(() => readKnownPasswords(list.buffer.slice(0, 7)), RangeError);
  const prefixes = new Uint32Array(list.buffer.slice(0));
  assert.ok(prefixes.length > 40_000);
  const view = new DataView(list.buffer);
  for (let at = 4; at < view.byteLength; at += 4) {
    assert.ok(view.getUint32(at - 4) < view.getUint32(at), "sorted, each once");
  }
});

Deno.test("without the list a long password is taken, and the sentence says what was not checked", async () => {
  const advice = await adviseOnPassword(
    "copper lantern",
    nobody,
    () => Promise.reject(new Error()),
  );
  assert.deepEqual(advice, {
    ok: true,
    words: "Long enough. The list of leaked passwords could not be loaded.",
  });
});
