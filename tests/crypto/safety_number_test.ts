import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { randomBytes } from "../../crypto/random.ts";
import { safetyNumber, safetyNumberGroups } from "../../crypto/safety_number.ts";
import { toHex, utf8 } from "../../protocol/encoding.ts";
import { type AccountId, idBytes, idFrom } from "../../protocol/ids.ts";

const ALICE = side(1);
const BOB = side(2);

Deno.test("a safety number is 60 digits, the same from both sides", async () => {
  const number = await safetyNumber(ALICE, BOB);
  assert.match(number, /^[0-9]{60}$/);
  assert.equal(await safetyNumber(BOB, ALICE), number);
  assert.equal(safetyNumberGroups(number).join(""), number);
  assert.equal(safetyNumberGroups(number).length, 12);
});

Deno.test("a safety number is what the specification says, worked out another way", async () => {
  const halves = [ALICE, BOB].map(({ account, aik }) => {
    let hash = hashOf(utf8("snug/1 safety number\0"), idBytes(account), aik);
    for (let round = 1; round < 5_200; round++) hash = hashOf(hash, idBytes(account), aik);
    return [0, 5, 10, 15, 20, 25].map((at) => fiveDigits(hash.slice(at, at + 5))).join("");
  });
  assert.equal(await safetyNumber(ALICE, BOB), halves.sort().join(""));
});

Deno.test("another key or another account gives another number", async () => {
  const number = await safetyNumber(ALICE, BOB);
  const numbers = await Promise.all([
    safetyNumber(ALICE, { ...BOB, aik: randomBytes(32) }),
    safetyNumber(ALICE, { ...BOB, account: idFrom(randomBytes(16)) }),
    safetyNumber({ account: ALICE.account, aik: BOB.aik }, {
      account: BOB.account,
      aik: ALICE.aik,
    }),
  ]);
  for (const other of numbers) assert.notEqual(other, number);
});

function side(fill: number) {
  const account: AccountId = idFrom(new Uint8Array(16).fill(fill));
  return { account, aik: new Uint8Array(32).fill(fill) };
}

function hashOf(...parts: Uint8Array[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

function fiveDigits(bytes: Uint8Array): string {
  return String(BigInt(`0x${toHex(bytes)}`) % 100_000n).padStart(5, "0");
}
