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
  newDevice: (host: string) => Written;
}

interface Written {
  readonly subject: string;
  readonly lines: readonly string[];
}

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
  newDevice: (host) => ({
    subject: "A new device signed in to your Snug account",
    lines: [
      `A browser or terminal signed in to your account at ${host} with your password.`,
      "It can read your messages from now on.",
      "If it was not you, open Snug on a device you trust, remove the new one and change your password.",
    ],
  }),
};

/** Writes letters for one server. */
export interface LetterWriter {
  code(to: string, code: string, minutes: number): Letter;
  alreadyHere(to: string): Letter;
  newDevice(to: string): Letter;
}

/** Letters of the server at `origin`. */
export function createLetterWriter(origin: string, words: LetterWords = ENGLISH): LetterWriter {
  const { host } = new URL(origin);
  return {
    code: (to, code, minutes) => letter(to, words.code(code, host, minutes), code),
    alreadyHere: (to) => letter(to, words.alreadyHere(host), null),
    newDevice: (to) => letter(to, words.newDevice(host), null),
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
