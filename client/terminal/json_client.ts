/**
 * `snug chat --json`: one JSON object a line in, one a line out, for scripts, bots and tests. The
 * words on the wire are a promise (docs: "the outside contract"). Bad input is answered, never fatal.
 */
import type { AccountId, MessageId } from "../../protocol/ids.ts";
import type { Engine, EngineEvent, Message, Outcome, Room } from "../types.ts";
import type { Conversation, ConversationId, PersonConversation } from "../types.ts";
import { ChatError } from "./errors.ts";
import { isDeviceCommand, runDeviceCommand } from "./json_devices.ts";
import { isHistoryCommand, runHistoryCommand } from "./json_history.ts";
import { isLinkCommand, runLinkCommand } from "./json_link.ts";
import { isPeopleCommand, runPeopleCommand } from "./json_people.ts";
import { askOfRooms, isRoomCommand, isRoomQuestion } from "./json_rooms.ts";
import { runRoomCommand, sendToRoom, showRoom } from "./json_rooms.ts";
import { resetWords } from "./reset_words.ts";
import type { ChatSession } from "./session.ts";

export type Output = Readonly<Record<string, unknown>> & { readonly event: string };
type Input = Readonly<Record<string, unknown>>;
type Answer = Output | null;

/** Longest line taken, in characters: the longest text, each character escaped, and room around it. */
const MOST_LINE = 64 * 1024;
const MOST_HISTORY = 500;

export class JsonClient {
  readonly #session: ChatSession;
  readonly #print: (output: Output) => void;
  /** Refs of messages whose "sent" is still to come. */
  readonly #refs = new Map<MessageId, unknown>();
  #names = new Map<AccountId, PersonConversation>();
  readonly #members = new Map<AccountId, string>();
  readonly #rooms = new Set<string>();
  /** Conversations that nobody has taken up here yet. */
  readonly #requests = new Set<ConversationId>();
  #engine: Engine | null = null;

  constructor(session: ChatSession, print: (output: Output) => void) {
    this.#session = session;
    this.#print = print;
  }

  /** Takes one line; false when it was the last one wanted. */
  async take(line: string): Promise<boolean> {
    if (line.trim() === "") return true;
    const input = parse(line);
    if (!input) {
      this.#print(errorOf("bad-input", "Each line is one JSON object, at most 64 KiB long."));
      return true;
    }
    const { ref } = input;
    if (input["do"] === "quit") return false;
    const answer = await this.#answer(input).catch((error) => this.#explain(error));
    if (answer) this.#print(withRef(answer, ref));
    return true;
  }

  async #answer(input: Input): Promise<Answer> {
    const what = text(input, "do");
    const command = Object.hasOwn(this.#commands, what) ? this.#commands[what] : undefined;
    if (command) return await command(input);
    if (isRoomCommand(what)) return await this.#room(what, input);
    if (isHistoryCommand(what)) return await this.#kept(what, input);
    if (isPeopleCommand(what)) return await this.#ofPeople(what, input);
    if (isDeviceCommand(what)) return await this.#ofDevices(what, input);
    if (isLinkCommand(what)) return await this.#link(what, input);
    if (isRoomQuestion(what)) return await this.#askOfRooms(what, input);
    throw new ChatError("bad-input", `There is no command "${what.slice(0, 40)}".`);
  }

  readonly #commands: Readonly<Record<string, (input: Input) => Promise<Answer>>> = {
    "sign-up": (input) => this.#signUp(input),
    "code": (input) => this.#code(input),
    "sign-in": (input) => this.#signIn(input),
    "open": () => this.#open(),
    "send": (input) => this.#send(input),
    "read": (input) => this.#read(input),
    "history": (input) => this.#history(input),
    "stop-reset": () => this.#onReset("reset-stopped", this.#session.stopReset()),
    "approve-reset": (input) =>
      this.#onReset("reset-approved", this.#session.approveReset(text(input, "code"))),
    "mute": (input) => this.#mute(input, true),
    "unmute": (input) => this.#mute(input, false),
  };

  async #signUp(input: Input): Promise<Answer> {
    const invite = input["invite"] === undefined ? {} : { invite: text(input, "invite") };
    const outcome = await this.#session.signUp({
      username: text(input, "username"),
      fullName: text(input, "fullName"),
      contact: text(input, "contact"),
      password: text(input, "password"),
      ...invite,
    });
    return outcome.ok ? { event: "code-needed" } : errorFrom(outcome);
  }

  async #code(input: Input): Promise<Answer> {
    const outcome = await this.#session.confirm(text(input, "code").replaceAll(/\s/g, ""));
    if (!outcome.ok) return errorFrom(outcome);
    const { recoveryKey } = outcome.value;
    return { ...await this.#ready(), ...recoveryKey === null ? {} : { recoveryKey } };
  }

  async #signIn(input: Input): Promise<Answer> {
    const outcome = await this.#session.signIn(text(input, "username"), text(input, "password"));
    if (!outcome.ok) return errorFrom(outcome);
    return outcome.value === "code" ? { event: "code-needed" } : await this.#ready();
  }

  async #open(): Promise<Answer> {
    const outcome = await this.#session.open();
    return outcome.ok ? await this.#ready() : errorFrom(outcome);
  }

  async #ready(): Promise<Output> {
    const engine = this.#engine = this.#session.engine;
    for (const conversation of await engine.conversations()) this.#name(conversation);
    for (const room of await engine.rooms.rooms()) this.#nameRoom(room);
    engine.on((event) => this.#tell(event));
    this.#session.watchReset((due) =>
      this.#print({
        ...{ event: "warning", kind: "reset-waits", due },
        message: resetWords(due, (name) => `{"do":"${name}"}`),
      })
    );
    for (const { gone, ...one } of await engine.alarms()) {
      this.#tell({ kind: "warning", what: gone ? "own-device-gone" : "own-new-device", ...one });
    }
    engine.connect();
    const { username, device } = engine.me;
    return { event: "ready", username, device };
  }

  async #onReset(event: string, done: Promise<Outcome<unknown>>): Promise<Answer> {
    const outcome = await done;
    return outcome.ok ? { event } : errorFrom(outcome);
  }

  async #send(input: Input): Promise<Answer> {
    if (input["room"] !== undefined) {
      const read = (field: string) => text(input, field);
      return this.#sending(await sendToRoom(this.#session.engine.rooms, read), input);
    }
    const [to, words] = [text(input, "to"), text(input, "text")];
    const conversation = await this.#conversationWith(to);
    if ("event" in conversation) return conversation;
    return this.#sending(await this.#session.engine.send(conversation.id, words), input);
  }

  #sending(sent: Outcome<Message>, input: Input): Answer {
    if (!sent.ok) return errorFrom(sent);
    // The answer is the server's to give: it comes as a state event.
    this.#refs.set(sent.value.id, input["ref"]);
    return null;
  }

  async #kept(what: string, input: Input): Promise<Answer> {
    const { engine, origin, now } = this.#session;
    const read = (field: string) => field === "people" && !input[field] ? "" : text(input, field);
    const outcome = await runHistoryCommand(what, { engine, origin, now }, read);
    return outcome.ok ? outcome.value : errorFrom(outcome);
  }

  async #room(what: string, input: Input): Promise<Answer> {
    const read = (field: string) => text(input, field);
    const outcome = await runRoomCommand(what, this.#session.engine.rooms, read);
    if (!outcome.ok) return errorFrom(outcome);
    this.#nameRoom(outcome.value);
    return showRoom(outcome.value);
  }

  async #askOfRooms(what: string, input: Input): Promise<Answer> {
    const { rooms } = this.#session.engine;
    const outcome = await askOfRooms(what, rooms, (field) => text(input, field));
    return outcome.ok ? outcome.value : errorFrom(outcome);
  }

  async #ofPeople(what: string, input: Input): Promise<Answer> {
    const parts = {
      engine: this.#session.engine,
      person: () => this.#person(text(input, "with")),
    };
    const outcome = await runPeopleCommand(what, parts, (field) => text(input, field));
    return outcome.ok ? outcome.value : errorFrom(outcome);
  }

  async #link(what: string, input: Input): Promise<Answer> {
    const outcome = await runLinkCommand(what, {
      ...{ session: this.#session, print: this.#print, ready: () => this.#ready() },
      read: (field) => text(input, field),
    });
    return outcome.ok ? outcome.value : errorFrom(outcome);
  }

  async #read(input: Input): Promise<Answer> {
    const id = await this.#conversationNamed(text(input, "conversation"));
    if (typeof id !== "string") return id;
    await this.#session.engine.markRead(id);
    return { event: "read-marked", conversation: id };
  }

  async #mute(input: Input, muted: boolean): Promise<Answer> {
    const id = await this.#conversationNamed(text(input, "conversation"));
    if (typeof id !== "string") return id;
    const outcome = await this.#session.engine.mute(id, muted);
    return outcome.ok ? { event: "muted", conversation: id, muted } : errorFrom(outcome);
  }

  async #ofDevices(what: string, input: Input): Promise<Answer> {
    const read = (field: string) => text(input, field);
    const outcome = await runDeviceCommand(what, this.#session.engine, read);
    return outcome.ok ? outcome.value : errorFrom(outcome);
  }

  async #history(input: Input): Promise<Answer> {
    const [name, limit] = [text(input, "conversation"), input["limit"] ?? 50];
    if (!Number.isInteger(limit) || Number(limit) < 1) {
      throw new ChatError("bad-input", `"limit" is a whole number from 1 to ${MOST_HISTORY}.`);
    }
    const id = await this.#conversationNamed(name);
    if (typeof id !== "string") return id;
    const most = Math.min(Number(limit), MOST_HISTORY);
    const rows = await this.#session.engine.messages(id, { limit: most });
    const messages = rows.map((message) => this.#show(message));
    return { event: "history", conversation: id, messages };
  }

  /** A room by its id, or a conversation as {@link #conversationWith} finds it. */
  async #conversationNamed(name: string): Promise<ConversationId | Output> {
    const all = await this.#session.engine.conversations();
    const room = all.find(({ id, kind }) => kind === "room" && id === name);
    const found = room ?? await this.#conversationWith(name);
    return "event" in found ? found : found.id;
  }

  async #conversationWith(name: string): Promise<PersonConversation | Output> {
    const found = await this.#person(name);
    return found.ok ? found.value : errorFrom(found);
  }

  /** A conversation with a person by its id or username; begun when there is none. */
  async #person(name: string): Promise<Outcome<PersonConversation>> {
    const engine = this.#session.engine;
    const wanted = name.trim().replace(/^@/, "").toLowerCase();
    const known = (await engine.conversations()).filter((one) => one.kind === "person")
      .find(({ id, username }) => id === name || username === wanted);
    if (known) return { ok: true, value: known };
    const started = await engine.startConversation(name);
    if (started.ok) this.#name(started.value);
    return started;
  }

  #tell(event: EngineEvent): void {
    switch (event.kind) {
      case "message":
        return this.#tellMessage(event.message);
      case "state":
        return this.#tellState(event);
      case "conversation":
        return this.#name(event.conversation);
      case "room":
        this.#nameRoom(event.room);
        return this.#print(showRoom(event.room));
      case "connection":
        return this.#print({ event: "connection", state: event.state });
      case "warning": {
        const { kind: _, what, words, ...about } = event;
        return this.#print({ event: "warning", kind: what, message: words, ...about });
      }
      case "gap":
        return this.#print({
          event: "gap",
          conversation: event.conversation ?? null,
          count: event.count,
        });
    }
  }

  #tellMessage(message: Message): void {
    const ours = message.device === this.#engine?.me.device;
    // Other system lines have a warning or a gap beside them; one's own words need no echo.
    // What a room's log says has no event of its own, nor has another name.
    const news = message.kind === "text" ? !ours && !message.blocked : isNews(message.line);
    if (news) this.#print(this.#show(message));
  }

  #tellState(event: Extract<EngineEvent, { kind: "state" }>): void {
    const { id, state } = event;
    const by = event.by === undefined ? {} : { by: this.#usernameOf(event.by) };
    if (state === "delivered" || state === "read") this.#print({ event: state, id, ...by });
    if (!this.#refs.has(id)) return;
    const ref = this.#refs.get(id);
    if (state === "sending") {
      if (event.reason) this.#print({ event: "waiting", id, message: event.reason });
      return;
    }
    this.#refs.delete(id);
    if (state !== "not sent") return this.#print(withRef({ event: "sent", id }, ref));
    this.#print(withRef({ ...errorOf("not-sent", event.reason ?? "It was not sent."), id }, ref));
  }

  #show(message: Message): Output {
    const { id, from, device, conversation, text, time, verified, kind, mine, state } = message;
    if (kind === "line") return { event: "line", id, conversation, text, time };
    const room = this.#rooms.has(conversation) ? { room: conversation } : {};
    const sender = { from: this.#usernameOf(from), device };
    const common = { event: "message", id, ...sender, conversation, ...room };
    const own = mine ? { state } : {};
    const marks = {
      ...message.mention ? { mention: true } : {},
      ...message.blocked ? { blocked: true } : {},
      ...this.#requests.has(conversation) ? { request: true } : {},
    };
    return { ...common, text, time, verified, ...own, ...marks };
  }

  #name(conversation: Conversation): void {
    if (conversation.kind !== "person") return;
    this.#names.set(conversation.account, conversation);
    if (conversation.accepted) this.#requests.delete(conversation.id);
    else this.#requests.add(conversation.id);
  }

  #nameRoom({ id, members }: Room): void {
    this.#rooms.add(id);
    for (const { account, username } of members) {
      if (username !== null) this.#members.set(account, username);
    }
  }

  #usernameOf(account: AccountId): string {
    if (account === this.#engine?.me.account) return this.#engine.me.username;
    return this.#names.get(account)?.username ?? this.#members.get(account) ?? account;
  }

  #explain(error: unknown): Output {
    if (error instanceof ChatError) return errorOf(error.code, error.words);
    const name = error instanceof Error ? error.name : "unknown";
    return errorOf("internal", `Something broke here (${name}). Try again.`);
  }
}

function isNews(line: Message["line"]): boolean {
  return line === "room" || line === "name-changed";
}

function parse(line: string): Input | null {
  if (line.length > MOST_LINE) return null;
  try {
    const value: unknown = JSON.parse(line);
    const plain = typeof value === "object" && value !== null && !Array.isArray(value);
    return plain ? value as Input : null;
  } catch {
    return null;
  }
}

function text(input: Input, field: string): string {
  const value = Object.getOwnPropertyDescriptor(input, field)?.value;
  if (typeof value === "string" && value !== "") return value;
  throw new ChatError("bad-input", `The command needs "${field}", a text that is not empty.`);
}

function errorOf(code: string, message: string): Output {
  return { event: "error", code, message };
}

function errorFrom(outcome: Outcome<unknown> & { ok: false }): Output {
  const { code, words, retryAfter } = outcome;
  const wait = retryAfter === undefined ? {} : { retryAfter };
  return { ...errorOf(code, words), ...wait };
}

function withRef(output: Output, ref: unknown): Output {
  return ref === undefined ? output : { ...output, ref };
}
