/** The letters that the server writes: subject, text, plain HTML and one line for phones, by language. */
import type { ChallengePurpose, Contact } from "../db/challenges.ts";
import type { LetterWords, OwnerNews, Written } from "./letter_words.ts";
import { GERMAN } from "./letters_de.ts";
import { ENGLISH } from "./letters_en.ts";

export type { LetterWords, OwnerNews } from "./letter_words.ts";

/** What goes to a mail server. */
export interface Mail {
  /** An address that names.ts has let through. */
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** For the console channel: the one thing in it that somebody is waiting for. */
  readonly code: string | null;
}

/** A letter as a channel gets it. */
export interface Letter extends Mail {
  /** Whether `to` is an e-mail address or a phone number in E.164. */
  readonly kind: Contact["kind"];
  /** For a phone: one line, and all there is to say. */
  readonly short: string;
}

/** The languages there are, by their codes (ISO 639-1). Another language is another table here. */
export const LANGUAGES: Readonly<Record<string, LetterWords>> = { en: ENGLISH, de: GERMAN };

const FALLBACK = "en";
/** Browsers send a handful; a header of a thousand names is not read to its end. */
const MAX_WISHES = 20;

/** The first language of an `Accept-Language` header (RFC 9110 section 12.5.4) that there is a table for. */
export function readLanguage(header: string | null | undefined): string {
  const wishes = (header ?? "").slice(0, 500).split(",").slice(0, MAX_WISHES).map((wish) => {
    const [range = "", ...rest] = wish.trim().toLowerCase().split(";");
    const weight = /^q=(0(?:\.\d{1,3})?|1(?:\.0{1,3})?)$/.exec(rest.join(";").trim())?.[1] ?? "1";
    return { language: range.split("-")[0] ?? "", weight: Number(weight) };
  });
  const known = wishes.filter(({ language, weight }) =>
    weight > 0 && Object.hasOwn(LANGUAGES, language)
  );
  return known.sort((a, b) => b.weight - a.weight)[0]?.language ?? FALLBACK;
}

/** Where a letter goes, and in which language. */
export type Recipient = Pick<Contact, "kind" | "address" | "language">;

/** Writes letters for one server. */
export interface LetterWriter {
  code(to: Recipient, purpose: ChallengePurpose, code: string, minutes: number): Letter;
  alreadyHere(to: Recipient): Letter;
  noAccount(to: Recipient): Letter;
  news(to: Recipient, news: OwnerNews): Letter;
}

/** Letters of the server at `origin`. */
export function createLetterWriter(origin: string): LetterWriter {
  const { host } = new URL(origin);
  const words = ({ language }: Recipient) => LANGUAGES[language] ?? ENGLISH;
  const letter = (to: Recipient, written: Written, code: string | null) =>
    compose(to, host, written, code);
  return {
    code: (to, purpose, code, minutes) =>
      letter(to, words(to).code[purpose]({ code, host, minutes }), code),
    alreadyHere: (to) => letter(to, words(to).alreadyHere(host), null),
    noAccount: (to) => letter(to, words(to).noAccount(host), null),
    news: (to, news) => letter(to, words(to).news[news](host), null),
  };
}

function compose(
  { kind, address: to, language }: Recipient,
  host: string,
  { subject, lines, short }: Written,
  code: string | null,
): Letter {
  const paragraphs = lines.map((line) => `<p>${escapeHtml(line)}</p>`).join("\n");
  const lang = Object.hasOwn(LANGUAGES, language) ? language : FALLBACK;
  const html = `<!DOCTYPE html>\n<html lang="${lang}"><body>\n${paragraphs}\n</body></html>\n`;
  const text = lines.join("\n\n") + "\n";
  return { kind, to, subject, text, html, short: short ?? `${subject} (${host})`, code };
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
