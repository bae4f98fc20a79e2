/**
 * What the page and the terminal say about a password. The server never sees one, so the rules are kept here: length, the list
 * of known passwords, and nothing that is written on the same page.
 */
import type { KnownPasswords } from "./known_passwords.ts";

/** protocol.md "Vault, password, history": the operator can guess off-line, so short ones are refused. Characters. */
export const MIN_PASSWORD_CHARACTERS = 12;
/** Longer ones are refused rather than cut (security.md A13). Characters. */
export const MAX_PASSWORD_CHARACTERS = 256;

/** Whether a password may be used, and the sentence that goes under the field. */
export interface PasswordAdvice {
  readonly ok: boolean;
  readonly words: string;
}

/** What else the person has typed on the page. */
export interface PasswordSurroundings {
  readonly username: string;
  readonly contact: string;
}

/**
 * Judges a password. `known` is asked last, and may load its list first; when the list cannot be had, the password is
 * judged without it, and the sentence says so.
 */
export async function adviseOnPassword(
  password: string,
  around: PasswordSurroundings,
  known: KnownPasswords,
): Promise<PasswordAdvice> {
  const refusal = refuseByShape(password, around);
  if (refusal) return { ok: false, words: refusal };
  switch (await known(password).catch(() => "no list")) {
    case true:
      return { ok: false, words: "That one is on a list of leaked passwords. Take another." };
    case false:
      return { ok: true, words: "Good. It never leaves this device, not even when you sign in." };
    default:
      return { ok: true, words: "Long enough. The list of leaked passwords could not be loaded." };
  }
}

function refuseByShape(password: string, around: PasswordSurroundings): string | null {
  const characters = [...password];
  if (characters.length < MIN_PASSWORD_CHARACTERS) return tooShort(characters.length);
  if (characters.length > MAX_PASSWORD_CHARACTERS) {
    return `Up to ${MAX_PASSWORD_CHARACTERS} characters, please. A few words are plenty.`;
  }
  if (new Set(characters).size < 5) return "Too few different characters. A few words do well.";
  if (isMostly(password, around.username) || isMostly(password, around.contact)) {
    return "That is your name or address. Take something nobody knows.";
  }
  return null;
}

function tooShort(length: number): string {
  if (length === 0) return "At least 12 characters. Four or five words do well.";
  const missing = MIN_PASSWORD_CHARACTERS - length;
  return `${missing} more ${
    missing === 1 ? "character" : "characters"
  }. Four or five words do well.`;
}

/** True when fewer than 6 characters are left once the public part is taken out. */
function isMostly(password: string, known: string): boolean {
  if (known.length < 3) return false;
  const rest = password.toLowerCase().replaceAll(known.toLowerCase(), "");
  return rest.length !== password.length && rest.length < 6;
}
