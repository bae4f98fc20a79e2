import assert from "node:assert/strict";
import { RoomCommands, type RoomCommandsOptions } from "../../client/room_commands.ts";
import { RoomOrdersDoor, type RoomOrdersDoorOptions } from "../../client/room_orders_door.ts";
import type { RoomOrders } from "../../client/room_orders.ts";
import { randomId } from "../../protocol/ids.ts";

const options = (orders: () => Promise<RoomOrders | null>) => ({ orders }) as RoomCommandsOptions;

Deno.test("what changes rooms could not be fetched: that is said, and the next one asks again", async () => {
  let asked = 0;
  const commands = new RoomCommands(options(() => {
    asked++;
    return Promise.resolve(null);
  }));
  const room = randomId<"room">();
  for (const outcome of [await commands.createRoom("Kitchen"), await commands.leaveRoom(room)]) {
    assert.ok(!outcome.ok);
    assert.equal(outcome.code, "not-available");
    assert.match(outcome.words, /could not be loaded.*reload/);
  }
  assert.equal(asked, 2);
});

Deno.test("the code of what changes rooms is fetched once", async () => {
  const faults: unknown[] = [];
  const unavailable = (error: unknown) => void faults.push(error);
  const door = new RoomOrdersDoor({ unavailable } as RoomOrdersDoorOptions);
  const [one, other] = await Promise.all([door.open(), door.open()]);
  assert.ok(one !== null && one === other);
  assert.deepEqual(faults, []);
});
