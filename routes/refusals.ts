/** Every refusal of auth/ as HTTP: the status, and a sentence that says what to do. */
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Refusal, RefusalCode } from "../auth/outcome.ts";

interface Row {
  readonly status: ContentfulStatusCode;
  readonly words: string;
}

/** The table. */
export const REFUSALS: Readonly<Record<RefusalCode, Row>> = {
  "bad-input": { status: 400, words: "That request makes no sense to this server." },
  "bad-username": { status: 422, words: "Use 3 to 32 of a-z, 0-9 and _." },
  "bad-full-name": { status: 422, words: "Write your name in 1 to 64 characters." },
  "bad-contact": {
    status: 422,
    words: "Write an e-mail address such as name@example.org, or a number such as +49 170 1234567.",
  },
  "phone-not-available": {
    status: 422,
    words: "This server sends codes by e-mail only. Give an e-mail address, please.",
  },
  "bad-phone": {
    status: 422,
    words: "Write the number with a plus and its country code, such as +49 170 1234567.",
  },
  "name-taken": { status: 409, words: "That username is taken. Choose another one." },
  "contact-taken": {
    status: 409,
    words: "That address got an account in between. Sign in with it.",
  },
  "address-stays": {
    status: 409,
    words:
      "This account was started over. For 30 days its address stays as it is, so that the old " +
      "recovery key can still bring the old keys back.",
  },
  "same-contact": { status: 422, words: "That is the one you have. Write the new one." },
  "invite-needed": {
    status: 403,
    words: "This server takes people by invitation. Ask whoever runs it for a link.",
  },
  "invite-gone": {
    status: 403,
    words: "That invitation was used or is no longer good. Ask for a new one.",
  },
  "registration-closed": {
    status: 403,
    words: "This server takes no new people. If you have an account, sign in.",
  },
  "no-invites": { status: 403, words: "On this server only admins invite people." },
  "bad-invite": { status: 422, words: "Choose 1 to 100 accounts, and a time from the list." },
  "too-many-invites": {
    status: 409,
    words: "You have too many open invites. Take one back, then make another.",
  },
  "invite-over": { status: 404, words: "That invite is over already." },
  "rate-limited": { status: 429, words: "That was too often." },
  "mail-failed": {
    status: 503,
    words: "The letter could not be sent. Try again in a few minutes.",
  },
  "challenge-gone": { status: 409, words: "That took too long, or began elsewhere. Start over." },
  "not-confirmed": { status: 409, words: "Confirm the 6-digit code first." },
  "not-due": { status: 403, words: "The time to wait is not over yet, or somebody stopped it." },
  "second-factor-needed": { status: 403, words: "Show your second factor first." },
  "bad-code": { status: 422, words: "That code is not right." },
  "code-locked": {
    status: 422,
    words: "Too many wrong tries: this code is dead now. Send another one.",
  },
  "code-expired": { status: 422, words: "That code was used or is too old. Send another one." },
  "bad-keys": {
    status: 422,
    words: "The keys of this device do not check out. Reload and try again.",
  },
  "wrong-password": { status: 401, words: "The username or the password is not right." },
  "attempt-gone": { status: 409, words: "That took too long. Sign in again." },
  "sign-in-needed": { status: 401, words: "Sign in first." },
  "stale-list": {
    status: 409,
    words: "Your list of devices changed in between. Sign in again.",
  },
  "list-full": {
    status: 409,
    words:
      "Your list of devices has changed too often to be extended. Ask whoever runs the server.",
  },
  "unknown-device": {
    status: 422,
    words: "This device is not on your list of devices. Sign in with your password.",
  },
  "bad-proof": {
    status: 401,
    words: "This device could not prove itself. Sign in with your password.",
  },
  "unknown-person": { status: 404, words: "Nobody here has that username." },
  "no-such-room": { status: 404, words: "There is no such room." },
  "bad-room-entry": { status: 422, words: "The room's rules do not allow that." },
  "stale-room-list": { status: 409, words: "A list of devices changed in between. Try again." },
  "room-full": { status: 409, words: "This room is full." },
  "bad-segment": { status: 422, words: "That piece of history is not signed as it must be." },
  "archive-full": {
    status: 409,
    words: "Your history takes up all the room it has here. New messages stay on your devices.",
  },
  "archive-off": { status: 409, words: "Your history is not kept here: you switched that off." },
  "sign-in-again": {
    status: 403,
    words: "It is a while since you gave your password. Sign in again for this.",
  },
  "second-factor-on": { status: 409, words: "An authenticator app is set up already." },
  "second-factor-off": { status: 409, words: "No authenticator app is set up." },
  "second-factor-locked": {
    status: 422,
    words: "Too many wrong codes. Sign in again with your password.",
  },
  "offer-gone": { status: 409, words: "That took too long. Start over with a new QR code." },
  "wrong-current-password": { status: 422, words: "Your current password is not right." },
  "no-passkey": { status: 409, words: "There is no such passkey on this account." },
  "wrong-passkey": {
    status: 401,
    words:
      "That passkey is not known here, or took too long. Try again, or sign in with your password.",
  },
  "bad-passkey": {
    status: 422,
    words: "That passkey could not be checked. Reload this page and try again.",
  },
  "bad-passkey-name": { status: 422, words: "Give it a name of 1 to 40 characters." },
  "passkey-taken": { status: 409, words: "That passkey is on an account already." },
  "passkeys-full": {
    status: 409,
    words: "Ten passkeys are all an account can have. Remove one first.",
  },
  "bad-device-name": { status: 422, words: "Give it a name of up to 40 characters." },
  "link-gone": {
    status: 404,
    words:
      "There is no such request, or its ten minutes are over. Ask for a new code on the new device.",
  },
  "last-key": {
    status: 409,
    words:
      "Nothing else but your recovery key would open your vault. Set a password or add another passkey first.",
  },
  "unknown-login": { status: 404, words: "That one is signed out already." },
  "account-disabled": {
    status: 403,
    words: "Whoever runs this server has switched this account off. Ask them about it.",
  },
  // 401, so that devices know that renewing their login is of no use.
  "second-factor-required": {
    status: 401,
    words:
      "This server asks everybody for a second factor. Sign in with a browser to set yours up.",
  },
  "last-admin": {
    status: 409,
    words: "Nobody would be left to run this server. Make somebody else an admin first.",
  },
  "no-admin": {
    status: 409,
    words: "There is no such admin. Make the first account, or an admin.",
  },
  "wrong-name": { status: 422, words: "That is not the username of this account." },
  "set-at-start": {
    status: 409,
    words: "That was given when the server was started, so it is changed there.",
  },
  "no-such-limit": { status: 404, words: "There is no such limit that can be changed here." },
  "bad-limit": { status: 422, words: "That number is outside of what makes sense here." },
  "bad-report": { status: 422, words: "Say in your own words what happened, about somebody else." },
  "bad-note": { status: 422, words: "Keep the note to 1,000 characters." },
  "no-such-report": { status: 404, words: "That report is settled or gone." },
  "own-device": { status: 400, words: "A device needs no keys to write to itself." },
};

/** What people read: the sentence, how many tries are left, how long to wait. */
export function wordsOf({ code, triesLeft, retryAfter }: Refusal): string {
  const words = [REFUSALS[code].words];
  if (triesLeft !== undefined) {
    words.push(triesLeft === 1 ? "You have one try left." : `You have ${triesLeft} tries left.`);
  }
  if (retryAfter !== undefined) words.push(`Wait ${spoken(retryAfter)}, then try again.`);
  return words.join(" ");
}

function spoken(seconds: number): string {
  if (seconds <= 1) return "a second";
  if (seconds < 120) return `${seconds} seconds`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 120 ? `${minutes} minutes` : `${Math.ceil(minutes / 60)} hours`;
}
