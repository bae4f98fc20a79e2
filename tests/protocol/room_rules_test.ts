import assert from "node:assert/strict";
import type { PlainChange } from "../../crypto/room_log.ts";
import type { VerifyCode } from "../../protocol/errors.ts";
import { makeOwner, type Owner, refusedWith } from "../helpers/owners.ts";
import { idOf, TestRoom } from "../helpers/room_world.ts";

const people = await Promise.all(Array.from({ length: 4 }, () => makeOwner()));
const [ana, ben, cleo, dan] = people as [Owner, Owner, Owner, Owner];
const role = (whom: Owner, to: "member" | "moderator" | "owner"): PlainChange => {
  return { kind: "role", member: idOf(whom), role: to };
};

/** Ana owns, Ben moderates, Cleo and Dan are members. */
async function four(): Promise<TestRoom> {
  const room = await TestRoom.of(ana, ben, cleo, dan);
  await room.say(ana, role(ben, "moderator"));
  return room;
}

function refuses(code: VerifyCode, work: () => Promise<unknown>): Promise<void> {
  return refusedWith(code, work);
}

Deno.test("members may add, leave and pin; what moderators and owners may do is refused to them", async () => {
  const room = await four();
  const member = idOf(dan);
  const sealed = room.state.code.details;
  const forbidden: PlainChange[] = [
    { kind: "rename", details: sealed },
    { kind: "close", newcomers: "closed" },
    { kind: "approve", member },
    { kind: "end" },
    role(cleo, "owner"),
  ];
  for (const change of forbidden) await refuses("not-allowed", () => room.say(cleo, change));
  for (const change of [{ kind: "rotate" }, { kind: "remove", member }] as const) {
    await refuses("not-allowed", () => room.recode(cleo, change));
  }
  await room.say(dan, { kind: "leave" });
  await room.let(cleo, "add", dan);
});

Deno.test("moderators run the room but do not make moderators, and send away only those below them", async () => {
  const room = await four();
  await room.say(ben, { kind: "rename", details: room.state.code.details });
  await room.recode(ben);
  await refuses("not-allowed", () => room.say(ben, role(cleo, "moderator")));
  await refuses("not-allowed", () => room.say(ben, { kind: "end" }));
  await refuses("not-allowed", () => room.remove(ben, ana));
  await refuses("not-allowed", () => room.remove(ben, ben));
  await room.say(ana, role(cleo, "moderator"));
  await refuses("not-allowed", () => room.remove(ben, cleo));
  await room.remove(ben, dan);
  await room.remove(ana, cleo);
  await refuses("not-member", () => room.remove(ana, cleo));
});

Deno.test("somebody who is not in the room writes nothing", async () => {
  const room = await TestRoom.of(ana, ben);
  await refuses("not-member", () => room.say(cleo, { kind: "leave" }));
  await refuses("not-member", () => room.let(cleo, "add", cleo));
  await room.say(ben, { kind: "leave" });
  await refuses("not-member", () => room.let(ben, "add", ben));
});

Deno.test("when the owner leaves, the moderator of longest standing owns the room, else the member", async () => {
  const room = await four();
  await room.say(ana, role(dan, "moderator"));
  await room.say(ana, { kind: "leave" });
  assert.deepEqual(room.roles()[0], [idOf(ben), "owner"]);
  await room.say(ben, { kind: "leave" });
  assert.deepEqual(room.roles(), [[idOf(cleo), "member"], [idOf(dan), "owner"]]);
  await room.say(dan, { kind: "leave" });
  assert.deepEqual(room.roles(), [[idOf(cleo), "owner"]]);
});

Deno.test("a second owner stays the owner, and the last one cannot step down", async () => {
  const room = await four();
  await refuses("not-allowed", () => room.say(ana, role(ana, "member")));
  await room.say(ana, role(cleo, "owner"));
  await refuses("not-allowed", () => room.remove(ana, cleo));
  await room.say(ana, role(ana, "member"));
  assert.deepEqual(room.roles()[2], [idOf(cleo), "owner"]);
  await refuses("not-allowed", () => room.say(ana, role(ana, "owner")));
});

Deno.test("when everybody has left, the room has ended, and no code brings it back", async () => {
  const room = await TestRoom.of(ana, ben);
  await room.say(ana, { kind: "leave" });
  await room.say(ben, { kind: "leave" });
  assert.ok(room.state.ended);
  await refuses("ended", () => room.join(cleo));
});

Deno.test("an owner ends the room, whoever is still in it", async () => {
  const room = await four();
  await room.say(ana, { kind: "end" });
  await refuses("ended", () => room.say(ben, { kind: "leave" }));
});

Deno.test("a closed room takes nobody by code; moderators still add", async () => {
  const room = await TestRoom.of(ana, ben);
  await room.say(ana, { kind: "close", newcomers: "closed" });
  await refuses("closed", () => room.join(cleo));
  await refuses("not-allowed", () => room.let(ben, "add", cleo));
  await room.let(ana, "add", cleo);
  await room.say(ana, { kind: "close", newcomers: "open" });
  await room.join(dan);
});

Deno.test("a newcomer who waits for approval can only leave and bring their devices up to date", async () => {
  const room = await TestRoom.of(ana, ben);
  await room.say(ana, { kind: "close", newcomers: "approve" });
  await room.join(cleo);
  assert.deepEqual(room.roles()[2], [idOf(cleo), "waiting"]);
  await refuses("not-allowed", () => room.let(cleo, "add", dan));
  await refuses("not-allowed", () => room.let(cleo, "devices", ben));
  await refuses("not-allowed", () => room.say(ana, role(cleo, "owner")));
  await refuses("not-allowed", () => room.say(ben, { kind: "approve", member: idOf(cleo) }));
  await room.say(ana, { kind: "approve", member: idOf(cleo) });
  await refuses("already-member", () => room.say(ana, { kind: "approve", member: idOf(cleo) }));
  await room.join(dan);
  await room.say(dan, { kind: "leave" });
  assert.deepEqual(room.roles()[2], [idOf(cleo), "member"]);
});

Deno.test("who only waits inherits nothing: a room with nobody else has ended", async () => {
  const room = await TestRoom.create(ana);
  await room.say(ana, { kind: "close", newcomers: "approve" });
  await room.join(ben);
  await room.say(ana, { kind: "leave" });
  assert.ok(room.state.ended);
});

Deno.test("a banned account stays out, by code and by members, until a moderator adds it", async () => {
  const room = await four();
  const member = idOf(dan);
  await room.recode(ben, { kind: "ban", member });
  await refuses("banned", () => room.join(dan));
  await refuses("banned", () => room.let(cleo, "add", dan));
  await refuses("banned", () => room.recode(ben, { kind: "ban", member }));
  await room.let(ben, "add", dan);
  assert.deepEqual(room.state.banned, []);
  await room.say(dan, { kind: "leave" });
  await room.recode(ana, { kind: "ban", member });
  assert.deepEqual(room.state.banned, [member]);
});
