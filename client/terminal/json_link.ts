/** The linking commands of `snug chat --json`: a new terminal asks for a code, a signed-in one takes it. */
import { done, type Outcome } from "../types.ts";
import type { ChatSession } from "./session.ts";
import type { Told } from "./json_told.ts";

export interface LinkCommandParts {
  readonly session: ChatSession;
  readonly read: (field: string) => string;
  /** Prints what comes later and answers no command. */
  readonly print: (told: Told) => void;
  /** This terminal has become a device. */
  readonly ready: () => Promise<Told>;
}

const COMMANDS: Readonly<Record<string, (parts: LinkCommandParts) => Promise<Outcome<Told>>>> = {
  "request-link": async ({ session, print, ready }) => {
    const shown = await session.link({
      met: (username, digits) => print({ event: "link-digits", username, digits }),
      entered: async () => print(await ready()),
      over: (message) => print({ event: "error", code: "link-over", message }),
    });
    if (!shown.ok) return shown;
    const { code, address } = shown.value;
    return done({ event: "link-code", code, address });
  },
  "link-device": ({ session, read }) => answered("digits-needed", session.takeLink(read("code"))),
  "link-digits": ({ session, read }) => {
    return answered("password-needed", session.compareLink(read("digits")));
  },
  "link-password": ({ session, read }) => {
    return answered("device-linked", session.approveLink(read("password")));
  },
};

export function isLinkCommand(name: string): boolean {
  return Object.hasOwn(COMMANDS, name);
}

/** Runs a linking command of that name. */
export function runLinkCommand(name: string, parts: LinkCommandParts): Promise<Outcome<Told>> {
  return COMMANDS[name]!(parts);
}

async function answered(event: string, asked: Promise<Outcome<unknown>>): Promise<Outcome<Told>> {
  const outcome = await asked;
  return outcome.ok ? done({ event }) : outcome;
}
