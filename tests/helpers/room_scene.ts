/** Three people at a whole server in this process, and what their devices show of a room. */
import type { EngineEvent, Message, Room } from "../../client/types.ts";
import type { OpenEngine } from "../../client/engine.ts";
import { conversationOf } from "../../client/room_records.ts";
import type { RoomId } from "../../protocol/ids.ts";
import { RealDevice, RealServer } from "./real_server.ts";

export interface Scene {
  readonly server: RealServer;
  readonly ana: RealDevice;
  readonly ben: RealDevice;
  readonly cleo: RealDevice;
}

export function passwordOf(name: string): string {
  return `lantern under the stairs ${name}`;
}

/** Ana, Ben and Cleo, signed up and online. More devices made in the scene are closed with it. */
export async function withThree(run: (scene: Scene) => Promise<void>): Promise<void> {
  const server = await RealServer.start();
  const people = [new RealDevice(server), new RealDevice(server), new RealDevice(server)] as const;
  const [ana, ben, cleo] = people;
  try {
    for (const [at, name] of (["ana", "ben", "cleo"] as const).entries()) {
      await people[at]!.signUp(name, passwordOf(name));
      await people[at]!.open();
    }
    await run({ server, ana, ben, cleo });
  } finally {
    for (const one of people) await one.close();
    await server.end();
  }
}

/** One more device of somebody, signed in and online while `run` runs. */
export async function withSecond(
  server: RealServer,
  username: string,
  run: (device: RealDevice) => Promise<void>,
): Promise<void> {
  const device = new RealDevice(server);
  try {
    const signedIn = await device.signIn(username, passwordOf(username));
    if (!signedIn.ok) throw new Error(signedIn.words);
    await device.open();
    await run(device);
  } finally {
    await device.close();
  }
}

export function roomsOf(device: RealDevice): OpenEngine["rooms"] {
  return device.engine!.rooms;
}

async function rows(device: RealDevice, room: RoomId, kind: Message["kind"]): Promise<string[]> {
  const all = await device.engine!.messages(conversationOf(room), { limit: 500 });
  return all.filter((row) => row.kind === kind).map(({ text }) => text);
}

/** The texts in a room, in the order shown. */
export function said(device: RealDevice, room: RoomId): Promise<string[]> {
  return rows(device, room, "text");
}

/** The system lines in a room. */
export function linesIn(device: RealDevice, room: RoomId): Promise<string[]> {
  return rows(device, room, "line");
}

/** Everything that was not as it should be. */
export function troubles(...devices: RealDevice[]): EngineEvent[] {
  return devices.flatMap(({ events }) =>
    events.filter(({ kind }) => kind === "warning" || kind === "gap")
  );
}

export function warned(device: RealDevice, what: string): boolean {
  return device.events.some((one) => one.kind === "warning" && one.what === what);
}

/** The newest view of a room that a device has told of. */
export function seen(device: RealDevice, room: RoomId): Room | undefined {
  const event = device.events.findLast((one) => one.kind === "room" && one.room.id === room);
  return event?.kind === "room" ? event.room : undefined;
}

export function names({ members }: Pick<Room, "members">): (string | null)[] {
  return members.map(({ username }) => username);
}

export async function hears(device: RealDevice, room: RoomId, text: string): Promise<void> {
  await device.until(async () => (await said(device, room)).includes(text));
}
