import assert from "node:assert/strict";
import { formatRecoveryKey, makeRecoveryKey, parseRecoveryKey } from "../../crypto/recovery_key.ts";
import { fromHex } from "../../protocol/encoding.ts";

const KEY = fromHex("000102030405060708090a0b0c0d0e0f10111213");

Deno.test("a recovery key is nine groups of four, and the same ones for ever", async () => {
  const text = await formatRecoveryKey(KEY);
  assert.match(text, /^([0-9A-HJKMNP-TV-Z]{4}-){8}[0-9A-HJKMNP-TV-Z]{4}$/);
  // Worked out by a second implementation.
  assert.equal(text, "000G-40R4-0M30-E209-185G-R38E-1W81-24GK-6J6Q");
});

Deno.test("a recovery key comes back from what a person types", async () => {
  for (let i = 0; i < 50; i++) {
    const key = makeRecoveryKey();
    const text = await formatRecoveryKey(key);
    const typings = [
      text,
      text.toLowerCase(),
      text.replaceAll("-", ""),
      text.replaceAll("-", "   "),
      text.replaceAll("-", "–"),
      ` ${text}\n`,
      text.replaceAll("0", "O").replaceAll("1", "l"),
      text.replaceAll("0", "o").replaceAll("1", "I"),
    ];
    for (const typed of typings) {
      assert.deepEqual(await parseRecoveryKey(typed), { ok: true, key });
    }
  }
});

Deno.test("a wrong letter is found by the checksum group", async () => {
  const text = (await formatRecoveryKey(KEY)).replaceAll("-", "");
  let missed = 0;
  for (let at = 0; at < text.length; at++) {
    const other = text[at] === "Z" ? "Y" : "Z";
    const parsed = await parseRecoveryKey(text.slice(0, at) + other + text.slice(at + 1));
    if (parsed.ok) missed++;
    else assert.equal(parsed.problem, "checksum");
  }
  assert.equal(missed, 0);
});

Deno.test("a foreign letter and a missing group are told apart", async () => {
  const text = await formatRecoveryKey(KEY);
  const problem = async (typed: string) => {
    const parsed = await parseRecoveryKey(typed);
    return parsed.ok ? "none" : parsed.problem;
  };
  assert.equal(await problem(text.replace("E", "U")), "character");
  assert.equal(await problem(text.replace("E", "é")), "character");
  assert.equal(await problem(text.slice(5)), "length");
  assert.equal(await problem(text + "0"), "length");
  assert.equal(await problem(""), "length");
});

Deno.test("only 20 bytes are a recovery key", async () => {
  await assert.rejects(formatRecoveryKey(new Uint8Array(19)), RangeError);
  assert.equal(makeRecoveryKey().length, 20);
  assert.notDeepEqual(makeRecoveryKey(), makeRecoveryKey());
});
