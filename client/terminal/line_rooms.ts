/** Rooms in `snug chat` for people: the commands that begin with `/`, and what they say. */
import type { Engine, Member, Newcomers, Outcome, Role, Room, RoomConversation } from "../types.ts";
import type { RoomPreview } from "../types.ts";
import { ChatError } from "./errors.ts";
import { printableLine } from "./printable.ts";

export const ROOM_HELP = [
  "  /rooms          your rooms",
  "  /room NAME      talk in one of them",
  "  /create NAME    a new room",
  "  /join CODE      come into a room by its code or link",
  "  /members        who is in this room, and who would like to come in",
  "  /code           the code that lets others in; /new-code makes the old one useless",
  "  /add NAME, /remove NAME, /ban NAME  let a contact in, send somebody away, for good",
  "  /approve NAME, /decline NAME        let in who waits, or not",
  "  /role NAME member|moderator|owner   what somebody may do",
  "  /rename NAME, /topic TEXT           what the room is called and about",
  "  /accept-room    say yes to a room that a stranger has added you to; /leave says no",
  "  /newcomers open|approve|closed      who may come in with the code",
  "  /mute, /unmute  whether it rings",
  "  /leave, /end    go, or delete the room for everybody",
];

export interface LineRoomsParts {
  readonly engine: () => Engine;
  /** The room that what is typed goes to, if it is one. */
  readonly here: () => RoomConversation | null;
  readonly enter: (conversation: RoomConversation) => Promise<void>;
  readonly say: (words: string) => void;
  readonly print: (line: string) => void;
  /** Asks for a "yes" before `go`. */
  readonly confirm: (words: string, go: () => Promise<void>) => void;
}

type Command = (words: readonly string[]) => Promise<void>;

export class LineRooms {
  readonly #o: LineRoomsParts;

  constructor(parts: LineRoomsParts) {
    this.#o = parts;
  }

  readonly commands: Readonly<Record<string, Command>> = {
    "rooms": () => this.#list(),
    "room": (words) => this.#enter(words.join(" ")),
    "create": (words) => this.#create(words.join(" ")),
    "join": (words) => this.#preview(words.join("")),
    "members": () => this.#members(),
    "code": () => this.#code(),
    "new-code": () =>
      this.#change((rooms, { id }) => rooms.rotateCode(id), "The old code is dead."),
    "add": (words) => this.#named(words, (rooms, id, name) => rooms.addMember(id, name)),
    "remove": (words) => this.#named(words, (rooms, id, name) => rooms.removeMember(id, name)),
    "ban": (words) => this.#named(words, (rooms, id, name) => rooms.banMember(id, name)),
    "approve": (words) => this.#named(words, (rooms, id, name) => rooms.approve(id, name)),
    "decline": (words) => this.#named(words, (rooms, id, name) => rooms.decline(id, name)),
    "role": (words) => this.#role(words),
    "rename": (words) => this.#change((rooms, { id }) => rooms.renameRoom(id, words.join(" "))),
    "topic": (words) => this.#change((rooms, { id }) => rooms.setTopic(id, words.join(" "))),
    "newcomers": (words) => this.#newcomers(words),
    "accept-room": () =>
      this.#change((rooms, { id }) => rooms.acceptRoom(id), "You are in, and can write."),
    "mute": () => this.#mute(true),
    "unmute": () => this.#mute(false),
    "leave": () => this.#leave(),
    "end": () => this.#end(),
  };

  async #list(): Promise<void> {
    const rooms = await this.#rooms();
    if (rooms.length === 0) return this.#o.say("No rooms yet: /create NAME, or /join CODE.");
    for (const room of rooms) this.#o.print(`  ${roomLine(room)}`);
  }

  async #enter(typed: string): Promise<void> {
    if (typed === "") return this.#o.say("Like this: /room Kitchen");
    const rooms = await this.#rooms();
    const called = rooms.filter(({ title, id }) => {
      return title.toLowerCase() === typed.toLowerCase() || id === typed;
    });
    if (called.length === 1) return await this.#o.enter(called[0]!);
    if (called.length === 0) {
      return this.#o.say("You are in no room of that name. /rooms lists them.");
    }
    this.#o.say("Several rooms are called that. Name one by its id:");
    for (const { id, title } of called) this.#o.print(`  ${id} ${printableLine(title)}`);
  }

  async #create(name: string): Promise<void> {
    const outcome = await this.#o.engine().rooms.createRoom(name);
    if (!outcome.ok) return this.#o.say(outcome.words);
    await this.#enterNew(outcome.value);
    await this.#code();
  }

  /** Nobody comes in before seeing where. */
  async #preview(code: string): Promise<void> {
    if (code === "") return this.#o.say("Like this: /join 4F7K-92QD-HX3M-8TCV");
    this.#o.say("One moment: the code is being worked out…");
    const outcome = await this.#o.engine().rooms.previewRoom(code);
    if (!outcome.ok) return this.#o.say(outcome.words);
    const { alreadyIn } = outcome.value;
    if (alreadyIn) this.#o.say("You are in this room already.");
    this.#o.confirm(previewWords(outcome.value), async () => {
      const joined = await this.#o.engine().rooms.joinRoom(code);
      if (!joined.ok) return this.#o.say(joined.words);
      await this.#enterNew(joined.value);
    });
  }

  async #enterNew({ conversation }: Room): Promise<void> {
    const found = (await this.#rooms()).find(({ id }) => id === conversation);
    if (found) await this.#o.enter(found);
  }

  async #members(): Promise<void> {
    const room = await this.#here();
    for (const member of room.members) this.#o.print(`  ${memberLine(member)}`);
    if (room.waiting.length === 0) return;
    this.#o.say("Waiting for a moderator's /approve or /decline:");
    for (const member of room.waiting) this.#o.print(`  ${memberLine(member)}`);
  }

  async #code(): Promise<void> {
    const { code } = await this.#here();
    if (code === null) return this.#o.say("This device has not been told the code yet.");
    this.#o.print(`  ${code}`);
    this.#o.say("Whoever has this code can come in. The server does not know it.");
  }

  async #role([name = "", role = ""]: readonly string[]): Promise<void> {
    const wanted = ROLES.find((one) => one === role);
    if (!wanted) return this.#o.say("Like this: /role ben moderator");
    await this.#change((rooms, { id }) => rooms.setRole(id, name, wanted));
  }

  async #newcomers([who = ""]: readonly string[]): Promise<void> {
    const wanted = NEWCOMERS.find((one) => one === who);
    if (!wanted) return this.#o.say("Like this: /newcomers approve");
    await this.#change((rooms, { id }) => rooms.setNewcomers(id, wanted));
  }

  async #mute(muted: boolean): Promise<void> {
    const { conversation } = await this.#here();
    const outcome = await this.#o.engine().mute(conversation, muted);
    this.#o.say(outcome.ok ? (muted ? "Muted here." : "Not muted any more.") : outcome.words);
  }

  async #leave(): Promise<void> {
    const { id, name } = await this.#here();
    this.#o.confirm(`Leave ${printableLine(name)}?`, async () => {
      const outcome = await this.#o.engine().rooms.leaveRoom(id);
      if (!outcome.ok) this.#o.say(outcome.words);
    });
  }

  async #end(): Promise<void> {
    const { id, name } = await this.#here();
    const words = `Delete ${printableLine(name)} for everybody? Nobody can write there afterwards.`;
    this.#o.confirm(words, async () => {
      const outcome = await this.#o.engine().rooms.endRoom(id);
      if (!outcome.ok) this.#o.say(outcome.words);
    });
  }

  async #named(
    [name = ""]: readonly string[],
    work: (rooms: Engine["rooms"], room: Room["id"], name: string) => Promise<Outcome<Room>>,
  ): Promise<void> {
    if (name === "") return this.#o.say("Say whom, by username.");
    await this.#change((rooms, { id }) => work(rooms, id, name));
  }

  /** What changes shows as a line of the room; only a refusal needs words here. */
  async #change(
    work: (rooms: Engine["rooms"], room: Room) => Promise<Outcome<Room>>,
    words?: string,
  ): Promise<void> {
    const outcome = await work(this.#o.engine().rooms, await this.#here());
    if (!outcome.ok) return this.#o.say(outcome.words);
    if (words) this.#o.say(words);
  }

  async #here(): Promise<Room> {
    const current = this.#o.here();
    if (!current) throw new ChatError("bad-input", "Say in which room first: /room NAME");
    const outcome = await this.#o.engine().rooms.room(current.room);
    if (!outcome.ok) throw new ChatError(outcome.code, outcome.words);
    return outcome.value;
  }

  async #rooms(): Promise<RoomConversation[]> {
    return (await this.#o.engine().conversations()).filter((one) => one.kind === "room");
  }
}

const ROLES: readonly Exclude<Role, "waiting">[] = ["member", "moderator", "owner"];
const NEWCOMERS: readonly Newcomers[] = ["open", "approve", "closed"];
const STOPPED = {
  fork: " (stopped: its log exists in two versions)",
  left: " (you are out of it)",
  ended: " (deleted)",
} as const;

/** A room's row in a list. */
export function roomLine(
  { title, members, unread, mentions, stopped, muted }: RoomConversation,
): string {
  const name = title === "" ? "a room whose name is not known here yet" : printableLine(title);
  const news = unread > 0 ? ` (${unread} new${mentions > 0 ? `, ${mentions} for you` : ""})` : "";
  const mark = stopped === null ? `, ${members} in it` : STOPPED[stopped];
  return `# ${name}${mark}${news}${muted ? " (muted)" : ""}`;
}

function memberLine({ username, fullName, role, verification, you }: Member): string {
  const name = username === null ? "somebody not known here" : `@${printableLine(username)}`;
  const full = fullName ? ` ${printableLine(fullName)}` : "";
  const what = role === "member" || role === "waiting" ? "" : `, ${role}`;
  const mark = you ? ", you" : verification === "unverified" ? "" : `, ${verification}`;
  return `${name}${full}${what}${mark}`;
}

function previewWords({ name, topic, members, known, newcomers }: RoomPreview): string {
  const people = members === 1 ? "1 person is" : `${members} people are`;
  const friends = known.map(({ username }) => `@${printableLine(username)}`).join(", ");
  const whom = friends === "" ? "" : `, ${friends} among them`;
  const about = topic === "" ? "" : ` It is about: ${printableLine(topic)}.`;
  const wait = newcomers === "approve" ? " A moderator lets you in." : "";
  return `“${printableLine(name)}”: ${people} in it${whom}.${about}${wait} Join?`;
}
