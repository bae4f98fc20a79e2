import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import assert from "node:assert/strict";
import { KeyError } from "../../crypto/errors.ts";
import { kemOver } from "../../crypto/kem.ts";
import { type KemPath, platformHasKem, platformPath } from "../../crypto/kem_path.ts";
import { scriptPath } from "../../crypto/kem_script.ts";
import { toHex } from "../../protocol/encoding.ts";
import { type Case, hex, wycheproof } from "./load.ts";

const PATHS: [string, KemPath][] = [["in JavaScript", scriptPath]];
if (await platformHasKem()) PATHS.push(["of the platform", platformPath]);
else console.log("skipped: ML-KEM of the platform (this runtime has none)");

for (const [where, path] of PATHS) {
  const kem = kemOver(path);

  wycheproof(
    `ml-kem-768 ${where} makes keys`,
    "mlkem_768_keygen_seed_test.json",
    async (vector) => {
      const pair = await kem.importKem(hex(vector["seed"]), "portable");
      assert.equal(toHex(pair.public), vector["ek"]);
    },
  );

  wycheproof(`ml-kem-768 ${where} opens`, "mlkem_768_test.json", async (vector) => {
    const [seed, ciphertext] = [hex(vector["seed"]), hex(vector["c"])];
    for (const mode of ["portable", "sealed"] as const) {
      const opened = kem.importKem(seed, mode).then((p) => kem.decapsulate(p.private, ciphertext));
      if (vector.result === "invalid") await assert.rejects(opened, KeyError);
      else assert.equal(toHex(await opened), vector["K"]);
    }
  });

  wycheproof(
    `ml-kem-768 ${where} refuses unreduced encapsulation keys`,
    "mlkem_768_encaps_test.json",
    async (vector) => {
      const sealed = kem.encapsulate(hex(vector["ek"]));
      if (vector.result === "invalid") return await assert.rejects(sealed, KeyError);
      assert.equal((await sealed).ciphertext.length, 1_088);
    },
  );

  wycheproof(
    `ml-kem-768 ${where} takes seeds, never expanded keys`,
    "mlkem_768_semi_expanded_decaps_test.json",
    async (vector) => {
      await assert.rejects(kem.importKem(hex(vector["dk"]), "portable"), KeyError);
      await assert.rejects(kem.decapsulate(hex(vector["dk"]), hex(vector["c"])), KeyError);
    },
  );
}

wycheproof(
  "the ml-kem-768 library encapsulates to the published ciphertexts",
  "mlkem_768_encaps_test.json",
  (vector: Case) => {
    if (vector.result === "invalid") return Promise.resolve();
    const { cipherText, sharedSecret } = ml_kem768.encapsulate(hex(vector["ek"]), hex(vector["m"]));
    assert.equal(toHex(cipherText), vector["c"]);
    assert.equal(toHex(sharedSecret), vector["K"]);
    return Promise.resolve();
  },
);
