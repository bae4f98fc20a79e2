/** Why something about a room was not done, in words. */
import type { ApiResult } from "./transport.ts";
import { type Outcome, refused } from "./types.ts";

/** What is wrong with a typed code. */
export const CODE_WORDS = {
  character: "A room code has only letters and digits, without U.",
  length: "A room code has 16 letters and digits.",
} as const;

export const NOT_NOW = refused(
  "not-available",
  "That did not work just now. Try again in a moment.",
);
export const UNKNOWN_ROOM = refused(
  "unknown-conversation",
  "There is no such room on this device.",
);
export const FALSE_ROOM = refused(
  "untrusted-server",
  "The server shows another room than the one of this code. You have not joined.",
);
export const FALSE_SERVER = refused(
  "untrusted-server",
  "This server calls itself another one than before. Nothing was done.",
);
export const NOT_ALLOWED = refused("not-allowed", "The room's rules do not let you do that.");
export const STOPPED = {
  fork: refused("untrusted-server", "This room's log exists in two versions. Nothing is sent."),
  left: refused("not-allowed", "You are not in this room any more."),
  ended: refused("not-allowed", "This room has ended."),
} as const;

/** What the server refused, in words for people. */
export function refusedBy(answer: ApiResult<unknown> & { ok: false }): Outcome<never> {
  if (answer.status === 0) return refused("offline", "You are offline. Try again once connected.");
  if (answer.status === 401) return refused("signed-out", "Sign in again first.");
  if (answer.status === 429) {
    return refused("rate-limited", answer.words, answer.retryAfter ?? undefined);
  }
  if (answer.code === "no-such-room") return refused("no-such-room", "There is no such room.");
  return refused(answer.status < 500 ? "not-allowed" : "internal", answer.words);
}
