import assert from "node:assert/strict";
import { equalConstantTime } from "../../crypto/compare.ts";
import { hkdf, hmac, pbkdf2 } from "../../crypto/kdf.ts";
import { toHex } from "../../protocol/encoding.ts";
import { hex, rfc, wycheproof } from "./load.ts";

wycheproof("hkdf-sha-256 derives what Wycheproof says", "hkdf_sha256_test.json", async (vector) => {
  const size = Number(vector["size"]);
  const derived = hkdf(hex(vector["ikm"]), hex(vector["salt"]), hex(vector["info"]), size);
  if (vector.result === "invalid") return await assert.rejects(derived, RangeError);
  assert.equal(toHex(await derived), vector["okm"]);
});

wycheproof("hmac-sha-256 tells right tags from wrong", "hmac_sha256_test.json", async (vector) => {
  const tag = hex(vector["tag"]);
  const computed = (await hmac(hex(vector["key"]), hex(vector["msg"]))).slice(0, tag.length);
  assert.equal(equalConstantTime(computed, tag), vector.result === "valid");
});

wycheproof("pbkdf2 derives what Wycheproof says", "pbkdf2_hmacsha256_test.json", async (vector) => {
  const [rounds, length] = [Number(vector["iterationCount"]), Number(vector["dkLen"])];
  const derived = await pbkdf2(hex(vector["password"]), hex(vector["salt"]), rounds, length);
  assert.equal(toHex(derived), vector["dk"]);
});

rfc("hkdf-sha-256 gives the values of RFC 5869", "hkdf_rfc5869.json", async (vector) => {
  if (vector["hash"] !== "HKDF(HMAC(SHA-256))") return;
  const wanted = hex(vector["output"]);
  const [ikm, salt, info] = [hex(vector["secret"]), hex(vector["salt"]), hex(vector["label"])];
  assert.deepEqual(await hkdf(ikm, salt, info, wanted.length), wanted);
});
