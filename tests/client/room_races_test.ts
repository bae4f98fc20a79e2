/** Two things at once on one device, about the same room: no code is lost, and no news of the log. */
import assert from "node:assert/strict";
import { Writer } from "../../client/change.ts";
import type { DeviceApi } from "../../client/device_login.ts";
import { RoomEntering } from "../../client/room_entering.ts";
import { RoomLogs } from "../../client/room_logs.ts";
import { getRoom, roomKeys, type RoomRecord } from "../../client/room_records.ts";
import type { RoomSending } from "../../client/room_sending.ts";
import { RoomWriting } from "../../client/room_writing.ts";
import { MemoryStore } from "../../client/store_memory.ts";
import { done } from "../../client/types.ts";
import type { RoomEntry } from "../../protocol/room.ts";
import { makeOwner } from "../helpers/owners.ts";
import { DETAILS, NOW, TestRoom } from "../helpers/room_world.ts";

const SERVER = new Uint8Array(16).fill(7);

/** Ana's device, whose room is on a server that holds nothing but its log. */
async function scene() {
  const [ana, ben] = [await makeOwner(), await makeOwner()];
  const room = await TestRoom.of(ana, ben);
  const id = room.state.id;
  const store = new MemoryStore();
  const writer = new Writer(store, () => {});
  const { account, device } = ana.device;
  const me = { account, device, username: "ana", fullName: "Ana" };
  const logOf = (since: number) => ({
    ...{ room: id, entries: room.entries.slice(since), seq: room.entries.length },
  });
  await store.commit([{ table: "meta", key: "me", value: { ...me, state: "active" } }]);
  /** What the next answers are instead. */
  const instead: (() => ReturnType<DeviceApi["roomLog"]> | null)[] = [];
  const lostAnswers = { append: 0 };
  const append = async (_: unknown, entry: RoomEntry) => {
    const before = room.entries.length;
    const taken = await room.take(entry).then(() => true, () => false);
    if (lostAnswers.append-- > 0) return { ok: false, status: 0, code: "offline", words: "" };
    const value = taken
      ? { outcome: "accepted", room: id, seq: room.entries.length }
      : { outcome: "conflict", ...logOf(Math.min(before, (await known())!.state.seq)) };
    return { ok: true, value };
  };
  const api = {
    rooms: () => Promise.resolve({ ok: true, value: { server: SERVER, rooms: [] } }),
    roomLog: (_: unknown, since: number) =>
      instead.shift()?.() ?? Promise.resolve({ ok: true, value: logOf(since) }),
    appendToRoom: append,
  } as unknown as DeviceApi;
  const nothing = () => Promise.resolve();
  const logs = new RoomLogs({
    ...{ own: ana.device, store, writer, api, now: () => NOW, meet: nothing, settle: nothing },
    ...{ grown: () => {}, ownPinned: () => {}, recoded: nothing },
  });
  const writing = new RoomWriting({
    ...{ me, own: ana.device, writer, api, logs, now: () => NOW, removing: nothing },
    view: () => Promise.resolve(done({} as never)),
  });
  const sending = {} as RoomSending;
  const entering = new RoomEntering({
    ...{ me, own: ana.device, writer, api, logs, sending, writing, wake: () => {} },
    release: () => {},
  });
  const known = () => writer.change((change) => getRoom(change, id));
  const isHere = async () => {
    const record: RoomRecord = {
      ...{ id, state: room.state, code: null, metadata: null, details: DETAILS },
      ...{ nextCode: null, removed: [], stopped: null },
    };
    await store.commit([
      { table: "meta", key: "server-id", value: SERVER },
      { table: "sessions", key: roomKeys.room(id), value: record },
    ]);
  };
  return { ana, ben, room, id, writing, entering, known, isHere, instead, logOf, lostAnswers };
}

Deno.test("one member is removed twice at once on one device: one entry, whose code the device knows", async () => {
  const { ben, room, id, writing, known, isHere } = await scene();
  await isHere();
  const before = room.state.seq;
  const remove = () => writing.recode(id, { kind: "remove", member: ben.list.account });
  assert.deepEqual((await Promise.all([remove(), remove()])).map(({ ok }) => ok), [true, true]);
  const record = await known();
  assert.deepEqual([record!.state.seq, room.state.seq], [before + 1, before + 1]);
  assert.notEqual(record!.code, null, "nobody else in the world knows it");
});

Deno.test("a removal whose answer was lost is tried again: the log had it, and its code is known", async () => {
  const { ben, room, id, writing, known, isHere, lostAnswers } = await scene();
  await isHere();
  const before = room.state.seq;
  const remove = () => writing.recode(id, { kind: "remove", member: ben.list.account });
  lostAnswers.append = 1;
  assert.ok(!(await remove()).ok);
  assert.ok((await remove()).ok);
  assert.equal(room.state.seq, before + 1);
  const first = (await known())!.code;
  assert.notEqual(first, null, "nobody else in the world knows it");
  assert.ok((await writing.recode(id, { kind: "rotate" })).ok);
  assert.notDeepEqual((await known())!.code, first, "one that was in use is not used again");
});

Deno.test("a room is taken over twice at once, the first time from an older log: it is as new as the newer one", async () => {
  const { ana, ben, room, id, entering, known, instead, logOf } = await scene();
  const asked = Promise.withResolvers<void>();
  const older = Promise.withResolvers<void>();
  const newer = Promise.withResolvers<void>();
  const answerAfter = (held: Promise<void>) => () => {
    const value = logOf(0);
    asked.resolve();
    return held.then(() => ({ ok: true, value }) as const);
  };
  instead.push(answerAfter(older.promise), answerAfter(newer.promise));
  const first = entering.adopt(id);
  await asked.promise;
  await room.say(ana, { kind: "role", member: ben.list.account, role: "moderator" });
  const second = entering.adopt(id);
  older.resolve();
  assert.equal(await first, true);
  newer.resolve();
  assert.equal(await second, true);
  assert.equal((await known())?.state.seq, room.state.seq);
});
