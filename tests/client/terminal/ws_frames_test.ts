import assert from "node:assert/strict";
import fc from "fast-check";
import { encodeFrame, FrameParser, OPCODE, WsError } from "../../../client/terminal/ws_frames.ts";

const MASK = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d);

/** A frame as a server writes it. */
function serverFrame(opcode: number, payload: Uint8Array, final = true): Uint8Array {
  const length = payload.length < 126
    ? [payload.length]
    : [126, payload.length >> 8, payload.length & 255];
  return Uint8Array.from([(final ? 0x80 : 0) | opcode, ...length, ...payload]);
}

Deno.test("a masked frame is the one of RFC 6455 section 5.7", () => {
  const frame = encodeFrame(OPCODE.text, new TextEncoder().encode("Hello"), MASK);
  const expected = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
  assert.deepEqual([...frame], expected);
});

Deno.test("lengths take one, three or nine bytes", () => {
  const headOf = (length: number) => [...encodeFrame(2, new Uint8Array(length), MASK).slice(1, 10)];
  assert.equal(headOf(125)[0], 0x80 | 125);
  assert.deepEqual(headOf(126).slice(0, 3), [0x80 | 126, 0, 126]);
  assert.deepEqual(headOf(65_536), [0x80 | 127, 0, 0, 0, 0, 0, 1, 0, 0]);
});

Deno.test("messages come out whole, however the bytes are cut", () => {
  fc.assert(fc.property(
    fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }),
    fc.integer({ min: 1, max: 50 }),
    (payloads, cut) => {
      const stream = payloads.flatMap((payload) => [...serverFrame(OPCODE.binary, payload)]);
      const parser = new FrameParser(1_000);
      const out: number[][] = [];
      for (let at = 0; at < stream.length; at += cut) {
        const messages = parser.push(Uint8Array.from(stream.slice(at, at + cut)));
        out.push(...messages.map(({ payload }) => [...payload]));
      }
      assert.deepEqual(out, payloads.map((payload) => [...payload]));
    },
  ));
});

Deno.test("fragments are put together, a ping between them is answered on its own", () => {
  const parser = new FrameParser(100);
  const frames = [
    serverFrame(OPCODE.binary, Uint8Array.of(1, 2), false),
    serverFrame(OPCODE.ping, Uint8Array.of(9)),
    serverFrame(OPCODE.continuation, Uint8Array.of(3)),
  ];
  const messages = frames.flatMap((frame) => parser.push(frame));
  assert.deepEqual(messages.map(({ opcode, payload }) => [opcode, ...payload]), [
    [OPCODE.ping, 9],
    [OPCODE.binary, 1, 2, 3],
  ]);
});

Deno.test("what the protocol does not allow ends the connection with the right code", () => {
  const cases: [number, Uint8Array[]][] = [
    [1009, [serverFrame(2, new Uint8Array(101))]],
    [1009, [serverFrame(2, new Uint8Array(90), false), serverFrame(0, new Uint8Array(11))]],
    [1002, [encodeFrame(2, new Uint8Array(1), MASK)]],
    [1002, [Uint8Array.of(0xc2, 0)]],
    [1002, [serverFrame(OPCODE.continuation, new Uint8Array(1))]],
    [1002, [serverFrame(2, new Uint8Array(1), false), serverFrame(2, new Uint8Array(1))]],
    [1002, [serverFrame(OPCODE.ping, new Uint8Array(1), false)]],
    [1009, [Uint8Array.of(0x82, 127, 0x7f, 255, 255, 255, 255, 255, 255, 255)]],
  ];
  for (const [code, frames] of cases) {
    const parser = new FrameParser(100);
    const feed = () => frames.forEach((frame) => parser.push(frame));
    assert.throws(feed, (error) => error instanceof WsError && error.code === code);
  }
});
