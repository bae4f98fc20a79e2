import assert from "node:assert/strict";
import { createAccount, revokeDevices } from "../../crypto/account.ts";
import { joinEntry } from "../../crypto/room_log.ts";
import { decode, encode } from "../../protocol/codec.ts";
import { FormatError } from "../../protocol/errors.ts";
import { MAX_ROOM_ENTRY_BYTES } from "../../protocol/limits.ts";
import {
  appendRoomEntry,
  countUndoubted,
  demandInvited,
  extendRoom,
  listProof,
  roomEntrySchema,
  roomHashOf,
  roomIdOf,
  roomStateSchema,
  verifyRoom,
} from "../../protocol/room.ts";
import { makeOwner, refusedWith, TODAY, withDevice, withEntry } from "../helpers/owners.ts";
import {
  authorOf,
  forgeEntry,
  idOf,
  provenOf,
  quickKeys,
  TestRoom,
} from "../helpers/room_world.ts";

const [ana, ben, cleo] = await Promise.all([makeOwner(2), makeOwner(), makeOwner()]);
const codeOf = ({ lookup, join }: TestRoom["keys"]) => ({ lookup, joinKey: join.public });

Deno.test("a room is what its entries say, at once or one by one", async () => {
  const room = await TestRoom.of(ana, ben, cleo);
  assert.equal(room.state.id, roomIdOf(await roomHashOf(room.entries[0]!)));
  assert.deepEqual(room.roles(), [[idOf(ana), "owner"], [idOf(ben), "member"], [
    idOf(cleo),
    "member",
  ]]);
  assert.deepEqual(await verifyRoom(room.entries, room.state.id), room.state);
  const [early] = room.states;
  assert.deepEqual(await extendRoom(early!, room.entries.slice(1)), room.state);
  assert.deepEqual(await extendRoom(early!, room.entries), room.state);
  assert.equal(await extendRoom(room.state, room.entries), room.state);
});

Deno.test("entries and states survive their encodings, and entries stay small", async () => {
  const room = await TestRoom.of(ana, ben);
  await room.remove(ana, ben);
  for (const entry of room.entries) {
    const bytes = encode(roomEntrySchema, entry);
    assert.deepEqual(decode(roomEntrySchema, bytes), entry);
    assert.ok(entry.body.length < MAX_ROOM_ENTRY_BYTES);
  }
  const bytes = encode(roomStateSchema, room.state);
  assert.deepEqual(decode(roomStateSchema, bytes), room.state);
  assert.deepEqual(structuredClone(room.state), room.state);
});

Deno.test("a newcomer replays a log of three code epochs and joins under the last", async () => {
  const room = await TestRoom.of(ana, ben);
  await room.remove(ana, ben);
  await room.recode(ana);
  const seen = await verifyRoom(room.entries);
  assert.equal(seen.code.epoch, 3);
  demandInvited(seen, codeOf(room.keys), idOf(cleo));
  await room.join(cleo);
  assert.deepEqual((await extendRoom(seen, room.entries)).members.length, 2);
});

Deno.test("attack: a removed member rejoins with the codes of earlier epochs", async () => {
  const room = await TestRoom.of(ana, ben);
  const first = room.keys;
  await room.recode(ana);
  const second = room.keys;
  await room.remove(ana, ben);
  for (const old of [first, second]) {
    const entry = await room.joinOf(ben, old);
    await refusedWith("wrong-code", () => room.take(entry));
    assert.throws(() => demandInvited(room.state, codeOf(old), idOf(ben)), { code: "wrong-code" });
  }
  const before = room.states.at(-2)!;
  const late = await joinEntry(before, authorOf(ben), provenOf(ben), second.join);
  await refusedWith("fork", () => room.take(late));
});

Deno.test("a join needs the code: neither the device nor the join key alone will do", async () => {
  const room = await TestRoom.create(ana);
  const join = await room.joinOf(ben);
  await refusedWith("wrong-code", () => room.take({ ...join, joinSignature: null }));
  await refusedWith("wrong-code", () => room.take({ ...join, joinSignature: join.signature }));
  await refusedWith("bad-signature", () => room.take({ ...join, signature: join.joinSignature! }));
  const stranger = await quickKeys();
  await refusedWith("wrong-code", async () => room.take(await room.joinOf(ben, stranger)));
  await room.take(join);
  await refusedWith("already-member", async () => room.take(await room.joinOf(ben)));
});

Deno.test("a create, a rotate, a remove and a ban need the join key that they publish", async () => {
  const room = await TestRoom.of(ana, ben);
  const member = idOf(ben);
  const base = room.fork();
  const stranger = (await quickKeys()).join;
  for (const change of [{ kind: "rotate" }, { kind: "remove", member }, { kind: "ban", member }]) {
    const grown = base.fork();
    const entry = await grown.recode(ana, change as Parameters<TestRoom["recode"]>[1]);
    const same = await forgeEntry(entry, (body) => body, ana.device.sign, stranger);
    await refusedWith("wrong-code", () => base.fork().take(same));
    await refusedWith("wrong-code", () => base.fork().take({ ...entry, joinSignature: null }));
  }
  const create = { ...room.entries[0]!, joinSignature: null };
  await refusedWith("wrong-code", () => verifyRoom([create]));
});

Deno.test("a code goes one epoch up and is not the one before", async () => {
  const room = await TestRoom.create(ana);
  const { keys } = room;
  const rotate = await room.fork().recode(ana);
  const bend = (code: object) =>
    forgeEntry(
      rotate,
      (body) => body.kind === "rotate" ? { ...body, code: { ...body.code, ...code } } : body,
      ana.device.sign,
      keys.join,
    );
  const joinKey = keys.join.public;
  await refusedWith("wrong-code", async () => room.take(await bend({ epoch: 3, joinKey })));
  await refusedWith("wrong-code", async () => room.take(await bend({ epoch: 1, joinKey })));
  await refusedWith("duplicate", async () => room.take(await bend({ joinKey })));
});

Deno.test("entries out of place are refused: a gap, a wrong predecessor, a wrong epoch, another room", async () => {
  const room = await TestRoom.of(ana, ben);
  const leave = await room.sayOf(ben, { kind: "leave" });
  const bend = (change: object) =>
    forgeEntry(leave, (body) => ({ ...body, ...change }), ben.device.sign);
  const other = await TestRoom.create(cleo);
  const taken = (entry: Promise<typeof leave>) => async () => room.take(await entry);
  await refusedWith("gap", taken(bend({ seq: 4 })));
  await refusedWith("fork", taken(bend({ previous: room.states[0]!.hash })));
  await refusedWith("fork", taken(bend({ seq: 2 })));
  await refusedWith("wrong-code", taken(bend({ epoch: 2 })));
  await refusedWith("wrong-room", taken(bend({ room: other.state.id })));
  await refusedWith("wrong-room", () => verifyRoom(room.entries, other.state.id));
  await refusedWith("wrong-room", () => extendRoom(room.state, other.entries));
  await refusedWith("gap", () => verifyRoom([]));
  await refusedWith("gap", () => verifyRoom(room.entries.slice(1)));
});

Deno.test("a device list moves forward by anybody's entry, and never back", async () => {
  const room = await TestRoom.of(ana, ben);
  const more = await withDevice(ben);
  await refusedWith("not-listed", async () => {
    await room.take(await room.sayOf(more, { kind: "leave" }, 1));
  });
  await room.let(ana, "devices", more);
  assert.equal(room.state.members[1]!.pin.devices.length, 2);
  await refusedWith("duplicate", async () => room.take(await room.letOf(ana, "devices", more)));
  await refusedWith("rollback", async () => room.take(await room.letOf(ana, "devices", ben)));
  await room.say(more, { kind: "leave" }, 1);
});

Deno.test("a set takes the place of a revoke at the same version, in the log too", async () => {
  const [two, room] = [await makeOwner(2), await TestRoom.create(ana)];
  await room.join(two);
  const revoke = await revokeDevices(two.devices[1]!, two.list, [two.devices[0]!.device]);
  const robbed = await withEntry(two, revoke);
  await room.let(ana, "devices", robbed);
  assert.equal(room.state.members[1]!.pin.devices.length, 1);
  const overruled = await withDevice(two);
  assert.equal(overruled.list.version, robbed.list.version);
  await room.let(ana, "devices", overruled);
  assert.equal(room.state.members[1]!.pin.devices.length, 3);
  await refusedWith("fork", async () => room.take(await room.letOf(ana, "devices", robbed)));
});

Deno.test("the proof of a list is its newest set and what follows", async () => {
  const owner = await makeOwner(3);
  const less = await withEntry(
    owner,
    await revokeDevices(owner.device, owner.list, [owner.devices[1]!.device]),
  );
  assert.deepEqual(listProof(less.entries), less.entries.slice(2));
  const room = await TestRoom.create(less);
  assert.equal(room.state.members[0]!.pin.devices.length, 2);
});

Deno.test("parts that an entry's kind does not call for are refused", async () => {
  const room = await TestRoom.of(ana, ben);
  const leave = await room.sayOf(ben, { kind: "leave" });
  const join = await room.joinOf(cleo);
  await assert.rejects(() => room.take({ ...leave, joinSignature: leave.signature }), FormatError);
  await assert.rejects(() => room.take({ ...leave, lists: join.lists }), FormatError);
  await refusedWith("gap", () => room.take({ ...join, lists: [] }));
});

Deno.test("an entry that is refused leaves the room as it was", async () => {
  const room = await TestRoom.of(ana, ben);
  const before = encode(roomStateSchema, room.state);
  const forged = await forgeEntry(
    await room.sayOf(ben, { kind: "leave" }),
    (body) => ({ ...body, account: idOf(ana) }),
    ben.device.sign,
  );
  await refusedWith("not-listed", () => appendRoomEntry(room.state, forged));
  assert.deepEqual(encode(roomStateSchema, room.state), before);
});

Deno.test("attack: a revoked device and a server that withholds the news sign an entry; it stays in doubt", async () => {
  const room = await TestRoom.of(ana, ben);
  const thief = 1;
  const known = room.state;
  const listed = (account: string, device: string) =>
    account !== idOf(ana) || device === ana.devices[0]!.device;
  await room.recode(ana, { kind: "remove", member: idOf(ben) }, thief);
  await room.let(ana, "add", cleo, thief);
  await room.say(cleo, { kind: "leave" });
  const news = room.entries.slice(2);
  assert.equal(countUndoubted(known, news, listed), 0);
  await room.say(ana, { kind: "close", newcomers: "closed" });
  assert.equal(countUndoubted(known, room.entries.slice(2), listed), 4);
});

Deno.test("attack: a device that was revoked in the log signs nothing after it", async () => {
  const room = await TestRoom.of(ana, ben);
  const revoke = await revokeDevices(ana.device, ana.list, [ana.devices[1]!.device]);
  const safe = await withEntry(ana, revoke);
  await room.let(safe, "devices", safe);
  for (const change of [{ kind: "leave" }, { kind: "end" }] as const) {
    await refusedWith("not-listed", async () => room.take(await room.sayOf(ana, change, 1)));
  }
  await refusedWith("rollback", async () => room.take(await room.letOf(ana, "devices", ana, 0)));
});

Deno.test("an account that was reset rejoins with the code, as a member, and its old devices are out", async () => {
  const room = await TestRoom.of(ana, ben);
  const made = await createAccount(idOf(ana), "browser", "portable", TODAY);
  const again = { ...made, entries: [made.entry], devices: [made.device] };
  await refusedWith("key-changed", async () => room.take(await room.letOf(ben, "devices", again)));
  await refusedWith("already-member", async () => room.take(await room.letOf(ben, "add", again)));
  await room.join(again);
  assert.deepEqual(room.roles(), [[idOf(ben), "owner"], [idOf(ana), "member"]]);
  await refusedWith("not-listed", () => room.say(ana, { kind: "leave" }));
});
