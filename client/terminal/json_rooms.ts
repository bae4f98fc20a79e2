/** The room commands of `snug chat --json`. */
import { parseId, type RoomId } from "../../protocol/ids.ts";
import type { RoomCommands } from "../rooms.ts";
import type { Message, Outcome, Room } from "../types.ts";
import { ChatError } from "./errors.ts";

type Read = (field: string) => string;

/** What each command does with a text field of its input. */
const COMMANDS: Readonly<
  Record<string, (rooms: RoomCommands, read: Read) => Promise<Outcome<Room>>>
> = {
  "create-room": (rooms, read) => rooms.createRoom(read("name")),
  "join-room": (rooms, read) => rooms.joinRoom(read("code")),
  "leave-room": (rooms, read) => rooms.leaveRoom(roomIn(read)),
  "remove-member": (rooms, read) => rooms.removeMember(roomIn(read), read("username")),
  "room": (rooms, read) => rooms.room(roomIn(read)),
  "rotate-code": (rooms, read) => rooms.rotateCode(roomIn(read)),
};

export function isRoomCommand(name: string): boolean {
  return Object.hasOwn(COMMANDS, name);
}

/** Runs a room command of that name. */
export function runRoomCommand(
  name: string,
  rooms: RoomCommands,
  read: Read,
): Promise<Outcome<Room>> {
  return COMMANDS[name]!(rooms, read);
}

/** Writes to a room. */
export function sendToRoom(rooms: RoomCommands, read: Read): Promise<Outcome<Message>> {
  return rooms.send(roomIn(read), read("text"));
}

/** The event `room`. */
export function showRoom(
  { id: room, name, code, members, stopped }: Room,
): Readonly<Record<string, unknown>> & { readonly event: string } {
  return {
    event: "room",
    room,
    name,
    ...code === null ? {} : { code },
    members: members.map(({ username, account, role }) => {
      return { username: username ?? account, role };
    }),
    ...stopped === null ? {} : { stopped },
  };
}

function roomIn(read: Read): RoomId {
  const room = parseId<"room">(read("room"));
  if (room === null) throw new ChatError("bad-input", `"room" is a room's id.`);
  return room;
}
