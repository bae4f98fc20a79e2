import { shake256 } from "@noble/hashes/sha3.js";
import assert from "node:assert/strict";
import { KeyError } from "../../crypto/errors.ts";
import * as chosen from "../../crypto/kem.ts";
import { type KemPath, platformHasKem, platformPath } from "../../crypto/kem_path.ts";
import { scriptPath } from "../../crypto/kem_script.ts";
import { sha256 } from "../../crypto/kdf.ts";
import { randomBytes } from "../../crypto/random.ts";
import { concat, fromHex, toHex } from "../../protocol/encoding.ts";

const KEMS: Record<string, chosen.Kem> = { chosen, "in JavaScript": chosen.kemOver(scriptPath) };
const hasPlatform = await platformHasKem();
if (hasPlatform) KEMS["of the platform"] = chosen.kemOver(platformPath);
else console.log("skipped: ML-KEM of the platform (this runtime has none)");

// Seed d || z of NIST's intermediate values; the hash stands for 1,184 bytes of published encapsulation key.
const SEED = fromHex(
  "7c9935a0b07694aa0c6d10e4db6b1add2fd81a25ccb148032dcd739936737f2d" +
    "8626ed79d451140800e03b59b956f8210e556067407d13dc90fa9e8b872bfb8f",
);
const PUBLIC_HASH = "86adbca81f4fee893e2fb58fb98aa2fe188f501fed268d7f4056f8c05c4e53c4";

for (const [where, kem] of Object.entries(KEMS)) {
  Deno.test(`ml-kem-768 (${where}) makes the published key of a seed`, async () => {
    const pair = await kem.importKem(SEED, "portable");
    assert.equal(pair.public.length, 1_184);
    assert.equal(toHex(await sha256(pair.public)), PUBLIC_HASH);
    assert.deepEqual(pair.private, SEED);
  });

  Deno.test(`ml-kem-768 (${where}) brings both sides to one secret, in both modes`, async () => {
    for (const mode of ["sealed", "portable"] as const) {
      const pair = await kem.generateKem(mode);
      const { ciphertext, secret } = await kem.encapsulate(pair.public);
      assert.deepEqual([ciphertext.length, secret.length], [1_088, 32]);
      assert.deepEqual(await kem.decapsulate(pair.private, ciphertext), secret);
    }
  });

  Deno.test(`ml-kem-768 (${where}) never tells a false ciphertext from a true one`, async () => {
    const pair = await kem.importKem(SEED, "sealed");
    const { ciphertext, secret } = await kem.encapsulate(pair.public);
    for (const altered of [flipped(ciphertext), new Uint8Array(1_088), randomBytes(1_088)]) {
      const rejected = await kem.decapsulate(pair.private, altered);
      // Implicit rejection: J(z || c), FIPS 203 algorithm 18 line 7.
      const expected = shake256(concat(SEED.slice(32), altered), { dkLen: 32 });
      assert.equal(toHex(rejected), toHex(expected));
      assert.notDeepEqual(rejected, secret);
    }
  });

  Deno.test(`ml-kem-768 (${where}) refuses an encapsulation key with a coefficient of 3,329`, async () => {
    const { public: key } = await kem.importKem(SEED, "portable");
    for (const at of [0, 3, 1_149]) {
      const [low, high] = [key.slice(), key.slice()];
      low[at] = 0x01;
      low[at + 1] = low[at + 1]! & 0xf0 | 0x0d;
      high[at + 1] = high[at + 1]! & 0x0f | 0x10;
      high[at + 2] = 0xd0;
      await assert.rejects(kem.encapsulate(low), { name: "KeyError", fault: "modulus" });
      await assert.rejects(kem.encapsulate(high), { name: "KeyError", fault: "modulus" });
      low[at] = 0x00;
      await kem.encapsulate(low);
    }
  });

  Deno.test(`ml-kem-768 (${where}) refuses every other length`, async () => {
    const pair = await kem.generateKem("sealed");
    for (const length of [0, 32, 63, 65, 1_087, 1_089, 1_183, 1_185, 2_400]) {
      const bytes = new Uint8Array(length);
      await assert.rejects(kem.importKem(bytes, "sealed"), KeyError);
      await assert.rejects(kem.encapsulate(bytes), KeyError);
      await assert.rejects(kem.decapsulate(pair.private, bytes), KeyError);
      await assert.rejects(kem.decapsulate(bytes, new Uint8Array(1_088)), KeyError);
    }
  });

  Deno.test(`ml-kem-768 (${where}) keeps its own copy of a seed`, async () => {
    const seed = SEED.slice();
    const pair = await kem.importKem(seed, "portable");
    seed.fill(0);
    assert.deepEqual(pair.private, SEED);
  });
}

Deno.test(
  "a key made in JavaScript opens on the platform, and back",
  { ignore: !hasPlatform },
  async () => {
    const paths: [KemPath, KemPath][] = [[scriptPath, platformPath], [platformPath, scriptPath]];
    for (const [ours, theirs] of paths) {
      const pair = await chosen.kemOver(ours).generateKem("portable");
      const { ciphertext, secret } = await chosen.kemOver(theirs).encapsulate(pair.public);
      for (const path of [ours, theirs]) {
        assert.deepEqual(await chosen.kemOver(path).decapsulate(pair.private, ciphertext), secret);
      }
    }
  },
);

Deno.test("a sealed platform key cannot be exported", { ignore: !hasPlatform }, async () => {
  const { private: key } = await chosen.kemOver(platformPath).generateKem("sealed");
  assert.ok(key instanceof CryptoKey);
  assert.equal(key.extractable, false);
  for (const format of ["raw-seed", "pkcs8", "jwk"]) {
    await assert.rejects(crypto.subtle.exportKey(format as "pkcs8", key));
  }
});

function flipped(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes);
  copy[700]! ^= 4;
  return copy;
}
