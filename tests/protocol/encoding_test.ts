import fc from "fast-check";
import assert from "node:assert/strict";
import {
  concat,
  equalBytes,
  fromBase64Url,
  fromHex,
  fromUtf8,
  toBase64Url,
  toHex,
  utf8,
} from "../../protocol/encoding.ts";

const bytes = fc.uint8Array({ maxLength: 100 });

Deno.test("base64url gives the values of RFC 4648 section 10", () => {
  const values = {
    f: "Zg",
    fo: "Zm8",
    foo: "Zm9v",
    foob: "Zm9vYg",
    fooba: "Zm9vYmE",
    foobar: "Zm9vYmFy",
  };
  for (const [text, encoded] of Object.entries(values)) {
    assert.equal(toBase64Url(utf8(text)), encoded);
    assert.equal(fromUtf8(fromBase64Url(encoded)), text);
  }
  assert.equal(toBase64Url(Uint8Array.of(0xfb, 0xff, 0xbf)), "-_-_");
});

Deno.test("base64url and hexadecimal come back as they went", () => {
  fc.assert(fc.property(bytes, (original) => {
    assert.deepEqual([...fromBase64Url(toBase64Url(original))], [...original]);
    assert.deepEqual([...fromHex(toHex(original))], [...original]);
  }));
});

Deno.test("two base64url texts never mean the same bytes", () => {
  for (const text of ["Zh", "Zm9", "Zg==", "Zm9v ", "Zm+v", "Zm/v", "Z", "Zm9vY", "Zmé", "Zg\n"]) {
    assert.throws(() => fromBase64Url(text), RangeError, text);
  }
  fc.assert(fc.property(fc.string({ maxLength: 12 }), (text) => {
    let decoded;
    try {
      decoded = fromBase64Url(text);
    } catch {
      return;
    }
    assert.equal(toBase64Url(decoded), text);
  }));
});

Deno.test("hexadecimal is lower case and whole", () => {
  for (const text of ["0", "0G", "AB", "0x", " 0"]) assert.throws(() => fromHex(text), RangeError);
});

Deno.test("utf-8 that is not utf-8 is refused and a byte order mark is kept", () => {
  assert.throws(() => fromUtf8(Uint8Array.of(0xc3, 0x28)), TypeError);
  assert.equal(fromUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61)), "\ufeffa");
});

Deno.test("concat copies its parts and equalBytes compares all of them", () => {
  const part = Uint8Array.of(1, 2);
  const whole = concat(part, new Uint8Array(), Uint8Array.of(3));
  part[0] = 9;
  assert.ok(equalBytes(whole, Uint8Array.of(1, 2, 3)));
  assert.ok(!equalBytes(whole, Uint8Array.of(1, 2, 4)));
  assert.ok(!equalBytes(whole, Uint8Array.of(1, 2)));
});
