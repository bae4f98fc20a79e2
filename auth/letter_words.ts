/** What a language has to say in letters. A language is one table of this shape; letters.ts lists them. */
import type { ChallengePurpose } from "../db/challenges.ts";

/** A letter's words. Paragraphs are plain text. */
export interface Written {
  readonly subject: string;
  readonly lines: readonly string[];
  /** The same for a phone, in one line; where it is missing, the subject and the host stand for it. */
  readonly short?: string;
}

/** What a code is told with. */
export interface CodeFacts {
  readonly code: string;
  readonly host: string;
  /** How long it is good for. */
  readonly minutes: number;
}

/** What an owner is told, whoever did it (ASVS V6.3.7). */
export type OwnerNews =
  | "new-device"
  | "device-removed"
  | "password-changed"
  | "second-factor-on"
  | "second-factor-off"
  | "recovery-code-used"
  | "recovery-codes-renewed"
  | "passkey-added"
  | "passkey-removed"
  | "password-removed"
  | "contact-changed"
  | "password-reset"
  | "reset-waits"
  | "reset-cancelled"
  | "account-reset"
  | "reset-undone"
  | "account-deleted"
  | "signed-out-by-admin"
  | "second-factor-reset"
  | "account-disabled"
  | "account-enabled";

/** All words of all letters. */
export interface LetterWords {
  /** By what the code is good for: who reads it out to somebody should see what for. */
  readonly code: Readonly<Record<ChallengePurpose, (facts: CodeFacts) => Written>>;
  /** Somebody signs up with, or changes to, an address that has an account. */
  readonly alreadyHere: (host: string) => Written;
  /** Somebody forgot the password of an account that is not there. */
  readonly noAccount: (host: string) => Written;
  readonly news: Readonly<Record<OwnerNews, (host: string) => Written>>;
}
