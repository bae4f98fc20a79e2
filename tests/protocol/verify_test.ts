import assert from "node:assert/strict";
import { generateSigning, sign } from "../../crypto/signature.ts";
import { concat, fromHex, toHex, utf8 } from "../../protocol/encoding.ts";
import { type Label, sha256, signedBytes, verifySignature } from "../../protocol/verify.ts";
import { bitFlips, prefixes } from "../helpers/mutations.ts";

const LABELS: Label[] = [
  ...["set", "revoke", "device", "bundle", "kem-once", "kem-last"] as const,
  ...["log", "join", "sender", "segment", "deposit", "login"] as const,
];
const structure = utf8("structure");
/** L of RFC 8032 section 5.1, little endian. */
const ORDER = BigInt("0x1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed");

Deno.test("a signature covers label, zero byte and structure", () => {
  assert.equal(toHex(signedBytes("set", fromHex("a0"))), "73657400a0");
  assert.equal(toHex(signedBytes("kem-last", fromHex(""))), "6b656d2d6c61737400");
});

Deno.test("no two labels sign the same bytes", () => {
  const all = LABELS.map((label) => toHex(signedBytes(label, structure)));
  assert.equal(new Set(all).size, LABELS.length);
});

Deno.test("SHA-256 of abc is the published one (FIPS 180-4)", async () => {
  const expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  assert.equal(toHex(await sha256(utf8("abc"))), expected);
});

Deno.test("a signature verifies under its own label and no other", async () => {
  const pair = await generateSigning("sealed");
  for (const label of LABELS) {
    const signature = await sign(pair, label, structure);
    for (const other of LABELS) {
      const verdict = await verifySignature(pair.public, other, structure, signature);
      assert.equal(verdict, other === label);
    }
  }
});

Deno.test("every flipped bit and every prefix of key, structure and signature is refused", async () => {
  const pair = await generateSigning("sealed");
  const signature = await sign(pair, "set", structure);
  const refused = async (key = pair.public, body = structure, by = signature) =>
    assert.equal(await verifySignature(key, "set", body, by), false);
  for (const changes of [bitFlips, prefixes]) {
    for (const one of changes(pair.public)) await refused(one);
    for (const one of changes(structure)) await refused(undefined, one);
    for (const one of changes(signature)) await refused(undefined, undefined, one);
  }
});

Deno.test("a second form of a valid signature, S + L, is refused", async () => {
  const pair = await generateSigning("sealed");
  const signature = await sign(pair, "set", structure);
  const s = BigInt("0x" + toHex(signature.slice(32).reverse()));
  const malleated = fromHex((s + ORDER).toString(16).padStart(64, "0")).reverse();
  const second = concat(signature.slice(0, 32), malleated);
  assert.equal(await verifySignature(pair.public, "set", structure, signature), true);
  assert.equal(await verifySignature(pair.public, "set", structure, second), false);
});

Deno.test("a key of small order, under which anybody can sign everything, is refused", async () => {
  const identity = fromHex("01" + "00".repeat(31));
  const everything = concat(identity, new Uint8Array(32));
  assert.equal(await verifySignature(identity, "set", structure, everything), false);
  const offCurve = fromHex("02" + "00".repeat(31));
  assert.equal(await verifySignature(offCurve, "set", structure, everything), false);
});
