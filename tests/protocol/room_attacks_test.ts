/** What a malicious server can do to a room's log, alone or with a member. Each attack must fail or show. */
import assert from "node:assert/strict";
import { createRoomEntry, joinEntry, nextCode } from "../../crypto/room_log.ts";
import { generateSigning } from "../../crypto/signature.ts";
import { encode } from "../../protocol/codec.ts";
import { FormatError, VerifyError } from "../../protocol/errors.ts";
import { appendRoomEntry, compareHeads, demandInvited, extendRoom } from "../../protocol/room.ts";
import { demandRemoval } from "../../protocol/room.ts";
import { listProof, readRoomBody, type RoomEntry } from "../../protocol/room.ts";
import { roomBodySchema, verifyRoom } from "../../protocol/room.ts";
import { bitFlips } from "../helpers/mutations.ts";
import { makeOwner, refusedWith, withDevice } from "../helpers/owners.ts";
import { authorOf, DETAILS, forgeEntry, idOf, provenOf, TestRoom } from "../helpers/room_world.ts";

const [ana, ben, cleo, mallory] = await Promise.all([
  makeOwner(2),
  makeOwner(),
  makeOwner(),
  makeOwner(),
]);
const codeOf = ({ lookup, join }: TestRoom["keys"]) => ({ lookup, joinKey: join.public });

Deno.test("attack: the server inserts a member, as an add by a member it cannot sign for", async () => {
  const room = await TestRoom.of(ana, ben);
  const honest = await room.letOf(ana, "add", mallory);
  const forged = await forgeEntry(honest, (body) => body, mallory.device.sign);
  await refusedWith("bad-signature", () => room.take(forged));
  const asMallory = (body: ReturnType<typeof readRoomBody>) =>
    ({ ...body, account: idOf(mallory), device: mallory.device.device }) as never;
  const own = await forgeEntry(honest, asMallory, mallory.device.sign);
  await refusedWith("not-member", () => room.take(own));
});

Deno.test("attack: the server inserts a member, as a join without the code", async () => {
  const room = await TestRoom.of(ana, ben);
  const guessed = await generateSigning("portable");
  const join = await joinEntry(room.state, authorOf(mallory), provenOf(mallory), guessed);
  await refusedWith("wrong-code", () => room.take(join));
});

Deno.test("attack: the server moves an honest join to another place, room or person", async () => {
  const room = await TestRoom.of(ana, ben);
  const join = await room.joinOf(cleo);
  const other = await TestRoom.of(ana, ben);
  await refusedWith("wrong-room", () => other.take(join));
  await room.say(ben, { kind: "leave" });
  await refusedWith("fork", () => room.take(join));
  const bent = await forgeEntry(
    await room.joinOf(cleo),
    (body) => ({ ...body, account: idOf(mallory), device: mallory.device.device }) as never,
    mallory.device.sign,
  );
  const lists = listProof(mallory.entries);
  await refusedWith("wrong-code", () => room.take({ ...bent, lists }));
});

Deno.test("attack: the server vouches for a member's join with a device list of its own", async () => {
  const room = await TestRoom.of(ana, ben);
  const join = await room.joinOf(cleo);
  await refusedWith("wrong-account", () => room.take({ ...join, lists: mallory.entries }));
  const more = await withDevice(cleo);
  await refusedWith("fork", () => room.take({ ...join, lists: listProof(more.entries) }));
  const [set] = join.lists;
  await refusedWith("bad-signature", () => {
    return room.take({ ...join, lists: [{ ...set!, signature: mallory.entry.signature }] });
  });
});

Deno.test("attack: the server adds a device to a member, by a device list it cannot sign", async () => {
  const room = await TestRoom.of(ana, ben);
  const pinned = await room.letOf(ana, "devices", await withDevice(ben));
  const forged = pinned.lists.map((one) => ({ ...one, signature: mallory.entry.signature }));
  await refusedWith("bad-signature", () => room.take({ ...pinned, lists: forged }));
  const unsigned = await forgeEntry(pinned, (body) => body, mallory.device.sign);
  await refusedWith("bad-signature", () => room.take(unsigned));
});

Deno.test("attack: the server replays an old log: known members and the code both show it", async () => {
  const room = await TestRoom.of(ana, ben, cleo);
  const invite = room.keys;
  await room.remove(ana, cleo);
  const old = room.entries.slice(0, 3);
  assert.equal(await extendRoom(room.state, old), room.state);
  const seen = await verifyRoom(old);
  const current = codeOf(room.keys);
  assert.throws(() => demandInvited(seen, current, idOf(mallory)), { code: "wrong-code" });
  assert.equal(compareHeads(room.state, seen), "older");
  assert.equal(compareHeads(seen, room.state), "newer");
  demandInvited(seen, codeOf(invite), idOf(mallory));
  const late = await joinEntry(seen, authorOf(mallory), provenOf(mallory), invite.join);
  await refusedWith("fork", () => room.take(late));
});

Deno.test("attack: the server forks the log for one member; both sides see it at the first word", async () => {
  const room = await TestRoom.of(ana, ben);
  const other = room.fork();
  await room.join(cleo);
  await other.let(ana, "add", mallory);
  assert.equal(compareHeads(room.state, other.state), "fork");
  assert.equal(compareHeads(other.state, room.state), "fork");
  await refusedWith("fork", () => extendRoom(room.state, other.entries));
  await other.say(ben, { kind: "leave" });
  await refusedWith("fork", () => extendRoom(room.state, other.entries.slice(-1)));
});

Deno.test("attack: the server drops a removal: nothing that follows it fits", async () => {
  const room = await TestRoom.of(ana, ben, cleo);
  const known = room.state;
  await room.remove(ana, cleo);
  await room.say(ben, { kind: "leave" });
  await refusedWith("gap", () => extendRoom(known, room.entries.slice(-1)));
  const { previous, seq } = readRoomBody(room.entries[3]!) as never;
  const bent = await forgeEntry(
    room.entries[4]!,
    (body) => ({ ...body, previous, seq, epoch: 1 }),
    mallory.device.sign,
  );
  await refusedWith("bad-signature", () => extendRoom(known, [bent]));
});

Deno.test("attack: the server swaps lookup ids: another room under the code's does not have its join key", async () => {
  const [room, other] = [await TestRoom.create(ana), await TestRoom.create(mallory)];
  const seen = await verifyRoom(other.entries);
  const code = codeOf(room.keys);
  assert.throws(() => demandInvited(seen, code, idOf(ben)), { code: "wrong-code" });
  const lookup = { ...codeOf(other.keys), lookup: code.lookup };
  assert.throws(() => demandInvited(room.state, lookup, idOf(ben)), { code: "wrong-code" });
});

Deno.test("attack: the server makes a room with the code's lookup id and join key, which it has no key for", async () => {
  const room = await TestRoom.create(ana);
  const { lookup, joinKey } = room.state.code;
  const fake = { ...room.keys, lookup, join: { ...mallory.device.sign, public: joinKey } };
  const next = await nextCode(null, fake, DETAILS);
  const create = await createRoomEntry(authorOf(mallory), provenOf(mallory), next);
  await refusedWith("wrong-code", () => verifyRoom([create]));
});

Deno.test("attack: a removed member makes a room under the old code; who has the new one is not fooled", async () => {
  const room = await TestRoom.of(ana, mallory);
  const old = room.keys;
  await room.remove(ana, mallory);
  const next = await nextCode(null, old, DETAILS);
  const create = await createRoomEntry(authorOf(mallory), provenOf(mallory), next);
  const fake = await verifyRoom([create]);
  const code = codeOf(room.keys);
  assert.throws(() => demandInvited(fake, code, idOf(cleo)), { code: "wrong-code" });
  await refusedWith("wrong-room", () => verifyRoom([create], room.state.id));
});

Deno.test("attack: a member signs as another, with its own key", async () => {
  const room = await TestRoom.of(ana, ben);
  const leave = await room.sayOf(ana, { kind: "leave" });
  await refusedWith(
    "bad-signature",
    () => room.take({ ...leave, signature: leave.body.slice(0, 64) }),
  );
  const forged = await forgeEntry(leave, (body) => body, ben.device.sign);
  await refusedWith("bad-signature", () => room.take(forged));
});

Deno.test("attack: a create is claimed by another account, or put under another person's list", async () => {
  const room = await TestRoom.create(ana);
  const [create] = room.entries;
  const lists = listProof(mallory.entries);
  await refusedWith("wrong-account", () => verifyRoom([{ ...create!, lists }]));
});

Deno.test("attack: one bit of an entry is the other way round", async () => {
  const room = await TestRoom.of(ana, ben);
  const [known, leave] = [room.state, await room.sayOf(ben, { kind: "leave" })];
  const join = await room.joinOf(cleo);
  const bent: RoomEntry[] = [];
  for (const body of bitFlips(leave.body, 7)) bent.push({ ...leave, body });
  for (const signature of bitFlips(leave.signature, 7)) bent.push({ ...leave, signature });
  for (const body of bitFlips(join.body, 13)) bent.push({ ...join, body });
  for (const joinSignature of bitFlips(join.joinSignature!, 7)) {
    bent.push({ ...join, joinSignature });
  }
  for (const entry of bent) {
    await assert.rejects(() => appendRoomEntry(known, entry), (error) => {
      return error instanceof VerifyError || error instanceof FormatError;
    });
  }
  await appendRoomEntry(known, leave);
});

Deno.test("attack: an entry is another's signature: no label and no structure stands for two kinds", async () => {
  const room = await TestRoom.of(ana, ben);
  const join = await room.joinOf(cleo);
  const swapped = { ...join, signature: join.joinSignature!, joinSignature: join.signature };
  await refusedWith("wrong-code", () => room.take(swapped));
  const leave = await room.sayOf(ben, { kind: "leave" });
  const ended = readRoomBody(leave);
  const body = encode(roomBodySchema, { ...ended, kind: "end" } as never);
  await refusedWith("bad-signature", () => room.take({ ...leave, body }));
});

Deno.test("a removal that a member told counts wherever it will stand, while its author may make it", async () => {
  const room = await TestRoom.of(ana, ben, cleo);
  const removal = await room.fork().remove(ana, cleo);
  await demandRemoval(room.state, removal);
  await room.say(ana, { kind: "close", newcomers: "approve" });
  await demandRemoval(room.state, removal);
  await room.say(ana, { kind: "role", member: idOf(cleo), role: "owner" });
  await refusedWith("not-allowed", () => demandRemoval(room.state, removal));
});

Deno.test("attack: a removal told by somebody who may not, in another's name, or of another room", async () => {
  const room = await TestRoom.of(ana, ben, cleo);
  const removal = await room.fork().remove(ana, cleo);
  const { account, device } = readRoomBody(removal);
  const asBen = await forgeEntry(
    removal,
    (body) => ({ ...body, account: idOf(ben), device: ben.device.device }) as never,
    ben.device.sign,
  );
  await refusedWith("not-allowed", () => demandRemoval(room.state, asBen));
  const asAna = await forgeEntry(
    removal,
    (body) => ({ ...body, account, device }) as never,
    ben.device.sign,
  );
  await refusedWith("bad-signature", () => demandRemoval(room.state, asAna));
  const other = await TestRoom.of(ana, ben, cleo);
  await refusedWith("wrong-room", () => demandRemoval(other.state, removal));
  const leave = await room.fork().say(cleo, { kind: "leave" });
  await assert.rejects(demandRemoval(room.state, leave), FormatError);
  await room.take(removal);
  await refusedWith("not-member", () => demandRemoval(room.state, removal));
});
