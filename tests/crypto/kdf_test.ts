import assert from "node:assert/strict";
import { hkdf, hmac, pbkdf2, sha256 } from "../../crypto/kdf.ts";
import { fromHex, toHex, utf8 } from "../../protocol/encoding.ts";

const NONE = new Uint8Array();

Deno.test("sha-256 gives the value of FIPS 180-4 for abc", async () => {
  const expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  assert.equal(toHex(await sha256(utf8("abc"))), expected);
});

Deno.test("hkdf gives the values of RFC 5869 appendix A.1 and A.3", async () => {
  const ikm = fromHex("0b".repeat(22));
  const salt = fromHex("000102030405060708090a0b0c");
  const info = fromHex("f0f1f2f3f4f5f6f7f8f9");
  assert.equal(
    toHex(await hkdf(ikm, salt, info, 42)),
    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
  );
  assert.equal(
    toHex(await hkdf(ikm, NONE, NONE, 42)),
    "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
  );
});

Deno.test("hkdf without a salt is hkdf with 32 zero bytes", async () => {
  const ikm = utf8("secret");
  assert.deepEqual(await hkdf(ikm, NONE, NONE, 64), await hkdf(ikm, new Uint8Array(32), NONE, 64));
});

Deno.test("hkdf refuses lengths that it cannot give", async () => {
  for (const length of [0, -1, 1.5, 8161, NaN]) {
    await assert.rejects(hkdf(NONE, NONE, NONE, length), RangeError);
  }
  assert.equal((await hkdf(NONE, NONE, NONE, 8160)).length, 8160);
});

Deno.test("hmac gives the value of RFC 4231 test case 2", async () => {
  assert.equal(
    toHex(await hmac(utf8("Jefe"), utf8("what do ya want for nothing?"))),
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  );
});

Deno.test("hmac takes an empty key and an empty message", async () => {
  assert.equal(
    toHex(await hmac(NONE, NONE)),
    "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad",
  );
});

Deno.test("hmac gives the TOTP values of RFC 6238 appendix B for SHA-256", async () => {
  const key = utf8("12345678901234567890123456789012");
  const mac = (message: Uint8Array<ArrayBuffer>) => hmac(key, message);
  assert.equal(await totp(mac, 59), "46119246");
  assert.equal(await totp(mac, 1111111109), "68084774");
  assert.equal(await totp(mac, 1111111111), "67062674");
});

Deno.test("the platform's HMAC-SHA-1 gives the TOTP values of RFC 6238 appendix B", async () => {
  const algorithm = { name: "HMAC", hash: "SHA-1" };
  const raw = utf8("12345678901234567890");
  const key = await crypto.subtle.importKey("raw", raw, algorithm, false, ["sign"]);
  const mac = async (message: Uint8Array<ArrayBuffer>) =>
    new Uint8Array(await crypto.subtle.sign("HMAC", key, message));
  assert.equal(await totp(mac, 59), "94287082");
  assert.equal(await totp(mac, 1111111109), "07081804");
});

Deno.test("pbkdf2 gives the value of RFC 7914 section 11", async () => {
  assert.equal(
    toHex(await pbkdf2(utf8("passwd"), utf8("salt"), 1, 64)),
    "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc" +
      "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783",
  );
});

Deno.test("pbkdf2 refuses no rounds and no length", async () => {
  await assert.rejects(pbkdf2(NONE, NONE, 0, 32), RangeError);
  await assert.rejects(pbkdf2(NONE, NONE, 1, 0), RangeError);
});

/** Eight digits of RFC 6238 with a step of 30 seconds. */
async function totp(
  mac: (message: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>,
  seconds: number,
): Promise<string> {
  const counter = new DataView(new ArrayBuffer(8));
  counter.setBigUint64(0, BigInt(Math.floor(seconds / 30)));
  const tag = await mac(new Uint8Array(counter.buffer));
  const offset = tag.at(-1)! & 15;
  const value = new DataView(tag.buffer, offset, 4).getUint32(0) & 0x7fffffff;
  return String(value % 1e8).padStart(8, "0");
}
