/** The life of sender keys: when a device makes itself a new one, and how a lost one comes again. */
import assert from "node:assert/strict";
import type { OwnSenderKey } from "../../crypto/sender_key.ts";
import type { RoomRecord } from "../../client/room_records.ts";
import type { RoomId } from "../../protocol/ids.ts";
import { MAX_SENDER_KEY_MESSAGES, SENDER_KEY_LIFETIME_MS } from "../../protocol/limits.ts";
import { must } from "../helpers/people_world.ts";
import type { RealDevice } from "../helpers/real_server.ts";
import { hears, roomsOf, said, seen, warned, withThree } from "../helpers/room_scene.ts";

function ownKey(device: RealDevice, room: RoomId): Promise<OwnSenderKey | undefined> {
  return device.store.get<OwnSenderKey>("sessions", `room-own/${room}`);
}

Deno.test("a new sender key after a week, a thousand messages, a leave, a removal and a ban; else not", () =>
  withThree(async ({ ana, ben, cleo }) => {
    const { id, code } = must(await roomsOf(ana).createRoom("Kitchen"));
    let n = 0;
    /** Says something that `hearer` reads; whether it went out under another key than the one before. */
    const renews = async (hearer: RealDevice): Promise<boolean> => {
      const before = (await ownKey(ana, id))?.id;
      must(await roomsOf(ana).send(id, `message ${++n}`));
      await hears(hearer, id, `message ${n}`);
      return (await ownKey(ana, id))!.id !== before;
    };
    const joins = async (one: RealDevice, with_: string): Promise<void> => {
      must(await roomsOf(one).joinRoom(with_));
      const count = seen(one, id)!.members.length;
      await ana.until(() => seen(ana, id)?.members.length === count);
    };
    await joins(ben, code!);
    assert.equal(await renews(ben), true, "the first");
    assert.equal(await renews(ben), false);
    await joins(cleo, code!);
    assert.equal(await renews(cleo), false, "a newcomer gets it as it stands");

    ana.pass(SENDER_KEY_LIFETIME_MS);
    assert.equal(await renews(cleo), true, "a week");
    const key = (await ownKey(ana, id))!;
    await ana.close();
    const used = { ...key, next: MAX_SENDER_KEY_MESSAGES };
    await ana.store.reopen().commit([{ table: "sessions", key: `room-own/${id}`, value: used }]);
    await ana.open();
    assert.equal(await renews(cleo), true, "a thousand messages");

    must(await roomsOf(cleo).leaveRoom(id));
    await ana.until(() => seen(ana, id)?.members.length === 2);
    assert.equal(await renews(ben), true, "somebody left");
    await joins(cleo, code!);
    assert.equal(await renews(cleo), false);
    const { code: second } = must(await roomsOf(ana).removeMember(id, "cleo"));
    assert.equal(await renews(ben), true, "a removal");
    await joins(cleo, second!);
    assert.equal(await renews(cleo), false);
    must(await roomsOf(ana).banMember(id, "cleo"));
    assert.equal(await renews(ben), true, "a ban");
    assert.equal(await renews(ben), false);
  }));

Deno.test("a sender key that got lost comes again when it is asked for over the pairwise session", () =>
  withThree(async ({ ana, ben }) => {
    const { id, code } = must(await roomsOf(ana).createRoom("Kitchen"));
    must(await roomsOf(ben).joinRoom(code!));
    must(await roomsOf(ana).send(id, "one"));
    await hears(ben, id, "one");
    await ben.close();
    const store = ben.store.reopen();
    const rows = await store.list("sessions", { prefix: "room-key/" });
    await store.commit(rows.map(({ key }) => ({ table: "sessions", key, remove: true }) as const));
    ben.store = store;
    await ben.open();
    must(await roomsOf(ana).send(id, "lost with its key"));
    await ben.until(() => warned(ben, "unreadable"));
    must(await roomsOf(ana).send(id, "two"));
    await hears(ben, id, "two");
    assert.deepEqual(await said(ben, id), ["one", "two"]);
  }));

Deno.test("a device that was never told the code asks for it, and then knows the room's name", () =>
  withThree(async ({ ana, ben }) => {
    const { id, code } = must(await roomsOf(ana).createRoom("Kitchen"));
    must(await roomsOf(ben).joinRoom(code!));
    await ben.close();
    const store = ben.store.reopen();
    const record = (await store.get<RoomRecord>("sessions", `room/${id}`))!;
    const value = { ...record, code: null, metadata: null, details: null };
    await store.commit([{ table: "sessions", key: `room/${id}`, value }]);
    ben.store = store;
    await ben.open();
    must(await roomsOf(ana).setTopic(id, "soup"));
    await ben.until(() => seen(ben, id)?.code === code && seen(ben, id)?.topic === "soup");
    assert.equal(seen(ben, id)!.name, "Kitchen");
  }));
