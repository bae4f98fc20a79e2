import assert from "node:assert/strict";
import {
  agree,
  exportPrivate,
  generateAgreement,
  importAgreement,
} from "../../crypto/agreement.ts";
import { KeyError } from "../../crypto/errors.ts";
import { fromHex, toHex } from "../../protocol/encoding.ts";

Deno.test("x25519 gives the values of RFC 7748 section 5.2", async () => {
  const first = await importAgreement(
    fromHex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
    "sealed",
  );
  const u = fromHex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c");
  assert.equal(
    toHex(await agree(first.private, u)),
    "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
  );
});

Deno.test("x25519 gives the iterated values of RFC 7748 section 5.2", async () => {
  let [k, u] = [fromHex("09" + "00".repeat(31)), fromHex("09" + "00".repeat(31))];
  for (let step = 1; step <= 1000; step++) {
    const result = await agree((await importAgreement(k, "sealed")).private, u);
    [k, u] = [result, k];
    if (step === 1) {
      const expected = "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079";
      assert.equal(toHex(k), expected);
    }
  }
  assert.equal(toHex(k), "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
});

Deno.test("two devices agree on one secret", async () => {
  const [alice, bob] = [await generateAgreement("sealed"), await generateAgreement("portable")];
  const secret = await agree(alice.private, bob.public);
  assert.equal(secret.length, 32);
  assert.deepEqual(await agree(bob.private, alice.public), secret);
});

Deno.test("public keys of small order are refused", async () => {
  const { private: key } = await generateAgreement("sealed");
  // The five canonical u of order 1, 2, 4 and 8 on curve and twist (https://cr.yp.to/ecdh.html, "Contributory").
  const points = [
    "00".repeat(32),
    "01" + "00".repeat(31),
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ec" + "ff".repeat(30) + "7f",
  ];
  for (const point of points) {
    await assert.rejects(agree(key, fromHex(point)), { name: "KeyError", fault: "low-order" });
  }
});

Deno.test("public keys that are not reduced are refused", async () => {
  const { private: key, public: own } = await generateAgreement("sealed");
  own[31]! |= 128;
  const points = [
    "ed" + "ff".repeat(30) + "7f",
    "ff".repeat(31) + "7f",
    "ff".repeat(32),
    toHex(own),
  ];
  for (const point of points) {
    await assert.rejects(agree(key, fromHex(point)), { name: "KeyError", fault: "non-canonical" });
  }
});

Deno.test("keys of other lengths are refused", async () => {
  const { private: key } = await generateAgreement("sealed");
  for (const length of [0, 31, 33]) {
    await assert.rejects(agree(key, new Uint8Array(length)), KeyError);
    await assert.rejects(importAgreement(new Uint8Array(length), "sealed"), KeyError);
  }
});

Deno.test("a portable agreement key travels as its seed, a sealed one never leaves", async () => {
  const portable = await generateAgreement("portable");
  const seed = await exportPrivate(portable.private);
  const again = await importAgreement(seed, "sealed");
  assert.deepEqual(again.public, portable.public);
  assert.equal(again.private.extractable, false);
  await assert.rejects(exportPrivate(again.private), { fault: "not-extractable" });
  for (const format of ["pkcs8", "jwk"] as const) {
    await assert.rejects(crypto.subtle.exportKey(format as "pkcs8", again.private));
  }
});
