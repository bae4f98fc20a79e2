import assert from "node:assert/strict";
import fc from "fast-check";
import { type Content, contextOf, decodeContent, encodeContent } from "../../client/content.ts";
import { FormatError } from "../../protocol/errors.ts";
import { randomId } from "../../protocol/ids.ts";
import { pad } from "../../crypto/padding.ts";

const head = { version: 3, hash: new Uint8Array(32).fill(7) };

function content(body: Content["body"]): Content {
  return { id: randomId(), to: randomId(), time: 1_767_268_800_000, own: head, peer: head, body };
}

const bodies: Content["body"][] = [
  { kind: "text", text: "snow ❄" },
  { kind: "receipt", state: "delivered", ids: [randomId(), randomId()] },
  { kind: "receipt", state: "read", ids: [randomId()] },
  { kind: "healing", lost: 3 },
];

Deno.test("every kind of content comes back as it was, in its own context only", () => {
  for (const body of bodies) {
    const whole = content(body);
    const encoded = encodeContent(whole);
    const context = contextOf(body.kind);
    assert.deepEqual(decodeContent(encoded, context), whole);
    for (const other of ["pairwise", "control", "room"] as const) {
      if (other !== context) assert.throws(() => decodeContent(encoded, other), FormatError);
    }
  }
});

Deno.test("a text of 4,000 bytes fits, one of 4,001 does not, counted in UTF-8", () => {
  assert.doesNotThrow(() => encodeContent(content({ kind: "text", text: "ä".repeat(2_000) })));
  assert.throws(
    () => encodeContent(content({ kind: "text", text: "ä".repeat(2_000) + "a" })),
    FormatError,
  );
});

Deno.test("a full receipt still fits the largest bucket", () => {
  const ids = Array.from({ length: 200 }, () => randomId<"message">());
  const encoded = encodeContent(content({ kind: "receipt", state: "read", ids }));
  assert.equal(pad(encoded).length, 4_096);
  assert.throws(() => encodeContent(content({ kind: "receipt", state: "read", ids: [] })));
});

Deno.test("whatever bytes a peer sends, decoding gives a content or a FormatError", () => {
  const encoded = encodeContent(content(bodies[1]!));
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
    assert.throws(() => decodeContent(bytes, "pairwise"), FormatError);
  }));
  fc.assert(
    fc.property(fc.nat(encoded.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const damaged = new Uint8Array(encoded);
      damaged[at]! ^= flip;
      try {
        decodeContent(damaged, "control");
      } catch (error) {
        assert.ok(error instanceof FormatError);
      }
    }),
  );
});
