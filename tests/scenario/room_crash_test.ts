/**
 * The process dies at every touch of store and network while a room is made, joined, given a new code, and somebody is
 * sent away. After a restart no code is lost, no entry is there twice, and nothing goes to who was sent away.
 */
import assert from "node:assert/strict";
import { conversationOf, type GivenKey } from "../../client/room_records.ts";
import type { RoomId } from "../../protocol/ids.ts";
import { Doom } from "../helpers/doom.ts";
import { must } from "../helpers/people_world.ts";
import type { RealDevice } from "../helpers/real_server.ts";
import { hears, linesIn, names, roomsOf, seen, withThree } from "../helpers/room_scene.ts";

const A_MINUTE = 61_000;

/**
 * Dies at step 1, 2, 3 … of `act`, and looks each time at what the restarted device makes of it. Where a round takes
 * long, at every other step or every fourth.
 */
async function atEveryStep(
  device: RealDevice,
  act: (step: number) => Promise<unknown>,
  after: (step: number) => Promise<void>,
  stride = 1,
): Promise<number> {
  for (let step = 1;; step += stride) {
    const doom = new Doom(Infinity);
    await device.close();
    await device.open(doom.wrapping);
    await online(device);
    doom.in(step);
    await act(step).catch(() => {});
    // What the act left for afterwards dies as well, or is done.
    await device.engine!.idle().catch(() => {});
    const { dead } = doom;
    await device.close();
    await device.open();
    await online(device);
    await after(step);
    if (!dead) return step;
  }
}

async function online(device: RealDevice): Promise<void> {
  await device.until(() => device.engine!.connection === "online");
  await device.engine!.idle();
}

/** The code that the device knows of a room, once it does. */
async function codeIn(device: RealDevice, room: RoomId): Promise<string> {
  const code = async () => must(await roomsOf(device).room(room)).code;
  await device.until(async () => await code() !== null);
  return (await code())!;
}

Deno.test("death at every step of making a room: it is there with its code and name, once, or not at all", () =>
  withThree(async ({ ana }) => {
    const died = await atEveryStep(
      ana,
      (step) => roomsOf(ana).createRoom(`room ${step}`),
      async (step) => {
        const all = await roomsOf(ana).rooms();
        const lost = all.filter(({ code, name }) => code === null || name === "");
        assert.deepEqual(lost, [], `step ${step}`);
        const made = all.filter(({ name }) => name === `room ${step}`);
        assert.ok(made.length <= 1, `step ${step}`);
      },
    );
    assert.ok(died > 6, `only ${died} steps`);
  }));

Deno.test("death at every step of joining: in with the code, once, or not at all", () =>
  withThree(async ({ ana, ben }) => {
    // Nobody is there to tell the code again.
    const codes = new Map<number, { id: RoomId; code: string }>();
    for (let step = 1; step <= 40; step += 1) {
      const { id, code } = must(await roomsOf(ana).createRoom(`room ${step}`));
      codes.set(step, { id, code: code! });
    }
    await ana.close();
    const died = await atEveryStep(
      ben,
      (step) => roomsOf(ben).joinRoom(codes.get(step)!.code),
      async (step) => {
        const { id, code } = codes.get(step)!;
        const all = await roomsOf(ben).rooms();
        const found = all.find((one) => one.id === id);
        if (found) assert.deepEqual([found.code, found.role], [code, "member"], `step ${step}`);
        const entered = found ? await linesIn(ben, id) : [];
        assert.ok(entered.length <= 1, `step ${step}: ${entered.join(" ")}`);
      },
      2,
    );
    assert.ok(died > 6, `only ${died} steps`);
  }));

Deno.test("death at every step of a new code: who made it knows it, and tells the others", () =>
  withThree(async ({ ana, ben }) => {
    const { id, code } = must(await roomsOf(ana).createRoom("Kitchen"));
    must(await roomsOf(ben).joinRoom(code!));
    await ana.until(() => seen(ana, id)?.members.length === 2);
    const died = await atEveryStep(ana, () => roomsOf(ana).rotateCode(id), async (step) => {
      const current = await codeIn(ana, id);
      await ben.until(() => seen(ben, id)?.code === current);
      assert.equal(seen(ben, id)?.name, "Kitchen", `step ${step}`);
    }, 2);
    const changed = (await linesIn(ben, id)).filter((line) => /changed the room code/.test(line));
    assert.ok(changed.length <= died + 1, "no entry twice");
    assert.ok(died > 6, `only ${died} steps`);
  }));

Deno.test("death at every step of a removal: it stands or does not, and nothing goes to who is gone", () =>
  withThree(async ({ ana, ben, cleo }) => {
    const { id, code } = must(await roomsOf(ana).createRoom("Kitchen"));
    must(await roomsOf(ben).joinRoom(code!));
    must(await roomsOf(cleo).joinRoom(code!));
    await ana.until(() => seen(ana, id)?.members.length === 3);
    must(await ana.engine!.startConversation("cleo"));
    let removals = 0;
    const died = await atEveryStep(
      ana,
      () => roomsOf(ana).removeMember(id, "cleo"),
      async (step) => {
        // A removal that was told and is not in the log is put there by the next look.
        ana.pass(A_MINUTE);
        await ana.engine!.idle();
        const current = await codeIn(ana, id);
        const gone = !names(must(await roomsOf(ana).room(id))).includes("cleo");
        const text = `after ${step}`;
        must(await ana.engine!.send(conversationOf(id), text));
        await hears(ben, id, text);
        const given = await ana.store.get<GivenKey>("sessions", `room-given/${id}`);
        const hers = given!.devices.filter(({ account }) => account === cleo.engine!.me.account);
        assert.equal(hers.length, gone ? 0 : 1, `step ${step}`);
        if (!gone) return;
        removals++;
        await cleo.until(() => seen(cleo, id)?.stopped === "left");
        assert.notEqual(current, code, `step ${step}`);
        must(await roomsOf(ana).addMember(id, "cleo"));
      },
      4,
    );
    const said = (await linesIn(ben, id)).filter((line) => line === "ANA removed CLEO.");
    assert.equal(said.length, removals, "no entry twice");
    assert.ok(died > 6, `only ${died} steps`);
  }));
