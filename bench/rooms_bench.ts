/**
 * A full room on a whole server: how soon somebody who joins can say something, what a message costs its sender in
 * rooms of 8, 64 and 256, and what a new code costs. The server is a process of its own.
 */
import process from "node:process";
import { conversationOf } from "../client/room_records.ts";
import type { Outcome } from "../client/types.ts";
import type { RoomId } from "../protocol/ids.ts";
import { figure } from "./measure.ts";
import { BenchDevice, type FullRoom, openRoomsWorld } from "./rooms_world.ts";

/** The largest is one short of full: the newcomer makes it so. */
const SIZES = [8, 64, 256] as const;
const WARM_UP = 10;
const MESSAGES = 100;
const TEXT = "The bins go out tonight, not tomorrow.";

/** Every figure of this file, one JSON line each. Takes some minutes. */
export async function roomsBench(): Promise<void> {
  const world = await openRoomsWorld(SIZES.map((size) => size - 1), SIZES.length);
  try {
    for (const [index, room] of world.rooms.entries()) {
      await measure(world.origin, room, world.outside[index]!);
    }
  } finally {
    await world.stop();
  }
}

async function measure(
  origin: string,
  room: FullRoom,
  soul: FullRoom["members"][number],
): Promise<void> {
  const size = room.members.length + 1;
  const device = await BenchDevice.open(origin, soul);
  try {
    await newcomer(device, room, size);
    await messages(device, room.id, size);
  } finally {
    await device.close();
  }
  const owner = await BenchDevice.open(origin, room.members[0]!);
  try {
    await rotation(owner, room, size);
  } finally {
    await owner.close();
  }
}

/** From the click on "Join" to the room on the screen, and on to the first message that the server has. */
async function newcomer(device: BenchDevice, { id, code }: FullRoom, size: number): Promise<void> {
  const [start, requests, bytes] = [performance.now(), device.requests, device.frameBytes];
  good(await device.engine.rooms.joinRoom(code));
  const joined = performance.now();
  await say(device, id);
  const said = performance.now();
  await device.said();
  const name = (what: string) => `room of ${size}: ${what}`;
  figure(name("joining"), "ms", Math.round(joined - start));
  figure(name("until the server has the first message"), "ms", Math.round(said - start));
  figure(name("until all have its key"), "ms", Math.round(performance.now() - start));
  figure(name("requests until then"), "requests", device.requests - requests);
  figure(name("bytes over the socket until then"), "bytes", device.frameBytes - bytes);
}

async function messages(device: BenchDevice, room: RoomId, size: number): Promise<void> {
  await device.said();
  for (let i = 0; i < WARM_UP; i++) await say(device, room);
  const bytes = device.frameBytes;
  const { user, system } = process.cpuUsage();
  const times: number[] = [];
  for (let i = 0; i < MESSAGES; i++) {
    const start = performance.now();
    await say(device, room);
    times.push(performance.now() - start);
  }
  const used = process.cpuUsage({ user, system });
  times.sort((a, b) => a - b);
  const name = (what: string) => `room of ${size}: a message, ${what}`;
  const each = (sum: number) => Number((sum / MESSAGES).toPrecision(3));
  figure(name("sent"), "bytes", Math.round((device.frameBytes - bytes) / MESSAGES));
  figure(name("sender's processor"), "ms", each((used.user + used.system) / 1_000));
  figure(name("until the server has it"), "ms", Number(times[MESSAGES >> 1]!.toPrecision(3)));
}

/** Until the log has the new code, and until everybody's queue has it. */
async function rotation(
  owner: BenchDevice,
  { id, code }: FullRoom,
  size: number,
): Promise<void> {
  // It knows the code by nobody's word: whoever made the room types it once.
  good(await owner.engine.rooms.joinRoom(code));
  await owner.said();
  const [start, requests, bytes] = [performance.now(), owner.requests, owner.frameBytes];
  good(await owner.engine.rooms.rotateCode(id));
  const rotated = performance.now();
  await owner.said();
  const name = (what: string) => `room of ${size}: a new code, ${what}`;
  figure(name("until it counts"), "ms", Math.round(rotated - start));
  figure(name("until everybody is told"), "ms", Math.round(performance.now() - start));
  figure(name("requests"), "requests", owner.requests - requests);
  figure(name("bytes over the socket"), "bytes", owner.frameBytes - bytes);
}

async function say(device: BenchDevice, room: RoomId): Promise<void> {
  const sent = device.next((event) => event.kind === "state" && event.state === "sent");
  good(await device.engine.send(conversationOf(room), TEXT));
  await sent;
}

function good<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(`${outcome.code}: ${outcome.words}`);
  return outcome.value;
}

if (import.meta.main) await roomsBench();
