import assert from "node:assert/strict";
import { createAccount } from "../../crypto/account.ts";
import {
  archiveKeyId,
  importArchiveKey,
  makeArchiveKey,
  openSegment,
  sealSegment,
  segmentTag,
} from "../../crypto/archive.ts";
import { openDeposit, sealDeposit } from "../../crypto/archive_deposit.ts";
import { DecryptError } from "../../crypto/errors.ts";
import { paddedLength } from "../../crypto/padding.ts";
import { utf8 } from "../../protocol/encoding.ts";
import { VerifyError } from "../../protocol/errors.ts";
import { randomId } from "../../protocol/ids.ts";
import { TAG_BYTES } from "../../protocol/limits.ts";
import {
  readSegment,
  SEGMENT_SALT_BYTES,
  segmentBodySchema,
  verifySegment,
} from "../../protocol/segment.ts";
import { encode } from "../../protocol/codec.ts";
import { bitFlips } from "../helpers/mutations.ts";

const content = utf8("what was said");

async function scene() {
  const made = await createAccount(randomId(), "browser", "sealed", 20_454);
  const secret = await importArchiveKey(makeArchiveKey(), "sealed");
  const names = {
    key: await archiveKeyId(secret),
    tag: await segmentTag(secret, randomId<"account">()),
    ...{ seq: 1, previous: null, minute: 29_453_760 },
  };
  return { made, secret, names, own: made.device };
}

Deno.test("a segment opens under its key, and under no other", async () => {
  const { own, secret, names } = await scene();
  const segment = await sealSegment(own, secret, { ...names, content });
  const opened = await openSegment(secret, own.account, segment);
  assert.deepEqual(opened.content, content);
  assert.equal(opened.body.device, own.device);
  await verifySegment(own.sign.public, segment.head, segment.sealed);
  const other = await importArchiveKey(makeArchiveKey(), "portable");
  await assert.rejects(openSegment(other, own.account, segment), DecryptError);
  await assert.rejects(openSegment(secret, randomId<"account">(), segment), DecryptError);
});

Deno.test("the same content is never sealed to the same bytes twice", async () => {
  const { own, secret, names } = await scene();
  const one = await sealSegment(own, secret, { ...names, content });
  const two = await sealSegment(own, secret, { ...names, content });
  assert.notDeepEqual(one.sealed, two.sealed);
  assert.equal(one.sealed.length, 32 + 256 + 16, "salt, padded content, tag");
});

Deno.test("the size of a segment says which bucket its content is in, and nothing finer", async () => {
  const { own, secret, names } = await scene();
  const sizes = new Map<number, Set<number>>();
  for (const length of [0, 1, 12, 254, 255, 256, 257, 1_023, 1_024, 4_095, 4_096, 5_000, 5_001]) {
    const content = new Uint8Array(length).fill(7);
    const { sealed } = await sealSegment(own, secret, { ...names, content });
    const padded = sealed.length - SEGMENT_SALT_BYTES - TAG_BYTES;
    assert.equal(padded, paddedLength(length), `${length} bytes`);
    sizes.set(padded, (sizes.get(padded) ?? new Set()).add(length));
  }
  const alike = [...sizes.values()].map((lengths) => [...lengths]);
  assert.deepEqual(alike[0], [0, 1, 12, 254, 255], "a word and a long sentence look the same");
  assert.deepEqual(alike.at(-1), [5_000, 5_001]);
});

Deno.test("attack: a segment with any bit of its sealed bytes turned does not open", async () => {
  const { own, secret, names } = await scene();
  const { head, sealed } = await sealSegment(own, secret, { ...names, content });
  for (const bent of [...bitFlips(sealed)].filter((_, at) => at % 97 === 0)) {
    await assert.rejects(openSegment(secret, own.account, { head, sealed: bent }), DecryptError);
  }
});

Deno.test("attack: the server moves a segment to another conversation, time or place: it does not open", async () => {
  const { own, secret, names } = await scene();
  const { head, sealed } = await sealSegment(own, secret, { ...names, content });
  const body = readSegment(head);
  const moved = [
    { ...body, seq: 2 },
    { ...body, minute: body.minute + 1 },
    { ...body, tag: await segmentTag(secret, randomId<"account">()) },
    { ...body, device: randomId<"device">() },
  ];
  for (const one of moved) {
    const forged = { body: encode(segmentBodySchema, one), signature: head.signature };
    await assert.rejects(openSegment(secret, own.account, { head: forged, sealed }), DecryptError);
    await assert.rejects(verifySegment(own.sign.public, forged, sealed), VerifyError);
  }
});

Deno.test("tags tell conversations apart, and say nothing under another key", async () => {
  const secret = await importArchiveKey(makeArchiveKey(), "sealed");
  const other = await importArchiveKey(makeArchiveKey(), "sealed");
  const [ben, cleo] = [randomId<"account">(), randomId<"account">()];
  assert.equal(await segmentTag(secret, ben), await segmentTag(secret, ben));
  assert.notEqual(await segmentTag(secret, ben), await segmentTag(secret, cleo));
  assert.notEqual(await segmentTag(secret, ben), await segmentTag(other, ben));
});

Deno.test("a deposit opens with the vault's deposit key, signed by the device that it names", async () => {
  const { made, own } = await scene();
  const epoch = { epoch: 3, list: made.list.hash, key: makeArchiveKey() };
  const entry = await sealDeposit(own, made.deposit, epoch);
  const opened = await openDeposit(made.vault, own.sign.public, entry);
  assert.deepEqual(opened, epoch);
});

Deno.test("attack: a deposit that the server made, or for another vault, is refused", async () => {
  const { made, own } = await scene();
  const stranger = await createAccount(randomId(), "browser", "sealed", 20_454);
  const epoch = { epoch: 3, list: made.list.hash, key: makeArchiveKey() };
  const forged = await sealDeposit(stranger.device, made.deposit, epoch);
  await assert.rejects(openDeposit(made.vault, own.sign.public, forged), VerifyError);
  const foreign = await sealDeposit(own, stranger.deposit, epoch);
  await assert.rejects(openDeposit(made.vault, own.sign.public, foreign), DecryptError);
});
