import assert from "node:assert/strict";
import { seal } from "../../../crypto/aead.ts";
import { DecryptError } from "../../../crypto/errors.ts";
import { hkdf } from "../../../crypto/kdf.ts";
import { pad } from "../../../crypto/padding.ts";
import { randomBytes } from "../../../crypto/random.ts";
import { openBody, sealBody } from "../../../crypto/ratchet/message_key.ts";
import { concat, utf8 } from "../../../protocol/encoding.ts";

const KEY = randomBytes(32);
const SALT = randomBytes(16);
const BINDING = { transcript: randomBytes(32), header: randomBytes(68), opening: randomBytes(9) };
const CONTENT = utf8("the same in every context");

Deno.test("a body opens to its content and says for which context it was sealed", async () => {
  for (const context of ["pairwise", "control", "room"] as const) {
    const sealed = await sealBody(KEY, SALT, BINDING, { content: CONTENT, context });
    assert.equal(sealed.length, 256 + 16);
    assert.deepEqual(await openBody(KEY, SALT, BINDING, sealed), { content: CONTENT, context });
  }
});

Deno.test("contexts differ in key, not only in associated data", async () => {
  const sealed = await Promise.all((["pairwise", "control", "room"] as const).map((context) => {
    return sealBody(KEY, SALT, BINDING, { content: CONTENT, context });
  }));
  // One key and IV would give one ciphertext with three tags.
  const ciphertexts = sealed.map((body) => String(body.subarray(0, 256)));
  assert.equal(new Set(ciphertexts).size, 3);
});

Deno.test("a body opens only under its key, salt, transcript, header and opening", async () => {
  const sealed = await sealBody(KEY, SALT, BINDING, { content: CONTENT, context: "pairwise" });
  const refused = (opened: Promise<unknown>) => assert.rejects(opened, DecryptError);
  await refused(openBody(randomBytes(32), SALT, BINDING, sealed));
  await refused(openBody(KEY, randomBytes(16), BINDING, sealed));
  await refused(openBody(KEY, SALT, { ...BINDING, transcript: randomBytes(32) }, sealed));
  await refused(openBody(KEY, SALT, { ...BINDING, header: randomBytes(68) }, sealed));
  await refused(openBody(KEY, SALT, { ...BINDING, opening: new Uint8Array() }, sealed));
  await refused(openBody(KEY, SALT, BINDING, sealed.subarray(0, 271) as typeof sealed));
});

Deno.test("attack: every context replayed in every other one is refused, by key and by associated data", async () => {
  const contexts = ["pairwise", "control", "room"] as const;
  const { transcript, header, opening } = BINDING;
  for (const [code, claimed] of contexts.entries()) {
    for (const context of contexts) {
      const okm = await hkdf(KEY, SALT, utf8(`snug/1 message ${context}`), 44);
      const ad = concat(Uint8Array.of(code + 1), transcript, header, opening);
      const body = await seal(okm.slice(0, 32), okm.slice(32), pad(CONTENT), ad);
      const opened = openBody(KEY, SALT, BINDING, body);
      if (claimed === context) assert.deepEqual(await opened, { content: CONTENT, context });
      else await assert.rejects(opened, DecryptError);
    }
  }
});

Deno.test("attack: padding that is not the one form of its content is refused though the tag verifies", async () => {
  const okm = await hkdf(KEY, SALT, utf8("snug/1 message pairwise"), 44);
  const ad = concat(Uint8Array.of(1), BINDING.transcript, BINDING.header, BINDING.opening);
  for (const padded of [new Uint8Array(256), new Uint8Array(300).fill(0x80)]) {
    const body = await seal(okm.slice(0, 32), okm.slice(32), padded, ad);
    await assert.rejects(openBody(KEY, SALT, BINDING, body), DecryptError);
  }
});

Deno.test("one message key with two salts gives two keys: a rolled-back store repeats neither", async () => {
  const plain = { content: CONTENT, context: "pairwise" } as const;
  const one = await sealBody(KEY, SALT, BINDING, plain);
  const two = await sealBody(KEY, randomBytes(16), BINDING, plain);
  assert.notDeepEqual(one.subarray(0, 256), two.subarray(0, 256));
});

Deno.test("contents of 0 to 255 bytes cannot be told apart by length", async () => {
  for (const length of [0, 1, 255]) {
    const plain = { content: new Uint8Array(length), context: "pairwise" } as const;
    assert.equal((await sealBody(KEY, SALT, BINDING, plain)).length, 272);
  }
  const longer = { content: new Uint8Array(256), context: "pairwise" } as const;
  assert.equal((await sealBody(KEY, SALT, BINDING, longer)).length, 528);
});
