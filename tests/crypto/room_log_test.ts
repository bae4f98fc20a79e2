import assert from "node:assert/strict";
import { deriveRoomKeys, makeRoomCode, openDetails } from "../../crypto/room_code.ts";
import { createRoomEntry, joinEntry, nextCode } from "../../crypto/room_log.ts";
import { randomBytes } from "../../crypto/random.ts";
import { encode } from "../../protocol/codec.ts";
import { toHex } from "../../protocol/encoding.ts";
import {
  appendRoomEntry,
  demandInvited,
  readRoomBody,
  roomEntrySchema,
} from "../../protocol/room.ts";
import { verifyRoom } from "../../protocol/room.ts";
import { makeOwner, withDevice } from "../helpers/owners.ts";
import { authorOf, DETAILS, idOf, MINUTE, provenOf, TestRoom } from "../helpers/room_world.ts";

const [ana, ben] = await Promise.all([makeOwner(), makeOwner()]);

Deno.test("a room is made, found, checked, joined and read with nothing but the code", async () => {
  const [code, server] = [makeRoomCode(), randomBytes(16)];
  const made = await deriveRoomKeys(code, server, "sealed");
  const next = await nextCode(null, made, DETAILS);
  const create = await createRoomEntry(authorOf(ana), provenOf(ana), next, "open");
  const keys = await deriveRoomKeys(code, server, "sealed");
  const seen = await verifyRoom([create]);
  demandInvited(seen, { lookup: keys.lookup, joinKey: keys.join.public }, idOf(ben));
  const { details, epoch } = seen.code;
  assert.deepEqual(await openDetails(keys.metadata, details, epoch), DETAILS);
  const join = await joinEntry(seen, authorOf(ben), provenOf(ben), keys.join);
  assert.equal((await appendRoomEntry(seen, join)).members.length, 2);
  // What the server gets to see: neither the code nor what is derived from it beside the lookup id.
  const wire = [create, join].map((entry) => toHex(encode(roomEntrySchema, entry))).join();
  for (const secret of [code, keys.metadata]) assert.ok(!wire.includes(toHex(secret)));
});

Deno.test("after a removal the room reads under the new code, and under the old one no more", async () => {
  const room = await TestRoom.of(ana, ben);
  const old = room.keys;
  await room.remove(ana, ben);
  const { details, epoch } = room.state.code;
  assert.equal(epoch, 2);
  assert.deepEqual(await openDetails(room.keys.metadata, details, epoch), DETAILS);
  await assert.rejects(() => openDetails(old.metadata, details, epoch));
  await assert.rejects(() => openDetails(old.metadata, details, epoch - 1));
});

Deno.test("an entry says who wrote it, when and on top of what", async () => {
  const room = await TestRoom.of(ana);
  const { state } = room;
  const body = readRoomBody(await room.sayOf(ana, { kind: "leave" }));
  const device = ana.device.device;
  assert.deepEqual(body, {
    ...{ kind: "leave", account: idOf(ana), device, minute: MINUTE },
    ...{ room: state.id, seq: 2, previous: state.hash, epoch: 1 },
  });
});

Deno.test("an entry that lost the race is signed again on top of the winner", async () => {
  const room = await TestRoom.of(ana);
  const join = () => room.joinOf(ben);
  const late = await join();
  const more = await withDevice(ana);
  await room.let(more, "devices", more);
  await assert.rejects(() => room.take(late), { code: "fork" });
  await room.take(await join());
});
