import assert from "node:assert/strict";
import type { RoomRecord } from "../../client/room_records.ts";
import { isRemoval, standing } from "../../client/room_standing.ts";
import { makeOwner } from "../helpers/owners.ts";
import { authorOf, DETAILS, idOf, NOW, TestRoom } from "../helpers/room_world.ts";

/** Ana's room with Ben, a moderator, and Cleo, whose removal Ben has told and the log has not got. */
async function scene() {
  const [ana, ben, cleo] = [await makeOwner(), await makeOwner(), await makeOwner()];
  const room = await TestRoom.of(ana, ben, cleo);
  await room.say(ana, { kind: "role", member: idOf(ben), role: "moderator" });
  const entry = await room.fork().remove(ben, cleo);
  const by = { account: idOf(ben), device: authorOf(ben).keys.device };
  const record: RoomRecord = {
    ...{ id: room.state.id, state: room.state, code: null, metadata: null, details: DETAILS },
    ...{ nextCode: null, removed: [idOf(cleo)], stopped: null },
    removals: [{ member: idOf(cleo), by, entry, at: NOW }],
  };
  return { ana, ben, cleo, room, record, entry };
}

Deno.test("a removal that the log has not got counts while its author may make it", async () => {
  const { ana, cleo, room, record, entry } = await scene();
  assert.ok(await isRemoval(room.state, entry));
  assert.deepEqual(await standing(room.state, record), {
    removed: [idOf(cleo)],
    removals: record.removals,
  });
  await room.say(ana, { kind: "close", newcomers: "approve" });
  assert.ok(await isRemoval(room.state, entry), "also when the log has gone on");
});

Deno.test("a removal lapses when its author is a moderator no more", async () => {
  const { ana, ben, room, record, entry } = await scene();
  await room.say(ana, { kind: "role", member: idOf(ben), role: "member" });
  assert.equal(await isRemoval(room.state, entry), false);
  assert.deepEqual(await standing(room.state, record), { removed: [], removals: [] });
});

Deno.test("a removal is done with when the log has it, or who was to go has gone", async () => {
  for (const how of ["removed", "left"] as const) {
    const { ana, cleo, room, record } = await scene();
    if (how === "removed") await room.remove(ana, cleo);
    else await room.say(cleo, { kind: "leave" });
    assert.deepEqual(await standing(room.state, record), { removed: [], removals: [] }, how);
  }
});

Deno.test("attack: a removal of one member is told as another's, or of the owner", async () => {
  const { ana, ben, cleo, room } = await scene();
  await assert.rejects(room.fork().remove(ben, ana), "a moderator sends no owner away");
  const entry = await room.fork().remove(ben, cleo);
  const flipped = new Uint8Array(entry.body);
  flipped[flipped.length - 1]! ^= 1;
  const bent = { ...entry, body: flipped };
  assert.equal(await isRemoval(room.state, bent).catch(() => false), false);
  const other = await TestRoom.of(ana, ben, cleo);
  assert.equal(await isRemoval(other.state, entry), false, "nor in another room");
});
