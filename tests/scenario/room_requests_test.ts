/** A room that a stranger has added one to is a request; what is read on one device is read on all. */
import assert from "node:assert/strict";
import { conversationOf } from "../../client/room_records.ts";
import type { RoomConversation } from "../../client/types.ts";
import type { RoomId } from "../../protocol/ids.ts";
import { lying, nothingSent } from "../helpers/lying_rooms.ts";
import { must } from "../helpers/people_world.ts";
import type { RealDevice } from "../helpers/real_server.ts";
import { hears, linesIn, roomsOf, said, seen, withSecond } from "../helpers/room_scene.ts";
import { withThree } from "../helpers/room_scene.ts";

async function viewOf(device: RealDevice, room: RoomId): Promise<RoomConversation | undefined> {
  const all = await device.engine!.conversations();
  const found = all.find(({ id }) => id === conversationOf(room));
  return found?.kind === "room" ? found : undefined;
}

const isAccepted = async (device: RealDevice, room: RoomId) =>
  (await viewOf(device, room))?.accepted === true;

Deno.test("attack: a stranger adds one to a room: nothing is sent there until one says yes", () =>
  withThree(async ({ server, ana, ben, cleo }) => {
    const sent = nothingSent();
    await ben.close();
    const posted: string[] = [];
    const wrapping = lying({
      silent: ({ method, path }) => {
        if (method === "POST" && path.startsWith("/api/rooms")) posted.push(path);
        return false;
      },
    }, sent);
    await ben.open(wrapping);
    must(await ana.engine!.startConversation("ben"));
    const { id, code, conversation } = must(await roomsOf(ana).createRoom("Prizes"));
    must(await roomsOf(cleo).joinRoom(code!));
    must(await roomsOf(ana).addMember(id, "ben"));
    must(await ana.engine!.send(conversation, "you have won"));
    must(await cleo.engine!.send(conversation, "me too"));
    // What came with a key of its own is shown, so that one knows what is asked.
    for (const text of ["you have won", "me too"]) await hears(ben, id, text);
    assert.equal((await viewOf(ben, id))?.accepted, false);
    assert.deepEqual(await linesIn(ben, id), ["ANA added you."]);
    await ben.engine!.markRead(conversation);
    await ben.engine!.idle();
    const contents = [sent.toRooms.length, sent.toAccounts.length, posted.length];
    assert.deepEqual(contents, [0, 0, 0], "no key, no receipt, no question, no entry");

    await withSecond(server, "ben", async (second) => {
      await second.until(async () => await viewOf(second, id) !== undefined);
      assert.equal(await isAccepted(second, id), false);
      must(await roomsOf(ben).acceptRoom(id));
      assert.equal(await isAccepted(ben, id), true);
      await second.until(() => isAccepted(second, id));
      must(await ben.engine!.send(conversation, "what have I won?"));
      await hears(ana, id, "what have I won?");
      await hears(second, id, "what have I won?");
    });
  }));

Deno.test("who writes has said yes; who is added by somebody one talks with need not be asked", () =>
  withThree(async ({ ana, ben, cleo }) => {
    const toBen = must(await ana.engine!.startConversation("ben"));
    must(await ana.engine!.startConversation("cleo"));
    must(await ben.engine!.startConversation("ana"));
    must(await ana.engine!.send(toBen.id, "come in"));
    const { id, conversation } = must(await roomsOf(ana).createRoom("Kitchen"));
    must(await roomsOf(ana).addMember(id, "ben"));
    must(await roomsOf(ana).addMember(id, "cleo"));
    await ben.until(async () => await viewOf(ben, id) !== undefined);
    assert.equal(await isAccepted(ben, id), true);
    await cleo.until(async () => await viewOf(cleo, id) !== undefined);
    assert.equal(await isAccepted(cleo, id), false);
    must(await cleo.engine!.send(conversation, "hello"));
    assert.equal(await isAccepted(cleo, id), true);
    await hears(ana, id, "hello");
  }));

Deno.test("who says no leaves, and the room is a request no more", () =>
  withThree(async ({ ana, ben }) => {
    must(await ana.engine!.startConversation("ben"));
    const { id } = must(await roomsOf(ana).createRoom("Prizes"));
    must(await roomsOf(ana).addMember(id, "ben"));
    await ben.until(async () => await viewOf(ben, id) !== undefined);
    must(await roomsOf(ben).leaveRoom(id));
    assert.equal((await viewOf(ben, id))?.stopped, "left");
    await ana.until(() => seen(ana, id)?.members.length === 1);
  }));

Deno.test("what is read in a room on one device is read on the others of the account", () =>
  withThree(async ({ server, ana, ben }) => {
    const { id, code, conversation } = must(await roomsOf(ana).createRoom("Kitchen"));
    must(await roomsOf(ben).joinRoom(code!));
    await ana.until(() => seen(ana, id)?.members.length === 2);
    await withSecond(server, "ben", async (second) => {
      await second.until(() => seen(second, id)?.code === code);
      must(await ana.engine!.send(conversation, "@ben: soup"));
      for (const device of [ben, second]) {
        await hears(device, id, "@ben: soup");
        const view = await viewOf(device, id);
        assert.deepEqual([view?.unread, view?.mentions], [1, 1]);
      }
      await second.engine!.markRead(conversation);
      await ben.until(async () => (await viewOf(ben, id))?.unread === 0);
      assert.equal((await viewOf(ben, id))?.mentions, 0);
      assert.deepEqual(await said(ana, id), ["@ben: soup"], "nobody else hears of it");
    });
  }));
