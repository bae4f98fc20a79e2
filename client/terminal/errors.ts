import type { Refusal } from "../types.ts";

/** Codes of the terminal's own, beside the engine's refusals. */
export type ChatCode =
  | Refusal
  | "already-open"
  | "no-device"
  | "not-sent"
  | "profile-taken"
  | "restored";

/** Something a person can act on: a code for programs, a sentence for people. */
export class ChatError extends Error {
  override readonly name = "ChatError";
  constructor(readonly code: ChatCode, readonly words: string) {
    super(words);
  }
}
