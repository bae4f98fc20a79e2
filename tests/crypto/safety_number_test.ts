import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { randomBytes } from "../../crypto/random.ts";
import { safetyNumber, safetyNumberGroups } from "../../crypto/safety_number.ts";
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
    const identity = Buffer.concat([idBytes(account), aik]);
    let hash = hashOf(Buffer.from("snug/1 safety number\0"), identity);
    for (let round = 1; round < 5_200; round++) hash = hashOf(hash, identity);
    return [0, 5, 10, 15, 20, 25]
      .map((at) => (hash.readUIntBE(at, 5) % 100_000).toString().padStart(5, "0")).join("");
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

function hashOf(...parts: Uint8Array[]): Buffer {
  return createHash("sha256").update(Buffer.concat(parts)).digest();
}
