import assert from "node:assert/strict";
import fc from "fast-check";
import type { Bytes } from "../../protocol/encoding.ts";
import { decodeEnvelope, envelopeKind } from "../../protocol/envelope.ts";
import { FormatError } from "../../protocol/errors.ts";
import { idFrom } from "../../protocol/ids.ts";
import { MAX_ENVELOPE_BYTES } from "../../protocol/limits.ts";
import {
  decodeRoomEnvelope,
  encodeRoomEnvelope,
  readRoomHeader,
  ROOM_HEADER_BYTES,
  type RoomEnvelope,
} from "../../protocol/room_envelope.ts";
import { anyBytes, prefixes } from "../helpers/mutations.ts";

const filled = (length: number, value: number): Bytes => new Uint8Array(length).fill(value);
const ENVELOPE: RoomEnvelope = {
  room: idFrom(filled(16, 1)),
  seq: 0x02020202,
  hash: filled(32, 3),
  account: idFrom(filled(16, 4)),
  device: idFrom(filled(16, 5)),
  key: idFrom(filled(16, 6)),
  number: 0x07070707,
  salt: filled(16, 8),
  ciphertext: filled(272, 9),
  signature: filled(64, 10),
};

Deno.test("the layout of a room envelope is the documented one, byte by byte", () => {
  const bytes = encodeRoomEnvelope(ENVELOPE);
  const fields: [number, number][] = [[16, 1], [4, 2], [32, 3], [16, 4], [16, 5], [16, 6], [4, 7]];
  let at = 2;
  assert.deepEqual([...bytes.subarray(0, 2)], [1, 3]);
  for (const [length, value] of [...fields, [16, 8], [272, 9], [64, 10]] as typeof fields) {
    assert.deepEqual(bytes.slice(at, at += length), filled(length, value));
  }
  assert.equal(at, bytes.length);
  assert.equal(ROOM_HEADER_BYTES, 122);
  assert.deepEqual(decodeRoomEnvelope(bytes), ENVELOPE);
  const { ciphertext: _, signature: __, ...header } = ENVELOPE;
  assert.deepEqual(readRoomHeader(bytes), header);
});

Deno.test("attack: a room message is taken for a pairwise one, or the other way round", () => {
  const bytes = encodeRoomEnvelope(ENVELOPE);
  assert.equal(envelopeKind(bytes), "room");
  assert.throws(() => decodeEnvelope(bytes), FormatError);
  for (const [kind, name] of [[1, "opening"], [2, "ordinary"]] as const) {
    bytes[1] = kind;
    assert.equal(envelopeKind(bytes), name);
    assert.throws(() => decodeRoomEnvelope(bytes), FormatError);
  }
  for (const [at, value] of [[0, 0], [0, 2], [1, 0], [1, 4]] as const) {
    const bent = encodeRoomEnvelope(ENVELOPE);
    bent[at] = value;
    for (const read of [envelopeKind, decodeRoomEnvelope]) {
      assert.throws(() => read(bent), FormatError);
    }
  }
});

Deno.test("what is too short or over 64 KiB is neither made nor read", () => {
  for (const cut of prefixes(encodeRoomEnvelope(ENVELOPE))) {
    assert.throws(() => decodeRoomEnvelope(cut), FormatError);
  }
  const ciphertext = filled(MAX_ENVELOPE_BYTES, 0);
  assert.throws(() => encodeRoomEnvelope({ ...ENVELOPE, ciphertext }), RangeError);
  const long = new Uint8Array(MAX_ENVELOPE_BYTES + 1);
  long.set(encodeRoomEnvelope(ENVELOPE));
  assert.throws(() => decodeRoomEnvelope(long), FormatError);
  assert.throws(() => encodeRoomEnvelope({ ...ENVELOPE, hash: filled(31, 0) }), RangeError);
});

Deno.test("whatever the decoder is fed, it throws FormatError or returns what encodes to the same bytes", () => {
  const head = encodeRoomEnvelope(ENVELOPE).slice(0, 2);
  const inputs = fc.tuple(fc.boolean(), anyBytes({ maxLength: 700 }))
    .map(([headed, rest]) => headed ? new Uint8Array([...head, ...rest]) : rest);
  fc.assert(fc.property(inputs, (bytes) => {
    try {
      assert.deepEqual(encodeRoomEnvelope(decodeRoomEnvelope(bytes)), bytes);
    } catch (error) {
      assert.ok(error instanceof FormatError, String(error));
    }
  }));
});
