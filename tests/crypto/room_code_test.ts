import assert from "node:assert/strict";
import fc from "fast-check";
import { DecryptError } from "../../crypto/errors.ts";
import { exportPrivate } from "../../crypto/private_key.ts";
import { randomBytes } from "../../crypto/random.ts";
import {
  deriveRoomKeys,
  formatRoomCode,
  makeRoomCode,
  openDetails,
  parseRoomCode,
  sealDetails,
} from "../../crypto/room_code.ts";
import { FormatError } from "../../protocol/errors.ts";
import { fromHex, toHex } from "../../protocol/encoding.ts";
import { idBytes } from "../../protocol/ids.ts";
import { MAX_SEALED_DETAILS_BYTES } from "../../protocol/limits.ts";
import { bitFlips, prefixes } from "../helpers/mutations.ts";
import { DETAILS } from "../helpers/room_world.ts";

const CODE = fromHex("00443214c74254b635cf");
const SERVER = fromHex("000102030405060708090a0b0c0d0e0f");

Deno.test("a code is 16 characters in groups of four, and reads back", () => {
  assert.equal(formatRoomCode(CODE), "0123-4567-89AB-CDEF");
  fc.assert(fc.property(fc.uint8Array({ minLength: 10, maxLength: 10 }), (drawn) => {
    const code = new Uint8Array(drawn);
    assert.match(formatRoomCode(code), /^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}$/);
    assert.deepEqual(parseRoomCode(formatRoomCode(code)), { ok: true, code });
  }));
  assert.equal(makeRoomCode().length, 10);
  assert.throws(() => formatRoomCode(randomBytes(9)), RangeError);
});

Deno.test("what people type is understood: any case, spaces, dashes, look-alikes, a whole link", () => {
  const forms = [
    "0123-4567-89AB-CDEF",
    " 0123 4567 89ab cdef\n",
    "o123456789abcdef",
    "Oi23–4567—89AB-CDEF",
    "0l23-4567-89ab-cdef",
    "#0123-4567-89AB-CDEF",
    "https://chat.example.org:8443/join#0123-4567-89AB-CDEF",
  ];
  for (const typed of forms) {
    assert.deepEqual(parseRoomCode(typed), { ok: true, code: CODE }, typed);
  }
});

Deno.test("what is no code is told by its problem, and never throws", () => {
  for (const typed of ["", "#", "0123-4567-89AB-CDE", "0123-4567-89AB-CDEF-0"]) {
    assert.deepEqual(parseRoomCode(typed), { ok: false, problem: "length" }, typed);
  }
  for (const typed of ["0123-4567-89AB-CDEU", "https://chat.example.org/join", "0123.4567"]) {
    assert.deepEqual(parseRoomCode(typed), { ok: false, problem: "character" }, typed);
  }
  fc.assert(fc.property(fc.string(), (typed) => void parseRoomCode(typed)));
});

Deno.test("a code opens the same keys every time, others on another server, as in the specification", async () => {
  const [keys, again, elsewhere] = await Promise.all([
    deriveRoomKeys(CODE, SERVER, "portable"),
    deriveRoomKeys(CODE, SERVER, "sealed"),
    deriveRoomKeys(CODE, randomBytes(16), "portable"),
  ]);
  assert.equal(toHex(idBytes(keys.lookup)), "8fa7bd2c03c26d7add7ba630d3eaf45d");
  assert.equal(
    toHex(await exportPrivate(keys.join.private)),
    "e53c3c6c731f62189086fb21d9855352e27b9b0fdce0a4e4c6af4bf39177bd01",
  );
  assert.equal(
    toHex(keys.metadata),
    "104489ed04ca38a6cd97fb265b938e980c68f0572b7f552164b44adf88b25569",
  );
  assert.deepEqual(again.join.public, keys.join.public);
  assert.ok(!again.join.private.extractable);
  assert.notEqual(elsewhere.lookup, keys.lookup);
  assert.notDeepEqual(elsewhere.join.public, keys.join.public);
  assert.notDeepEqual(elsewhere.metadata, keys.metadata);
});

Deno.test("codes and server ids of another length are a bug of the caller", async () => {
  await assert.rejects(() => deriveRoomKeys(randomBytes(9), SERVER, "sealed"), RangeError);
  await assert.rejects(() => deriveRoomKeys(CODE, randomBytes(15), "sealed"), RangeError);
});

Deno.test("details open under their key and epoch only, bit by bit", async () => {
  const metadata = randomBytes(32);
  const sealed = await sealDetails(metadata, DETAILS, 7);
  assert.deepEqual(await openDetails(metadata, sealed, 7), DETAILS);
  await assert.rejects(() => openDetails(metadata, sealed, 8), DecryptError);
  await assert.rejects(() => openDetails(randomBytes(32), sealed, 7), DecryptError);
  for (const bent of bitFlips(sealed, 29)) {
    await assert.rejects(() => openDetails(metadata, bent, 7), DecryptError);
  }
  for (const cut of prefixes(sealed)) {
    await assert.rejects(() => openDetails(metadata, cut, 7), DecryptError);
  }
});

Deno.test("the largest details fit, larger ones are a bug of the caller", async () => {
  const picture = randomBytes(3_072);
  const largest = { name: "n".repeat(128), topic: "t".repeat(512), picture };
  const metadata = randomBytes(32);
  const sealed = await sealDetails(metadata, largest, 1);
  assert.equal(sealed.length, MAX_SEALED_DETAILS_BYTES);
  assert.deepEqual(await openDetails(metadata, sealed, 1), largest);
  const longer = { ...largest, name: "n".repeat(129) };
  await assert.rejects(() => sealDetails(metadata, longer, 1), FormatError);
});
