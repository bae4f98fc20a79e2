/** Several people change a room at once, are away for weeks, leave one after the other. */
import assert from "node:assert/strict";
import type { RoomRecord } from "../../client/room_records.ts";
import type { RoomId } from "../../protocol/ids.ts";
import { lying } from "../helpers/lying_rooms.ts";
import { must } from "../helpers/people_world.ts";
import type { RealDevice } from "../helpers/real_server.ts";
import { hears, linesIn, names, roomsOf, said, seen } from "../helpers/room_scene.ts";
import { type Scene, troubles, withThree } from "../helpers/room_scene.ts";

const DAY_MS = 86_400_000;

async function roomOfThree({ ana, ben, cleo }: Scene): Promise<{ id: RoomId; code: string }> {
  const { id, code } = must(await roomsOf(ana).createRoom("Kitchen"));
  must(await roomsOf(ben).joinRoom(code!));
  must(await roomsOf(cleo).joinRoom(code!));
  for (const one of [ana, ben, cleo]) {
    await one.until(() => seen(one, id)?.members.length === 3);
  }
  return { id, code: code! };
}

async function headOf(device: RealDevice, room: RoomId): Promise<number> {
  return (await device.store.get<RoomRecord>("sessions", `room/${room}`))!.state.seq;
}

Deno.test("two members change the room at once: both changes stand, in one order for all", () =>
  withThree(async (scene) => {
    const { ana, ben, cleo } = scene;
    const { id } = await roomOfThree(scene);
    must(await roomsOf(ana).setRole(id, "ben", "moderator"));
    await ben.until(() => seen(ben, id)?.role === "moderator");
    const [renamed, topical] = await Promise.all([
      roomsOf(ana).renameRoom(id, "Soup kitchen"),
      roomsOf(ben).rotateCode(id),
    ]);
    must(renamed);
    const { code } = must(topical);
    const everybody = [ana, ben, cleo];
    for (const one of everybody) {
      await one.until(async () => await headOf(one, id) === 6);
      await one.until(() => seen(one, id)?.code === code);
      assert.equal(seen(one, id)!.name, "Soup kitchen");
    }
    assert.deepEqual(troubles(...everybody), []);
  }));

Deno.test("two members remove the same one at once: one entry, and no complaint", () =>
  withThree(async (scene) => {
    const { ana, ben, cleo } = scene;
    const { id } = await roomOfThree(scene);
    must(await roomsOf(ana).setRole(id, "ben", "moderator"));
    await ben.until(() => seen(ben, id)?.role === "moderator");
    const outcomes = await Promise.all([
      roomsOf(ana).removeMember(id, "cleo"),
      roomsOf(ben).removeMember(id, "cleo"),
    ]);
    // Whoever was told of the other's removal in time finds nobody to remove any more.
    assert.ok(outcomes.some(({ ok }) => ok));
    for (const one of outcomes) {
      assert.ok(one.ok || one.code === "unknown-person", one.ok ? "" : one.words);
    }
    await cleo.until(() => seen(cleo, id)?.stopped === "left");
    for (const one of [ana, ben]) await one.until(async () => await headOf(one, id) === 5);
    const [mine, his] = [seen(ana, id)!.code, seen(ben, id)!.code];
    await ana.until(() => seen(ana, id)!.code !== null);
    await ben.until(() => seen(ben, id)!.code === seen(ana, id)!.code);
    assert.ok(mine !== undefined && his !== undefined);
  }));

Deno.test("a change that lost its right to another one is given up with words", () =>
  withThree(async (scene) => {
    const { ana, ben } = scene;
    const { id } = await roomOfThree(scene);
    must(await roomsOf(ana).setRole(id, "ben", "moderator"));
    await ben.until(() => seen(ben, id)?.role === "moderator");
    // News of the log is slow to reach Ben: he signs on top of what he has.
    await ben.close();
    await ben.open(lying({
      head: (_, seq) => Math.min(seq, 4),
      log: (log, since) => since === null ? log : { ...log, entries: [], seq: 4 },
    }));
    must(await roomsOf(ana).setRole(id, "ben", "member"));
    const outcome = await roomsOf(ben).renameRoom(id, "Ben's");
    assert.ok(!outcome.ok);
    assert.deepEqual([outcome.code, outcome.words], [
      "not-allowed",
      "The room's rules do not let you do that.",
    ]);
    assert.equal(must(await roomsOf(ana).room(id)).name, "Kitchen");
  }));

Deno.test("a member who was away for weeks and three new codes reads everything, in order", () =>
  withThree(async (scene) => {
    const { ana, ben, cleo } = scene;
    const { id } = await roomOfThree(scene);
    must(await roomsOf(ana).send(id, "0"));
    await hears(ben, id, "0");
    await ben.close();
    for (const [at, week] of [1, 2, 3].entries()) {
      must(await roomsOf(ana).rotateCode(id));
      ana.pass(8 * DAY_MS);
      must(await roomsOf(ana).send(id, String(at + 1)));
      await hears(cleo, id, String(week));
    }
    must(await roomsOf(ana).renameRoom(id, "Soup kitchen"));
    await ben.open();
    await hears(ben, id, "3");
    assert.deepEqual(await said(ben, id), ["0", "1", "2", "3"]);
    const { code } = must(await roomsOf(ana).room(id));
    await ben.until(() => seen(ben, id)?.code === code && seen(ben, id)?.name === "Soup kitchen");
    const lines = (await linesIn(ben, id)).filter((text) => text === "ANA changed the room code.");
    assert.equal(lines.length, 3);
    must(await roomsOf(ben).send(id, "back"));
    await hears(ana, id, "back");
    assert.deepEqual(troubles(ana, ben, cleo), []);
  }));

Deno.test("the one who made the room leaves: it passes to who has been in it longest", () =>
  withThree(async (scene) => {
    const { ana, ben, cleo } = scene;
    const { id } = await roomOfThree(scene);
    assert.equal(must(await roomsOf(ana).leaveRoom(id)).stopped, "left");
    await ben.until(() => seen(ben, id)?.role === "owner");
    await cleo.until(() => seen(cleo, id)?.members.length === 2);
    assert.deepEqual((await linesIn(ben, id)).slice(-2), ["ANA left.", "The room is yours now."]);
    assert.equal((await linesIn(cleo, id)).at(-1), "BEN owns the room now.");
    assert.equal(must(await roomsOf(ben).renameRoom(id, "Ben's")).name, "Ben's");
    must(await roomsOf(ben).send(id, "mine now"));
    await hears(cleo, id, "mine now");
    const left = await roomsOf(ana).send(id, "one more thing");
    assert.ok(!left.ok && left.code === "not-allowed");
  }));

Deno.test("everybody leaves: the room has ended, and its code opens nothing", () =>
  withThree(async (scene) => {
    const { ana, ben, cleo } = scene;
    const { id, code } = await roomOfThree(scene);
    for (const one of [ana, ben, cleo]) must(await roomsOf(one).leaveRoom(id));
    const again = await roomsOf(ana).joinRoom(code);
    assert.ok(!again.ok && again.code === "no-such-room");
    for (const one of [ana, ben, cleo]) {
      const [conversation] = await one.engine!.conversations();
      assert.ok(conversation?.kind === "room" && conversation.stopped === "left");
      assert.equal(conversation.role, null);
    }
    assert.deepEqual(names(seen(cleo, id)!), []);
  }));
