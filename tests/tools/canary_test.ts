import assert from "node:assert/strict";
import { concat, toBase64Url, toHex, utf8 } from "../../protocol/encoding.ts";
import { findCanaries } from "../helpers/canary.ts";

const key = Uint8Array.from({ length: 32 }, (_, i) => 250 - 7 * i & 255);
const noise = (length: number) => Uint8Array.from({ length }, (_, i) => i * 31 + 5 & 255);

Deno.test("a secret is found as it is, in hex, and in base64 at every shift", () => {
  const hidden = [
    concat(noise(10), key, noise(5)),
    utf8(`x${toHex(key)}y`),
    ...[0, 1, 2].map((shift) => utf8(toBase64Url(concat(noise(shift), key, noise(4))))),
    key.slice().reverse(),
  ];
  for (const [i, bytes] of hidden.entries()) {
    const places = [{ name: "place", bytes }];
    assert.ok(findCanaries(places, [{ name: "key", secret: key }]).length > 0, `form ${i}`);
  }
});

Deno.test("a text is found in UTF-16, in a form and in JSON; nothing is found where nothing is", () => {
  const secret = 'two words "quoted"';
  const forms = [
    utf8([...secret].join("\0")),
    utf8(`m=${encodeURIComponent(secret).replaceAll("%20", "+")}`),
    utf8(JSON.stringify({ secret })),
  ];
  for (const bytes of forms) {
    assert.ok(findCanaries([{ name: "place", bytes }], [{ name: "text", secret }]).length > 0);
  }
  const clean = [{ name: "place", bytes: noise(5_000) }];
  assert.deepEqual(
    findCanaries(clean, [{ name: "text", secret }, { name: "key", secret: key }]),
    [],
  );
});
