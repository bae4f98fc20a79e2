/** Why becoming a device, or changing its password, came to nothing: in the words of people and programs. */
import { DecryptError } from "../crypto/errors.ts";
import { FormatError, VerifyError } from "../protocol/errors.ts";
import type { ApiResult } from "./transport.ts";
import { type Outcome, type Refusal, refused } from "./types.ts";

/** What the server sent does not hold; anything else is a bug and thrown on. */
export function refuseBroken(error: unknown): Outcome<never> {
  if (error instanceof VerifyError && error.code === "too-many-devices") {
    return refused(
      "not-available",
      "This account has eight devices. Remove one first, in Settings on one of them or by signing in on the page.",
    );
  }
  const broken = error instanceof VerifyError || error instanceof FormatError ||
    error instanceof DecryptError;
  if (!broken) throw error;
  return refused("untrusted-server", BROKEN);
}

const BROKEN =
  "What the server keeps for this account is an old copy, or not of this account. Nothing was done. " +
  "Use a device that is signed in, and ask whoever runs the server whether a backup was put back.";

/** The server's refusals in the client's words. */
const CODES: Readonly<Record<string, Refusal>> = {
  "name-taken": "name-taken",
  "bad-code": "bad-code",
  "code-locked": "bad-code",
  "code-expired": "code-expired",
  "second-factor-locked": "code-expired",
  "link-gone": "code-expired",
  "wrong-current-password": "wrong-password",
  "wrong-password": "wrong-password",
  "rate-limited": "rate-limited",
  "too-many": "rate-limited",
  "offline": "offline",
};

/** A refused call as the outcome people and programs see. */
export function outcomeOf(answer: ApiResult<unknown> & { ok: false }): Outcome<never> {
  const code = CODES[answer.code] ?? (answer.status === 429 ? "rate-limited" : codeOf(answer));
  return refused(code, answer.words, answer.retryAfter ?? undefined);
}

function codeOf({ status }: { readonly status: number }): Refusal {
  if (status === 401) return "signed-out";
  return status >= 400 && status < 500 ? "bad-input" : "internal";
}

/** The server has answered, and made nothing. */
export function isRefusal({ status }: { readonly status: number }): boolean {
  return status >= 400 && status < 500;
}
