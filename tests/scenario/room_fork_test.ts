/** A room's log in two versions: whoever finds it, everybody is shown it. And who cannot make believe that it is. */
import assert from "node:assert/strict";
import { keys, type OutboxRecord } from "../../client/records.ts";
import type { RoomRecord } from "../../client/room_records.ts";
import type { DeviceKeys } from "../../crypto/account.ts";
import { randomBytes } from "../../crypto/random.ts";
import { plainEntry } from "../../crypto/room_log.ts";
import { randomId, type RoomId } from "../../protocol/ids.ts";
import { type Lies, lying, nothingSent } from "../helpers/lying_rooms.ts";
import { must } from "../helpers/people_world.ts";
import { RealDevice } from "../helpers/real_server.ts";
import { hears, linesIn, passwordOf, roomsOf, said, type Scene } from "../helpers/room_scene.ts";
import { seen, warned, withThree } from "../helpers/room_scene.ts";

interface Four extends Scene {
  readonly dora: RealDevice;
}

/** Ana, Ben, Cleo and Dora. */
function withFour(run: (scene: Four) => Promise<void>): Promise<void> {
  return withThree(async (scene) => {
    const dora = new RealDevice(scene.server);
    await dora.signUp("dora", passwordOf("dora"));
    await dora.open();
    await run({ ...scene, dora }).finally(() => dora.close());
  });
}

async function roomOf(maker: RealDevice, ...others: readonly RealDevice[]): Promise<RoomId> {
  const { id, code } = must(await roomsOf(maker).createRoom("Kitchen"));
  for (const one of others) must(await roomsOf(one).joinRoom(code!));
  const all = [maker, ...others];
  for (const one of all) await one.until(() => seen(one, id)?.members.length === all.length);
  for (const [at, one] of all.entries()) {
    must(await roomsOf(one).send(id, `hello ${at}`));
    for (const other of all) await hears(other, id, `hello ${at}`);
  }
  return id;
}

async function keysOf(device: RealDevice): Promise<DeviceKeys> {
  return (await device.store.get<DeviceKeys>("device", "keys"))!;
}

async function stateOf(device: RealDevice, room: RoomId): Promise<RoomRecord["state"]> {
  return (await device.store.get<RoomRecord>("sessions", `room/${room}`))!.state;
}

/** From here on Ben is shown another log than the rest; `author` signs for the server. */
async function forkFor(ben: RealDevice, author: RealDevice, room: RoomId): Promise<void> {
  const state = await stateOf(ben, room);
  const by = { keys: await keysOf(author), minute: 1 };
  const other = await plainEntry(state, by, { kind: "close", newcomers: "approve" });
  const seq = state.seq + 1;
  const lies: Lies = {
    head: (_, head) => Math.max(head, seq),
    log: (log, since) => since === state.seq ? { ...log, entries: [other], seq } : log,
  };
  await ben.close();
  await ben.open(lying(lies));
  await ben.until(() => seen(ben, room)?.newcomers === "approve");
}

async function shownToAll(room: RoomId, ...all: readonly RealDevice[]): Promise<void> {
  for (const one of all) {
    await one.until(() => warned(one, "room-fork"));
    const lines = (await linesIn(one, room)).filter((line) => /exists in two versions/.test(line));
    assert.equal(lines.length, 1);
    const refused = await roomsOf(one).send(room, "me");
    assert.ok(!refused.ok && refused.code === "untrusted-server");
  }
}

Deno.test("attack: the server forks the log for one of four, another speaks: all are shown it", () =>
  withFour(async ({ ana, ben, cleo, dora }) => {
    const room = await roomOf(ana, ben, cleo, dora);
    await forkFor(ben, ana, room);
    must(await roomsOf(ana).setNewcomers(room, "closed"));
    for (const one of [cleo, dora]) await one.until(() => seen(one, room)?.newcomers === "closed");
    must(await roomsOf(ana).send(room, "who is here?"));
    await shownToAll(room, ana, ben, cleo, dora);
    assert.ok(!(await said(ben, room)).includes("who is here?"));
  }));

Deno.test("attack: the server forks the log for one of four, and that one speaks: all are shown it", () =>
  withFour(async ({ ana, ben, cleo, dora }) => {
    const room = await roomOf(ana, ben, cleo, dora);
    await forkFor(ben, ana, room);
    must(await roomsOf(ana).setNewcomers(room, "closed"));
    for (const one of [cleo, dora]) await one.until(() => seen(one, room)?.newcomers === "closed");
    // A new key is due: it goes out pairwise, and names his head.
    ben.pass(8 * 24 * 3_600_000);
    must(await roomsOf(ben).send(room, "hello?"));
    await shownToAll(room, ana, ben, cleo, dora);
    for (const one of [ana, cleo, dora]) assert.ok(!(await said(one, room)).includes("hello?"));
  }));

Deno.test("attack: whoever the forked log does not name is shown the fork by those who are named", () =>
  withFour(async ({ ana, ben, cleo, dora }) => {
    const room = await roomOf(ana, ben, cleo);
    await forkFor(ben, ana, room);
    must(await roomsOf(dora).joinRoom(seen(ana, room)!.code!));
    for (const one of [ana, cleo]) await one.until(() => seen(one, room)?.members.length === 4);
    const sent = nothingSent();
    await cleo.close();
    await cleo.open(lying({}, sent));
    must(await roomsOf(ana).send(room, "who is here?"));
    await shownToAll(room, ana, ben, cleo, dora);
    await cleo.engine!.idle();
    assert.deepEqual(sent.toRooms, []);
    const told = new Set(sent.toAccounts);
    assert.ok(told.size <= 3 && sent.toAccounts.length <= 6, "both heads, once, to each");
  }));

/** This device says to stand on another log of the room. */
async function contradict(from: RealDevice, to: RealDevice, room: RoomId): Promise<void> {
  const { account, device } = await keysOf(to);
  const { seq } = await stateOf(to, room);
  const fresh = { key: randomId<"sender-key">(), verify: randomBytes(32), number: 0 };
  const row: OutboxRecord = {
    ...{ order: "0000000000", id: randomId<"message">(), conversation: account, time: 1 },
    body: {
      ...{ kind: "sender-key", room, seq, hash: randomBytes(32), ...fresh },
      chainKey: randomBytes(32),
    },
    ...{ copy: false, only: [device], sealed: null },
  };
  await from.close();
  from.store = from.store.reopen();
  await from.store.commit([{ table: "outbox", key: keys.waiting(row.order), value: row }]);
  await from.open();
}

Deno.test("attack: a stranger, and somebody who was removed, say that the log is another: nothing stops", () =>
  withFour(async ({ ana, ben, cleo, dora }) => {
    const room = await roomOf(ana, ben, dora);
    await roomOf(cleo, ana);
    must(await roomsOf(ana).removeMember(room, "dora"));
    await dora.until(() => seen(dora, room)?.stopped === "left");
    await ben.until(() => seen(ben, room)?.members.length === 2);
    for (const from of [cleo, dora]) {
      await contradict(from, ana, room);
      const { account } = await keysOf(from);
      await ana.until(() =>
        ana.events.some((one) =>
          one.kind === "warning" && one.what === "not-member" && one.account === account
        )
      );
    }
    must(await roomsOf(ana).send(room, "we go on"));
    await hears(ben, room, "we go on");
    for (const one of [ana, ben]) assert.ok(!warned(one, "room-fork"));
  }));

Deno.test("a member's word alone that the log is another stops the room, and is passed on", () =>
  withFour(async ({ ana, ben, cleo, dora }) => {
    const room = await roomOf(ana, ben, cleo, dora);
    await contradict(ben, ana, room);
    await shownToAll(room, ana, ben, cleo, dora);
  }));
