/** Rooms from engine to engine over the whole server in this process. */
import assert from "node:assert/strict";
import { conversationOf, type RoomRecord } from "../../client/room_records.ts";
import type { DeviceKeys } from "../../crypto/account.ts";
import { openRoomMessage } from "../../crypto/room_cipher.ts";
import { parseRoomCode } from "../../crypto/room_code.ts";
import { plainEntry } from "../../crypto/room_log.ts";
import type { PeerSenderKey } from "../../crypto/sender_key.ts";
import type { HttpSend } from "../../client/transport.ts";
import { decode, encode } from "../../protocol/codec.ts";
import { type Bytes, utf8 } from "../../protocol/encoding.ts";
import type { RoomId } from "../../protocol/ids.ts";
import { logAnswer } from "../../protocol/room_api.ts";
import { decodeRoomEnvelope } from "../../protocol/room_envelope.ts";
import { findCanaries, type Place } from "../helpers/canary.ts";
import { decodeClientFrame } from "../../protocol/frame.ts";
import { must, type Wrapping } from "../helpers/people_world.ts";
import type { RealDevice } from "../helpers/real_server.ts";
import { names, said, troubles, withThree } from "../helpers/room_scene.ts";

/** What a device sends to rooms, as it leaves. */
function recording(sent: Uint8Array[]): Wrapping {
  return {
    socket: (connect) => (login, handlers) => {
      const socket = connect(login, handlers);
      const send = (frame: Bytes) => {
        for (const item of decodeClientFrame(frame)) {
          if (item.type === "submit-to-room") sent.push(item.envelope.slice());
        }
        socket.send(frame);
      };
      return { send, close: () => socket.close() };
    },
  };
}

/** Whether a device with everything it ever kept can open an envelope. */
async function opens(device: RealDevice, room: RoomId, envelope: Uint8Array): Promise<boolean> {
  const record = await device.store.get<RoomRecord>("sessions", `room/${room}`);
  const rows = await device.store.list<PeerSenderKey[]>("sessions", { prefix: "room-key/" });
  const kept = rows.flatMap(({ value }) => value);
  const parsed = decodeRoomEnvelope(envelope);
  // The thief of all keys takes every head and membership for granted.
  for (const key of kept) {
    const claimed = { ...parsed, key: key.id };
    const opened = await openRoomMessage(record!.state, [key], claimed, Date.now())
      .catch(() => null);
    if (opened?.kind === "content") return true;
  }
  return false;
}

Deno.test("three people make a room, join by its code, and talk; all of it arrives once, in order", () =>
  withThree(async ({ ana, ben, cleo }) => {
    const [a, b, c] = [ana.engine!.rooms, ben.engine!.rooms, cleo.engine!.rooms];
    const room = must(await a.createRoom("Kitchen"));
    assert.match(room.code!, /^(?:[0-9A-Z]{4}-){3}[0-9A-Z]{4}$/);
    const bens = must(await b.joinRoom(room.code!.toLowerCase()));
    assert.deepEqual([bens.id, bens.name, bens.code], [room.id, "Kitchen", room.code]);
    must(await c.joinRoom(`https://chat.example/join#${room.code}`));
    assert.deepEqual(names(must(await c.room(room.id))), ["ana", "ben", "cleo"]);

    must(await a.send(room.id, "soup?"));
    await ben.until(async () => (await said(ben, room.id)).includes("soup?"));
    await cleo.until(async () => (await said(cleo, room.id)).includes("soup?"));
    for (let n = 0; n < 10; n++) must(await b.send(room.id, `b${n}`));
    must(await c.send(room.id, "yes"));
    for (const one of [ana, ben, cleo]) {
      await one.until(async () => (await said(one, room.id)).length === 12);
      const own = (await said(one, room.id)).filter((text) => text.startsWith("b"));
      assert.deepEqual(own, Array.from({ length: 10 }, (_, n) => `b${n}`));
    }
    await ana.until(async () =>
      (await ana.engine!.messages(conversationOf(room.id))).find(({ mine }) => mine)?.state ===
        "sent"
    );
    assert.deepEqual(troubles(ana, ben, cleo), []);
  }));

Deno.test("a removed member's device reads nothing sent after, a newcomer's nothing sent before", () =>
  withThree(async ({ ana, ben, cleo }) => {
    const sent: Uint8Array[] = [];
    await ana.close();
    await ana.open(recording(sent));
    const [a, b, c] = [ana.engine!.rooms, ben.engine!.rooms, cleo.engine!.rooms];
    const { id, code } = must(await a.createRoom("Kitchen"));
    must(await b.joinRoom(code!));
    must(await a.send(id, "before"));
    await ben.until(async () => (await said(ben, id)).length === 1);
    must(await c.joinRoom(code!));
    must(await a.send(id, "with all"));
    await cleo.until(async () => (await said(cleo, id)).length === 1);
    const without = must(await a.removeMember(id, "ben"));
    assert.deepEqual(names(without), ["ana", "cleo"]);
    assert.notEqual(without.code, code);
    must(await a.send(id, "after"));
    await cleo.until(async () => (await said(cleo, id)).includes("after"));
    const told = () => ben.events.some((one) => one.kind === "room" && one.room.stopped === "left");
    await ben.until(told);

    assert.deepEqual(await said(ben, id), ["before", "with all"]);
    assert.deepEqual(await said(cleo, id), ["with all", "after"]);
    // One more when the log had gone on and the message was encrypted anew.
    assert.ok(sent.length >= 3);
    const [before, withAll, after] = [sent[0], sent.at(-2), sent.at(-1)];
    assert.deepEqual(
      [await opens(ben, id, after!), await opens(cleo, id, before!)],
      [false, false],
    );
    assert.deepEqual([await opens(ben, id, withAll!), await opens(cleo, id, withAll!)], [
      false,
      false,
    ]);
    assert.equal((await b.joinRoom(code!)).ok, false, "the old code is dead");
    const again = must(await b.joinRoom(without.code!));
    assert.equal(again.stopped, null);
    must(await c.send(id, "welcome back"));
    await ben.until(async () => (await said(ben, id)).includes("welcome back"));
    assert.ok(!(await said(ben, id)).includes("after"));
  }));

Deno.test("the room code never reaches the server: not in requests, frames, logs or its files", () =>
  withThree(async ({ server, ana, ben }) => {
    const places: Place[] = [];
    const listening: Wrapping = {
      send: (send) => (request) => {
        const { path, headers, body } = request;
        const text = `${path} ${JSON.stringify(headers)}`;
        places.push({ name: path, bytes: utf8(text) });
        if (body) places.push({ name: path, bytes: typeof body === "string" ? utf8(body) : body });
        return send(request);
      },
      socket: (connect) => (login, handlers) => {
        const socket = connect(login, handlers);
        const send = (frame: Bytes) => {
          places.push({ name: "socket", bytes: frame.slice() });
          socket.send(frame);
        };
        return { send, close: () => socket.close() };
      },
    };
    for (const one of [ana, ben]) {
      await one.close();
      await one.open(listening);
    }
    const { id, code } = must(await ana.engine!.rooms.createRoom("Secret kitchen name"));
    must(await ben.engine!.rooms.previewRoom(`https://chat.example/join#${code}`));
    must(await ben.engine!.rooms.joinRoom(code!));
    const rotated = must(await ana.engine!.rooms.rotateCode(id));
    await ben.until(() =>
      ben.events.some((one) => one.kind === "room" && one.room.code === rotated.code)
    );
    const canaries = [code!, rotated.code!].flatMap((one, at) => {
      const parsed = parseRoomCode(one);
      assert.ok(parsed.ok);
      return [
        { name: `code ${at}`, secret: one },
        { name: `code ${at} without dashes`, secret: one.replaceAll("-", "") },
        { name: `code ${at} in bytes`, secret: parsed.code },
      ];
    });
    canaries.push({ name: "name", secret: "Secret kitchen name" });
    await server.down();
    places.push(...server.files(), ...server.logs());
    assert.match(new TextDecoder().decode(server.logs()[0]!.bytes), /auth.signed-up/);
    assert.ok(places.length > 20);
    assert.deepEqual(findCanaries(places, canaries), []);
  }));

Deno.test("attack: the server shows one member another log: both see it and stop", () =>
  withThree(async ({ ana, ben, cleo }) => {
    const { id, code } = must(await ana.engine!.rooms.createRoom("Kitchen"));
    must(await ben.engine!.rooms.joinRoom(code!));
    must(await ana.engine!.rooms.send(id, "one"));
    await ben.until(async () => (await said(ben, id)).length === 1);
    const { state } = (await ben.store.get<RoomRecord>("sessions", `room/${id}`))!;
    const keys = (await ana.store.get<DeviceKeys>("device", "keys"))!;
    // Ana's device, in the hands of whoever runs the server, signs a second entry for the same place.
    const change = { kind: "close", newcomers: "approve" } as const;
    const other = await plainEntry(state, { keys, minute: 1 }, change);
    const lying = (send: HttpSend): HttpSend => async (request) => {
      const answer = await send(request);
      if (!request.path.includes("/log?since=2")) return answer;
      const log = decode(logAnswer, answer.body);
      return { ...answer, body: encode(logAnswer, { ...log, entries: [other] }) };
    };
    await ben.close();
    await ben.open({ send: lying });
    must(await cleo.engine!.rooms.joinRoom(code!));
    must(await ana.engine!.rooms.send(id, "two"));
    const warned = () =>
      ben.events.some((one) => one.kind === "warning" && one.what === "room-fork");
    await ben.until(warned);
    assert.deepEqual(await said(ben, id), ["one"]);
    const refused = await ben.engine!.rooms.send(id, "three");
    assert.ok(!refused.ok && refused.code === "untrusted-server");
  }));

Deno.test("attack: the server puts a member into the log that nobody let in: no key, and a warning", () =>
  withThree(async ({ ana, ben, cleo }) => {
    const { id, code } = must(await ana.engine!.rooms.createRoom("Kitchen"));
    must(await ben.engine!.rooms.joinRoom(code!));
    const keys = (await cleo.store.get<DeviceKeys>("device", "keys"))!;
    const { state } = (await ben.store.get<RoomRecord>("sessions", `room/${id}`))!;
    const ghost = await plainEntry(state, { keys, minute: 1 }, { kind: "leave" });
    const lying = (send: HttpSend): HttpSend => async (request) => {
      const answer = await send(request);
      if (!request.path.includes("/log?since=2")) return answer;
      const log = decode(logAnswer, answer.body);
      return { ...answer, body: encode(logAnswer, { ...log, entries: [ghost], seq: 3 }) };
    };
    await ben.close();
    await ben.open({ send: lying });
    must(await ana.engine!.rooms.rotateCode(id));
    await ben.until(() =>
      ben.events.some((one) => one.kind === "warning" && one.what === "room-log")
    );
    const kept = (await ben.store.get<RoomRecord>("sessions", `room/${id}`))!;
    assert.deepEqual([kept.state.seq, kept.state.members.length], [2, 2]);
  }));
