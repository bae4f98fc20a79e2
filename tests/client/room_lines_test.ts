import assert from "node:assert/strict";
import { linesOf } from "../../client/room_lines.ts";
import type { RoomDetails } from "../../crypto/room_code.ts";
import { readRoomBody, type RoomEntry } from "../../protocol/room.ts";
import { makeOwner, type Owner } from "../helpers/owners.ts";
import { DETAILS, idOf, TestRoom } from "../helpers/room_world.ts";

interface People {
  readonly ana: Owner;
  readonly ben: Owner;
  readonly cleo: Owner;
}

/** What the newest entry of a room says to somebody. */
function told(
  room: TestRoom,
  people: People,
  to: Owner,
  entry: RoomEntry,
  details: readonly [RoomDetails | null, RoomDetails | null] = [DETAILS, DETAILS],
): readonly string[] {
  const names = new Map(
    Object.entries(people).map((
      [name, one],
    ) => [idOf(one), name[0]!.toUpperCase() + name.slice(1)]),
  );
  return linesOf(readRoomBody(entry), {
    me: idOf(to),
    nameOf: (account) => names.get(account) ?? "Somebody",
    before: room.states.at(-2) ?? null,
    after: room.state,
    details,
  });
}

async function people(): Promise<People> {
  const [ana, ben, cleo] = [await makeOwner(), await makeOwner(), await makeOwner()];
  return { ana, ben, cleo };
}

Deno.test("who came, went and was sent away is said to each from where they stand", async () => {
  const all = await people();
  const { ana, ben, cleo } = all;
  const room = await TestRoom.create(ana);
  assert.deepEqual(told(room, all, ana, room.entries[0]!), ["You made this room."]);
  const joined = await room.join(ben);
  assert.deepEqual(told(room, all, ana, joined), ["Ben joined with the room code."]);
  assert.deepEqual(told(room, all, ben, joined), ["You joined with the room code."]);
  const added = await room.let(ana, "add", cleo);
  assert.deepEqual(told(room, all, cleo, added), ["Ana added you."]);
  const removed = await room.remove(ana, cleo);
  assert.deepEqual(told(room, all, ben, removed), ["Ana removed Cleo."]);
  assert.match(told(room, all, cleo, removed)[0]!, /^Ana removed you from this room\./);
  const role = await room.say(ana, { kind: "role", member: idOf(ben), role: "moderator" });
  assert.deepEqual(told(room, all, ben, role), ["You are now a moderator."]);
  const left = await room.say(ana, { kind: "leave" });
  assert.deepEqual(told(room, all, ben, left), ["Ana left.", "The room is yours now."]);
  assert.deepEqual(told(room, all, cleo, left), ["Ana left.", "Ben owns the room now."]);
});

Deno.test("who waits, is approved, declined and banned", async () => {
  const all = await people();
  const { ana, ben, cleo } = all;
  const room = await TestRoom.create(ana);
  const close = await room.say(ana, { kind: "close", newcomers: "approve" });
  assert.match(told(room, all, ana, close)[0]!, /whom a moderator approves/);
  assert.deepEqual(told(room, all, ana, await room.join(ben)), ["Ben would like to come in."]);
  const approved = await room.say(ana, { kind: "approve", member: idOf(ben) });
  assert.deepEqual(told(room, all, ben, approved), ["Ana let you in."]);
  await room.join(cleo);
  const banned = await room.recode(ana, { kind: "ban", member: idOf(cleo) });
  assert.deepEqual(told(room, all, cleo, banned), [
    "Ana declined you.",
    "Ana banned you: the room code opens nothing for you.",
  ]);
});

Deno.test("what changed in the details is said, or that something did", async () => {
  const all = await people();
  const { ana, ben } = all;
  const room = await TestRoom.of(ana, ben);
  const entry = await room.say(ana, { kind: "rename", details: room.state.code.details });
  const says = (change: Partial<RoomDetails>) =>
    told(room, all, ben, entry, [DETAILS, { ...DETAILS, ...change }]);
  assert.deepEqual(says({ name: "Cellar" }), ["Ana renamed the room to “Cellar”."]);
  assert.deepEqual(says({ topic: "" }), ["Ana removed the topic."]);
  assert.deepEqual(says({ picture: new Uint8Array(3) }), ["Ana changed the picture."]);
  assert.deepEqual(says({}), []);
  assert.deepEqual(told(room, all, ben, entry, [null, DETAILS]), [
    "Ana changed the room's name, topic or picture.",
  ]);
});
