/** What people may call themselves, and where codes may be sent. All checks are linear in length. */
import { USERNAME_PATTERN } from "../protocol/api.ts";
import type { Contact } from "../db/challenges.ts";
import { done, type Outcome, refused } from "./outcome.ts";

/** Characters of a full name. */
const MAX_FULL_NAME = 64;
/** RFC 5321 section 4.5.3.1. */
const MAX_ADDRESS = 254;
const MAX_LOCAL_PART = 64;

/** Control, format, private and unassigned characters, but for the two joiners. */
const INVISIBLE = /(?![\u200c\u200d])\p{C}/gu;
/** Joiners are part of Persian and Indic names; anywhere else they only hide. */
const STRAY_JOINER = /(?<![\p{L}\p{M}])[\u200c\u200d]|[\u200c\u200d](?![\p{L}\p{M}])/gu;

/** Names that could pass for the server, its owner or a page. */
const RESERVED = new Set(
  ("abuse account accounts admin administrator api app auth billing bot chat code codes contact " +
    "daemon deleted everyone health help here hostmaster info invite invites join login logout " +
    "mail me metrics mod moderator noreply no_reply nobody null official operator owner people " +
    "postmaster privacy register root room rooms security server settings sign_in sign_out " +
    "sign_up signin signout signup snug socket ssl staff static status support sys sysadmin " +
    "system team undefined user username webmaster www you").split(" "),
);

/** A username: 3 to 32 of a-z, 0-9 and _, in any case as typed; not a reserved one. */
export function readUsername(text: string): Outcome<string> {
  const name = text.length > 100 ? "" : trimSpaces(text).toLowerCase();
  if (!USERNAME_PATTERN.test(name)) return refused("bad-username");
  return RESERVED.has(name) ? refused("name-taken") : done(name);
}

/**
 * A full name: NFC, without control, format and bidirectional characters (they can turn a line
 * around or hide in it, A12), white space in single spaces; 1 to 64 characters.
 */
export function readFullName(text: string): Outcome<string> {
  if (text.length > 1_000 || !text.isWellFormed()) return refused("bad-full-name");
  const spaced = text.normalize("NFC").replace(/\s+/gu, " ");
  const seen = spaced.replace(INVISIBLE, "").replace(STRAY_JOINER, "");
  const name = seen.replace(/ +/g, " ").trim();
  const length = [...name].length;
  if (length < 1 || length > MAX_FULL_NAME || !/[\p{L}\p{N}\p{S}]/u.test(name)) {
    return refused("bad-full-name");
  }
  return done(name);
}

/** What can be an address of somebody on this server. */
export interface ContactRules {
  /** Whether codes reach phones. */
  readonly phones: boolean;
  /** Of letters that go there. */
  readonly language: string;
}

/** An e-mail address, or a phone number with its country code, in E.164. */
export async function readContact(
  text: string,
  { phones, language }: ContactRules,
): Promise<Outcome<Contact>> {
  if (text.length > 1_000) return refused("bad-contact");
  const typed = trimSpaces(text);
  if (!/^[+(]{0,2}[0-9][0-9 ()./-]{4,30}$/.test(typed)) {
    return isEmailAddress(typed)
      ? done({ kind: "email", address: typed, key: typed.toLowerCase(), language })
      : refused("bad-contact");
  }
  if (!phones) return refused("phone-not-available");
  const address = await readPhoneNumber(typed);
  if (address === null) return refused("bad-phone");
  return done({ kind: "phone", address, key: address, language });
}

/**
 * E.164, such as +491701234567, so that one number is one account however it is written. Null
 * without a country code, which nobody but its owner knows, and for lengths that no country has.
 */
async function readPhoneNumber(typed: string): Promise<string | null> {
  // 50 ms of tables about every country: loaded when the first number is typed.
  const { parsePhoneNumberFromString } = await import("libphonenumber-js/min");
  const number = parsePhoneNumberFromString(typed.replace(/^00/, "+"), { extract: false });
  if (number === undefined || !number.isPossible() || number.ext !== undefined) return null;
  return isPhoneNumber(number.number) ? number.number : null;
}

/** E.164: a plus, a country code, 15 digits at most (ITU-T E.164 section 6). */
export function isPhoneNumber(text: string): boolean {
  return /^\+[1-9][0-9]{5,14}$/.test(text);
}

/**
 * The strict grammar (A6): a dot-atom of ASCII, an `@`, a domain of at least two labels. Nothing
 * that a mail header, an envelope or a shell could read as anything else: no quotes, no comments,
 * no literals, no control characters.
 */
export function isEmailAddress(address: string): boolean {
  if (address.length > MAX_ADDRESS) return false;
  const at = address.lastIndexOf("@");
  const [local, domain] = [address.slice(0, at), address.slice(at + 1)];
  if (at < 1 || local.length > MAX_LOCAL_PART) return false;
  const atoms = local.split(".");
  const labels = domain.split(".");
  return atoms.every((atom) => /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+$/.test(atom)) &&
    labels.length >= 2 && labels.every(isLabel) && /[A-Za-z]/.test(labels.at(-1) ?? "");
}

function isLabel(label: string): boolean {
  return label.length <= 63 && /^[A-Za-z0-9-]+$/.test(label) && !/^-|-$/.test(label);
}

/** Only spaces: trim() would also hide a line break, which is never a slip of the finger. */
function trimSpaces(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && text[start] === " ") start++;
  while (end > start && text[end - 1] === " ") end--;
  return text.slice(start, end);
}
