import assert from "node:assert/strict";
import * as fc from "fast-check";
import { concat, toHex } from "../../protocol/encoding.ts";
import { FormatError } from "../../protocol/errors.ts";
import {
  type ClientItem,
  decodeClientFrame,
  decodeServerFrame,
  eachServerFrame,
  encodeClientFrames,
  encodeServerFrames,
  type ServerItem,
} from "../../protocol/frame.ts";
import { idFrom } from "../../protocol/ids.ts";

const SEED = 20261121;
const bytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((b) => new Uint8Array(b));
const blob = fc.uint8Array({ maxLength: 900 }).map((b) => new Uint8Array(b));
const u32 = fc.nat(2 ** 32 - 1);
// deno-lint-ignore no-explicit-any -- an arbitrary of any id kind
const id = () => bytes(16).map((b) => idFrom<any>(b));
const kind = <T extends string>(value: T) => fc.constant(value);

/** Plain objects, so that deepEqual compares contents only. */
const record = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record<T>(fields, { noNullPrototype: true });

const destination = record({
  account: id(),
  listVersion: u32,
  envelopes: fc.array(record({ device: id(), envelope: blob }), { maxLength: 8 }),
});
const clientItem: fc.Arbitrary<ClientItem> = fc.oneof(
  record({
    type: kind("hello"),
    previous: bytes(16),
    next: bytes(16),
    windowSize: fc.integer({ min: 1, max: 65_535 }),
  }),
  record({
    type: kind("submit"),
    ref: u32,
    submit: id(),
    destinations: fc.uniqueArray(destination, {
      minLength: 1,
      maxLength: 2,
      selector: (one) => one.account,
    }),
  }),
  record({ type: kind("submit-to-room"), ref: u32, submit: id(), envelope: blob }),
  record({ type: kind("ack"), position: fc.maxSafeNat() }),
  record({ type: kind("ping") }),
);
const staleList = record({
  account: id(),
  version: u32,
  entries: fc.array(record({ body: blob, signature: bytes(64) }), { maxLength: 5 }),
});
const refusal = fc.oneof(
  record({ code: kind("stale"), lists: fc.array(staleList, { minLength: 1, maxLength: 2 }) }),
  record({ code: kind("full") }),
  record({ code: kind("rate"), retryAfter: u32 }),
  record({ code: kind("unknown-recipient"), account: id() }),
  record({ code: kind("too-large") }),
  record({ code: kind("unavailable"), retryAfter: u32 }),
  record({ code: kind("stale-room"), room: id(), seq: u32 }),
  record({ code: kind("unknown-room"), room: id() }),
);
const news = fc.oneof(
  record({ kind: kind("list-changed"), account: id(), version: u32 }),
  record({ kind: kind("prekeys-low"), oneTime: u32, kem: u32 }),
  record({ kind: kind("gap"), gaps: u32 }),
  record({ kind: kind("signed-out") }),
  record({ kind: kind("room-changed"), room: id(), seq: u32 }),
);
const serverItem: fc.Arbitrary<ServerItem> = fc.oneof(
  record({ type: kind("welcome"), restored: fc.boolean(), queued: u32, gaps: u32 }),
  record({
    type: kind("deliver"),
    position: fc.maxSafeNat(),
    account: id(),
    device: id(),
    minute: u32,
    envelope: blob,
  }),
  record({ type: kind("accepted"), ref: u32 }),
  record({ type: kind("refused"), ref: u32, refusal }),
  record({ type: kind("notice"), news }),
  record({ type: kind("pong") }),
);

Deno.test("what a device sends is what the server reads", () => {
  fc.assert(
    fc.property(fc.array(clientItem, { minLength: 1, maxLength: 30 }), (items) => {
      const read = encodeClientFrames(items).flatMap((frame) => decodeClientFrame(frame));
      assert.deepEqual(read, items);
    }),
    { seed: SEED, numRuns: 300 },
  );
});

Deno.test("what the server sends is what a device reads", () => {
  fc.assert(
    fc.property(fc.array(serverItem, { minLength: 1, maxLength: 30 }), (items) => {
      const read = encodeServerFrames(items).flatMap(decodeServerFrame);
      assert.deepEqual(read, items);
    }),
    { seed: SEED, numRuns: 300 },
  );
});

Deno.test("the bytes of a frame are those of docs/protocol.md", () => {
  const account = idFrom<"account">(new Uint8Array(16).fill(0xaa));
  const device = idFrom<"device">(new Uint8Array(16).fill(0xdd));
  const submit = idFrom<"submit">(new Uint8Array(16).fill(0x55));
  const envelope = new Uint8Array([1, 2, 3]);
  const [frame] = encodeClientFrames([
    { type: "ack", position: 2 ** 32 + 7 },
    {
      type: "submit",
      ref: 9,
      submit,
      destinations: [{ account, listVersion: 4, envelopes: [{ device, envelope }] }],
    },
  ]);
  assert.equal(
    toHex(frame!),
    "03" + "00000008" + "0000000100000007" +
      "02" + "00000041" + "00000009" + "55".repeat(16) + "01" +
      "aa".repeat(16) + "00000004" + "01" + "dd".repeat(16) + "00000003" + "010203",
  );
});

Deno.test("items that do not fit into one frame go into several, in order", () => {
  const envelope = new Uint8Array(60_000);
  const id0 = idFrom<"account">(new Uint8Array(16));
  const items: ServerItem[] = [1, 2, 3, 4, 5].map((position) => ({
    type: "deliver",
    position,
    account: id0,
    device: idFrom(new Uint8Array(16)),
    minute: 0,
    envelope,
  }));
  const frames = encodeServerFrames(items);
  assert.equal(frames.length, 3);
  assert.ok(frames.every((frame) => frame.length <= 131_072));
  assert.deepEqual(frames.flatMap(decodeServerFrame), items);
  const tooLong = { ...items[0]!, envelope: new Uint8Array(131_072) } as ServerItem;
  assert.throws(() => encodeServerFrames([tooLong]), RangeError);
});

Deno.test("every prefix of a frame is refused", () => {
  const items = fc.sample(clientItem, { seed: SEED, numRuns: 40 });
  for (const item of items) {
    const [frame] = encodeClientFrames([item]);
    for (let length = 0; length < frame!.length; length++) {
      assert.throws(() => decodeClientFrame(frame!.subarray(0, length)), FormatError);
    }
    assert.throws(() => decodeClientFrame(concat(frame!, new Uint8Array(1))), FormatError);
  }
});

Deno.test("hostile bytes give a FormatError and nothing else", () => {
  const valid = fc.oneof(
    fc.array(clientItem, { minLength: 1, maxLength: 3 }).map((i) => encodeClientFrames(i)[0]!),
    fc.array(serverItem, { minLength: 1, maxLength: 3 }).map((i) => encodeServerFrames(i)[0]!),
  );
  const change = fc.array(record({ at: fc.nat(), to: fc.nat(255) }), { maxLength: 4 });
  const altered = fc.tuple(valid, change).map(([frame, changes]) => {
    const copy = frame.slice();
    for (const { at, to } of changes) copy[at % copy.length] = to;
    return copy;
  });
  const soup = fc.oneof(fc.uint8Array({ maxLength: 300 }), altered);
  fc.assert(
    fc.property(soup, (frame) => {
      for (const read of [decodeClientFrame, decodeServerFrame]) {
        try {
          read(frame);
        } catch (error) {
          assert.ok(error instanceof FormatError, String(error));
        }
      }
    }),
    { seed: SEED, numRuns: 20_000 },
  );
});

Deno.test("a decoded frame encodes to the same bytes: one value, one encoding", () => {
  const soup = fc.tuple(fc.integer({ min: 1, max: 6 }), fc.uint8Array({ maxLength: 60 }));
  let decoded = 0;
  fc.assert(
    fc.property(soup, ([type, body]) => {
      const frame = concat(new Uint8Array([type, 0, 0, 0, body.length]), body);
      try {
        const items = decodeServerFrame(frame);
        decoded++;
        assert.equal(toHex(encodeServerFrames(items)[0]!), toHex(frame));
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
      }
    }),
    { seed: SEED, numRuns: 20_000 },
  );
  assert.ok(decoded > 100);
});

Deno.test("ATTACK a hello with a window of 0, a foreign version or one account twice is refused", () => {
  const account = idFrom<"account">(new Uint8Array(16));
  const destination = { account, listVersion: 1, envelopes: [] };
  const submit = idFrom<"submit">(new Uint8Array(16));
  const twice = encodeClientFrames([
    { type: "submit", ref: 1, submit, destinations: [destination, destination] },
  ]);
  assert.throws(() => decodeClientFrame(twice[0]!), FormatError);
  const ids = { previous: new Uint8Array(16), next: new Uint8Array(16) };
  const [hello] = encodeClientFrames([{ type: "hello", ...ids, windowSize: 1 }]);
  for (const [at, value] of [[5, 2], [39, 0]] as const) {
    const changed = hello!.slice();
    changed[at] = value;
    assert.throws(() => decodeClientFrame(changed), FormatError);
  }
});

Deno.test("frames that are not copied are whole, also when others are made meanwhile", () => {
  const many = (first: number): ServerItem[] =>
    Array.from({ length: 3_000 }, (_, n) => ({
      ...{ type: "deliver", position: first + n, minute: 1 },
      ...{ account: idFrom(new Uint8Array(16)), device: idFrom(new Uint8Array(16)) },
      envelope: new Uint8Array(100).fill(n % 251),
    }));
  const got: Record<"outer" | "inner", ServerItem[]> = { outer: [], inner: [] };
  let frames = 0;
  eachServerFrame(many(0), (frame) => {
    const before = toHex(frame.slice());
    if (frames++ === 1) {
      eachServerFrame(many(9_000), (one) => got.inner.push(...decodeServerFrame(one.slice())));
    }
    assert.equal(toHex(frame), before, "nobody wrote into it");
    got.outer.push(...decodeServerFrame(frame.slice()));
  });
  assert.ok(frames > 3);
  assert.deepEqual(got, { outer: many(0), inner: many(9_000) });
});

Deno.test("after an item that cannot be written, the next frame has nothing of it", () => {
  const pong: ServerItem = { type: "pong" };
  const wrong: ServerItem = { type: "accepted", ref: -1 };
  assert.throws(() => eachServerFrame([pong, wrong], () => assert.fail("no frame")), RangeError);
  assert.deepEqual(decodeServerFrame(encodeServerFrames([pong])[0]!), [pong]);
});
