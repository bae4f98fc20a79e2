/** Signing up in a terminal, and one message from one terminal to another. */
import assert from "node:assert/strict";
import type { Person } from "./people.ts";
import { codeFor } from "./server.ts";
import { openTerminal, type Terminal } from "./terminal.ts";

/** Where terminals find the server. */
export interface Place {
  readonly origin: string;
  /** The server's data folder, for its outbox. */
  readonly data: string;
  /** A folder for profiles. */
  readonly profiles: string;
  /** Further flags of `snug chat`. */
  readonly flags: readonly string[];
}

/** A new account in a terminal of its own. */
export async function signUpIn(place: Place, who: Person): Promise<Terminal> {
  const { username, fullName, contact, password } = who;
  const profile = `${place.profiles}/${username}`;
  const opened = openTerminal(place.origin, profile, [...place.flags]);
  const needed = await opened.ask({ do: "sign-up", username, fullName, contact, password });
  assert.equal(needed.event, "code-needed", JSON.stringify(needed) + opened.errors());
  const ready = await opened.ask({ do: "code", code: codeFor(place.data, contact) });
  assert.equal(ready.event, "ready", JSON.stringify(ready) + opened.errors());
  return opened;
}

/** Sends from one and waits until the other shows it. */
export async function passes(
  from: Terminal,
  to: Terminal,
  name: string,
  text: string,
): Promise<void> {
  const sent = await from.ask({ do: "send", to: name, text });
  assert.equal(sent.event, "sent", JSON.stringify(sent));
  await to.next((line) => line.event === "message" && line["text"] === text);
}
