/** An engine without a server or keys: the chat page's states, drawn on demand. Runs in the page and in Deno. */
import { type AccountId, type DeviceId, type MessageId, randomId } from "../../protocol/ids.ts";
import {
  type ConnectionState,
  type Conversation,
  type ConversationId,
  done,
  type Engine,
  type EngineEvent,
  type Me,
  type Message,
  type MessagesOptions,
  type MessageState,
  type Outcome,
  type OwnAlarm,
  type OwnDevice,
  type PersonConversation,
  refused,
  type Room,
  type RoomConversation,
  type Verification,
} from "../../client/types.ts";
import { fakePeople } from "./fake_people.ts";
import { FakeHistory } from "./fake_history.ts";
import { type FakeRoom, FakeRooms } from "./fake_rooms.ts";
import {
  crowdPerson,
  fakeId,
  historyLine,
  type Line,
  type Person,
  type RoomRow,
  type Scenario,
} from "./fake_scenario.ts";

const SAFETY_NUMBER = "306418821047753099265188026497733156024811907845623907420658";

export class FakeEngine implements Engine {
  readonly me: Me;
  connection: ConnectionState;
  readonly #listeners = new Set<(event: EngineEvent) => void>();
  readonly #conversations = new Map<ConversationId, Conversation>();
  readonly #messages = new Map<ConversationId, Message[]>();
  readonly #scenario: Scenario;
  readonly #now: () => number;
  readonly rooms: FakeRooms;
  readonly history: FakeHistory;
  readonly people = fakePeople({
    call: (...args) => this.#call(...args),
    conversations: () => [...this.#conversations.values()],
    update: (account, change) => this.#update(account, change),
    listed: () => this.#scenario.listed ?? [],
  });
  readonly calls: string[] = [];
  readonly safetyNumbers = new Map<AccountId, string>();
  closed = false;
  #order = 0;

  constructor(scenario: Scenario, now: () => number) {
    this.#scenario = scenario;
    this.#now = now;
    this.me = {
      account: fakeId<AccountId>("me"),
      device: fakeId<DeviceId>("my device"),
      username: "ana",
      fullName: "Ana Silva",
      ...scenario.me,
    };
    this.connection = scenario.connection ?? "online";
    this.rooms = new FakeRooms({
      me: this.me,
      id: fakeId,
      call: (...args) => this.#call(...args),
      tell: (event) => this.tell(event),
      show: (room) => this.#showRoom(room),
      line: (room, text) => this.#tellLine(room, text),
    }, scenario.elsewhere ?? []);
    this.history = new FakeHistory(scenario.archive, {
      call: (...args) => this.#call(...args),
      conversation: (id) => this.#conversations.get(id),
      messages: (id) => this.#messages.get(id) ?? [],
    });
    for (let i = 0; i < (scenario.crowd ?? 0); i++) this.#meet(crowdPerson(i));
    for (const person of [...scenario.people ?? []].reverse()) this.#meet(person);
    for (const room of [...scenario.rooms ?? []].reverse()) this.#enter(room);
  }

  connect(): void {}

  on(listener: (event: EngineEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  tell(event: EngineEvent): void {
    if (event.kind === "connection") this.connection = event.state;
    for (const listener of this.#listeners) listener(event);
  }

  /** A message of the other person. */
  receive(username: string, text: string, change: Partial<Message> = {}): Message {
    const id = fakeId<AccountId>(username);
    const message = this.#write(id, { text, ...change });
    this.tell({ kind: "message", message });
    if (!message.mine) this.#update(id, { unread: this.#conversation(id).unread + 1 });
    return message;
  }

  setState(username: string, text: string, state: MessageState, reason?: string): void {
    const conversation = fakeId<AccountId>(username);
    const message = this.#messages.get(conversation)!.findLast((each) => each.text === text)!;
    const { id } = message;
    this.#replace(message, { ...message, state });
    this.tell({ kind: "state", conversation, id, state, ...reason ? { reason } : {} });
  }

  setVerification(username: string, verification: Verification): void {
    this.#update(fakeId<AccountId>(username), { verification });
  }

  /** Something said in a room by one of its members. */
  say(room: string, username: string, text: string, change: Partial<Message> = {}): Message {
    const id = fakeId<ConversationId>(`room ${room}`);
    const { sender = username } = change;
    const from = { from: fakeId<AccountId>(username), device: fakeId<DeviceId>(username), sender };
    const message = this.#write(id, { text, ...from, ...change });
    this.tell({ kind: "message", message });
    const { unread } = this.#conversation(id);
    this.#update(id, { unread: unread + 1 });
    return message;
  }

  async startConversation(username: string): Promise<Outcome<PersonConversation>> {
    await this.#call("startConversation", username);
    if (username === this.me.username) return refused("yourself", "That is you.");
    if (username.startsWith("no")) {
      return refused("unknown-person", `Nobody here is called @${username}.`);
    }
    const id = fakeId<AccountId>(username);
    if (!this.#conversations.has(id)) this.#meet({ username, name: username });
    const conversation = this.#person(id);
    this.tell({ kind: "conversation", conversation });
    return done(conversation);
  }

  async conversations(): Promise<Conversation[]> {
    await this.#call("conversations");
    return [...this.#conversations.values()].sort((a, b) => a.order < b.order ? 1 : -1);
  }

  async messages(id: ConversationId, options: MessagesOptions = {}): Promise<Message[]> {
    await this.#call("messages", id, options.before ?? "");
    const { before, limit = 50 } = options;
    const all = this.#messages.get(id) ?? [];
    return all.filter(({ order }) => before === undefined || order < before).slice(-limit);
  }

  async send(id: ConversationId, text: string, chosen?: MessageId): Promise<Outcome<Message>> {
    await this.#call("send", text);
    const { refuseSend } = this.#scenario;
    if (refuseSend !== undefined) return refused("rate-limited", refuseSend);
    const known = this.#messages.get(id)!.find((each) => each.id === chosen);
    if (known) return done(known);
    const mine = { text, mine: true, state: "sending" as const };
    const message = this.#write(id, chosen ? { ...mine, id: chosen } : mine);
    this.tell({ kind: "message", message });
    return done(message);
  }

  async retry(id: ConversationId, wanted: MessageId): Promise<Outcome<Message>> {
    await this.#call("retry", wanted);
    const message = this.#messages.get(id)!.find((each) => each.id === wanted)!;
    const { reason: _, ...rest } = message;
    const again: Message = { ...rest, state: "sending" };
    this.#replace(message, again);
    return done(again);
  }

  async markRead(id: ConversationId): Promise<void> {
    await this.#call("markRead", id);
    this.#update(id, { unread: 0 });
  }

  async safetyNumber(account: AccountId): ReturnType<Engine["safetyNumber"]> {
    await this.#call("safetyNumber", account);
    const known = this.#conversations.get(account);
    const state = known?.kind === "person" ? known.verification : "unverified";
    return done({ number: this.safetyNumbers.get(account) ?? SAFETY_NUMBER, state });
  }

  async mute(id: ConversationId, muted: boolean): Promise<Outcome<Conversation>> {
    await this.#call("mute", String(muted));
    this.#update(id, { muted });
    return done(this.#conversation(id));
  }

  async setVerified(account: AccountId, verified: boolean): Promise<Outcome<PersonConversation>> {
    await this.#call("setVerified", account, String(verified));
    this.#update(account, { verification: verified ? "verified" : "unverified" });
    return done(this.#person(account));
  }

  async acceptChange(account: AccountId, number: string): Promise<Outcome<PersonConversation>> {
    await this.#call("acceptChange", account, number);
    if (number !== (this.safetyNumbers.get(account) ?? SAFETY_NUMBER)) {
      return refused("changed-key", "The key has changed once more. Compare the number again.");
    }
    this.#update(account, { verification: "unverified" });
    return done(this.#person(account));
  }

  /** This person's key is another one, and with it the safety number. */
  swapKey(username: string, number: string): void {
    const account = fakeId<AccountId>(username);
    this.safetyNumbers.set(account, number);
    this.#update(account, { verification: "changed" });
  }

  devices(): Promise<OwnDevice[]> {
    return Promise.resolve([]);
  }

  /** What a test puts here is asked about until it is answered. */
  standing: OwnAlarm[] = [];

  alarms(): Promise<OwnAlarm[]> {
    return Promise.resolve(this.standing);
  }

  async acceptDevice(device: DeviceId): Promise<void> {
    await this.#call("acceptDevice", device);
    this.standing = this.standing.filter((one) => one.device !== device);
  }

  renameDevice(): ReturnType<Engine["renameDevice"]> {
    return Promise.resolve({ ok: true, value: [] });
  }

  async revokeDevice(device: DeviceId): ReturnType<Engine["revokeDevice"]> {
    await this.#call("revokeDevice", device);
    return done([]);
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  async #call(method: string, ...args: readonly string[]): Promise<void> {
    this.calls.push([method, ...args].join(" "));
    if (this.#scenario.silent?.includes(method)) await new Promise(() => {});
  }

  #meet(person: Person): void {
    const { username, name, history = 0, messages = [] } = person;
    const id = fakeId<AccountId>(username);
    this.#messages.set(id, []);
    this.#conversations.set(id, {
      ...{ id, account: id, kind: "person", title: name, username },
      unread: person.unread ?? 0,
      muted: false,
      verification: person.verification ?? "unverified",
      accepted: person.accepted ?? true,
      blocked: person.blocked ?? false,
      order: this.#nextOrder(),
    });
    for (let i = 0; i < history; i++) this.#write(id, historyLine(i, history));
    for (const message of messages) this.#write(id, message);
  }

  #enter({ messages = [], row = {}, ...fake }: FakeRoom & RoomRow): void {
    const { conversation } = this.rooms.put(fake);
    for (const message of messages) this.#write(conversation, message);
    this.#update(conversation, row);
  }

  #showRoom(room: Room): void {
    const { conversation: id, name: title, topic, picture, members, waiting, role, stopped } = room;
    const before = this.#conversations.get(id);
    const counts = { unread: 0, mentions: 0, muted: false, order: this.#nextOrder() };
    const conversation: RoomConversation = {
      ...before?.kind === "room" ? before : counts,
      ...{ id, kind: "room", room: room.id, title, topic, picture, role, stopped, accepted: true },
      members: members.length,
      waiting: role === "owner" || role === "moderator" ? waiting.length : 0,
    };
    this.#conversations.set(id, conversation);
    if (!this.#messages.has(id)) this.#messages.set(id, []);
    this.tell({ kind: "conversation", conversation });
  }

  #tellLine({ conversation }: Room, text: string): void {
    const message = this.#write(conversation, { kind: "line", line: "room", text });
    this.tell({ kind: "message", message });
  }

  #write(id: ConversationId, line: Line): Message {
    const { ago = 0, ...rest } = line;
    const mine = rest.mine ?? false;
    const message: Message = {
      id: randomId<"message">(),
      conversation: id,
      kind: "text",
      from: mine ? this.me.account : id,
      device: mine ? this.me.device : fakeId<DeviceId>(`device of ${id}`),
      mine,
      time: this.#now() - ago * 60_000,
      verified: true,
      order: this.#nextOrder(),
      ...mine ? { state: "sent" as const } : {},
      ...rest,
    };
    this.#messages.get(id)!.push(message);
    const { text, time, order, sender } = message;
    const said = { text, time, mine, ...sender === undefined || mine ? {} : { sender } };
    const last = message.kind === "text" ? { last: said } : {};
    const conversation = { ...this.#conversation(id), ...last, order };
    this.#conversations.set(id, conversation);
    this.tell({ kind: "conversation", conversation });
    return message;
  }

  #replace(before: Message, after: Message): void {
    const all = this.#messages.get(before.conversation)!;
    all[all.indexOf(before)] = after;
  }

  #update(
    id: ConversationId,
    change: Partial<PersonConversation> | Partial<RoomConversation>,
  ): void {
    const conversation = { ...this.#conversation(id), ...change } as Conversation;
    this.#conversations.set(id, conversation);
    this.tell({ kind: "conversation", conversation });
  }

  #person(id: ConversationId): PersonConversation {
    const found = this.#conversation(id);
    if (found.kind !== "person") throw new Error("not a conversation with one person");
    return found;
  }

  #conversation(id: ConversationId): Conversation {
    const found = this.#conversations.get(id);
    if (!found) throw new Error("no such conversation in the scenario");
    return found;
  }

  #nextOrder(): string {
    return String(++this.#order).padStart(12, "0");
  }
}
