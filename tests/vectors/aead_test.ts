import assert from "node:assert/strict";
import { open, seal } from "../../crypto/aead.ts";
import { DecryptError } from "../../crypto/errors.ts";
import { toHex } from "../../protocol/encoding.ts";
import { hex, wycheproof } from "./load.ts";

wycheproof(
  "aes-256-gcm opens and seals as Wycheproof says",
  "aes_gcm_test.json",
  async (vector) => {
    const [key, iv, ad] = [hex(vector["key"]), hex(vector["iv"]), hex(vector["aad"])];
    const [plaintext, sealed] = [hex(vector["msg"]), hex(`${vector["ct"]}${vector["tag"]}`)];
    if (vector["keySize"] !== 256 || vector["ivSize"] !== 96) {
      await assert.rejects(seal(key, iv, plaintext, ad), RangeError);
      return await assert.rejects(open(key, iv, sealed, ad), RangeError);
    }
    if (vector.result === "invalid") {
      return await assert.rejects(open(key, iv, sealed, ad), DecryptError);
    }
    assert.equal(toHex(await seal(key, iv, plaintext, ad)), toHex(sealed));
    assert.equal(toHex(await open(key, iv, sealed, ad)), vector["msg"]);
  },
);
