import assert from "node:assert/strict";
import fc from "fast-check";
import { type Bytes, concat } from "../../protocol/encoding.ts";
import {
  decodeEnvelope,
  encodeEnvelope,
  encodeOpening,
  type Envelope,
  type Opening,
} from "../../protocol/envelope.ts";
import { FormatError } from "../../protocol/errors.ts";
import { type Id, idFrom } from "../../protocol/ids.ts";
import { MAX_ENVELOPE_BYTES } from "../../protocol/limits.ts";

const plain = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record<T>(model, { noNullPrototype: true });
const exactly = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => bytes as Bytes);
const ids = <K extends string>() => exactly(16).map((bytes) => idFrom<K>(bytes));
const u32 = fc.nat(0xffffffff);

const openings: fc.Arbitrary<Opening> = plain({
  account: ids<"account">(),
  aik: exactly(32),
  device: ids<"device">(),
  sign: exactly(32),
  agree: exactly(32),
  listVersion: u32,
  listHash: exactly(32),
  ephemeral: exactly(32),
  signedPrekey: u32,
  oneTime: fc.option(u32),
  kem: plain({
    kind: fc.constantFrom("once" as const, "last" as const),
    id: u32,
    ciphertext: exactly(1088),
  }),
  supersedes: fc.array(ids<"session">(), { maxLength: 5 }),
});

const parts = {
  session: ids<"session">(),
  salt: exactly(16),
  header: exactly(68),
  ciphertext: fc.uint8Array({ minLength: 272, maxLength: 4112 }).map((bytes) => bytes as Bytes),
};
const envelopes: fc.Arbitrary<Envelope> = fc.oneof(
  plain({ kind: fc.constant("ordinary" as const), opening: fc.constant(null), ...parts }),
  plain({ kind: fc.constant("opening" as const), opening: openings, ...parts }),
);

const filled = (length: number, value: number) => new Uint8Array(length).fill(value);
const anId = <K extends string>(value: number): Id<K> => idFrom(filled(16, value));

const OPENING: Opening = {
  account: anId(1),
  aik: filled(32, 2),
  device: anId(3),
  sign: filled(32, 4),
  agree: filled(32, 5),
  listVersion: 6,
  listHash: filled(32, 7),
  ephemeral: filled(32, 8),
  signedPrekey: 9,
  oneTime: null,
  kem: { kind: "once", id: 10, ciphertext: filled(1088, 11) },
  supersedes: [],
};
const ENVELOPE: Envelope = {
  kind: "opening",
  session: anId(12),
  salt: filled(16, 13),
  header: filled(68, 14),
  opening: OPENING,
  ciphertext: filled(272, 15),
};

/** Offsets in an envelope that opens; docs/protocol.md has the table. */
const AT = { oneTimeFlag: 102 + 200, oneTimeId: 102 + 201, kemKind: 102 + 205, count: 102 + 1298 };

function altered(at: number, value: number): Bytes {
  const bytes = encodeEnvelope(ENVELOPE);
  bytes[at] = value;
  return bytes;
}

Deno.test("an envelope decodes to what was encoded, and encodes to the same bytes again", () => {
  fc.assert(fc.property(envelopes, (envelope) => {
    const bytes = encodeEnvelope(envelope);
    assert.deepEqual(decodeEnvelope(bytes), envelope);
    assert.deepEqual(encodeEnvelope(decodeEnvelope(bytes)), bytes);
  }));
});

Deno.test("the layout is the documented one, byte by byte", () => {
  const bytes = encodeEnvelope(ENVELOPE);
  assert.deepEqual([...bytes.subarray(0, 2)], [1, 1]);
  assert.deepEqual(bytes.subarray(2, 18), filled(16, 12));
  assert.deepEqual(bytes.subarray(18, 34), filled(16, 13));
  assert.deepEqual(bytes.subarray(34, 102), filled(68, 14));
  assert.deepEqual(bytes.subarray(102, 102 + 1299), encodeOpening(OPENING));
  assert.deepEqual(bytes.subarray(102 + 1299), filled(272, 15));
});

Deno.test("an opening has 1,299 bytes and 16 for each session it supersedes", () => {
  assert.equal(encodeOpening(OPENING).length, 1299);
  const supersedes = [anId<"session">(1), anId<"session">(2)];
  assert.equal(encodeOpening({ ...OPENING, supersedes }).length, 1299 + 32);
});

Deno.test("every prefix of an envelope that cuts into its fixed parts is refused", () => {
  const bytes = encodeEnvelope(ENVELOPE);
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => decodeEnvelope(bytes.subarray(0, length)), FormatError);
  }
});

Deno.test("unknown versions and kinds are refused, rooms among them", () => {
  for (const version of [0, 2, 255]) assert.throws(() => decodeEnvelope(altered(0, version)));
  for (const kind of [0, 3, 4, 255]) assert.throws(() => decodeEnvelope(altered(1, kind)));
});

Deno.test("a second form of the same opening is refused", () => {
  assert.throws(() => decodeEnvelope(altered(AT.oneTimeFlag, 2)), FormatError);
  assert.throws(() => decodeEnvelope(altered(AT.oneTimeId + 3, 1)), FormatError);
  assert.throws(() => decodeEnvelope(altered(AT.kemKind, 0)), FormatError);
  assert.throws(() => decodeEnvelope(altered(AT.kemKind, 3)), FormatError);
  assert.throws(() => decodeEnvelope(altered(AT.count, 6)), FormatError);
});

Deno.test("an envelope over 64 KiB is neither made nor read", () => {
  const ciphertext = filled(MAX_ENVELOPE_BYTES, 1);
  assert.throws(() => encodeEnvelope({ ...ENVELOPE, ciphertext }), RangeError);
  const bytes = concat(encodeEnvelope(ENVELOPE), ciphertext);
  assert.throws(() => decodeEnvelope(bytes), FormatError);
});

Deno.test("whatever the decoder is fed, it throws FormatError or returns what encodes to the same bytes", () => {
  const garbage = fc.oneof(
    fc.uint8Array({ maxLength: 3000 }),
    fc.tuple(envelopes, fc.nat(), fc.nat(255)).map(([envelope, at, value]) => {
      const bytes = encodeEnvelope(envelope);
      bytes[at % Math.min(bytes.length, 1500)] = value;
      return bytes;
    }),
  );
  fc.assert(fc.property(garbage, (bytes) => {
    try {
      assert.deepEqual(encodeEnvelope(decodeEnvelope(bytes)), new Uint8Array(bytes));
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
    }
  }));
});

Deno.test("wrong lengths of parts are a bug of the caller and never leave the device", () => {
  assert.throws(() => encodeEnvelope({ ...ENVELOPE, salt: filled(15, 0) }), RangeError);
  assert.throws(() => encodeEnvelope({ ...ENVELOPE, header: filled(69, 0) }), RangeError);
  assert.throws(() => encodeEnvelope({ ...ENVELOPE, kind: "ordinary" }), RangeError);
  assert.throws(() => encodeEnvelope({ ...ENVELOPE, opening: null }), RangeError);
  assert.throws(() => encodeOpening({ ...OPENING, listVersion: -1 }), RangeError);
  assert.throws(() => encodeOpening({ ...OPENING, signedPrekey: 2 ** 32 }), RangeError);
  const supersedes = Array.from({ length: 6 }, (_, index) => anId<"session">(index));
  assert.throws(() => encodeOpening({ ...OPENING, supersedes }), RangeError);
});
