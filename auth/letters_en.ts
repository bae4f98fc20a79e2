/** English. Nothing that somebody typed is in a letter: a name cannot become a header or markup (A6). */
import type { CodeFacts, LetterWords } from "./letter_words.ts";

const NOT_YOU = "If it was not you, sign in, change your password and sign out the other devices " +
  "under Settings. If you cannot sign in, ask whoever runs the server.";
const NEVER_ASKED = "Nobody from Snug will ever ask you for it.";

const goodFor = (minutes: number) =>
  `It is good for ${minutes} minutes, once, in the browser that asked for it.`;
const subject = ({ code }: CodeFacts) => `${code} is your Snug code`;
const short = ({ code, host, minutes }: CodeFacts, what: string) =>
  `${code} is your Snug code ${what} ${host}. Good for ${minutes} minutes. Tell it to nobody.`;

/** The table. */
export const ENGLISH: LetterWords = {
  code: {
    "sign-up": (facts) => ({
      subject: subject(facts),
      short: short(facts, "to sign up at"),
      lines: [
        `Your code for ${facts.host} is ${facts.code}.`,
        goodFor(facts.minutes),
        `If you did not ask for it, ignore this letter. ${NEVER_ASKED}`,
      ],
    }),
    "reset": (facts) => ({
      subject: subject(facts),
      short: short(facts, "for a forgotten password at"),
      lines: [
        `Somebody, most likely you, forgot the password of your account at ${facts.host}.`,
        `The code to go on with is ${facts.code}.`,
        goodFor(facts.minutes),
        `If it was not you, tell the code to nobody. Without it nothing happens. ${NEVER_ASKED}`,
      ],
    }),
    "old-contact": (facts) => ({
      subject: subject(facts),
      short: short(facts, "to leave this number at"),
      lines: [
        `You want codes and warnings of your account at ${facts.host} to go somewhere else.`,
        `The code that lets them leave this address is ${facts.code}.`,
        goodFor(facts.minutes),
        `If it was not you, somebody is signed in as you: tell the code to nobody. ${NOT_YOU}`,
      ],
    }),
    "new-contact": (facts) => ({
      subject: subject(facts),
      short: short(facts, "to use this number at"),
      lines: [
        `Codes and warnings of an account at ${facts.host} are to come here from now on.`,
        `The code that confirms this address is ${facts.code}.`,
        goodFor(facts.minutes),
        `If you did not ask for it, ignore this letter. ${NEVER_ASKED}`,
      ],
    }),
  },
  alreadyHere: (host) => ({
    subject: "You already have a Snug account",
    lines: [
      `Somebody, most likely you, wanted to use this address for a new account at ${host}.`,
      "It already has an account, so no code was made. Sign in with your username and password.",
      "If it was not you, there is nothing to do.",
    ],
  }),
  noAccount: (host) => ({
    subject: "There is no Snug account with this address",
    lines: [
      `Somebody, most likely you, forgot a password at ${host} and gave this address.`,
      "It has no account there, so no code was made. Perhaps yours has another address.",
      "If it was not you, there is nothing to do.",
    ],
  }),
  news: {
    "new-device": (host) => ({
      subject: "A new device signed in to your Snug account",
      lines: [
        `A browser or terminal signed in to your account at ${host} with your password.`,
        "It can read your messages from now on.",
        "If it was not you, open Snug on a device you trust, remove the new one and change your password.",
      ],
    }),
    "device-removed": (host) => ({
      subject: "A device was removed from your Snug account",
      lines: [
        `A browser or terminal of your account at ${host} was removed by another one.`,
        "It gets no more messages, and erases what it keeps when it next opens.",
        NOT_YOU,
      ],
    }),
    "password-changed": (host) => ({
      subject: "Your Snug password was changed",
      lines: [
        `The password of your account at ${host} was changed, and every other device was signed out.`,
        NOT_YOU,
      ],
    }),
    "second-factor-on": (host) => ({
      subject: "Your Snug account now asks for an authenticator code",
      lines: [
        `From now on, signing in to your account at ${host} takes a code from an authenticator app.`,
        NOT_YOU,
      ],
    }),
    "second-factor-off": (host) => ({
      subject: "Your Snug account no longer asks for an authenticator code",
      lines: [
        `From now on, your password alone signs in to your account at ${host}.`,
        NOT_YOU,
      ],
    }),
    "recovery-code-used": (host) => ({
      subject: "A recovery code of your Snug account was used",
      lines: [
        `Instead of an authenticator code, a recovery code was used for your account at ${host}.`,
        "It is used up. The settings say how many are left and make new ones.",
        NOT_YOU,
      ],
    }),
    "recovery-codes-renewed": (host) => ({
      subject: "Your Snug account has new recovery codes",
      lines: [
        `New recovery codes were made for your account at ${host}. The old ones work no more.`,
        NOT_YOU,
      ],
    }),
    "passkey-added": (host) => ({
      subject: "Your Snug account has a new passkey",
      lines: [`A passkey was added to your account at ${host}. It can sign in.`, NOT_YOU],
    }),
    "passkey-removed": (host) => ({
      subject: "A passkey of your Snug account was removed",
      lines: [`A passkey was taken off your account at ${host}. It signs in no more.`, NOT_YOU],
    }),
    "password-removed": (host) => ({
      subject: "Your Snug account has no password any more",
      lines: [
        `From now on, only your passkeys and your recovery key open your account at ${host}.`,
        NOT_YOU,
      ],
    }),
    "contact-changed": (host) => ({
      subject: "Your Snug account has another address",
      lines: [
        `Codes and warnings of your account at ${host} go to another address from now on.`,
        "This was confirmed with a code to the old address and one to the new.",
        NOT_YOU,
      ],
    }),
    "password-reset": (host) => ({
      subject: "Your Snug password was set anew with your recovery key",
      lines: [
        `Your account at ${host} has a new password, and every device was signed out.`,
        "If it was not you, somebody has your recovery key and reads your mail: " +
        "ask whoever runs the server to lock the account.",
      ],
    }),
    "reset-waits": (host) => ({
      subject: "Somebody wants to start your Snug account over",
      lines: [
        `Somebody who reads this letter box said that password, recovery key and devices of your account at ${host} are lost.`,
        "In 72 hours they may start it over with new keys. Until then any of your devices can stop it.",
        "If it was not you, open Snug on a device of yours now and choose Stop it.",
      ],
    }),
    "reset-cancelled": (host) => ({
      subject: "Your Snug account will not be started over",
      lines: [
        `One of your devices stopped it. Your account at ${host} is as it was.`,
        "If you did not ask to start over, somebody reads your mail: change its password.",
      ],
    }),
    "account-reset": (host) => ({
      subject: "Your Snug account was started over",
      lines: [
        `Your account at ${host} has new keys and a new password. Everybody you write to is told.`,
        "For 30 days the old keys can still be brought back with the old recovery key.",
        "If it was not you, do that now: choose Forgot password on the sign-in page.",
      ],
    }),
    "reset-undone": (host) => ({
      subject: "Your old Snug keys are back",
      lines: [
        `The old keys of your account at ${host} were brought back with the recovery key.`,
        "What was made when it was started over is gone, and every device was signed out.",
        NOT_YOU,
      ],
    }),
    "signed-out-by-admin": (host) => ({
      subject: "Your Snug account was signed out everywhere",
      lines: [
        `Whoever runs ${host} signed your account out on every device.`,
        "Your messages stay on your devices. Sign in with your password to go on.",
      ],
    }),
    "second-factor-reset": (host) => ({
      subject: "The second factor of your Snug account was taken away",
      lines: [
        `Whoever runs ${host} took the second factor of your account away and signed it out everywhere.`,
        "Your password alone signs in now. Set a second factor up again under Settings.",
        "If you did not ask for that, ask them why.",
      ],
    }),
    "account-disabled": (host) => ({
      subject: "Your Snug account was switched off",
      lines: [
        `Whoever runs ${host} switched your account off. Nobody can sign in to it until they switch it on again.`,
        "What is on your devices stays there. If you do not know why, ask them.",
      ],
    }),
    "account-enabled": (host) => ({
      subject: "Your Snug account is on again",
      lines: [
        `Whoever runs ${host} switched your account on again. Your devices go on by themselves.`,
      ],
    }),
    "account-deleted": (host) => ({
      subject: "Your Snug account is deleted",
      lines: [
        `Your account at ${host} is gone, with its keys and everything that waited for you.`,
        "For 30 days nobody can take your username.",
        "If it was not you, ask whoever runs the server.",
      ],
    }),
  },
};
