import assert from "node:assert/strict";
import { revokeDevices } from "../../crypto/account.ts";
import { randomBytes } from "../../crypto/random.ts";
import { encode } from "../../protocol/codec.ts";
import { type AccountId, randomId } from "../../protocol/ids.ts";
import { MAX_DEVICES, MAX_ROOM_MEMBERS } from "../../protocol/limits.ts";
import { compareHeads, findSpeaker, isPinBehind, judgeSender } from "../../protocol/room.ts";
import { roomRecipients, type RoomState, roomStateSchema } from "../../protocol/room.ts";
import { makeOwner, withDevice, withEntry } from "../helpers/owners.ts";
import { idOf, TestRoom } from "../helpers/room_world.ts";

const [ana, ben, cleo] = await Promise.all([makeOwner(2), makeOwner(2), makeOwner()]);
const names = (devices: readonly { device: string }[]) => devices.map(({ device }) => device);
const devicesOf = (...people: (typeof ana)[]) => people.flatMap((one) => names(one.devices));

Deno.test("a message goes to every pinned device but the sending one, and not to those who wait", async () => {
  const room = await TestRoom.of(ana, ben);
  await room.say(ana, { kind: "close", newcomers: "approve" });
  await room.join(cleo);
  const own = ana.devices[0]!.device;
  const expected = devicesOf(ana, ben).filter((one) => one !== own);
  assert.deepEqual(names(roomRecipients(room.state, own)), expected);
  assert.equal(findSpeaker(room.state, idOf(cleo), cleo.device.device), null);
  await room.say(ana, { kind: "approve", member: idOf(cleo) });
  assert.deepEqual(names(roomRecipients(room.state, own)), [...expected, ...devicesOf(cleo)]);
});

Deno.test("a removal on its way counts at once", async () => {
  const { state } = await TestRoom.of(ana, ben, cleo);
  const some = roomRecipients(state, ana.device.device, { removed: [idOf(ben)] });
  assert.deepEqual(names(some), [ana.devices[1]!.device, cleo.device.device]);
});

Deno.test("attack: the server adds a device to a member; it gets nothing until a member has pinned it", async () => {
  const { state } = await TestRoom.of(ana, ben);
  const more = await withDevice(ben);
  const newest = (account: AccountId) => account === idOf(ben) ? more.list : undefined;
  const some = names(roomRecipients(state, ana.device.device, { newest }));
  assert.ok(!some.includes(more.devices[2]!.device));
  assert.ok(isPinBehind(state, more.list));
  assert.ok(!isPinBehind(state, ben.list));
});

Deno.test("a device that its owner has revoked gets nothing, pinned or not", async () => {
  const room = await TestRoom.of(ana, ben);
  const revoke = await revokeDevices(ben.device, ben.list, [ben.devices[1]!.device]);
  const less = await withEntry(ben, revoke);
  const newest = (account: AccountId) => account === idOf(ben) ? less.list : undefined;
  const some = names(roomRecipients(room.state, ana.device.device, { newest }));
  assert.deepEqual(some, [ana.devices[1]!.device, ben.devices[0]!.device]);
  await room.let(ana, "devices", less);
  assert.deepEqual(names(roomRecipients(room.state, ana.device.device)), some);
});

Deno.test("an account that was reset gets nothing under its new key until it has rejoined", async () => {
  const room = await TestRoom.of(ana, ben);
  const reset = { ...(await makeOwner()).list, account: idOf(ben) };
  const newest = (account: AccountId) => account === idOf(ben) ? reset : undefined;
  const some = names(roomRecipients(room.state, ana.device.device, { newest }));
  assert.deepEqual(some, [ana.devices[1]!.device]);
  assert.ok(!isPinBehind(room.state, reset));
});

Deno.test("heads compare: same, older, newer, fork, and forgotten when too far back", async () => {
  const room = await TestRoom.of(ana, ben, cleo);
  const [first, second, third] = room.states as [RoomState, RoomState, RoomState];
  assert.equal(compareHeads(third, third), "same");
  assert.equal(compareHeads(third, second), "older");
  assert.equal(compareHeads(second, third), "newer");
  assert.equal(compareHeads(third, { seq: 3, hash: second.hash }), "fork");
  assert.equal(compareHeads(third, { seq: 2, hash: third.hash }), "fork");
  assert.equal(compareHeads({ ...third, hashes: third.hashes.slice(1) }, first), "forgotten");
  assert.equal(compareHeads(third, { seq: 0, hash: first.hash }), "forgotten");
});

Deno.test("who has left speaks no more, also under a head from before", async () => {
  const room = await TestRoom.of(ana, ben);
  const from = { account: idOf(ben), device: ben.device.device };
  const before = { seq: room.state.seq, hash: room.state.hash };
  assert.equal(judgeSender(room.state, { ...before, ...from }), "ok");
  await room.remove(ana, ben);
  assert.equal(judgeSender(room.state, { ...before, ...from }), "not-member");
});

Deno.test("the largest room fits its encoding", async () => {
  const { state } = await TestRoom.create(ana);
  const members = Array.from({ length: MAX_ROOM_MEMBERS }, () => {
    const devices = Array.from({ length: MAX_DEVICES }, () => {
      return { device: randomId<"device">(), sign: randomBytes(32) };
    });
    const { pin } = state.members[0]!;
    return { ...state.members[0]!, account: randomId<"account">(), pin: { ...pin, devices } };
  });
  assert.ok(encode(roomStateSchema, { ...state, members }).length < 512 * 1024);
});
