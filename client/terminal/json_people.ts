/** The people commands of `snug chat --json`: who is who, whose request is taken, who is not heard any more. */
import { safetyNumberGroups } from "../../crypto/safety_number.ts";
import { type Conversation, done, type Engine } from "../types.ts";
import type { Outcome, PersonConversation } from "../types.ts";
import type { Read, Told } from "./json_told.ts";

export interface PeopleCommandParts {
  readonly engine: Engine;
  /** The conversation that the input's `with` names, begun when there is none. */
  readonly person: () => Promise<Outcome<PersonConversation>>;
}

type About = (
  engine: Engine,
  person: PersonConversation,
  read: Read,
) => Promise<Outcome<Told | null>>;

/** Commands about one person; a null is answered with the event of the same row. */
const ABOUT: Readonly<Record<string, readonly [event: string, run: About]>> = {
  "safety-number": ["safety-number", async (engine, { account, username }) => {
    const outcome = await engine.safetyNumber(account);
    if (!outcome.ok) return outcome;
    const number = safetyNumberGroups(outcome.value.number).join(" ");
    return done({ event: "safety-number", with: username, number, state: outcome.value.state });
  }],
  "verify": ["verified", quietly((engine, { account }) => engine.setVerified(account, true))],
  "accept-key": [
    "key-accepted",
    quietly((engine, { account }, read) => engine.acceptChange(account, read("number"))),
  ],
  "accept": ["accepted", quietly((engine, { account }) => engine.people.accept(account))],
  "block": ["blocked", quietly((engine, { account }) => engine.people.block(account))],
  "unblock": ["unblocked", quietly((engine, { account }) => engine.people.unblock(account))],
};

const GENERAL: Readonly<Record<string, (engine: Engine, read: Read) => Promise<Outcome<Told>>>> = {
  "requests": async (engine) => {
    const requests = (await engine.conversations()).filter(isRequest).map(withLast);
    return done({ event: "requests", requests });
  },
  "blocked-people": async ({ people }) => {
    return done({ event: "blocked-people", people: await people.blocked() });
  },
  "find-people": async ({ people }, read) => {
    const found = await people.find(read("words"));
    return found.ok ? done({ event: "people", people: found.value }) : found;
  },
};

export function isPeopleCommand(name: string): boolean {
  return Object.hasOwn(ABOUT, name) || Object.hasOwn(GENERAL, name);
}

/** Runs a people command of that name. */
export async function runPeopleCommand(
  name: string,
  { engine, person }: PeopleCommandParts,
  read: Read,
): Promise<Outcome<Told>> {
  if (Object.hasOwn(GENERAL, name)) return await GENERAL[name]!(engine, read);
  const [event, run] = ABOUT[name]!;
  const found = await person();
  if (!found.ok) return found;
  const outcome = await run(engine, found.value, read);
  if (!outcome.ok) return outcome;
  return done(outcome.value ?? { event, with: found.value.username });
}

function quietly(
  run: (engine: Engine, person: PersonConversation, read: Read) => Promise<Outcome<unknown>>,
): About {
  return async (...args) => {
    const outcome = await run(...args);
    return outcome.ok ? done(null) : outcome;
  };
}

function isRequest(conversation: Conversation): conversation is PersonConversation {
  const { kind, accepted, last } = conversation;
  return kind === "person" && !accepted && !conversation.blocked && last !== undefined;
}

function withLast({ username, title, last, unread }: PersonConversation) {
  return { username, fullName: title, text: last!.text, time: last!.time, unread };
}
