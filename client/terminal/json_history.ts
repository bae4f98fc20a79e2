/**
 * The history commands of `snug chat --json`: the archive's switch and state, one sealed file of everything, one
 * readable page of a conversation, and the way back in. Files are new ones, readable by their owner alone.
 */
import type { AccountId } from "../../protocol/ids.ts";
import { parseId } from "../../protocol/ids.ts";
import type { OpenEngine } from "../engine.ts";
import { openHistory, sealHistory, type Stretch } from "../history_file.ts";
import { stretchHere } from "../stretching.ts";
import { conversationPage } from "../history_page.ts";
import type { Conversation, Message, Outcome } from "../types.ts";
import { done, refused } from "../types.ts";
import { ChatError } from "./errors.ts";
import type { Read, Told } from "./json_told.ts";

export interface HistoryCommandParts {
  readonly engine: OpenEngine;
  readonly origin: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly stretch?: Stretch;
}

/** Rows read at a time. */
const PAGE = 500;

const COMMANDS: Readonly<
  Record<string, (parts: HistoryCommandParts, read: Read) => Promise<Outcome<Told>>>
> = {
  "archive": setArchive,
  "check-archive": check,
  "export-history": exportAll,
  "import-history": importAll,
  "export-conversation": exportPage,
};

export function isHistoryCommand(name: string): boolean {
  return Object.hasOwn(COMMANDS, name);
}

/** Runs a history command of that name. */
export function runHistoryCommand(
  name: string,
  parts: HistoryCommandParts,
  read: Read,
): Promise<Outcome<Told>> {
  return COMMANDS[name]!(parts, read);
}

async function setArchive({ engine: { history } }: HistoryCommandParts, read: Read) {
  const wanted = read("set");
  if (wanted !== "show") {
    const outcome = wanted === "erase" ? await history.erase() : await switchTo(history, wanted);
    if (!outcome.ok) return outcome;
  }
  return done({ event: "archive", ...await history.status() });
}

function switchTo(history: OpenEngine["history"], wanted: string): Promise<Outcome<null>> {
  if (wanted !== "on" && wanted !== "off") {
    throw new ChatError("bad-input", `"set" is one of on, off, erase, show.`);
  }
  return history.setOn(wanted === "on");
}

async function check({ engine }: HistoryCommandParts): Promise<Outcome<Told>> {
  const checked = await engine.history.check();
  return checked.ok ? done({ event: "archive-checked", ...checked.value }) : checked;
}

async function exportAll(
  { engine, origin, now, stretch = stretchHere }: HistoryCommandParts,
  read: Read,
): Promise<Outcome<Told>> {
  const { account, username } = engine.me;
  const head = { account, username, origin, time: now() };
  const sealed = await sealHistory(head, engine.history.contents(), read("passphrase"), stretch);
  if (!sealed.ok) return sealed;
  return await write(read("file"), sealed.value);
}

async function importAll(
  { engine, stretch = stretchHere }: HistoryCommandParts,
  read: Read,
): Promise<Outcome<Told>> {
  const file = await Deno.readFile(read("file")).catch(() => null);
  if (!file) return refused("bad-input", "That file cannot be read.");
  const opened = await openHistory(file, read("passphrase"), stretch);
  if (!opened.ok) return opened;
  const { head, contents } = opened.value;
  const people = await peopleIn(engine, read("people"));
  if (!people.ok) return people;
  const messages = await engine.history.take(head.account, contents, people.value);
  return done({ event: "history-imported", messages });
}

/**
 * Who somebody of the file is on this server: `OLDID=username` pairs, divided by commas. Only the person who imports
 * can know: the same name on two servers need not be the same person.
 */
async function peopleIn(
  engine: OpenEngine,
  pairs: string,
): Promise<Outcome<Map<AccountId, AccountId>>> {
  const people = new Map<AccountId, AccountId>();
  for (const pair of pairs.split(",").filter((pair) => pair.trim() !== "")) {
    const [old = "", username = ""] = pair.split("=").map((part) => part.trim());
    const account = parseId<"account">(old);
    if (account === null) throw new ChatError("bad-input", `"people" is ID=username, ID=username.`);
    const talk = await engine.startConversation(username);
    if (!talk.ok) return talk;
    people.set(account, talk.value.account);
  }
  return done(people);
}

async function exportPage(
  { engine, now }: HistoryCommandParts,
  read: Read,
): Promise<Outcome<Told>> {
  const name = read("conversation").replace(/^@/, "");
  const talks = await engine.conversations();
  const talk = talks.find((one) => one.id === name || isWith(one, name));
  if (!talk) return refused("unknown-conversation", "There is no such conversation here.");
  const { title } = talk;
  const whole = await engine.history.whole(talk.id);
  if (!whole.ok) return whole;
  const messages = await everything(engine, talk);
  const { fullName, username } = engine.me;
  const nameOf = ({ mine, sender }: Message) => mine ? fullName || username : sender ?? title;
  const page = conversationPage({ title, nameOf, messages, time: now() });
  return await write(read("file"), new TextEncoder().encode(page));
}

function isWith(talk: Conversation, name: string): boolean {
  return talk.kind === "person" && talk.username === name.toLowerCase();
}

async function everything(engine: OpenEngine, { id }: Conversation): Promise<Message[]> {
  const pages: Message[][] = [];
  let before: string | undefined;
  for (;;) {
    const options = before === undefined ? { limit: PAGE } : { limit: PAGE, before };
    const rows = await engine.messages(id, options);
    if (rows.length === 0) return pages.toReversed().flat();
    pages.push(rows);
    before = rows[0]!.order;
  }
}

/** Nothing that is there is written over. */
async function write(file: string, bytes: Uint8Array): Promise<Outcome<Told>> {
  try {
    await Deno.writeFile(file, bytes, { createNew: true, mode: 0o600 });
  } catch (error) {
    const there = error instanceof Deno.errors.AlreadyExists;
    return refused(
      "bad-input",
      there ? "That file is there already." : "That file cannot be written.",
    );
  }
  return done({ event: "file-written", file, bytes: bytes.length });
}
