import assert from "node:assert/strict";
import { joinEntry } from "../../crypto/room_log.ts";
import { encode } from "../../protocol/codec.ts";
import { verifyDeviceList } from "../../protocol/bundle.ts";
import { idBytes, idFrom, randomId, type RoomId } from "../../protocol/ids.ts";
import { type RoomEntry, roomEntrySchema, verifyRoom } from "../../protocol/room.ts";
import { codeOf, makeWorld, value, Visitor, type World } from "../helpers/account_world.ts";
import { type Member, signInAgain, signUp } from "../helpers/members.ts";
import type { Owner } from "../helpers/owners.ts";
import { authorOf, forgeEntry, provenOf, quickKeys, TestRoom } from "../helpers/room_world.ts";

interface Somebody {
  readonly member: Member;
  readonly owner: Owner;
}

async function somebody(world: World, name: string): Promise<Somebody> {
  const member = await signUp(world, name);
  const { keys } = member;
  return { member, owner: { ...keys, entries: [keys.entry], devices: [keys.device] } };
}

/** Posts an entry of a local log; the outcome or the code of the refusal. */
async function post({ member }: Somebody, room: RoomId | null, entry: RoomEntry): Promise<string> {
  const answer = await member.visitor.api.appendToRoom(room, entry);
  return answer.ok ? answer.value.outcome : answer.code;
}

async function log({ member }: Somebody, room: RoomId, since = 0): Promise<number | string> {
  const answer = await member.visitor.api.roomLog(room, since);
  return answer.ok ? answer.value.entries.length : answer.code;
}

async function lookup({ member }: Somebody, room: TestRoom): Promise<string> {
  const answer = await member.visitor.api.lookUpRoom({ lookup: room.keys.lookup, since: 0 });
  return answer.ok ? answer.value.room : answer.code;
}

/** Ana's room with Ben in it; Cleo has an account. */
async function three(limits: Parameters<typeof makeWorld>[0] = {}) {
  const world = await makeWorld(limits);
  const [ana, ben, cleo] = [
    await somebody(world, "ana"),
    await somebody(world, "ben"),
    await somebody(world, "cleo"),
  ];
  const room = await TestRoom.create(ana.owner);
  const { id } = room.state;
  assert.equal(await post(ana, null, room.entries[0]!), "accepted");
  assert.equal(await post(ben, id, await room.join(ben.owner)), "accepted");
  return { world, ana, ben, cleo, room, id };
}

Deno.test("a room is made, found by its lookup id, joined and read", async () => {
  const { world, ana, ben, cleo, room, id } = await three();
  assert.equal(await lookup(cleo, room), id);
  const found = value(
    await cleo.member.visitor.api.lookUpRoom({
      lookup: room.keys.lookup,
      since: 0,
    }),
  );
  assert.deepEqual((await verifyRoom(found.entries, id)).hash, room.state.hash);
  assert.equal(await log(ana, id), 2);
  assert.equal(await log(ben, id, 1), 1);
  assert.equal(await log(cleo, id), "no-such-room");
  const mine = value(await ben.member.visitor.api.rooms(null));
  assert.deepEqual([mine.rooms, mine.next], [[{ room: id, seq: 2 }], null]);
  assert.deepEqual(value(await cleo.member.visitor.api.rooms(null)).rooms, []);
  assert.equal(mine.server.length, 16);
  assert.deepEqual(value(await ana.member.visitor.api.rooms(null)).server, mine.server);
  world.close();
});

Deno.test("the people of a room go to who is in it, from any of them on, and to nobody else", async () => {
  const { world, ana, ben, cleo, room, id } = await three();
  const people = async ({ member }: Somebody, after: typeof member.account | null = null) => {
    const answer = await member.visitor.api.roomPeople(id, after);
    return answer.ok ? answer.value.people.map(({ username }) => username).sort() : answer.code;
  };
  assert.deepEqual(await people(ben), ["ana", "ben"]);
  const whole = value(await ana.member.visitor.api.roomPeople(id, null));
  const lists = whole.people.map(({ account, entries }) => verifyDeviceList(account, entries));
  assert.equal((await Promise.all(lists)).length, 2);
  assert.equal(whole.next, null);
  const [first, second] = whole.people;
  assert.deepEqual(await people(ana, first!.account), [second!.username]);
  assert.deepEqual(await people(ana, second!.account), []);
  assert.equal(await people(cleo), "no-such-room");
  await post(ana, id, await room.say(ana.owner, { kind: "close", newcomers: "approve" }));
  await post(cleo, id, await room.join(cleo.owner));
  assert.equal(await people(cleo), "no-such-room", "who waits is told of nobody");
  assert.deepEqual(await people(ana), ["ana", "ben", "cleo"]);
  await post(ana, id, await room.remove(ana.owner, ben.owner));
  assert.equal(await people(ben), "no-such-room");
  world.close();
});

Deno.test("a page of people counts as one look-up", async () => {
  const { world, ben, id } = await three({ limits: { lookupsPerHour: 2 } });
  for (const expected of [true, true, false]) {
    assert.equal((await ben.member.visitor.api.roomPeople(id, null)).ok, expected);
  }
  world.close();
});

Deno.test("members, and whoever just left, are told that the log has grown", async () => {
  const { world, ana, ben, room, id } = await three();
  world.roomChanges.splice(0);
  await post(ana, id, await room.remove(ana.owner, ben.owner));
  const [change] = world.roomChanges;
  assert.deepEqual([change!.room, change!.seq], [id, 3]);
  assert.deepEqual([...change!.accounts].sort(), [ana.member.account, ben.member.account].sort());
  world.close();
});

Deno.test("an entry sent again is accepted once, one that came second meets a conflict", async () => {
  const { world, ana, ben, room, id } = await three();
  const late = await room.fork().sayOf(ben.owner, { kind: "leave" });
  const first = await room.say(ana.owner, { kind: "close", newcomers: "approve" });
  assert.equal(await post(ana, id, first), "accepted");
  assert.equal(await post(ana, id, first), "accepted");
  assert.equal(await post(ana, null, room.entries[0]!), "accepted");
  const answer = value(await ben.member.visitor.api.appendToRoom(id, late));
  assert.ok(answer.outcome === "conflict");
  assert.deepEqual(answer.entries.map((entry) => entry.signature), [first.signature]);
  assert.equal(await log(ana, id), 3);
  world.close();
});

Deno.test("two entries at the same moment: one is in the log, the other learns of it", async () => {
  const { world, ana, ben, room, id } = await three();
  const [one, two] = [
    await room.sayOf(ana.owner, { kind: "close", newcomers: "approve" }),
    await room.sayOf(ben.owner, { kind: "leave" }),
  ];
  const outcomes = await Promise.all([post(ana, id, one), post(ben, id, two)]);
  assert.deepEqual(outcomes.sort(), ["accepted", "conflict"]);
  assert.equal(await log(ana, id), 3);
  world.close();
});

Deno.test("attack: a login writes in another's name, or with another device's id", async () => {
  const { world, ana, ben, room, id } = await three();
  const entry = await room.sayOf(ana.owner, { kind: "close", newcomers: "closed" });
  assert.equal(await post(ben, id, entry), "bad-room-entry");
  const forged = await forgeEntry(
    entry,
    (body) => ({ ...body, account: ben.member.account, device: ben.owner.device.device }),
    ben.owner.device.sign,
  );
  // Ben's own device wrote it: the rules, not the login, refuse a member who closes the room.
  assert.equal(await post(ben, id, forged), "bad-room-entry");
  assert.equal(await log(ana, id), 2);
  world.close();
});

Deno.test("attack: wrong, dead and closed codes, a ban and no room at all look the same", async () => {
  const { world, ana, ben, cleo, room, id } = await three();
  const answers: string[] = [];
  const ask = async (as: Somebody, wanted: TestRoom["keys"]["lookup"]) => {
    const answer = await as.member.visitor.api.lookUpRoom({ lookup: wanted, since: 0 });
    const { status } = as.member.visitor.last!;
    answers.push(`${status} ${JSON.stringify(answer)}`);
  };
  const dead = room.keys.lookup;
  await post(ana, id, await room.recode(ana.owner, { kind: "ban", member: ben.member.account }));
  await ask(cleo, randomId<"lookup">());
  await ask(cleo, dead);
  await ask(ben, room.keys.lookup);
  await post(ana, id, await room.say(ana.owner, { kind: "close", newcomers: "closed" }));
  await ask(cleo, room.keys.lookup);
  assert.equal(new Set(answers).size, 1, answers.join("\n"));
  assert.match(answers[0]!, /^404 .*no-such-room/);
  assert.equal(await lookup(ana, room), id);
  world.close();
});

Deno.test("attack: a join under a dead code learns nothing of the log", async () => {
  const { world, ana, cleo, room, id } = await three();
  const dead = await room.joinOf(cleo.owner);
  assert.equal(await post(ana, id, await room.recode(ana.owner)), "accepted");
  assert.equal(await post(cleo, id, dead), "no-such-room");
  const guessed = await room.joinOf(cleo.owner, await quickKeys());
  assert.equal(await post(cleo, id, guessed), "no-such-room");
  assert.equal(await post(cleo, randomId<"room">(), dead), "no-such-room");
  world.close();
});

Deno.test("a removed member reads the log up to the removal and appends nothing", async () => {
  const { world, ana, ben, room, id } = await three();
  const before = room.fork();
  assert.equal(await post(ana, id, await room.remove(ana.owner, ben.owner)), "accepted");
  await post(ana, id, await room.say(ana.owner, { kind: "close", newcomers: "approve" }));
  assert.equal(await log(ben, id), 3);
  assert.equal(value(await ben.member.visitor.api.roomLog(id, 0)).seq, 3);
  const leave = await before.sayOf(ben.owner, { kind: "leave" });
  assert.equal(await post(ben, id, leave), "no-such-room");
  // With the new code anybody who is not banned may come back, and then reads on.
  assert.equal(await post(ben, id, await room.join(ben.owner)), "accepted");
  assert.equal(await log(ben, id), 5);
  world.close();
});

Deno.test("attack: a join proves a list of devices that is not the account's newest", async () => {
  const { world, cleo, room, id } = await three();
  await signInAgain(cleo.member);
  assert.equal(await post(cleo, id, await room.joinOf(cleo.owner)), "stale-room-list");
  world.close();
});

Deno.test("attack: a second room under the lookup id of the first, also of a dead one", async () => {
  const { world, ana, ben, room, id } = await three();
  const keys = room.keys;
  await post(ana, id, await room.recode(ana.owner));
  for (const lookup of [keys.lookup, room.keys.lookup]) {
    const other = await TestRoom.create(ben.owner);
    const body = { ...other.keys, lookup };
    const stolen = await TestRoom.createWith(ben.owner, body);
    assert.equal(await post(ben, null, stolen.entries[0]!), "bad-room-entry");
  }
  world.close();
});

Deno.test("guesses at codes are limited by account and by address", async () => {
  const limits = { roomLookupsPerHour: 3, roomLookupsPerIpHour: 5 };
  const { world, ana, cleo } = await three({ limits });
  const guess = async (by: Member, address: string) => {
    const visitor = new Visitor(world, "terminal", address);
    visitor.api.login = by.visitor.api.login;
    const answer = await visitor.api.lookUpRoom({ lookup: randomId<"lookup">(), since: 0 });
    return codeOf(answer);
  };
  const seen: string[] = [];
  for (const address of ["192.0.2.7", "192.0.2.8", "192.0.2.9", "192.0.2.10"]) {
    seen.push(await guess(cleo.member, address));
  }
  assert.deepEqual(seen, [...Array(3).fill("no-such-room"), "rate-limited"]);
  const more = [];
  for (const [by, count] of [[ana, 3]] as const) {
    for (let n = 0; n < count; n++) more.push(await guess(by.member, "192.0.2.7"));
  }
  assert.deepEqual(more, Array(3).fill("no-such-room"));
  assert.equal(await guess(ana.member, "192.0.2.7"), "rate-limited");
  world.close();
});

Deno.test("garbage, unknown fields and nobody's login are refused", async () => {
  const { world, ana, room, id } = await three();
  const { visitor } = ana.member;
  const headers = { authorization: `Bearer ${visitor.api.login}` };
  const cbor = { ...headers, "content-type": "application/cbor" };
  const join = await joinEntry(
    room.state,
    authorOf(ana.owner),
    provenOf(ana.owner),
    room.keys.join,
  );
  const whole = encode(roomEntrySchema, join);
  for (
    const [path, body] of [
      ["/api/rooms", whole.slice(0, -1)],
      [`/api/rooms/${id}/log`, new Uint8Array([...whole, 0])],
      ["/api/rooms/lookup", whole],
    ] as const
  ) {
    const answer = await visitor.request(path, { method: "POST", headers: cbor, body });
    assert.equal(answer.status, 400, path);
  }
  for (const path of ["/api/rooms?after=x", `/api/rooms/${id}/log?since=-1`]) {
    assert.equal((await visitor.request(path, { headers })).status, 400, path);
  }
  assert.equal((await visitor.request("/api/rooms/nonsense/log", { headers })).status, 404);
  assert.equal((await new Visitor(world).request("/api/rooms")).status, 401);
  assert.equal(await post(ana, null, join), "bad-input");
  // An id with other spare bits in its last character would be the same room under another name.
  const odd = `${id.slice(0, 21)}${id[21] === "A" ? "B" : "h"}`;
  assert.equal((await visitor.request(`/api/rooms/${odd}/log`, { headers })).status, 404);
  assert.equal(idFrom(idBytes(id)), id);
  world.close();
});
