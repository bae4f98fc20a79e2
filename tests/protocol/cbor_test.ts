/** Our CBOR against cborg, an implementation that shares no line with it. Seeds are fixed: a failure repeats. */
import assert from "node:assert/strict";
import * as cborg from "cborg";
import fc from "fast-check";
import { type CborValue, decodeCbor, encodeCbor } from "../../protocol/cbor.ts";
import { concat, fromHex, toHex } from "../../protocol/encoding.ts";
import { FormatError } from "../../protocol/errors.ts";
import { MAX_CBOR_DEPTH, MAX_CBOR_ITEMS } from "../../protocol/limits.ts";
import { anyBytes } from "../helpers/mutations.ts";

const RUNS = Deno.env.get("SNUG_SLOW") ? 100_000 : 3_000;
const STRICT: cborg.DecodeOptions = {
  strict: true,
  useMaps: true,
  rejectDuplicateMapKeys: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowInfinity: false,
  allowNaN: false,
  allowBigInt: false,
};

const anyText = fc.string({ unit: "binary", maxLength: 40 }).filter((one) => one.isWellFormed());
const anyKey = fc.string({ unit: "binary-ascii", maxLength: 40 });
const { value: anyValue } = fc.letrec<{ value: CborValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", maxDepth: MAX_CBOR_DEPTH - 1 },
    fc.maxSafeNat(),
    fc.constantFrom(0, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1),
    anyText,
    anyBytes({ maxLength: 300 }),
    fc.constantFrom(true, false, null),
    fc.array(tie("value"), { maxLength: 30 }),
    fc.array(fc.tuple(anyKey, tie("value")), { maxLength: 30 }).map((each) => new Map(each)),
  ),
}));

/** What cborg reads, if it is a value that we have; undefined for everything else. */
function theirs(input: Uint8Array): unknown {
  try {
    const value: unknown = cborg.decode(input, STRICT);
    // Floats, negative numbers, tags and keys that are no ASCII text are not ours: they throw, or the bytes differ.
    return toHex(encodeCbor(value as CborValue)) === toHex(input) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** What we read, in the deterministic encoding; undefined for everything else. */
function ours(input: Uint8Array): unknown {
  try {
    const value = decodeCbor(input);
    return toHex(encodeCbor(value)) === toHex(input) ? value : undefined;
  } catch (error) {
    assert.ok(error instanceof FormatError, String(error));
    return undefined;
  }
}

Deno.test("another implementation writes every value with the same bytes, and reads them back", () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      const input = encodeCbor(value);
      assert.equal(toHex(input), toHex(cborg.encode(value)));
      assert.deepEqual(decodeCbor(input), value);
      assert.deepEqual(cborg.decode(input, STRICT), value);
    }),
    { seed: 1, numRuns: RUNS },
  );
});

Deno.test("attack: hostile bytes mean the same to another strict implementation, or nothing to both", () => {
  fc.assert(
    fc.property(anyBytes({ maxLength: 24 }), (input) => {
      assert.deepEqual(ours(input), theirs(input));
    }),
    { seed: 2, numRuns: 10 * RUNS },
  );
  fc.assert(
    fc.property(anyValue, fc.nat(), fc.nat(255), (value, where, byte) => {
      const bent = encodeCbor(value);
      bent[where % bent.length] = byte;
      if (bent.length < 2_000) assert.deepEqual(ours(bent), theirs(bent));
    }),
    { seed: 3, numRuns: 2 * RUNS },
  );
});

Deno.test("attack: every head of one byte with every length means what another implementation says", () => {
  for (let first = 0; first < 256; first++) {
    for (const rest of ["", "00", "17", "18", "1818", "ff", "0100", "00010000", "ffffffff"]) {
      for (const more of ["", "00000000", "0020000000000000", "6161"]) {
        const input = concat(Uint8Array.of(first), fromHex(rest), fromHex(more));
        assert.deepEqual(ours(input), theirs(input), toHex(input));
      }
    }
  }
});

Deno.test("attack: depth and number of items are bounded before anything is built", () => {
  const nested = (depth: number) => fromHex("81".repeat(depth) + "00");
  assert.ok(decodeCbor(nested(MAX_CBOR_DEPTH)));
  assert.throws(() => decodeCbor(nested(MAX_CBOR_DEPTH + 1)), /nested too deep/);
  assert.throws(() => decodeCbor(nested(1_000_000)), /nested too deep/);
  const many = (items: number) => concat(fromHex("9a00010000"), new Uint8Array(items));
  assert.throws(() => decodeCbor(many(MAX_CBOR_ITEMS)), /too many items/);
  assert.throws(() => decodeCbor(fromHex("9affffffff00")), /ends too early/);
  assert.throws(() => decodeCbor(fromHex("5affffffff00")), /ends too early/);
  assert.throws(() => decodeCbor(fromHex("bb001fffffffffffff00")), FormatError);
});

Deno.test("attack: keys such as __proto__ are only strings", () => {
  const value = decodeCbor(encodeCbor(new Map([["__proto__", 1], ["constructor", 2]])));
  assert.ok(value instanceof Map);
  assert.equal(value.get("__proto__"), 1);
  assert.equal(Object.getPrototypeOf({}), Object.prototype);
});
