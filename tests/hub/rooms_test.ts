import assert from "node:assert/strict";
import type { DatabaseSync } from "node:sqlite";
import { createRooms } from "../../db/rooms.ts";
import type { Bytes } from "../../protocol/encoding.ts";
import type { Deliver } from "../../protocol/frame.ts";
import type { SubmitId } from "../../protocol/ids.ts";
import { encodeRoomEnvelope } from "../../protocol/room_envelope.ts";
import { decodeRoomEnvelope } from "../../protocol/room_envelope.ts";
import { makeOwner, type Owner } from "../helpers/owners.ts";
import { type Relay, relayTest, type TestDevice } from "../helpers/relay.ts";
import { nextId, type Person } from "../helpers/relay_world.ts";
import { idOf, TestRoom } from "../helpers/room_world.ts";
import { Speaker } from "../helpers/room_talk.ts";

/** An account of real keys, as the database has it. */
function admit(db: DatabaseSync, { list }: Owner): Person {
  const { account } = list;
  db.prepare(
    `insert into accounts (id, username, full_name, contact_kind, contact, contact_key,
      password_record, aik, list_version, list_hash, admin, made)
      values (?, ?, '', 'email', ?, ?, '', ?, ?, ?, 0, 0)`,
  ).run(account, account, account, account, list.aik, list.version, list.hash);
  const add = db.prepare(
    "insert into devices (id, account, kind, sign, agree, made) values (?, ?, 'browser', ?, ?, 0)",
  );
  for (const { device, sign, agree } of list.devices) add.run(device, account, sign, agree);
  return { account, devices: list.devices.map(({ device }) => device) };
}

/** Keeps a local log in the database, from the entry it is at. */
async function keep(db: DatabaseSync, room: TestRoom, from = 0): Promise<void> {
  const rooms = createRooms(db);
  for (let at = from; at < room.entries.length; at++) {
    const [before, after] = [room.states[at - 1] ?? null, room.states[at]!];
    assert.equal(await rooms.append({ before, after, entry: room.entries[at]! }), "done");
  }
}

async function threeWithRoom({ db }: Relay) {
  const owners = [await makeOwner(2), await makeOwner(), await makeOwner()] as const;
  const people = owners.map((owner) => admit(db, owner)) as [Person, Person, Person];
  const room = await TestRoom.of(owners[0], owners[1]);
  await keep(db, room);
  return { owners, people, room };
}

let ref = 0;
const toRoom = (envelope: Bytes, submit: SubmitId = nextId()) =>
  ({ type: "submit-to-room", ref: ++ref, submit, envelope }) as const;

async function outcome(device: TestDevice, envelope: Bytes): Promise<string> {
  device.send(toRoom(envelope));
  device.send({ type: "ping" });
  await device.next("pong");
  while (!device.items.some(({ type }) => type === "accepted" || type === "refused")) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  const [item] = device.items.splice(
    device.items.findIndex(({ type }) => type === "accepted" || type === "refused"),
    1,
  );
  return item?.type === "refused" ? item.refusal.code : item!.type;
}

relayTest("one upload reaches every other pinned device, and is stored once", async (relay) => {
  const { owners: [ana], people, room } = await threeWithRoom(relay);
  const from = await relay.online(people[0]);
  const { envelope } = await new Speaker(ana, room.state).send("soup is ready");
  assert.equal(await outcome(from, envelope), "accepted");
  await relay.queue.settle();
  const bodies = relay.db.prepare("select count(*) as n from bodies").get() as { n: number };
  const uses = relay.db.prepare("select count(*) as n from envelopes").get() as { n: number };
  assert.deepEqual([bodies.n, uses.n], [1, 2]);
  const got: Deliver[] = [];
  for (const [person, device] of [[people[0], 1], [people[1], 0]] as const) {
    const online = await relay.online(person, person.devices[device]!);
    got.push(...await online.deliveries(1));
  }
  for (const { account, envelope: body } of got) {
    assert.equal(account, idOf(ana));
    assert.deepEqual(body.slice(), envelope);
  }
});

relayTest("a submission sent again is not queued again", async (relay) => {
  const { owners: [ana], people, room } = await threeWithRoom(relay);
  const from = await relay.online(people[0]);
  const { envelope } = await new Speaker(ana, room.state).send("once");
  const item = toRoom(envelope);
  from.send(item, item);
  await from.next("accepted");
  await from.next("accepted");
  await relay.queue.settle();
  const uses = relay.db.prepare("select count(*) as n from envelopes").get() as { n: number };
  assert.equal(uses.n, 2);
});

relayTest(
  "attack: outsiders, waiting and removed members, and false names are not heard",
  async (relay) => {
    const { owners: [ana, ben, cleo], people, room } = await threeWithRoom(relay);
    const [a, b, c] = [
      await relay.online(people[0]),
      await relay.online(people[1]),
      await relay.online(people[2]),
    ];
    const speakers = [ana, ben].map((owner) => new Speaker(owner, room.state));
    const { envelope } = await speakers[1]!.send("hello");
    assert.equal(await outcome(c, envelope), "unknown-room");
    const outsider = new Speaker(cleo, room.state);
    assert.equal(await outcome(c, (await outsider.send("let me in")).envelope), "unknown-room");
    const elsewhere = encodeRoomEnvelope({ ...decodeRoomEnvelope(envelope), room: nextId() });
    assert.equal(await outcome(b, elsewhere), "unknown-room");
    const seen = room.entries.length;
    await room.remove(ana, ben);
    await keep(relay.db, room, seen);
    assert.equal(await outcome(b, envelope), "unknown-room");
    const after = new Speaker(ana, room.state);
    assert.equal(await outcome(a, (await after.send("he is gone")).envelope), "accepted");
    await b.settled();
    assert.deepEqual(b.items.filter(({ type }) => type === "deliver"), []);
  },
);

relayTest(
  "a message under an older head, or another log's, is refused with where the log is",
  async (relay) => {
    const { owners: [ana], people, room } = await threeWithRoom(relay);
    const other = room.fork();
    const a = await relay.online(people[0]);
    const old = await new Speaker(ana, room.state).send("too late");
    await room.say(ana, { kind: "close", newcomers: "closed" });
    await keep(relay.db, room, 2);
    assert.equal(await outcome(a, old.envelope), "stale-room");
    await other.say(ana, { kind: "close", newcomers: "approve" });
    const forked = await new Speaker(ana, other.state).send("elsewhere");
    assert.equal(await outcome(a, forked.envelope), "stale-room");
    assert.equal(
      await outcome(a, (await new Speaker(ana, room.state).send("now")).envelope),
      "accepted",
    );
    await room.say(ana, { kind: "end" });
    await keep(relay.db, room, 3);
    const ended = await new Speaker(ana, room.state).send("anybody?");
    assert.equal(await outcome(a, ended.envelope), "unknown-room");
  },
);

relayTest(
  "devices of those concerned hear of a new entry",
  async (relay) => {
    const { owners: [ana, ben], people, room } = await threeWithRoom(relay);
    const b = await relay.online(people[1]);
    relay.hub.roomChanged(room.state.id, 2, [idOf(ana), idOf(ben)]);
    const { news } = await b.next("notice");
    assert.deepEqual(news, { kind: "room-changed", room: room.state.id, seq: 2 });
  },
);
