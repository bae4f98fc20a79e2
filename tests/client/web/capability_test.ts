import assert from "node:assert/strict";
import { missing, type Platform } from "../../../client/web/capability.ts";

const whole: Platform = {
  isSecureContext: true,
  crypto,
  indexedDB: {},
  BroadcastChannel: {},
  navigator: { locks: {} },
};

Deno.test("a browser that has everything lacks nothing", async () => {
  assert.deepEqual(await missing(whole), []);
});

Deno.test("an older browser is told exactly what it lacks", async () => {
  const subtle: Pick<SubtleCrypto, "generateKey"> = {
    generateKey: () => Promise.reject<never>(new DOMException("unknown", "NotSupportedError")),
  };
  const list = await missing({ ...whole, crypto: { subtle }, navigator: {} });
  assert.equal(list.length, 3);
  assert.match(list.join(), /X25519.*Ed25519.*Web Locks/);
});

Deno.test("an address without https is named as the one cause", async () => {
  const list = await missing({ isSecureContext: false, navigator: {} });
  assert.equal(list.length, 1);
  assert.match(list[0]!, /https/);
});
