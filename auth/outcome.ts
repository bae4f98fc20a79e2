/** What can be refused here, by name. routes/refusals.ts has the status and the words of each. */

/** Every refusal of auth/. Programs may rely on these names. */
export type RefusalCode =
  | "bad-input"
  | "bad-username"
  | "bad-full-name"
  | "bad-contact"
  | "phone-not-available"
  | "bad-phone"
  | "name-taken"
  | "contact-taken"
  | "same-contact"
  | "address-stays"
  | "invite-needed"
  | "invite-gone"
  | "registration-closed"
  | "no-invites"
  | "bad-invite"
  | "too-many-invites"
  | "invite-over"
  | "rate-limited"
  | "mail-failed"
  | "challenge-gone"
  | "not-confirmed"
  | "second-factor-needed"
  | "not-due"
  | "bad-code"
  | "code-locked"
  | "code-expired"
  | "bad-keys"
  | "wrong-password"
  | "attempt-gone"
  | "sign-in-needed"
  | "stale-list"
  | "list-full"
  | "unknown-device"
  | "bad-proof"
  | "unknown-person"
  | "no-such-room"
  | "bad-room-entry"
  | "stale-room-list"
  | "room-full"
  | "bad-segment"
  | "archive-full"
  | "archive-off"
  | "own-device"
  | "sign-in-again"
  | "second-factor-on"
  | "second-factor-off"
  | "second-factor-locked"
  | "offer-gone"
  | "wrong-current-password"
  | "no-passkey"
  | "wrong-passkey"
  | "bad-passkey"
  | "bad-passkey-name"
  | "passkey-taken"
  | "passkeys-full"
  | "last-key"
  | "bad-device-name"
  | "link-gone"
  | "unknown-login"
  | "account-disabled"
  | "second-factor-required"
  | "last-admin"
  | "no-admin"
  | "wrong-name"
  | "set-at-start"
  | "no-such-limit"
  | "bad-limit"
  | "bad-report"
  | "bad-note"
  | "no-such-report";

/** The field of the sign-up form that a refusal is about. */
export type SignUpField = "username" | "fullName" | "contact";

/** Why something was not done. */
export interface Refusal {
  readonly code: RefusalCode;
  /** Seconds until it makes sense to try again. */
  readonly retryAfter?: number;
  /** How many tries a code has left. */
  readonly triesLeft?: number;
}

/** Done, with a result; or refused, with a reason. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: Refusal };

/** A result. */
export function done<T>(value: T): Outcome<T> {
  return { ok: true, value };
}

/** A refusal, as an outcome of any type. */
export function refused(
  code: RefusalCode,
  more: Omit<Refusal, "code"> = {},
): { readonly ok: false; readonly refusal: Refusal } {
  return { ok: false, refusal: { code, ...more } };
}
