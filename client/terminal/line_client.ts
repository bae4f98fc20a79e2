/** `snug chat` for people: what you type is sent, what arrives is printed, `/` begins a command. */
import type { AccountId } from "../../protocol/ids.ts";
import { safetyNumberGroups } from "../../crypto/safety_number.ts";
import type { Conversation, ConversationId, EngineEvent, Message, Outcome } from "../types.ts";
import type { PersonConversation } from "../types.ts";
import { ChatError } from "./errors.ts";
import { DEVICE_HELP, LineDevices } from "./line_devices.ts";
import { LineLink } from "./line_link.ts";
import { isSecret, type Question } from "./line_questions.ts";
import { LineRooms, ROOM_HELP, roomLine } from "./line_rooms.ts";
import { printable, printableLine } from "./printable.ts";
import { resetWords } from "./reset_words.ts";
import type { ChatSession } from "./session.ts";

const HELP = [
  "  /to NAME        talk with somebody; then just type",
  "  /list           your conversations",
  "  /more           the last 20 messages of this one",
  "  /number         the safety number, to compare by voice or in person",
  "  /verified       you have compared it, and it was the same",
  "  /accept         take a changed key as the person's new one",
  "  /block          see nothing of theirs any more; they are not told",
  "  /unblock        hear of them again",
  ...DEVICE_HELP,
  "  /stop-reset     somebody wants to start your account over: no",
  "  /approve-reset CODE   it is you, in a browser that shows this code",
  ...ROOM_HELP,
  "  /sign-up NAME ADDRESS FULL NAME     a new account (asks for a password)",
  "  /sign-in NAME                       this terminal as one more device",
  "  /link           show a code to a device that is signed in: it signs this terminal in",
  "  /link CODE      sign in a new device that shows this code",
  "  /quit",
];

const CONNECTION_WORDS = {
  "connecting": "connecting…",
  "online": "online",
  "offline": "offline; what you write is sent when the server is back",
  "removed":
    "another of your devices removed this terminal from your account; all it kept is erased",
  "signed-out": "signed out: /sign-in NAME brings this terminal back",
  "restored":
    "this profile is an old copy and must not be used again: /sign-in makes it a new device",
} as const;

export class LineClient {
  readonly #session: ChatSession;
  readonly #printLine: (line: string) => void;
  readonly #hide: (hidden: boolean) => void;
  #current: Conversation | null = null;
  #question: Question | null = null;
  /** The safety number that was shown last, and whose it was. */
  #seen: { readonly account: AccountId; readonly number: string } | null = null;
  readonly #rooms: LineRooms;
  readonly #link: LineLink;
  readonly #devices: LineDevices;
  readonly #roomNames = new Map<ConversationId, string>();
  readonly #titles = new Map<AccountId, string>();

  /** @param hide keeps what is typed off the screen, or shows it again */
  constructor(
    session: ChatSession,
    print: (line: string) => void,
    hide: (hidden: boolean) => void,
  ) {
    this.#session = session;
    this.#printLine = print;
    this.#hide = hide;
    const parts = {
      engine: () => this.#session.engine,
      say: (words: string) => this.#say(words),
      print: (line: string) => this.#printLine(line),
      confirm: (words: string, go: () => Promise<void>) => {
        this.#question = { kind: "yes", go };
        this.#say(`${words} Type yes.`);
      },
    };
    this.#rooms = new LineRooms({
      ...parts,
      here: () => this.#current?.kind === "room" ? this.#current : null,
      enter: (conversation) => this.#enter(conversation),
    });
    this.#devices = new LineDevices(parts);
    this.#link = new LineLink({
      ...{ session, print, say: (words) => this.#say(words), opened: () => this.#opened() },
      ask: (words, take, hidden = false) => {
        this.#question = { kind: "line", take, hidden };
        this.#say(words);
        this.#hide(hidden);
      },
    });
  }

  /** Opens the profile, or says how to begin. */
  async begin(origin: string): Promise<void> {
    this.#say(`Snug at ${origin}. /help shows the commands.`);
    try {
      await this.#session.open();
      await this.#opened();
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      if (error.code === "profile-taken" || error.code === "bad-input") throw error;
      this.#say(error.words);
      this.#say("Begin with /sign-up NAME ADDRESS FULL NAME, with /sign-in NAME,");
      this.#say("or with /link: another device of yours signs this terminal in.");
    }
  }

  /** Takes one line; false when it was the last one wanted. */
  async take(line: string): Promise<boolean> {
    if (line.trim() === "/quit") return false;
    try {
      await this.#take(line);
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      this.#say(error.words);
    }
    return true;
  }

  async #take(line: string): Promise<void> {
    const question = this.#question;
    this.#question = null;
    this.#hide(false);
    const [name = "", ...words] = line.slice(1).trim().split(/\s+/);
    const all = { ...this.#commands, ...this.#rooms.commands, ...this.#devices.commands };
    const command = Object.hasOwn(all, name) ? all[name] : undefined;
    // A password may begin with a slash: it must not be printed as a command that there is not.
    const isAnswer = !line.startsWith("/") || command === undefined && isSecret(question);
    if (question && isAnswer) return await this.#answer(question, line);
    if (!line.startsWith("/")) return line.trim() === "" ? undefined : await this.#write(line);
    if (question) this.#say("What was asked before is dropped.");
    if (!command) return this.#say(`There is no /${name.slice(0, 20)}. /help shows what there is.`);
    await command(words);
  }

  readonly #commands: Readonly<Record<string, (words: string[]) => Promise<void>>> = {
    "help": () => Promise.resolve(HELP.forEach((line) => this.#printLine(line))),
    "to": (words) => this.#to(words[0] ?? ""),
    "list": () => this.#list(),
    "more": () => this.#more(20),
    "number": () => this.#number(),
    "verified": () => this.#setVerified(),
    "accept": () => this.#accept(),
    "block": () => this.#setBlocked(true),
    "unblock": () => this.#setBlocked(false),
    "stop-reset": () => this.#onReset(this.#session.stopReset(), "Stopped."),
    "approve-reset": (words) =>
      this.#onReset(this.#session.approveReset(words.join("")), "Go on there."),
    "sign-up": (words) => Promise.resolve(this.#signUp(words)),
    "sign-in": (words) => Promise.resolve(this.#signIn(words)),
    "link": (words) => this.#link.run(words),
  };

  #signUp([username = "", contact = "", ...names]: string[]): void {
    if (names.length === 0) return this.#say("Like this: /sign-up ana ana@example.org Ana Lind");
    this.#question = {
      kind: "new-password",
      form: { username, contact, fullName: names.join(" ") },
    };
    this.#say("Choose a password of at least 12 characters; four or five words do well:");
    this.#hide(true);
  }

  #signIn([username = ""]: string[]): void {
    if (username === "") return this.#say("Like this: /sign-in ana");
    this.#question = { kind: "password", username };
    this.#say("Your password:");
    this.#hide(true);
  }

  async #answer(question: Question, line: string): Promise<void> {
    if (question.kind === "code") return await this.#confirm(line);
    if (question.kind === "line") return await question.take(line);
    if (question.kind === "yes") {
      const yes = /^(y|yes)$/i.test(line.trim());
      return yes ? await question.go() : this.#say("Nothing was done.");
    }
    this.#say("One moment: the password is being stretched…");
    if (question.kind === "password") {
      const outcome = await this.#session.signIn(question.username, line);
      if (!outcome.ok) return this.#refuse(outcome);
      if (outcome.value === "ready") return await this.#opened();
      return this.#askCode("A code of your authenticator, or a recovery code:");
    }
    const outcome = await this.#session.signUp({ ...question.form, password: line });
    if (!outcome.ok) return this.#refuse(outcome);
    this.#askCode("A 6-digit code is on its way. Type it here:");
  }

  #askCode(words: string): void {
    this.#question = { kind: "code" };
    this.#say(words);
  }

  async #confirm(code: string): Promise<void> {
    const outcome = await this.#session.confirm(code.replaceAll(/\s/g, ""));
    if (!outcome.ok) {
      this.#question = { kind: "code" };
      return this.#refuse(outcome);
    }
    const { recoveryKey } = outcome.value;
    if (recoveryKey !== null) {
      this.#say("Your recovery key. It is shown once: write it down and keep it safe.");
      this.#printLine(`  ${recoveryKey}`);
    }
    await this.#opened();
  }

  async #opened(): Promise<void> {
    const { engine } = this.#session;
    engine.on((event) => this.#tell(event));
    this.#say(`You are @${engine.me.username}.`);
    this.#session.watchReset((due) => this.#say(resetWords(due, (name) => `/${name}`)));
    for (const alarm of await engine.alarms()) this.#devices.ask(alarm);
    engine.connect();
    await this.#list();
  }

  async #to(name: string): Promise<void> {
    if (name === "") return this.#say("Like this: /to ben");
    const outcome = await this.#session.engine.startConversation(name);
    if (!outcome.ok) return this.#refuse(outcome);
    this.#name(outcome.value);
    await this.#enter(outcome.value);
  }

  async #enter(conversation: Conversation): Promise<void> {
    this.#current = conversation;
    const where = conversation.kind === "room" ? "in" : "with";
    this.#say(`Talking ${where} ${titleOf(conversation)}.`);
    await this.#more(10);
  }

  async #write(line: string): Promise<void> {
    const outcome = await this.#session.engine.send(this.#here().id, line);
    if (!outcome.ok) this.#refuse(outcome);
  }

  async #list(): Promise<void> {
    const all = await this.#session.engine.conversations();
    if (all.length === 0) return this.#say("No conversations yet. Begin one with /to NAME.");
    for (const conversation of all) {
      this.#name(conversation);
      if (conversation.kind === "room") {
        this.#printLine(`  ${roomLine(conversation)}`);
        continue;
      }
      const unread = conversation.unread > 0 ? ` (${conversation.unread} new)` : "";
      const last = conversation.last
        ? `: ${printableLine(conversation.last.text).slice(0, 50)}`
        : "";
      this.#printLine(`  ${titleOf(conversation)}${unread}${last}`);
    }
  }

  async #more(limit: number): Promise<void> {
    const { engine } = this.#session;
    for (const message of await engine.messages(this.#here().id, { limit })) this.#show(message);
    await engine.markRead(this.#here().id);
  }

  async #number(): Promise<void> {
    const { account } = this.#person();
    const outcome = await this.#session.engine.safetyNumber(account);
    if (!outcome.ok) return this.#refuse(outcome);
    this.#seen = { account, number: outcome.value.number };
    const groups = safetyNumberGroups(outcome.value.number);
    for (let at = 0; at < groups.length; at += 4) {
      this.#printLine(`  ${groups.slice(at, at + 4).join(" ")}`);
    }
    this.#say(`The other person must see the same number. State: ${outcome.value.state}.`);
  }

  async #setVerified(): Promise<void> {
    const outcome = await this.#session.engine.setVerified(this.#person().account, true);
    if (!outcome.ok) return this.#refuse(outcome);
    this.#say(`${titleOf(outcome.value)} is verified.`);
  }

  async #accept(): Promise<void> {
    const { account } = this.#person();
    const seen = this.#seen;
    if (seen?.account !== account) {
      await this.#number();
      return this.#say("If this is the number that they see too, type /accept once more.");
    }
    this.#seen = null;
    const outcome = await this.#session.engine.acceptChange(account, seen.number);
    if (!outcome.ok) this.#refuse(outcome);
  }

  async #setBlocked(blocked: boolean): Promise<void> {
    const { people } = this.#session.engine;
    const person = this.#person();
    const outcome = await (blocked ? people.block : people.unblock).call(people, person.account);
    if (!outcome.ok) return this.#refuse(outcome);
    const words = blocked ? "is blocked: you see nothing of theirs" : "is not blocked any more";
    this.#say(`${titleOf(person)} ${words}.`);
  }

  async #onReset(done: Promise<Outcome<unknown>>, words: string): Promise<void> {
    const outcome = await done;
    if (outcome.ok) this.#say(words);
    else this.#refuse(outcome);
  }

  #here(): Conversation {
    if (!this.#current) throw new ChatError("bad-input", "Say to whom first: /to NAME");
    return this.#current;
  }

  #person(): PersonConversation {
    const here = this.#here();
    if (here.kind === "person") return here;
    throw new ChatError("bad-input", "That is about a person: /to NAME first.");
  }

  #tell(event: EngineEvent): void {
    switch (event.kind) {
      case "message":
        return this.#arrived(event.message);
      case "conversation":
        return this.#name(event.conversation);
      case "connection":
        return this.#say(CONNECTION_WORDS[event.state]);
      case "state":
        if (event.state === "not sent") this.#say(`Not sent: ${event.reason ?? "try again"}`);
        return;
      case "warning":
        return this.#devices.hear(event);
      case "gap":
        // Of a conversation it is said there.
        if (event.conversation !== undefined) return;
        return this.#say(`${event.count} message${event.count === 1 ? "" : "s"} did not arrive.`);
    }
  }

  #arrived(message: Message): void {
    this.#show(message);
    const here = message.conversation === this.#current?.id;
    if (!here || message.mine) return;
    this.#session.engine.markRead(message.conversation)
      .catch(() => this.#say("That could not be saved on this device. Is its disk full?"));
  }

  #show(message: Message): void {
    if (message.kind === "line") return this.#say(message.text);
    const time = new Date(message.time).toTimeString().slice(0, 5);
    const who = message.mine ? "you" : this.#whoWrote(message);
    const lines = printable(message.text).split("\n");
    this.#printLine(`${time} ${who}: ${lines.join("\n        ")}`);
  }

  #whoWrote({ conversation, from, sender }: Message): string {
    const name = sender === undefined ? this.#titles.get(from) : printableLine(sender);
    const room = this.#roomNames.get(conversation);
    return `${name ?? "somebody"}${room === undefined ? "" : ` in ${room}`}`;
  }

  #name(conversation: Conversation): void {
    if (conversation.kind === "person") {
      this.#titles.set(conversation.account, titleOf(conversation));
    } else this.#roomNames.set(conversation.id, printableLine(conversation.title));
    if (conversation.id === this.#current?.id) this.#current = conversation;
  }

  #refuse(outcome: Outcome<unknown> & { ok: false }): void {
    this.#say(outcome.words);
  }

  #say(words: string): void {
    this.#printLine(`· ${printableLine(words)}`);
  }
}

function titleOf(conversation: Conversation): string {
  if (conversation.kind === "room") return `# ${printableLine(conversation.title)}`;
  const { title, username, verification } = conversation;
  const mark = verification === "verified"
    ? " ✓"
    : verification === "changed"
    ? " (key changed)"
    : "";
  return `${printableLine(title)} @${printableLine(username)}${mark}`;
}
