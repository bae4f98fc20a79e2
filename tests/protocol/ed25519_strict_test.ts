import assert from "node:assert/strict";
import { generateSigning } from "../../crypto/signature.ts";
import { fromHex, utf8 } from "../../protocol/encoding.ts";
import {
  isStrictEd25519,
  isStrictEd25519Key,
  verifyEd25519,
} from "../../protocol/ed25519_strict.ts";

const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const D = modulo(-121665n * power(121666n, P - 2n));
const MESSAGE = utf8("a message");

Deno.test("ed25519 verifies the published signature of RFC 8032 section 7.1 test 3", async () => {
  const publicKey = fromHex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025");
  const signature = fromHex(
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac" +
      "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  );
  assert.equal(await verifyEd25519(publicKey, fromHex("af82"), signature), true);
  assert.equal(await verifyEd25519(publicKey, fromHex("af83"), signature), false);
});

Deno.test("the eight points of small order are refused as key and as R", async () => {
  const { publicKey, signature } = await honest();
  const points = smallOrderPoints();
  assert.equal(points.length, 8);
  for (const point of points) {
    assert.equal(isStrictEd25519Key(point), false);
    assert.equal(isStrictEd25519(point, signature), false);
    assert.equal(isStrictEd25519(publicKey, replaced(signature, 0, point)), false);
  }
});

Deno.test("an all-zero signature under a small-order key is refused for every message", async () => {
  for (const point of smallOrderPoints()) {
    for (const text of ["a", "b", "c", "d"]) {
      const signature = replaced(new Uint8Array(64), 0, point);
      assert.equal(await verifyEd25519(point, utf8(text), signature), false);
    }
  }
});

Deno.test("a key or R above the field, or minus zero, is refused", async () => {
  const { publicKey, signature } = await honest();
  const above = Array.from({ length: 19 }, (_, i) => encode(P + BigInt(i), 0));
  const withSign = Array.from({ length: 19 }, (_, i) => encode(P + BigInt(i), 1));
  for (const point of [...above, ...withSign, encode(1n, 1), encode(P - 1n, 1)]) {
    assert.equal(isStrictEd25519Key(point), false);
    assert.equal(isStrictEd25519(publicKey, replaced(signature, 0, point)), false);
  }
});

Deno.test("signature malleability: S plus the group order is refused", async () => {
  const { publicKey, signature } = await honest();
  assert.equal(await verifyEd25519(publicKey, MESSAGE, signature), true);
  const s = decode(signature.slice(32));
  const shifted = replaced(signature, 32, encode(s + L, 0));
  assert.equal(await verifyEd25519(publicKey, MESSAGE, shifted), false);
  assert.equal(isStrictEd25519(publicKey, replaced(signature, 32, encode(L, 0))), false);
  assert.equal(isStrictEd25519(publicKey, replaced(signature, 32, encode(L - 1n, 0))), true);
});

Deno.test("wrong lengths and points off the curve are false, never an exception", async () => {
  const { publicKey, signature } = await honest();
  for (const length of [0, 31, 33, 64]) {
    assert.equal(await verifyEd25519(new Uint8Array(length), MESSAGE, signature), false);
  }
  for (const length of [0, 63, 65]) {
    assert.equal(await verifyEd25519(publicKey, MESSAGE, new Uint8Array(length)), false);
  }
  assert.equal(await verifyEd25519(encode(2n, 0), MESSAGE, signature), false);
});

async function honest() {
  const pair = await generateSigning("sealed");
  const signed = await crypto.subtle.sign("Ed25519", pair.private, MESSAGE);
  return { publicKey: pair.public, signature: new Uint8Array(signed) };
}

/** Worked out from the curve equation, not taken from the list under test, and checked by doubling three times. */
function smallOrderPoints(): Uint8Array<ArrayBuffer>[] {
  const root = power(2n, (P - 1n) / 4n);
  const halves = [...squareRoots(modulo(1n + D), root)].flatMap((half) => {
    // A point of order 8 doubles to y = 0, so x^2 = -y^2, and the curve equation becomes D y^4 + 2 y^2 - 1 = 0.
    const square = modulo((half - 1n) * power(D, P - 2n));
    return [...squareRoots(square, root)];
  });
  const ys = new Set([0n, 1n, P - 1n, ...halves]);
  const points = [...ys].flatMap((y) => [encode(y, 0), encode(y, 1)].filter(isCanonicalPoint));
  return points.filter((point) => orderDivides8(decode(point) % 2n ** 255n, point[31]! >> 7));
}

function isCanonicalPoint(point: Uint8Array): boolean {
  const y = decode(point) % 2n ** 255n;
  return !(point[31]! >> 7 && (y === 1n || y === P - 1n));
}

function orderDivides8(y: bigint, sign: number): boolean {
  const root = power(2n, (P - 1n) / 4n);
  const square = modulo((y * y - 1n) * power(D * y * y + 1n, P - 2n));
  const x = [...squareRoots(square, root)].find((candidate) => Number(candidate % 2n) === sign);
  if (x === undefined) return false;
  let point: [bigint, bigint] = [x, y];
  for (let i = 0; i < 3; i++) point = double(point);
  return point[0] === 0n && point[1] === 1n;
}

function double([x, y]: [bigint, bigint]): [bigint, bigint] {
  const product = modulo(D * x * x * y * y);
  return [
    modulo(2n * x * y * power(1n + product, P - 2n)),
    modulo((y * y + x * x) * power(1n - product, P - 2n)),
  ];
}

function* squareRoots(square: bigint, root: bigint): Generator<bigint> {
  const candidate = power(square, (P + 3n) / 8n);
  for (const guess of new Set([candidate, modulo(candidate * root)])) {
    if (modulo(guess * guess) !== square) continue;
    yield guess;
    if (guess !== 0n) yield P - guess;
    return;
  }
}

function modulo(value: bigint): bigint {
  return (value % P + P) % P;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let square = modulo(base); exponent > 0n; exponent >>= 1n, square = square * square % P) {
    if (exponent & 1n) result = result * square % P;
  }
  return result;
}

function encode(value: bigint, sign: number): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from({ length: 32 }, (_, i) => Number(value >> BigInt(8 * i) & 255n));
  bytes[31]! |= sign << 7;
  return bytes;
}

function decode(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => value * 256n + BigInt(byte), 0n);
}

function replaced(signature: Uint8Array, at: number, part: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(signature);
  copy.set(part, at);
  return copy;
}
