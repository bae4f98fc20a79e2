/** What a server that lies about rooms comes to. */
import assert from "node:assert/strict";
import type { RoomRecord } from "../../client/room_records.ts";
import type { DeviceKeys } from "../../crypto/account.ts";
import { listEntry, plainEntry } from "../../crypto/room_log.ts";
import { generateSigning } from "../../crypto/signature.ts";
import type { Contact } from "../../client/records.ts";
import type { RoomId } from "../../protocol/ids.ts";
import type { RoomEntry, RoomState } from "../../protocol/room.ts";
import { type Lies, lying, nothingSent, type Sent } from "../helpers/lying_rooms.ts";
import { must } from "../helpers/people_world.ts";
import type { RealDevice } from "../helpers/real_server.ts";
import { hears, linesIn, names, roomsOf, said, seen } from "../helpers/room_scene.ts";
import { type Scene, warned, withThree } from "../helpers/room_scene.ts";
import { forgeEntry } from "../helpers/room_world.ts";

const A_MINUTE = 61_000;

interface Room {
  readonly id: RoomId;
  readonly code: string;
}

/** Ana's room with Ben in it; Cleo is somewhere else. Each has written, so that keys are out. */
async function roomOfTwo({ ana, ben }: Scene): Promise<Room> {
  const { id, code } = must(await roomsOf(ana).createRoom("Kitchen"));
  must(await roomsOf(ben).joinRoom(code!));
  must(await roomsOf(ana).send(id, "hello"));
  await hears(ben, id, "hello");
  must(await roomsOf(ben).send(id, "hello back"));
  await hears(ana, id, "hello back");
  return { id, code: code! };
}

async function reopen(device: RealDevice, lies: Lies, sent?: Sent): Promise<void> {
  await device.close();
  await device.open(lying(lies, sent));
}

async function keysOf(device: RealDevice): Promise<DeviceKeys> {
  return (await device.store.get<DeviceKeys>("device", "keys"))!;
}

async function stateOf(device: RealDevice, room: RoomId): Promise<RoomState> {
  return (await device.store.get<RoomRecord>("sessions", `room/${room}`))!.state;
}

/** Sender keys of a room that a device has been given. */
async function keysHeld(device: RealDevice): Promise<number> {
  const kept = await device.store.list("sessions", { prefix: "room-key/" });
  const held = await device.store.list("sessions", { prefix: "room-held/" });
  return kept.length + held.length;
}

/** The server shows `entry` after everything else, to whoever asks. */
function showing(entry: RoomEntry, after: number): Lies {
  return {
    head: (_, seq) => seq + 1,
    log: (log, since) =>
      since === null ? log : {
        ...log,
        seq: log.seq + 1,
        entries: since >= after ? [entry] : [...log.entries, entry],
      },
  };
}

/** Both members are shown an entry that nobody signed as it must be: both are told, nobody gets a key. */
async function nobodyBelieves(scene: Scene, room: Room, entry: RoomEntry): Promise<void> {
  const { ana, ben, cleo } = scene;
  const sent = nothingSent();
  for (const member of [ana, ben]) await reopen(member, showing(entry, 2), sent);
  for (const member of [ana, ben]) {
    await member.until(() => warned(member, "room-log"));
    assert.match((await linesIn(member, room.id)).join(), /no member could have signed/);
    assert.equal((await stateOf(member, room.id)).seq, 2);
  }
  must(await roomsOf(ana).send(room.id, "among ourselves"));
  await hears(ben, room.id, "among ourselves");
  const { account } = await keysOf(cleo);
  assert.ok(!sent.toAccounts.includes(account));
  assert.equal(await keysHeld(cleo), 0);
}

Deno.test("attack: the server inserts a member by a join that the code did not sign", () =>
  withThree(async (scene) => {
    const room = await roomOfTwo(scene);
    const state = await stateOf(scene.ana, room.id);
    const keys = await keysOf(scene.cleo);
    const own = (await scene.cleo.store.get<Contact>("accounts", keys.account))!;
    const { aik, version: listVersion, hash: listHash } = own.list;
    const left = await plainEntry(state, { keys, minute: 1 }, { kind: "leave" });
    const join = await generateSigning("portable");
    const forged = await forgeEntry(
      left,
      (body) => ({ ...body, kind: "join", aik, listVersion, listHash }) as never,
      keys.sign,
      join,
    );
    await nobodyBelieves(scene, room, forged);
  }));

Deno.test("attack: the server inserts a member in the name of another one", () =>
  withThree(async (scene) => {
    const room = await roomOfTwo(scene);
    const state = await stateOf(scene.ana, room.id);
    const [keys, { account, device }] = [await keysOf(scene.cleo), await keysOf(scene.ana)];
    const approve = await plainEntry(state, { keys, minute: 1 }, {
      kind: "approve",
      member: keys.account,
    });
    const forged = await forgeEntry(approve, (body) => ({ ...body, account, device }), keys.sign);
    await nobodyBelieves(scene, room, forged);
  }));

Deno.test("attack: the server adds a device to a member that the member's account did not sign", () =>
  withThree(async (scene) => {
    const room = await roomOfTwo(scene);
    const state = await stateOf(scene.ana, room.id);
    const keys = await keysOf(scene.cleo);
    const { account: member } = await keysOf(scene.ben);
    const own = (await scene.cleo.store.get<Contact>("accounts", keys.account))!;
    const { list } = own;
    const proven = { list: { ...list, account: member, version: 2 }, entries: [] };
    const entry = await listEntry(state, { keys, minute: 1 }, "devices", proven);
    const ben = await keysOf(scene.ben);
    const forged = await forgeEntry(
      entry,
      (body) => ({ ...body, account: ben.account, device: ben.device }),
      keys.sign,
    );
    await nobodyBelieves(scene, room, forged);
  }));

Deno.test("attack: the server replays an old log: members keep the newer one, an old code opens nothing", () =>
  withThree(async (scene) => {
    const { ana, ben, cleo } = scene;
    const room = await roomOfTwo(scene);
    let old: RoomEntry[] = [];
    const lies: Lies = {
      log: (log) => {
        old = old.length > 0 ? old : [...log.entries];
        return { ...log, entries: old, seq: old.length };
      },
    };
    // Cleo looks once at the log as it is, and is shown that for ever after, whatever the lookup id.
    await reopen(cleo, lies);
    must(await roomsOf(cleo).previewRoom(room.code));
    const { code } = must(await roomsOf(ana).rotateCode(room.id));
    await ben.until(() => seen(ben, room.id)?.code === code);
    const joined = await roomsOf(cleo).joinRoom(room.code);
    assert.equal(joined.ok, false);
    // A member who is shown only the old part stays where it was, and goes on.
    await reopen(ben, {
      log: (log, since) => since === null ? log : { ...log, entries: old, seq: 2 },
    });
    await ben.until(() => ben.engine!.connection === "online");
    await ben.engine!.idle();
    assert.equal((await stateOf(ben, room.id)).seq, 3);
    must(await roomsOf(ben).send(room.id, "still here"));
    await hears(ana, room.id, "still here");
    assert.equal(await keysHeld(cleo), 0);
  }));

Deno.test("attack: the server forks the log for one member: whoever speaks shows it to the others", () =>
  withThree(async (scene) => {
    const { ana, ben, cleo } = scene;
    const room = await roomOfTwo(scene);
    const state = await stateOf(ben, room.id);
    // Ana's device, in the hands of whoever runs the server, signs a second entry for the same place.
    const author = { keys: await keysOf(ana), minute: 1 };
    const other = await plainEntry(state, author, { kind: "close", newcomers: "approve" });
    await reopen(ben, {
      log: (log, since) => since === 2 ? { ...log, entries: [other], seq: 3 } : log,
    });
    must(await roomsOf(cleo).joinRoom(room.code));
    await ana.until(() => seen(ana, room.id)?.members.length === 3);
    await ben.until(() => seen(ben, room.id)?.newcomers === "approve");
    must(await roomsOf(ana).send(room.id, "who is here?"));
    await ben.until(() => warned(ben, "room-fork"));
    assert.ok(!(await said(ben, room.id)).includes("who is here?"));
    assert.match((await linesIn(ben, room.id)).join(), /exists in two versions/);
    const refused = await roomsOf(ben).send(room.id, "me");
    assert.ok(!refused.ok && refused.code === "untrusted-server");
    assert.equal((await keysOf(cleo)).account, seen(ana, room.id)!.members[2]!.account);
  }));

Deno.test("attack: the server forks the log, and the forked member's key tells the others", () =>
  withThree(async (scene) => {
    const { ana, ben, cleo } = scene;
    const room = await roomOfTwo(scene);
    const state = await stateOf(ben, room.id);
    const author = { keys: await keysOf(ana), minute: 1 };
    const other = await plainEntry(state, author, { kind: "close", newcomers: "approve" });
    await reopen(ben, {
      head: (_, seq) => Math.max(seq, 3),
      log: (log, since) => since === 2 ? { ...log, entries: [other], seq: 3 } : log,
    });
    await ben.until(() => seen(ben, room.id)?.newcomers === "approve");
    must(await roomsOf(cleo).joinRoom(room.code));
    await ana.until(() => seen(ana, room.id)?.members.length === 3);
    // His key is older than a week: the new one goes out pairwise, and names his head.
    ben.pass(8 * 24 * 3_600_000);
    must(await roomsOf(ben).send(room.id, "hello?"));
    await ana.until(() => warned(ana, "room-fork"));
    assert.ok(!(await said(ana, room.id)).includes("hello?"));
  }));

Deno.test("attack: the server drops a removal: the others know it from the moderator, and are warned", () =>
  withThree(async (scene) => {
    const { ana, ben, cleo } = scene;
    const room = await roomOfTwo(scene);
    must(await roomsOf(cleo).joinRoom(room.code));
    must(await roomsOf(ben).send(room.id, "all three"));
    await hears(cleo, room.id, "all three");
    await reopen(ana, {
      append: (_, body) =>
        body.kind === "remove" ? { outcome: "accepted", room: room.id, seq: body.seq } : null,
    });
    const sent = nothingSent();
    await reopen(ben, {}, sent);
    assert.deepEqual(names(must(await roomsOf(ana).removeMember(room.id, "cleo"))), ["ana", "ben"]);
    await ben.until(() => names(seen(ben, room.id)!).join() === "ana,ben");
    must(await roomsOf(ben).send(room.id, "without her"));
    const { account } = await keysOf(cleo);
    await ben.until(() => sent.toRooms.length > 0);
    assert.ok(!sent.toAccounts.includes(account), "no key goes to her any more");
    await ben.engine!.idle();
    ben.pass(A_MINUTE);
    await ben.until(() => warned(ben, "room-removal"));
    assert.match((await linesIn(ben, room.id)).join(), /ANA removed CLEO, and the server does not/);
    must(await roomsOf(ana).send(room.id, "nor here"));
    await ana.until(() =>
      ana.events.some((one) => one.kind === "state" && one.state === "not sent")
    );
    await cleo.engine!.idle();
    assert.deepEqual(await said(cleo, room.id), ["all three"]);
  }));

Deno.test("a removal that got no answer is put into the log again, and those who stay agree", () =>
  withThree(async (scene) => {
    const { ana, ben, cleo } = scene;
    const room = await roomOfTwo(scene);
    must(await roomsOf(cleo).joinRoom(room.code));
    let silent = true;
    await reopen(ana, {
      silent: ({ method, path }) => silent && method === "POST" && path.endsWith("/log"),
    });
    await ana.until(() => seen(ana, room.id)?.members.length === 3);
    const outcome = await roomsOf(ana).removeMember(room.id, "cleo");
    assert.ok(!outcome.ok && outcome.code === "offline");
    await ben.until(() => names(seen(ben, room.id)!).join() === "ana,ben");
    silent = false;
    ana.pass(A_MINUTE);
    await cleo.until(() => seen(cleo, room.id)?.stopped === "left");
    await ana.until(() => ![null, room.code].includes(seen(ana, room.id)!.code));
    const { code } = seen(ana, room.id)!;
    await ben.until(() => seen(ben, room.id)?.code === code);
    assert.match((await linesIn(cleo, room.id)).at(-1)!, /^ANA removed you from this room/);
  }));

Deno.test("attack: the server swaps lookup ids: a code opens its own room or none", () =>
  withThree(async (scene) => {
    const { ana, ben, cleo } = scene;
    const room = await roomOfTwo(scene);
    const trap = must(await roomsOf(ben).createRoom("Trap"));
    let log: RoomEntry[] = [];
    await reopen(cleo, {
      log: (answer, since) => {
        if (since !== null) return answer;
        if (log.length === 0) log = [...answer.entries];
        return { ...answer, room: trap.id, entries: log, seq: log.length };
      },
    });
    must(await roomsOf(cleo).previewRoom(trap.code!));
    for (const ask of ["previewRoom", "joinRoom"] as const) {
      const outcome = await roomsOf(cleo)[ask](room.code);
      assert.ok(!outcome.ok && outcome.code === "untrusted-server", ask);
    }
    assert.equal((await stateOf(ben, trap.id)).seq, 1);
    assert.equal((await stateOf(ana, room.id)).seq, 2);
    assert.deepEqual(await roomsOf(cleo).rooms(), []);
  }));

Deno.test("attack: the server makes an account under a room's id: it cannot speak in the room's place", () =>
  withThree(async (scene) => {
    const { ana, cleo } = scene;
    const room = await roomOfTwo(scene);
    // Cleo is known to Ana as an account of that very id before Ana hears of the room.
    const contact = (await cleo.store.get<Contact>("accounts", (await keysOf(cleo)).account))!;
    const impostor = { ...contact, account: room.id };
    await cleo.store.commit([{ table: "accounts", key: room.id, value: impostor }]);
    const outcome = await roomsOf(cleo).joinRoom(room.code);
    assert.ok(!outcome.ok && outcome.code === "untrusted-server");
    assert.equal((await roomsOf(ana).room(room.id)).ok, true);
  }));
