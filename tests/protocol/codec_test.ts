import assert from "node:assert/strict";
import fc from "fast-check";
import {
  bool,
  bytes,
  choice,
  decode,
  encode,
  id,
  type Infer,
  list,
  nullable,
  record,
  type Schema,
  tagged,
  text,
  uint,
} from "../../protocol/codec.ts";
import { concat, fromHex, toHex, utf8 } from "../../protocol/encoding.ts";
import { FormatError } from "../../protocol/errors.ts";
import { idFrom } from "../../protocol/ids.ts";
import { anyBytes, bitFlips, prefixes } from "../helpers/mutations.ts";

const pet = tagged("kind", {
  cat: record({ name: text({ max: 20 }), lives: uint(9) }),
  dog: record({ owner: id<"account">(), tricks: list(text({ max: 8 }), { max: 3 }) }),
  fish: record({ tank: nullable(record({ litres: uint(), salt: bool })), scales: bytes(4) }),
});
type Pet = Infer<typeof pet>;

const anyText = (max: number) =>
  fc.string({ unit: "grapheme", maxLength: max }).filter((one) => {
    return utf8(one).length <= max && one.isWellFormed() && !one.startsWith("\ufeff");
  });
const plain = { noNullPrototype: true };
const anyPet: fc.Arbitrary<Pet> = fc.oneof(
  fc.record({ kind: fc.constant("cat" as const), name: anyText(20), lives: fc.nat(9) }, plain),
  fc.record({
    kind: fc.constant("dog" as const),
    owner: anyBytes({ minLength: 16, maxLength: 16 }).map((raw) => idFrom<"account">(raw)),
    tricks: fc.array(anyText(8), { maxLength: 3 }),
  }, plain),
  fc.record({
    kind: fc.constant("fish" as const),
    tank: fc.option(
      fc.record({ litres: fc.nat(2 ** 32 - 1), salt: fc.boolean() }, plain),
    ),
    scales: anyBytes({ minLength: 4, maxLength: 4 }),
  }, plain),
);

const loose: Schema<unknown>[] = [
  uint(Number.MAX_SAFE_INTEGER),
  bytes({ max: 1000 }),
  text({ max: 1000 }),
  bool,
  nullable(uint()),
  list(uint(), { max: 100 }),
  pet as Schema<unknown>,
];

function refused(schema: Schema<unknown>, hex: string, why: string): void {
  assert.throws(() => decode(schema, fromHex(hex)), FormatError, `${why}: ${hex}`);
}

Deno.test("what is encoded decodes to the same value", () => {
  fc.assert(fc.property(anyPet, (one) => {
    assert.deepEqual(decode(pet, encode(pet, one)), one);
  }));
});

Deno.test("equal values have equal encodings, whatever order their fields were written in", () => {
  const litres = record({ b: uint(), aa: uint(), a: uint() });
  assert.equal(toHex(encode(litres, { aa: 2, b: 3, a: 1 })), "a3616101616203626161" + "02");
  assert.deepEqual(encode(litres, { b: 3, a: 1, aa: 2 }), encode(litres, { aa: 2, b: 3, a: 1 }));
});

Deno.test("the examples of RFC 8949 appendix A encode and decode", () => {
  const max = Number.MAX_SAFE_INTEGER;
  const examples: [Schema<unknown>, unknown, string][] = [
    [uint(), 0, "00"],
    [uint(), 23, "17"],
    [uint(), 24, "1818"],
    [uint(), 1000, "1903e8"],
    [uint(), 1000000, "1a000f4240"],
    [uint(max), 1000000000000, "1b000000e8d4a51000"],
    [bool, false, "f4"],
    [bool, true, "f5"],
    [nullable(bool), null, "f6"],
    [bytes(4), fromHex("01020304"), "4401020304"],
    [text({ max: 9 }), "", "60"],
    [text({ max: 9 }), "IETF", "6449455446"],
    [text({ max: 9 }), "\u00fc", "62c3bc"],
    [text({ max: 9 }), "\ud800\udd51", "64f0908591"],
    [list(uint(), { max: 3 }), [1, 2, 3], "83010203"],
    [record({}), {}, "a0"],
  ];
  for (const [schema, value, hex] of examples) {
    assert.equal(toHex(encode(schema, value)), hex);
    assert.deepEqual(decode(schema, fromHex(hex)), value);
  }
});

Deno.test("every single-bit flip of an encoding is refused or means something else", () => {
  fc.assert(
    fc.property(anyPet, (one) => {
      for (const flipped of bitFlips(encode(pet, one))) {
        try {
          assert.notDeepEqual(decode(pet, flipped), one);
        } catch (error) {
          if (!(error instanceof FormatError)) throw error;
        }
      }
    }),
    { numRuns: 30 },
  );
});

Deno.test("every prefix and every longer string of an encoding is refused", () => {
  fc.assert(fc.property(anyPet, anyBytes({ minLength: 1, maxLength: 3 }), (one, tail) => {
    const whole = encode(pet, one);
    for (const part of prefixes(whole)) assert.throws(() => decode(pet, part), FormatError);
    assert.throws(() => decode(pet, concat(whole, tail)), FormatError);
  }));
});

Deno.test("random bytes give FormatError or the value they are the encoding of", () => {
  fc.assert(
    fc.property(fc.constantFrom(...loose), anyBytes({ maxLength: 60 }), (schema, input) => {
      try {
        assert.deepEqual(encode(schema, decode(schema, input)), input);
      } catch (error) {
        assert.ok(error instanceof FormatError, String(error));
      }
    }),
    { seed: 1, numRuns: 5_000 },
  );
});

Deno.test("a second encoding of the same value is refused", () => {
  const pair = record({ a: uint(), b: uint() });
  assert.deepEqual(decode(pair, fromHex("a2616101616202")), { a: 1, b: 2 });
  refused(pair, "a2616202616101", "unsorted keys");
  refused(pair, "b802616101616202", "map head not shortest");
  refused(pair, "bf616101616202ff", "indefinite map");
  refused(pair, "a26161180161620" + "2", "number not shortest");
  refused(pair, "a2616101616202" + "f6", "trailing value");
  refused(pair, "a27801610161620" + "2", "key head not shortest");
  refused(pair, "c1a2616101616202", "tag");
  refused(uint(), "f93c00", "half float 1.0");
  refused(uint(), "fb3ff0000000000000", "double 1.0");
  refused(uint(), "c24101", "bignum 1");
  refused(list(uint(), { max: 9 }), "9f01ff", "indefinite list");
  refused(bytes(2), "5f41014102ff", "indefinite bytes");
  refused(text({ max: 9 }), "7f61616162ff", "indefinite text");
});

Deno.test("unknown, missing and doubled fields are refused", () => {
  const pair = record({ a: uint(), b: uint() });
  refused(pair, "a1616101", "missing");
  refused(pair, "a3616101616202616303", "unknown");
  refused(pair, "a2616101616303", "renamed");
  refused(pair, "a2616101616102", "doubled, one missing");
  refused(pair, "a3616101616102616202", "doubled");
  refused(pair, "a2616101616" + "2f7", "undefined value");
  refused(pair, "a201010202", "numbers for names");
  refused(pair, "82616101", "a list");
  refused(pet, "a1646b696e6463636174", "known kind without its fields");
  refused(pet, "a1646b696e6463636f77", "unknown kind");
});

Deno.test("a map with __proto__, constructor or toString in it changes no prototype", () => {
  const hostile = ["__proto__", "constructor", "toString", "hasOwnProperty"];
  for (const name of hostile) {
    const sent = record({ [name]: record({ admin: bool }) });
    const input = encode(sent, Object.fromEntries([[name, { admin: true }]]));
    assert.throws(() => decode(record({ admin: bool }), input), FormatError);
    assert.throws(() => decode(record({}), input), FormatError);
    assert.equal(({} as Record<string, unknown>)["admin"], undefined);
  }
  assert.throws(() => encode(uint(), {} as never), FormatError);
  assert.throws(() => encode(record({ toString: uint() }), {} as never), FormatError);
});

Deno.test("values out of their range are refused both ways", () => {
  for (const bad of [-1, 10, 0.5, NaN, Infinity, "1", null]) {
    assert.throws(() => encode(uint(9), bad as number), FormatError);
  }
  refused(uint(9), "0a", "too large");
  refused(uint(), "20", "minus one");
  refused(uint(), "1b0000000100000000", "beyond u32");
  refused(uint(2 ** 53 - 1), "1b0020000000000000", "beyond 2^53 - 1");
  refused(uint(2 ** 53 - 1), "1bffffffffffffffff", "u64");
  refused(bytes(2), "43010203", "three bytes for two");
  refused(bytes({ max: 2 }), "43010203", "too long");
  refused(list(uint(), { max: 1 }), "820101", "too many items");
  refused(list(uint(), { min: 1, max: 2 }), "80", "too few items");
  refused(choice("a", "b"), "6163", "another word");
  refused(bool, "00", "number for bool");
  refused(id<"device">(), "4f" + "00".repeat(15), "15 bytes for an id");
  assert.throws(() => encode(id<"device">(), "AAAAAAAAAAAAAAAAAAAAAB" as never), FormatError);
});

Deno.test("text that decoders read differently is refused", () => {
  const words = text({ max: 9 });
  refused(words, "61ff", "not UTF-8");
  refused(words, "63eda080", "a surrogate");
  refused(words, "62c080", "overlong");
  refused(words, "63efbbbf", "byte order mark");
  refused(words, "6a" + "61".repeat(10), "too long");
  refused(words, "6a" + "c3bc".repeat(5), "too long in bytes, not in characters");
  assert.throws(() => encode(words, "\ud800"), FormatError);
  assert.throws(() => encode(words, "\ufeffa"), FormatError);
});

Deno.test("a decompression-bomb of nesting, of lengths or of items ends at once", () => {
  for (const head of ["81", "a1", "d9d9f7", "a16161", "9f"]) {
    refused(loose[5]!, head.repeat(20_000), "deep nesting");
  }
  for (const head of ["9b", "bb", "5b", "7b"]) {
    refused(loose[5]!, head + "001fffffffffffff", "huge length");
    refused(loose[5]!, head + "ffffffffffffffff", "huger length");
  }
  const many = concat(fromHex("9a00100000"), new Uint8Array(2 ** 20).fill(0xa0));
  assert.throws(() => decode(loose[5]!, many), FormatError);
  assert.throws(() => decode(bytes({ max: 99 }), fromHex("43010203"), 3), FormatError);
});

Deno.test("decoded bytes are a copy of their own", () => {
  const input = fromHex("4401020304");
  const value = decode(bytes(4), input);
  input.fill(0);
  assert.equal(toHex(value), "01020304");
  assert.equal(value.buffer.byteLength, 4);
});
