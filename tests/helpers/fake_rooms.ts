/** Rooms without a server or keys: plain state and the events about it. Part of {@link FakeEngine}. */
import type { AccountId, RoomId } from "../../protocol/ids.ts";
import {
  type ConversationId,
  done,
  type EngineEvent,
  type Me,
  type Member,
  type Newcomers,
  type Outcome,
  refused,
  type Role,
  type Room,
  type RoomPreview,
  type RoomsEngine,
  type RoomStop,
  type Verification,
} from "../../client/types.ts";

export interface FakeMember {
  readonly username: string;
  readonly name: string;
  readonly role?: Role;
  readonly verification?: Verification;
}

/** A room of a scenario. Plain JSON. */
export interface FakeRoom {
  readonly name: string;
  readonly topic?: string;
  /** Base64. */
  readonly picture?: string;
  readonly code?: string | null;
  readonly newcomers?: Newcomers;
  /** One's own role; null: out of it. */
  readonly role?: Role | null;
  readonly stopped?: RoomStop;
  readonly members?: readonly FakeMember[];
  readonly waiting?: readonly FakeMember[];
}

export const A_CODE = "K7QF-9XWD-2MVP-8TNC";
export const ANOTHER_CODE = "B3JR-6H0Z-WQ4E-51YS";

/** What the engine around it gives. */
export interface FakeRoomsHost {
  readonly me: Me;
  id<T extends string>(words: string): T;
  call(method: string, ...args: readonly string[]): Promise<void>;
  tell(event: EngineEvent): void;
  /** The room's row in the list is to be made or brought up to date. */
  show(room: Room): void;
  line(room: Room, text: string): void;
}

export class FakeRooms implements RoomsEngine {
  readonly #host: FakeRoomsHost;
  readonly all = new Map<RoomId, Room>();
  /** Rooms that a code opens and that one is not in. */
  readonly #elsewhere = new Map<string, FakeRoom>();

  constructor(host: FakeRoomsHost, elsewhere: readonly FakeRoom[]) {
    this.#host = host;
    for (const room of elsewhere) this.#elsewhere.set(room.code ?? A_CODE, room);
  }

  /** Puts a room of the scenario there. */
  put(fake: FakeRoom): Room {
    const room = this.#made(fake);
    this.all.set(room.id, room);
    this.#host.show(room);
    return room;
  }

  /** A change that comes from elsewhere. */
  change(name: string, change: Partial<Room>, line?: string): Room {
    const room = [...this.all.values()].find((each) => each.name === name)!;
    return this.#changed(room.id, change, line);
  }

  async createRoom(name: string): Promise<Outcome<Room>> {
    await this.#host.call("createRoom", name);
    if (name.startsWith("no")) return refused("offline", "You are offline.");
    const room = this.put({ name, role: "owner" });
    this.#host.line(room, "You made this room.");
    return done(room);
  }

  async previewRoom(code: string): Promise<Outcome<RoomPreview>> {
    await this.#host.call("previewRoom", code);
    const room = this.#elsewhere.get(plain(code));
    const known = [...this.all.values()].find((each) => each.code === plain(code));
    const found = room ? this.#made(room) : known;
    if (!found) return refused("no-such-room", "There is no such room.");
    const { name, topic, picture, newcomers, members } = found;
    return done({
      ...{ name, topic, picture, newcomers },
      members: members.length,
      known: members.filter(({ you }) => !you).slice(0, 2).map(({ username, fullName }) => {
        return { username: username!, fullName: fullName! };
      }),
      alreadyIn: known ? known.id : null,
    });
  }

  async joinRoom(code: string): Promise<Outcome<Room>> {
    await this.#host.call("joinRoom", code);
    const room = this.#elsewhere.get(plain(code));
    if (!room) return refused("no-such-room", "There is no such room.");
    const made = this.put({ ...room, role: room.newcomers === "approve" ? "waiting" : "member" });
    this.#host.line(made, "You joined with the room code.");
    return done(made);
  }

  async room(room: RoomId): Promise<Outcome<Room>> {
    await this.#host.call("room");
    const found = this.all.get(room);
    return found ? done(found) : refused("no-such-room", "There is no such room.");
  }

  rooms(): Promise<Room[]> {
    return Promise.resolve([...this.all.values()]);
  }

  async addMember(room: RoomId, username: string): Promise<Outcome<Room>> {
    await this.#host.call("addMember", username);
    if (username.startsWith("no")) {
      return refused("unknown-person", `Nobody here is called @${username}.`);
    }
    const members = [...this.all.get(room)!.members, this.#member({ username, name: username })];
    return done(this.#changed(room, { members }, `You added ${username}.`));
  }

  async leaveRoom(room: RoomId): Promise<Outcome<Room>> {
    await this.#host.call("leaveRoom");
    return done(this.#changed(room, { role: null, stopped: "left" }, "You left this room."));
  }

  async removeMember(room: RoomId, username: string): Promise<Outcome<Room>> {
    await this.#host.call("removeMember", username);
    return done(this.#without(room, username, `You removed ${username}.`));
  }

  async banMember(room: RoomId, username: string): Promise<Outcome<Room>> {
    await this.#host.call("banMember", username);
    return done(this.#without(room, username, `You banned ${username}.`));
  }

  async setRole(
    room: RoomId,
    username: string,
    role: Exclude<Role, "waiting">,
  ): Promise<Outcome<Room>> {
    await this.#host.call("setRole", username, role);
    const members = this.all.get(room)!.members.map((each) => {
      return each.username === username ? { ...each, role } : each;
    });
    return done(this.#changed(room, { members }));
  }

  async renameRoom(room: RoomId, name: string): Promise<Outcome<Room>> {
    await this.#host.call("renameRoom", name);
    return done(this.#changed(room, { name }, `You renamed this room to “${name}”.`));
  }

  async setTopic(room: RoomId, topic: string): Promise<Outcome<Room>> {
    await this.#host.call("setTopic", topic);
    return done(this.#changed(room, { topic }));
  }

  async setPicture(room: RoomId, picture: Uint8Array | null): Promise<Outcome<Room>> {
    await this.#host.call("setPicture", String(picture?.length ?? null));
    return done(this.#changed(room, { picture }));
  }

  async rotateCode(room: RoomId): Promise<Outcome<Room>> {
    await this.#host.call("rotateCode");
    return done(this.#changed(room, { code: ANOTHER_CODE }, "You changed the room’s code."));
  }

  async setNewcomers(room: RoomId, newcomers: Newcomers): Promise<Outcome<Room>> {
    await this.#host.call("setNewcomers", newcomers);
    return done(this.#changed(room, { newcomers }));
  }

  async approve(room: RoomId, username: string): Promise<Outcome<Room>> {
    await this.#host.call("approve", username);
    const { waiting, members } = this.all.get(room)!;
    const whom = waiting.find((each) => each.username === username)!;
    return done(this.#changed(room, {
      waiting: waiting.filter((each) => each !== whom),
      members: [...members, { ...whom, role: "member" }],
    }));
  }

  async decline(room: RoomId, username: string): Promise<Outcome<Room>> {
    await this.#host.call("decline", username);
    return done(this.#without(room, username));
  }

  async endRoom(room: RoomId): Promise<Outcome<Room>> {
    await this.#host.call("endRoom");
    return done(this.#changed(room, { stopped: "ended" }, "You deleted this room."));
  }

  async acceptRoom(room: RoomId): Promise<Outcome<Room>> {
    await this.#host.call("acceptRoom");
    return done(this.#changed(room, {}));
  }

  #without(room: RoomId, username: string, line?: string): Room {
    const { members, waiting } = this.all.get(room)!;
    const others = (all: readonly Member[]) => all.filter((each) => each.username !== username);
    return this.#changed(room, { members: others(members), waiting: others(waiting) }, line);
  }

  #changed(id: RoomId, change: Partial<Room>, line?: string): Room {
    const room: Room = { ...this.all.get(id)!, ...change };
    this.all.set(id, room);
    this.#host.show(room);
    if (line !== undefined) this.#host.line(room, line);
    this.#host.tell({ kind: "room", room });
    return room;
  }

  #made(fake: FakeRoom): Room {
    const { name, topic = "", code = A_CODE, newcomers = "open", role = "member" } = fake;
    const { me, id } = this.#host;
    const own: Member[] = role === null || role === "waiting" ? [] : [{
      ...{ account: me.account, username: me.username, fullName: me.fullName, role },
      ...{ verification: "verified", you: true },
    }];
    const stopped = fake.stopped ?? null;
    const picture = fake.picture === undefined
      ? null
      : Uint8Array.from(atob(fake.picture), (letter) => letter.charCodeAt(0));
    return {
      id: id<RoomId>(`room ${name}`),
      conversation: id<ConversationId>(`room ${name}`),
      ...{ name, topic, code, newcomers, role, stopped, picture },
      members: [...own, ...(fake.members ?? []).map((each) => this.#member(each))],
      waiting: (fake.waiting ?? []).map((each) => this.#member({ ...each, role: "waiting" })),
    };
  }

  #member({ username, name, role = "member", verification = "unverified" }: FakeMember): Member {
    const account = this.#host.id<AccountId>(username);
    return { account, username, fullName: name, role, verification, you: false };
  }
}

/** The code in what was typed, as the real one would be read. */
function plain(typed: string): string {
  const code = typed.slice(typed.lastIndexOf("#") + 1).replace(/[^a-z0-9]/gi, "").toUpperCase();
  return code.replace(/(.{4})(?=.)/g, "$1-");
}
