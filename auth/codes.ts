/** Six-digit codes: made without bias, kept as a MAC, counted before they are compared. */
import { CODE_PATTERN } from "../protocol/api.ts";
import { CODE_DIGITS } from "../protocol/limits.ts";
import type { ChallengePurpose, StoredCode } from "../db/challenges.ts";
import type { Bytes } from "../protocol/encoding.ts";
import type { AuthDeps, RandomSource } from "./deps.ts";
import { equalSecrets, macOf } from "./digest.ts";
import { done, type Outcome, refused } from "./outcome.ts";

const CODES = 10 ** CODE_DIGITS;
/** The largest multiple of {@link CODES} in 32 bits: draws from there on would favour low codes. */
const FAIR = Math.floor(2 ** 32 / CODES) * CODES;

/** A uniformly random code, as six digits. */
export function newCode(random: RandomSource): string {
  for (;;) {
    const draw = new DataView(random(4).buffer).getUint32(0);
    if (draw < FAIR) return String(draw % CODES).padStart(CODE_DIGITS, "0");
  }
}

/** The digits of a code as somebody typed it, with spaces or a hyphen; or null. */
export function readCode(text: string): string | null {
  if (text.length > 40) return null;
  const digits = text.replace(/[\s-]/g, "");
  return CODE_PATTERN.test(digits) ? digits : null;
}

/** A new code: for somebody to type, and as it is kept. */
export interface MadeCode {
  readonly code: string;
  readonly stored: StoredCode;
}

/** Codes for challenges. */
export interface Codes {
  /** A new code: what is sent, and what is kept. */
  make(purpose: ChallengePurpose, challenge: Bytes): MadeCode;
  /** Compares a typed code. A right one is used up by the comparison. */
  confirm(
    purpose: ChallengePurpose,
    challenge: Bytes,
    typed: string,
    keepUntil: number,
  ): Promise<Outcome<null>>;
}

/** Codes over the store's challenges. */
export function createCodes(deps: AuthDeps): Codes {
  const { challenges } = deps.store;
  // Purpose and challenge are part of what is MACed: a code is right for one browser, once.
  const mac = (purpose: ChallengePurpose, challenge: Bytes, code: string) =>
    macOf(deps.secrets.codeKey, "code", purpose, challenge, code);

  /** Why no try was counted. */
  async function whyNot(purpose: ChallengePurpose, challenge: Bytes): Promise<Outcome<null>> {
    const row = await challenges.find(challenge, purpose, deps.now());
    if (row === null) return refused("challenge-gone");
    return refused(row.tries >= deps.limits.codeTries ? "code-locked" : "code-expired");
  }

  return {
    make(purpose, challenge) {
      const code = newCode(deps.random);
      const made = deps.now();
      const expires = made + deps.limits.codeSeconds * 1_000;
      return { code, stored: { mac: mac(purpose, challenge, code), made, expires } };
    },
    async confirm(purpose, challenge, typed, keepUntil) {
      const code = readCode(typed);
      if (code === null) return refused("bad-code");
      const most = deps.limits.codeTries;
      const row = await challenges.countTry(challenge, purpose, most, deps.now());
      if (row === null) return await whyNot(purpose, challenge);
      const right = equalSecrets(row.code, mac(purpose, challenge, code));
      // A void challenge looks and counts like any other, and is never right.
      if (right && !row.void) {
        const first = await challenges.confirm(challenge, row.code, deps.now(), keepUntil);
        return first ? done(null) : refused("code-expired");
      }
      deps.log.info("auth.wrong-code");
      const triesLeft = most - row.tries;
      return triesLeft > 0 ? refused("bad-code", { triesLeft }) : refused("code-locked");
    },
  };
}
