/** Members, former members and a server that helps them: whom they can pass for, and where they get in. */
import assert from "node:assert/strict";
import type { Contact } from "../../client/records.ts";
import type { RoomRecord } from "../../client/room_records.ts";
import { encodeRoomContent } from "../../client/room_content.ts";
import type { DeviceKeys } from "../../crypto/account.ts";
import { randomBytes } from "../../crypto/random.ts";
import { encryptForRoom } from "../../crypto/room_cipher.ts";
import { deriveRoomKeys, parseRoomCode } from "../../crypto/room_code.ts";
import { createRoomEntry, joinEntry, nextCode, type ProvenList } from "../../crypto/room_log.ts";
import type { OwnSenderKey } from "../../crypto/sender_key.ts";
import { generateSigning } from "../../crypto/signature.ts";
import type { Bytes } from "../../protocol/encoding.ts";
import { ENVELOPE_KINDS } from "../../protocol/envelope.ts";
import { randomId, type RoomId } from "../../protocol/ids.ts";
import { personAnswer } from "../../protocol/api.ts";
import { decode } from "../../protocol/codec.ts";
import { type RoomEntry, roomHashOf, roomIdOf } from "../../protocol/room.ts";
import { decodeRoomEnvelope, encodeRoomEnvelope } from "../../protocol/room_envelope.ts";
import { type Lies, lying } from "../helpers/lying_rooms.ts";
import { must } from "../helpers/people_world.ts";
import type { RealDevice } from "../helpers/real_server.ts";
import { hears, roomsOf, said, seen } from "../helpers/room_scene.ts";
import { type Scene, warned, withThree } from "../helpers/room_scene.ts";

async function keysOf(device: RealDevice): Promise<DeviceKeys> {
  return (await device.store.get<DeviceKeys>("device", "keys"))!;
}

async function recordOf(device: RealDevice, room: RoomId): Promise<RoomRecord> {
  return (await device.store.get<RoomRecord>("sessions", `room/${room}`))!;
}

async function ownKeyOf(device: RealDevice, room: RoomId): Promise<OwnSenderKey> {
  return (await device.store.get<OwnSenderKey>("sessions", `room-own/${room}`))!;
}

/** A room of all three in which everybody has spoken. */
async function roomOfThree({ ana, ben, cleo }: Scene, name = "Kitchen"): Promise<RoomId> {
  const { id, code } = must(await roomsOf(ana).createRoom(name));
  for (const one of [ben, cleo]) must(await roomsOf(one).joinRoom(code!));
  for (const one of [ana, ben, cleo]) await one.until(() => seen(one, id)?.members.length === 3);
  for (const [at, one] of [ana, ben].entries()) {
    must(await roomsOf(one).send(id, `${name} ${at}`));
    await hears(cleo, id, `${name} ${at}`);
  }
  return id;
}

/** The next room message to Cleo is exchanged for another. */
async function exchangeNext(cleo: RealDevice, change: (envelope: Bytes) => Bytes): Promise<void> {
  let done = false;
  const deliver = (envelope: Bytes) => {
    if (done) return envelope;
    done = true;
    return change(envelope);
  };
  await cleo.close();
  await cleo.open(lying({ deliver }));
  await cleo.until(() => cleo.engine!.connection === "online");
}

Deno.test("attack: a member speaks as another one, under the own key and under the other's", () =>
  withThree(async (scene) => {
    const { ana, ben, cleo } = scene;
    const room = await roomOfThree(scene);
    const [{ account, device }, his] = [await keysOf(ana), await ownKeyOf(ben, room)];
    const { state } = await recordOf(ben, room);
    const { id: hers } = await ownKeyOf(ana, room);
    for (const id of [his.id, hers]) {
      const body = { kind: "text", text: "I, Ana, agree" } as const;
      const content = encodeRoomContent({ id: randomId(), time: 1, body });
      const { envelope } = await encryptForRoom(
        { ...his, id },
        state,
        { account, device },
        content,
      );
      await exchangeNext(cleo, () => envelope);
      must(await roomsOf(ben).send(room, `carrier ${id}`));
      // Two people speak in no order until one has heard the other.
      await hears(ana, room, `carrier ${id}`);
      must(await roomsOf(ana).send(room, `after ${id}`));
      await hears(cleo, room, `after ${id}`);
    }
    assert.ok(!(await said(cleo, room)).includes("I, Ana, agree"));
    assert.ok(warned(cleo, "unreadable"));
  }));

Deno.test("attack: a room's message is replayed, put into another room, and passed off as pairwise", () =>
  withThree(async (scene) => {
    const { ana, cleo } = scene;
    const [kitchen, cellar] = [await roomOfThree(scene), await roomOfThree(scene, "Cellar")];
    const seenThere: Bytes[] = [];
    await exchangeNext(cleo, (envelope) => {
      seenThere.push(envelope);
      return envelope;
    });
    must(await roomsOf(ana).send(kitchen, "only in the kitchen"));
    await hears(cleo, kitchen, "only in the kitchen");
    const [taken] = seenThere;
    const moved = encodeRoomEnvelope({ ...decodeRoomEnvelope(taken!), room: cellar });
    const pairwise = new Uint8Array(taken!);
    pairwise[1] = ENVELOPE_KINDS.ordinary;
    for (const [at, envelope] of [taken!, moved, pairwise].entries()) {
      await exchangeNext(cleo, () => envelope);
      must(await roomsOf(ana).send(cellar, `carrier ${at}`));
      must(await roomsOf(ana).send(cellar, `after ${at}`));
      await hears(cleo, cellar, `after ${at}`);
    }
    const once = (await said(cleo, kitchen)).filter((text) => text === "only in the kitchen");
    assert.equal(once.length, 1);
    assert.ok(!(await said(cleo, cellar)).includes("only in the kitchen"));
    const people = (await cleo.engine!.conversations()).filter(({ kind }) => kind === "person");
    assert.deepEqual(people, []);
  }));

Deno.test("three codes of a log: a newcomer comes in by the last, and neither earlier one opens it", () =>
  withThree(async ({ ana, cleo }) => {
    const { id, code: first } = must(await roomsOf(ana).createRoom("Kitchen"));
    const { code: second } = must(await roomsOf(ana).rotateCode(id));
    const { code: third } = must(await roomsOf(ana).rotateCode(id));
    for (const dead of [first, second]) {
      const outcome = await roomsOf(cleo).joinRoom(dead!);
      assert.ok(!outcome.ok);
      assert.deepEqual([outcome.code, outcome.words], ["no-such-room", "There is no such room."]);
    }
    const joined = must(await roomsOf(cleo).joinRoom(third!));
    assert.deepEqual([joined.id, joined.name, joined.code], [id, "Kitchen", third]);
    must(await roomsOf(ana).send(id, "welcome"));
    await hears(cleo, id, "welcome");
  }));

/** What a device's account proves its list with. */
async function provenOf(device: RealDevice): Promise<ProvenList> {
  const { account } = await keysOf(device);
  const { list } = (await device.store.get<Contact>("accounts", account))!;
  let entries: ProvenList["entries"] = [];
  await device.close();
  await device.open({
    send: (send) => async (request) => {
      const answer = await send(request);
      if (request.path === `/api/accounts/${account}` && answer.status === 200) {
        entries = decode(personAnswer, answer.body, answer.body.length).entries;
      }
      return answer;
    },
  });
  must(await roomsOf(device).createRoom("only for the list"));
  return { list, entries };
}

/** All log look-ups show these entries. */
function showing(room: RoomId, entries: readonly RoomEntry[]): Lies {
  return {
    log: (log, since) => {
      return since === null ? { ...log, room, entries: [...entries], seq: entries.length } : log;
    },
  };
}

Deno.test("attack: a room made under the same lookup id by somebody who has not the code", () =>
  withThree(async ({ ana, ben, cleo }) => {
    const { code } = must(await roomsOf(ana).createRoom("Kitchen"));
    const parsed = parseRoomCode(code!);
    const server = await ana.store.get<Bytes>("meta", "server-id");
    assert.ok(parsed.ok && server);
    const { lookup } = await deriveRoomKeys(parsed.code, server, "sealed");
    const own = await provenOf(ben);
    const forged = { lookup, join: await generateSigning("portable"), metadata: randomBytes(32) };
    const details = { name: "Kitchen", topic: "", picture: null };
    const next = await nextCode(null, forged, details);
    const entry = await createRoomEntry({ keys: await keysOf(ben), minute: 1 }, own, next);
    await cleo.close();
    await cleo.open(lying(showing(roomIdOf(await roomHashOf(entry)), [entry])));
    for (const ask of ["previewRoom", "joinRoom"] as const) {
      const outcome = await roomsOf(cleo)[ask](code!);
      assert.ok(!outcome.ok && outcome.code === "untrusted-server", ask);
    }
    assert.deepEqual(await roomsOf(cleo).rooms(), []);
  }));

Deno.test("attack: a removed member comes back with the old code, and a server that lets it in", () =>
  withThree(async (scene) => {
    const { ana, ben, cleo } = scene;
    const own = await provenOf(ben);
    const { id, code } = must(await roomsOf(ana).createRoom("Kitchen"));
    for (const one of [ben, cleo]) must(await roomsOf(one).joinRoom(code!));
    await ana.until(() => seen(ana, id)?.members.length === 3);
    must(await roomsOf(ana).removeMember(id, "ben"));
    await cleo.until(() => seen(cleo, id)?.members.length === 2 && seen(cleo, id)?.code !== code);
    const again = await roomsOf(ben).joinRoom(code!);
    assert.ok(!again.ok && again.code === "no-such-room");

    const parsed = parseRoomCode(code!);
    const server = await ana.store.get<Bytes>("meta", "server-id");
    assert.ok(parsed.ok && server);
    const { join } = await deriveRoomKeys(parsed.code, server, "sealed");
    const { state } = await recordOf(ana, id);
    const entry = await joinEntry(state, { keys: await keysOf(ben), minute: 1 }, own, join);
    for (const one of [ana, cleo]) {
      await one.close();
      await one.open(lying({
        head: (_, seq) => seq + 1,
        log: (log, since) =>
          since === null ? log : { ...log, entries: [...log.entries, entry], seq: log.seq + 1 },
      }));
      await one.until(() => warned(one, "room-log"));
      assert.equal((await recordOf(one, id)).state.members.length, 2);
    }
    must(await roomsOf(ana).send(id, "without him"));
    await hears(cleo, id, "without him");
    assert.deepEqual(await said(ben, id), []);
  }));
