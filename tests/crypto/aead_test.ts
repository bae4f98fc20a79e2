import fc from "fast-check";
import assert from "node:assert/strict";
import { open, seal } from "../../crypto/aead.ts";
import { DecryptError } from "../../crypto/errors.ts";
import { randomBytes } from "../../crypto/random.ts";
import { fromHex, toHex, utf8 } from "../../protocol/encoding.ts";

Deno.test("aes-256-gcm gives the value of the GCM specification's test case 16", async () => {
  const key = fromHex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
  const iv = fromHex("cafebabefacedbaddecaf888");
  const ad = fromHex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  const plaintext = fromHex(
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72" +
      "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
  );
  const sealed = await seal(key, iv, plaintext, ad);
  assert.equal(
    toHex(sealed),
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa" +
      "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662" +
      "76fc6ece0f4e1768cddf8853bb2d551b",
  );
});

Deno.test("what was sealed opens, and nothing with one bit flipped does", async () => {
  const content = { maxLength: 300 };
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array(content),
      fc.uint8Array(content),
      fc.nat(),
      async (text, extra, at) => {
        const [key, iv, plaintext, ad] = [
          randomBytes(32),
          randomBytes(12),
          text.slice(),
          extra.slice(),
        ];
        const sealed = await seal(key, iv, plaintext as typeof key, ad as typeof key);
        assert.deepEqual([...await open(key, iv, sealed, ad as typeof key)], [...plaintext]);
        for (const part of [key, iv, sealed, ad as typeof key]) {
          if (part.length === 0) continue;
          flip(part, at);
          await assert.rejects(open(key, iv, sealed, ad as typeof key), DecryptError);
          flip(part, at);
        }
      },
    ),
    { numRuns: 50 },
  );
});

Deno.test("every single-bit flip and every prefix of one sealed message is refused", async () => {
  const [key, iv, ad] = [randomBytes(32), randomBytes(12), utf8("ad")];
  const sealed = await seal(key, iv, utf8("short"), ad);
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    flip(sealed, bit);
    await assert.rejects(open(key, iv, sealed, ad), DecryptError);
    flip(sealed, bit);
  }
  for (let length = 0; length < sealed.length; length++) {
    await assert.rejects(open(key, iv, sealed.slice(0, length), ad), DecryptError);
  }
});

Deno.test("keys and IVs of other sizes are refused", async () => {
  const [key, iv, none] = [new Uint8Array(32), new Uint8Array(12), new Uint8Array()];
  for (const size of [0, 16, 24, 31, 33]) {
    await assert.rejects(seal(new Uint8Array(size), iv, none, none), RangeError);
    await assert.rejects(open(new Uint8Array(size), iv, none, none), RangeError);
  }
  for (const size of [0, 8, 11, 13, 16]) {
    await assert.rejects(seal(key, new Uint8Array(size), none, none), RangeError);
    await assert.rejects(open(key, new Uint8Array(size), none, none), RangeError);
  }
});

Deno.test("a decryption error has one text and no cause", async () => {
  const error = await open(randomBytes(32), randomBytes(12), randomBytes(40), new Uint8Array())
    .catch((thrown) => thrown);
  assert.ok(error instanceof DecryptError);
  assert.equal(error.message, new DecryptError().message);
  assert.equal(error.cause, undefined);
});

function flip(bytes: Uint8Array, bit: number): void {
  const at = bit % (bytes.length * 8);
  bytes[at >> 3]! ^= 1 << (at & 7);
}
