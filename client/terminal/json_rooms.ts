/** The room commands of `snug chat --json`. */
import { fromBase64Url, toBase64Url } from "../../protocol/encoding.ts";
import { parseId, type RoomId } from "../../protocol/ids.ts";
import type { RoomCommands } from "../rooms.ts";
import { done } from "../types.ts";
import type { Member, Message, Newcomers, Outcome, Role, Room, RoomPreview } from "../types.ts";
import { ChatError } from "./errors.ts";

type Read = (field: string) => string;
type Shown = Readonly<Record<string, unknown>> & { readonly event: string };

/** What each command does with the text fields of its input; the answer is the event `room`. */
const COMMANDS: Readonly<
  Record<string, (rooms: RoomCommands, read: Read) => Promise<Outcome<Room>>>
> = {
  "create-room": (rooms, read) => rooms.createRoom(read("name")),
  "join-room": (rooms, read) => rooms.joinRoom(read("code")),
  "leave-room": (rooms, read) => rooms.leaveRoom(roomIn(read)),
  "end-room": (rooms, read) => rooms.endRoom(roomIn(read)),
  "accept-room": (rooms, read) => rooms.acceptRoom(roomIn(read)),
  "room": (rooms, read) => rooms.room(roomIn(read)),
  "add-member": (rooms, read) => rooms.addMember(roomIn(read), read("username")),
  "remove-member": (rooms, read) => rooms.removeMember(roomIn(read), read("username")),
  "ban-member": (rooms, read) => rooms.banMember(roomIn(read), read("username")),
  "approve": (rooms, read) => rooms.approve(roomIn(read), read("username")),
  "decline": (rooms, read) => rooms.decline(roomIn(read), read("username")),
  "set-role": (rooms, read) => {
    return rooms.setRole(roomIn(read), read("username"), oneOf(read, "role", ROLES));
  },
  "rename-room": (rooms, read) => rooms.renameRoom(roomIn(read), read("name")),
  "set-topic": (rooms, read) => rooms.setTopic(roomIn(read), orNone(read("topic"))),
  "set-picture": (rooms, read) => rooms.setPicture(roomIn(read), pictureIn(read)),
  "set-newcomers": (rooms, read) => {
    return rooms.setNewcomers(roomIn(read), oneOf(read, "newcomers", NEWCOMERS));
  },
  "rotate-code": (rooms, read) => rooms.rotateCode(roomIn(read)),
};

const ROLES: readonly Exclude<Role, "waiting">[] = ["member", "moderator", "owner"];
const NEWCOMERS: readonly Newcomers[] = ["open", "approve", "closed"];
/** Fields are texts that are not empty: this one stands for nothing. */
const NONE = "-";

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

/** What answers with something else than one room. */
const QUESTIONS: Readonly<
  Record<string, (rooms: RoomCommands, read: Read) => Promise<Outcome<Shown>>>
> = {
  "rooms": async (rooms) => {
    const all = (await rooms.rooms()).map(({ id, name }) => ({ room: id, name }));
    return done({ event: "rooms", rooms: all });
  },
  "preview-room": async (rooms, read) => {
    const preview = await rooms.previewRoom(read("code"));
    return preview.ok ? done(showPreview(preview.value)) : preview;
  },
};

export function isRoomQuestion(name: string): boolean {
  return Object.hasOwn(QUESTIONS, name);
}

/** Answers a question of that name. */
export function askOfRooms(
  name: string,
  rooms: RoomCommands,
  read: Read,
): Promise<Outcome<Shown>> {
  return QUESTIONS[name]!(rooms, read);
}

/** Writes to a room. */
export function sendToRoom(rooms: RoomCommands, read: Read): Promise<Outcome<Message>> {
  return rooms.send(roomIn(read), read("text"));
}

/** The event `room`. */
export function showRoom(room: Room): Shown {
  const { id, name, topic, picture, code, newcomers, members, waiting, role, stopped } = room;
  return {
    event: "room",
    room: id,
    name,
    ...topic === "" ? {} : { topic },
    ...picture === null ? {} : { picture: toBase64Url(picture) },
    ...code === null ? {} : { code },
    newcomers,
    members: members.map(showMember),
    ...waiting.length === 0 ? {} : { waiting: waiting.map(showMember) },
    role,
    ...stopped === null ? {} : { stopped },
  };
}

/** The event `room-preview`. */
function showPreview({ picture, alreadyIn, known, ...preview }: RoomPreview): Shown {
  return {
    event: "room-preview",
    ...preview,
    known: known.map(({ username }) => username),
    ...picture === null ? {} : { picture: toBase64Url(picture) },
    ...alreadyIn === null ? {} : { room: alreadyIn },
  };
}

function showMember({ username, account, role, verification, you }: Member) {
  return { username: username ?? account, role, ...you ? {} : { verification } };
}

function roomIn(read: Read): RoomId {
  const room = parseId<"room">(read("room"));
  if (room === null) throw new ChatError("bad-input", `"room" is a room's id.`);
  return room;
}

function oneOf<T extends string>(read: Read, field: string, allowed: readonly T[]): T {
  const value = allowed.find((one) => one === read(field));
  if (value !== undefined) return value;
  throw new ChatError("bad-input", `"${field}" is one of ${allowed.join(", ")}.`);
}

function orNone(text: string): string {
  return text === NONE ? "" : text;
}

function pictureIn(read: Read): Uint8Array | null {
  const text = orNone(read("picture"));
  if (text === "") return null;
  try {
    return fromBase64Url(text);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ChatError("bad-input", `"picture" is base64url, or "-" for none.`);
  }
}
