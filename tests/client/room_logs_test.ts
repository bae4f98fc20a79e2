/** A device's view of a room's log: what codes it believes. */
import assert from "node:assert/strict";
import { Writer } from "../../client/change.ts";
import type { DeviceApi } from "../../client/device_login.ts";
import { RoomLogs } from "../../client/room_logs.ts";
import { getRoom, roomKeys, type RoomRecord } from "../../client/room_records.ts";
import { MemoryStore } from "../../client/store_memory.ts";
import { codeEntry, nextCode } from "../../crypto/room_log.ts";
import { deriveRoomKeys, makeRoomCode } from "../../crypto/room_code.ts";
import type { Bytes } from "../../protocol/encoding.ts";
import type { RoomEntry } from "../../protocol/room.ts";
import { makeOwner, type Owner } from "../helpers/owners.ts";
import { authorOf, DETAILS, NOW, TestRoom } from "../helpers/room_world.ts";

const SERVER = new Uint8Array(16).fill(7);

/** Ana's device in a room with Ben, and what it told others of its own new codes. */
async function scene(api: Partial<DeviceApi> = {}) {
  const [ana, ben] = [await makeOwner(), await makeOwner()];
  const room = await TestRoom.of(ana, ben);
  const store = new MemoryStore();
  const writer = new Writer(store, () => {});
  const told: (Bytes | null)[] = [];
  const nothing = () => Promise.resolve();
  const logs = new RoomLogs({
    ...{ own: ana.device, store, writer, api: api as DeviceApi, now: () => NOW },
    ...{ meet: nothing, settle: nothing, grown: () => {}, ownPinned: () => {} },
    recoded: (_change, { code }) => Promise.resolve(void told.push(code)),
  });
  const record: RoomRecord = {
    ...{ id: room.state.id, state: room.state, code: null, metadata: null, details: DETAILS },
    ...{ nextCode: null, removed: [], stopped: null },
  };
  await store.commit([
    { table: "meta", key: "server-id", value: SERVER },
    { table: "sessions", key: roomKeys.room(record.id), value: record },
  ]);
  const known = () => writer.change((change) => getRoom(change, record.id));
  return { ana, ben, room, store, writer, logs, record, known, told };
}

/** A new code and the entry that brings it. */
async function rotation(by: Owner, room: TestRoom): Promise<{ code: Bytes; entry: RoomEntry }> {
  const code = makeRoomCode();
  const next = await nextCode(room.state, await deriveRoomKeys(code, SERVER, "sealed"), DETAILS);
  return { code, entry: await codeEntry(room.state, authorOf(by), { kind: "rotate" }, next) };
}

Deno.test("attack: a member tells a false code while this device's own new one is on its way", async () => {
  const { ana, room, store, writer, logs, record, known, told } = await scene();
  const { code, entry } = await rotation(ana, room);
  const epoch = record.state.code.epoch + 1;
  // On disk since before the entry left: nobody else in the world knows it.
  const pending: RoomRecord = { ...record, ownCode: { room: record.id, epoch, code } };
  await store.commit([{ table: "sessions", key: roomKeys.room(record.id), value: pending }]);
  const lie = { room: record.id, epoch, code: makeRoomCode() };
  await writer.change((change) => logs.takeCode(change, lie));
  assert.ok(await logs.takeAll(record.id, [entry]));
  assert.deepEqual((await known())?.code, code);
  assert.deepEqual(told, [code], "and those who stay are told it");
  assert.equal((await known())?.ownCode, null);
});

Deno.test("a code that a member told before its entry is taken when the entry is there, a false one never", async () => {
  const { ana, ben, room, writer, logs, record, known, told } = await scene();
  await room.say(ana, { kind: "role", member: ben.list.account, role: "moderator" });
  assert.ok(await logs.takeAll(record.id, room.entries.slice(-1)));
  const { code, entry } = await rotation(ben, room);
  const epoch = room.state.code.epoch + 1;
  await writer.change((change) => logs.takeCode(change, { room: record.id, epoch, code }));
  assert.ok(await logs.takeAll(record.id, [entry]));
  assert.deepEqual((await known())?.code, code);
  assert.deepEqual(told, [], "who made it tells it");
  const lie = { room: record.id, epoch, code: makeRoomCode() };
  await writer.change((change) => logs.takeCode(change, lie));
  assert.deepEqual((await known())?.code, code);
});

Deno.test("a room that changes while its log is looked at is looked at again, once for all who ask", async () => {
  const log: RoomEntry[] = [];
  let looks = 0;
  const asked = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const roomLog: DeviceApi["roomLog"] = async (room, since) => {
    const value = { room, entries: log.slice(since), seq: log.length };
    if (++looks > 1) return { ok: true, value };
    asked.resolve();
    await held.promise;
    return { ok: true, value };
  };
  const { ana, ben, room, logs, record, known } = await scene({ roomLog });
  log.push(...room.entries);
  const first = logs.catchUp(record.id);
  await asked.promise;
  log.push(await room.say(ana, { kind: "role", member: ben.list.account, role: "moderator" }));
  const later = [logs.catchUp(record.id), logs.catchUp(record.id)];
  held.resolve();
  await Promise.all([first, ...later]);
  assert.equal((await known())?.state.seq, room.state.seq);
  assert.equal(looks, 2);
});
