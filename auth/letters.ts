/** The letters that the server writes: subject, text and plain HTML, from one table of words. */

/** A letter as a channel gets it. */
export interface Letter {
  /** An address that names.ts has let through. */
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** For the console channel: the one thing in it that somebody is waiting for. */
  readonly code: string | null;
}

/** All words of all letters, so that another language is another table. */
export interface LetterWords {
  code: (code: string, host: string, minutes: number) => Written;
  alreadyHere: (host: string) => Written;
  news: Readonly<Record<OwnerNews, (host: string) => Written>>;
}

/** What an owner is told by mail, whoever did it (ASVS V6.3.7). */
export type OwnerNews =
  | "new-device"
  | "password-changed"
  | "second-factor-on"
  | "second-factor-off"
  | "recovery-code-used"
  | "recovery-codes-renewed";

interface Written {
  readonly subject: string;
  readonly lines: readonly string[];
}

const NOT_YOU = "If it was not you, sign in, change your password and sign out the other devices " +
  "under Settings. If you cannot sign in, ask whoever runs the server.";

/** English. Nothing that somebody typed is in a letter: a name cannot become a header or markup (A6). */
export const ENGLISH: LetterWords = {
  code: (code, host, minutes) => ({
    subject: `${code} is your Snug code`,
    lines: [
      `Your code for ${host} is ${code}.`,
      `It is good for ${minutes} minutes, once, in the browser that asked for it.`,
      "If you did not ask for it, ignore this letter. Nobody from Snug will ever ask you for it.",
    ],
  }),
  alreadyHere: (host) => ({
    subject: "You already have a Snug account",
    lines: [
      `Somebody, most likely you, wanted to sign up at ${host} with this address.`,
      "It already has an account, so no code was made. Sign in with your username and password.",
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
  },
};

/** Writes letters for one server. */
export interface LetterWriter {
  code(to: string, code: string, minutes: number): Letter;
  alreadyHere(to: string): Letter;
  news(to: string, news: OwnerNews): Letter;
}

/** Letters of the server at `origin`. */
export function createLetterWriter(origin: string, words: LetterWords = ENGLISH): LetterWriter {
  const { host } = new URL(origin);
  return {
    code: (to, code, minutes) => letter(to, words.code(code, host, minutes), code),
    alreadyHere: (to) => letter(to, words.alreadyHere(host), null),
    news: (to, news) => letter(to, words.news[news](host), null),
  };
}

function letter(to: string, { subject, lines }: Written, code: string | null): Letter {
  const paragraphs = lines.map((line) => `<p>${escapeHtml(line)}</p>`).join("\n");
  const html = `<!DOCTYPE html>\n<html lang="en"><body>\n${paragraphs}\n</body></html>\n`;
  return { to, subject, text: lines.join("\n\n") + "\n", html, code };
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
