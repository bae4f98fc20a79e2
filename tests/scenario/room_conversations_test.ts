/** A room as a conversation: listed beside people, unread and mentions counted, muted, sent again. */
import assert from "node:assert/strict";
import { conversationOf, type HeldItem, type RoomRecord } from "../../client/room_records.ts";
import type { RoomConversation } from "../../client/types.ts";
import { randomId, type RoomId } from "../../protocol/ids.ts";
import { must } from "../helpers/people_world.ts";
import type { RealDevice } from "../helpers/real_server.ts";
import { hears, linesIn, roomsOf, seen, withSecond, withThree } from "../helpers/room_scene.ts";

async function viewOf(device: RealDevice, room: RoomId): Promise<RoomConversation> {
  const all = await device.engine!.conversations();
  const found = all.find(({ id }) => id === conversationOf(room));
  assert.ok(found?.kind === "room");
  return found;
}

Deno.test("a room is listed beside people, counts what is unread and what names me, and is muted", () =>
  withThree(async ({ ana, ben }) => {
    const { id, code, conversation } = must(await roomsOf(ana).createRoom("Kitchen"));
    assert.deepEqual(await linesIn(ana, id), ["You made this room."]);
    must(await roomsOf(ben).joinRoom(code!));
    await ana.until(() => seen(ana, id)?.members.length === 2);
    must(await ana.engine!.startConversation("cleo"));
    for (const text of ["hello", "@ben: soup?", "not @benny"]) {
      must(await ana.engine!.send(conversation, text));
    }
    await hears(ben, id, "not @benny");
    const view = await viewOf(ben, id);
    assert.deepEqual(
      [view.title, view.members, view.unread, view.mentions, view.role, view.accepted],
      ["Kitchen", 2, 3, 1, "member", true],
    );
    const { last } = view;
    assert.deepEqual([last?.text, last?.mine, last?.sender], ["not @benny", false, "ANA"]);
    const rows = (await ben.engine!.messages(conversation)).filter(({ kind }) => kind === "text");
    assert.deepEqual(rows.map(({ mention, sender }) => [mention, sender]), [
      [undefined, "ANA"],
      [true, "ANA"],
      [undefined, "ANA"],
    ]);
    await ben.engine!.markRead(conversation);
    const read = await viewOf(ben, id);
    assert.deepEqual([read.unread, read.mentions], [0, 0]);
    assert.equal(must(await ben.engine!.mute(conversation, true)).muted, true);
    assert.equal((await viewOf(ben, id)).muted, true);
    must(await ben.engine!.send(conversation, "yes"));
    await hears(ana, id, "yes");
    const kinds = (await ana.engine!.conversations()).map(({ kind }) => kind);
    assert.deepEqual(kinds.sort(), ["person", "room"]);
  }));

Deno.test("what could not be sent to a room is sent again, and to a room one has left it is not", () =>
  withThree(async ({ ana, ben }) => {
    const { id, code, conversation } = must(await roomsOf(ana).createRoom("Kitchen"));
    must(await roomsOf(ben).joinRoom(code!));
    const { id: message } = must(await ben.engine!.send(conversation, "hello"));
    await hears(ana, id, "hello");
    const twice = must(await ben.engine!.send(conversation, "hello", message));
    assert.equal(twice.id, message);
    const unknown = await ben.engine!.retry(conversation, message);
    assert.ok(!unknown.ok && unknown.code === "unknown-message");
    must(await roomsOf(ben).leaveRoom(id));
    const left = await ben.engine!.send(conversation, "one more");
    assert.ok(!left.ok && left.words === "You are not in this room any more.");
    assert.equal((await viewOf(ben, id)).stopped, "left");
    assert.equal((await linesIn(ben, id)).at(-1), "You left.");
  }));

Deno.test("without knowing the code nobody seals a new one over a name that would be lost", () =>
  withThree(async ({ ana }) => {
    const { id } = must(await roomsOf(ana).createRoom("Kitchen"));
    const record = (await ana.store.get<RoomRecord>("sessions", `room/${id}`))!;
    await ana.close();
    const value = { ...record, code: null, metadata: null, details: null };
    await ana.store.reopen().commit([{ table: "sessions", key: `room/${id}`, value }]);
    await ana.open();
    for (const ask of ["rotateCode", "renameRoom", "setTopic"] as const) {
      const outcome = await roomsOf(ana)[ask](id, "Name");
      assert.ok(!outcome.ok && outcome.code === "not-available", ask);
    }
  }));

Deno.test("what waits for a room that this account never came into goes after a week", () =>
  withThree(async ({ ana }) => {
    const room = randomId<"room">();
    const [account, device] = [randomId<"account">(), randomId<"device">()];
    const hash = new Uint8Array(32);
    const numbers = { seq: 1, number: 0 };
    const keys = { hash, verify: hash, chainKey: hash, key: randomId<"sender-key">() };
    const item: HeldItem = { kind: "key", account, device, message: { room, ...numbers, ...keys } };
    const week = 7 * 86_400_000;
    const at = (name: string, since: number) => {
      const value = { ...item, at: since };
      return { table: "sessions", key: `room-held/${room}/${name}`, value } as const;
    };
    await ana.close();
    const now = Date.now();
    await ana.store.reopen().commit([
      at("old", now - week - 60_000),
      at("new", now - week + 60_000),
    ]);
    await ana.open();
    await ana.until(() => ana.engine!.connection === "online");
    await ana.engine!.idle();
    const held = await ana.store.list("sessions", { prefix: "room-held/" });
    assert.deepEqual(held.map(({ key }) => key), [`room-held/${room}/new`]);
  }));

Deno.test("a device that its owner signs out gets no key any more, and the others make new ones", () =>
  withThree(async ({ server, ana, ben, cleo }) => {
    const { id, code } = must(await roomsOf(ana).createRoom("Kitchen"));
    for (const one of [ben, cleo]) must(await roomsOf(one).joinRoom(code!));
    await withSecond(server, "ben", async (second) => {
      await second.until(() => seen(second, id)?.code === code);
      must(await roomsOf(ana).send(id, "both of you"));
      await hears(second, id, "both of you");
      await hears(cleo, id, "both of you");
      const before = await ana.store.get<{ id: string }>("sessions", `room-own/${id}`);
      must(await ben.engine!.revokeDevice(second.engine!.me.device));
      await ana.until(async () => (await linesIn(ana, id)).includes("A device of BEN is out."));
      must(await roomsOf(ana).send(id, "one of you"));
      await hears(ben, id, "one of you");
      const after = await ana.store.get<{ id: string }>("sessions", `room-own/${id}`);
      assert.notEqual(after!.id, before!.id);
      const told = second.events.filter((one) => one.kind === "message");
      assert.ok(!told.some(({ message }) => message.text === "one of you"));
    });
  }));

Deno.test("what a blocked member says in a room is marked, rings nothing and comes back unblocked", () =>
  withThree(async ({ ana, ben, cleo }) => {
    const { id, code, conversation } = must(await roomsOf(ana).createRoom("Kitchen"));
    must(await roomsOf(ben).joinRoom(code!));
    must(await roomsOf(cleo).joinRoom(code!));
    await ana.until(() => seen(ana, id)?.members.length === 3);
    await ben.until(() => seen(ben, id)?.members.length === 3);
    const { people } = ben.engine!;
    must(await people.block(cleo.engine!.me.account));
    must(await cleo.engine!.send(conversation, "@ben: listen to me"));
    await hears(ben, id, "@ben: listen to me");
    must(await ana.engine!.send(conversation, "hello"));
    await hears(ben, id, "hello");
    const { unread, mentions, last } = await viewOf(ben, id);
    assert.deepEqual([unread, mentions, last?.text], [1, 0, "hello"]);
    const marks = async () =>
      (await ben.engine!.messages(conversation)).filter(({ kind }) => kind === "text")
        .map(({ text, blocked }) => [text, blocked]);
    assert.deepEqual(await marks(), [["@ben: listen to me", true], ["hello", undefined]]);
    must(await people.unblock(cleo.engine!.me.account));
    assert.deepEqual(await marks(), [["@ben: listen to me", undefined], ["hello", undefined]]);
  }));
