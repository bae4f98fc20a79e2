import assert from "node:assert/strict";
import { KeyError } from "../../crypto/errors.ts";
import {
  exportPrivate,
  generateSigning,
  importSigning,
  sign,
  verifySignature,
} from "../../crypto/signature.ts";
import { fromHex, toHex, utf8 } from "../../protocol/encoding.ts";

const SEED = fromHex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");

Deno.test("ed25519 gives the key and signature of RFC 8032 section 7.1 test 1", async () => {
  const pair = await importSigning(SEED, "sealed");
  assert.equal(
    toHex(pair.public),
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
  );
  const signature = await crypto.subtle.sign("Ed25519", pair.private, new Uint8Array());
  assert.equal(
    toHex(new Uint8Array(signature)),
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555" +
      "fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  );
});

Deno.test("a signature verifies under its key, label and structure only", async () => {
  const [pair, other] = [await generateSigning("sealed"), await generateSigning("sealed")];
  const structure = utf8("structure");
  const signature = await sign(pair, "set", structure);
  assert.equal(signature.length, 64);
  assert.equal(await verifySignature(pair.public, "set", structure, signature), true);
  assert.equal(await verifySignature(other.public, "set", structure, signature), false);
  assert.equal(await verifySignature(pair.public, "revoke", structure, signature), false);
  assert.equal(await verifySignature(pair.public, "set", utf8("structurf"), signature), false);
});

Deno.test("protocol confusion: a structure that begins like a label stays a structure", async () => {
  const pair = await generateSigning("sealed");
  const signature = await sign(pair, "set", utf8("revoke\0x"));
  assert.equal(await verifySignature(pair.public, "revoke", utf8("x"), signature), false);
});

Deno.test("the double-key oracle: a false public half changes nothing in a signature", async () => {
  const [pair, other] = [await importSigning(SEED, "sealed"), await generateSigning("sealed")];
  const honest = await sign(pair, "set", utf8("x"));
  const tricked = await sign({ public: other.public, private: pair.private }, "set", utf8("x"));
  assert.deepEqual(tricked, honest);
});

Deno.test("a portable signing key travels as its seed, a sealed one never leaves", async () => {
  const portable = await importSigning(SEED, "portable");
  assert.deepEqual(await exportPrivate(portable.private), SEED);
  const fresh = await generateSigning("portable");
  const again = await importSigning(await exportPrivate(fresh.private), "sealed");
  assert.deepEqual(again.public, fresh.public);
  await assert.rejects(exportPrivate(again.private), { fault: "not-extractable" });
  await assert.rejects(importSigning(new Uint8Array(31), "sealed"), KeyError);
});
