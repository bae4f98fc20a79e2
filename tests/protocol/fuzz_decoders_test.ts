/** Every decoder of signed and sent structures under bytes it never asked for. Seeds are fixed: a failure repeats. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { FIRST_PREKEY_COUNTERS, makePrekeys } from "../../crypto/prekeys.ts";
import { archiveKeyId, makeArchiveKey, sealSegment, segmentTag } from "../../crypto/archive.ts";
import { sealDeposit } from "../../crypto/archive_deposit.ts";
import { segmentContentSchema } from "../../client/archive_records.ts";
import { giveSenderKey, makeSenderKey, senderKeyMessageSchema } from "../../crypto/sender_key.ts";
import {
  fetchedBundleSchema,
  kemSignedSchema,
  prekeyBundleSchema,
  prekeyUploadSchema,
} from "../../protocol/bundle.ts";
import { decode, encode, type Schema } from "../../protocol/codec.ts";
import {
  counterSignedSchema,
  deviceEntrySchema,
  listEntrySchema,
  signedSchema,
} from "../../protocol/device_list.ts";
import type { Bytes } from "../../protocol/encoding.ts";
import { depositBodySchema, segmentBodySchema, segmentSchema } from "../../protocol/segment.ts";
import { roomBodySchema, roomEntrySchema, roomStateSchema } from "../../protocol/room.ts";
import { appendAnswer, logAnswer } from "../../protocol/room_api.ts";
import { FormatError } from "../../protocol/errors.ts";
import { anyBytes } from "../helpers/mutations.ts";
import { makeOwner, type Owner, TODAY } from "../helpers/owners.ts";
import { TestRoom } from "../helpers/room_world.ts";

const RUNS = Deno.env.get("SNUG_SLOW") ? 200_000 : 5_000;
const schemas: Record<string, Schema<unknown>> = {
  signedSchema,
  deviceEntrySchema,
  counterSignedSchema,
  listEntrySchema,
  prekeyBundleSchema,
  kemSignedSchema,
  prekeyUploadSchema,
  fetchedBundleSchema,
  roomBodySchema,
  roomEntrySchema,
  roomStateSchema,
  logAnswer,
  appendAnswer,
  senderKeyMessageSchema,
  segmentSchema,
  segmentBodySchema,
  depositBodySchema,
  segmentContentSchema,
};

/** A segment with what is in it, and a deposit. */
async function archived({ devices: [own], list }: Owner): Promise<Bytes[]> {
  const secret = makeArchiveKey();
  const key = await archiveKeyId(secret);
  const content = encode(segmentContentSchema, {
    ...{ format: 1, conversation: list.account, accepted: true, person: null, messages: [] },
  });
  const names = { key, tag: await segmentTag(secret, list.account), seq: 1, previous: null };
  const segment = await sealSegment(own!, secret, { ...names, minute: 1, content });
  const deposit = await sealDeposit(own!, list.deposit, { epoch: 1, list: list.hash, key: secret });
  return [encode(segmentSchema, segment), segment.head.body, deposit.body, content];
}

function survives(schema: Schema<unknown>, input: Bytes): void {
  try {
    assert.deepEqual(encode(schema, decode(schema, input)), input);
  } catch (error) {
    assert.ok(error instanceof FormatError, String(error));
  }
}

/** Honest encodings to bend: random bytes seldom get past the first field. */
async function samples(): Promise<Bytes[]> {
  const owner = await makeOwner(2);
  const order = { day: TODAY, mode: "portable", counters: FIRST_PREKEY_COUNTERS } as const;
  const { upload } = await makePrekeys(owner.device, owner.list, { ...order, once: 2, kemOnce: 1 });
  const { bundle, lastKem, oneTime } = upload;
  const kem = { kind: "last" as const, ...lastKem };
  const device = owner.device.device;
  return [
    ...owner.entries.flatMap((entry) => [entry.body, encode(signedSchema, entry)]),
    bundle.body,
    encode(prekeyUploadSchema, upload),
    encode(fetchedBundleSchema, { device, bundle, kem, oneTime: oneTime[0]! }),
    encode(deviceEntrySchema, owner.list.devices[1]!),
    ...await roomSamples(owner),
  ];
}

async function roomSamples(owner: Owner): Promise<Bytes[]> {
  const room = await TestRoom.create(owner);
  await room.recode(owner);
  const { entries, state } = room;
  const key = await makeSenderKey(state.id, "portable", 0);
  const log = { room: state.id, entries, seq: state.seq };
  return [
    ...entries.flatMap((entry) => [entry.body, encode(roomEntrySchema, entry)]),
    encode(roomStateSchema, state),
    encode(logAnswer, log),
    encode(appendAnswer, { outcome: "conflict", ...log }),
    encode(senderKeyMessageSchema, giveSenderKey(key, state, []).message),
    ...await archived(owner),
  ];
}

for (const [name, schema] of Object.entries(schemas)) {
  Deno.test(`random bytes make ${name} throw FormatError or nothing`, () => {
    const property = fc.property(anyBytes({ maxLength: 200 }), (input) => survives(schema, input));
    fc.assert(property, { seed: 7, numRuns: RUNS });
  });
}

Deno.test("spliced and overwritten encodings make every decoder throw FormatError or nothing", async () => {
  const honest = await samples();
  const pick = fc.constantFrom(...honest);
  const change = fc.tuple(pick, pick, fc.double({ min: 0, max: 1, noNaN: true }), anyBytes());
  const property = fc.property(change, ([head, tail, share, junk]) => {
    const cut = Math.floor(share * head.length);
    const bent = new Uint8Array([...head.slice(0, cut), ...junk, ...tail.slice(cut)]);
    for (const schema of Object.values(schemas)) survives(schema, bent);
  });
  fc.assert(property, { seed: 7, numRuns: RUNS / 10 });
});
