import assert from "node:assert/strict";
import { importSigning } from "../../crypto/signature.ts";
import { toHex } from "../../protocol/encoding.ts";
import { verifyEd25519 } from "../../protocol/ed25519_strict.ts";
import { hex, rfc, wycheproof } from "./load.ts";

wycheproof("ed25519 judges every Wycheproof signature", "ed25519_test.json", async (vector) => {
  const publicKey = hex((vector["publicKey"] as { pk: string }).pk);
  const verified = await verifyEd25519(publicKey, hex(vector["msg"]), hex(vector["sig"]));
  assert.equal(verified, vector.result === "valid");
});

rfc("ed25519 signs and verifies sign.input", "ed25519_sign_input.json", async (vector) => {
  const pair = await importSigning(hex(vector["privkey"]).slice(0, 32), "sealed");
  assert.equal(toHex(pair.public), vector["pubkey"]);
  const message = hex(vector["msg"]);
  const signature = new Uint8Array(await crypto.subtle.sign("Ed25519", pair.private, message));
  assert.equal(toHex(signature), vector["signature"]);
  assert.equal(await verifyEd25519(pair.public, message, signature), true);
});
