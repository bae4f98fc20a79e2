/** Why something about a room was not done, in words. */
import type { VerifyCode } from "../protocol/errors.ts";
import type { ApiResult } from "./transport.ts";
import { type Outcome, refused } from "./types.ts";

export type Refused = Outcome<never> & { readonly ok: false };

/** What is wrong with a typed code. */
export const CODE_WORDS = {
  character: "A room code has only letters and digits, without U.",
  length: "A room code has 16 letters and digits.",
} as const;

export const NOT_NOW = refused(
  "not-available",
  "That did not work just now. Try again in a moment.",
);
export const NOT_LOADED = refused(
  "not-available",
  "This part of Snug could not be loaded. Check your connection, then reload the page.",
);
export const UNKNOWN_ROOM = refused(
  "unknown-conversation",
  "There is no such room.",
);
export const FALSE_ROOM = refused(
  "untrusted-server",
  "The server shows another room than this code's. You have not joined.",
);
export const FALSE_SERVER = refused(
  "untrusted-server",
  "This server calls itself another one than before. Nothing was done.",
);
export const NO_CODE = refused(
  "not-available",
  "This device does not know the room's code yet. A member tells it soon.",
);
export const WAITING = refused("not-allowed", "A moderator has not let you in yet.");
export const NOBODY_HERE = refused("unknown-person", "Nobody here has that name.");
export const ALREADY_IN = refused("not-allowed", "They are here already.");
export const STOPPED = {
  fork: refused(
    "untrusted-server",
    "This room's log exists in two versions: somebody, or the server, lies. Nothing is sent.",
  ),
  left: refused("not-allowed", "You are not in this room any more."),
  ended: refused("not-allowed", "This room has ended."),
} as const;

/** Only people whom one talks with are added: others decide with the code. */
export function strangerTo(username: string): Refused {
  const name = username.trim().replace(/^@/, "").slice(0, 40);
  const words = `You have no conversation with @${name}. Give them the room code.`;
  return refused("unknown-person", words);
}

/** Why the room's rules refuse an entry. */
export function againstRules(code: VerifyCode): Refused {
  return refused("not-allowed", RULES[code] ?? "The room's rules do not let you do that.");
}

const RULES: Partial<Record<VerifyCode, string>> = {
  "not-member": "They are not in this room any more.",
  "already-member": "They are here already.",
  "banned": "They are banned from this room.",
  "full": "The room is full.",
  "ended": "This room has ended.",
  "not-listed": "The room does not know this device yet. Try again in a moment.",
};

/** What the server refused, in words for people. */
export function refusedBy(answer: ApiResult<unknown> & { ok: false }): Refused {
  if (answer.status === 0) return refused("offline", "You are offline. Try again once connected.");
  if (answer.status === 401) return refused("signed-out", "Sign in again first.");
  if (answer.status === 429) {
    return refused("rate-limited", answer.words, answer.retryAfter ?? undefined);
  }
  if (answer.code === "no-such-room") return refused("no-such-room", "There is no such room.");
  return refused(answer.status < 500 ? "not-allowed" : "internal", answer.words);
}
