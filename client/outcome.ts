/** What comes of what a device is asked to do: expected outcomes are values. */

/** Why something was not done. Stable words for programs; `words` beside it is for people. */
export type Refusal =
  | "bad-code"
  | "bad-input"
  | "bad-picture"
  | "blocked"
  | "changed-key"
  | "code-expired"
  | "internal"
  | "name-taken"
  | "no-such-room"
  | "not-allowed"
  | "not-available"
  | "offline"
  | "rate-limited"
  | "signed-out"
  | "too-long"
  | "unknown-conversation"
  | "unknown-message"
  | "unknown-person"
  | "untrusted-server"
  | "weak-password"
  | "wrong-password"
  | "yourself";

/** An expected outcome is a value; `retryAfter` is in seconds. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | {
    readonly ok: false;
    readonly code: Refusal;
    readonly words: string;
    readonly retryAfter?: number;
  };

/** Makes a refusal. */
export function refused(
  code: Refusal,
  words: string,
  retryAfter?: number,
): Outcome<never> & { readonly ok: false } {
  return retryAfter === undefined
    ? { ok: false, code, words }
    : { ok: false, code, words, retryAfter };
}

/** Makes a success. */
export function done<T>(value: T): Outcome<T> {
  return { ok: true, value };
}
