/**
 * A forgotten password, up to the keys: the address, its code, and the second factor where there is
 * one. Known and unknown addresses go the same way, step by step (A1), and no way leads past the
 * factor (A9). What is done with keys is in recovery.ts.
 */
import type { AccountRow } from "../db/accounts.ts";
import type { ChallengeRow, Contact } from "../db/challenges.ts";
import { idFrom } from "../protocol/ids.ts";
import { createCodes } from "./codes.ts";
import type { AuthDeps } from "./deps.ts";
import { hashOfCarried, newCarried } from "./digest.ts";
import { createLetterWriter } from "./letters.ts";
import type { Limiter } from "./limits.ts";
import { readContact } from "./names.ts";
import { done, type Outcome, refused } from "./outcome.ts";
import type { SecondFactors } from "./second_factor.ts";

const PURPOSE = "reset";
/** From the form to the code, several codes included. */
const CHALLENGE_MS = 60 * 60_000;
/** From the code to the end: people look for a recovery key. */
const FINISH_MS = 30 * 60_000;
/** After an account was started over, its old keys can be brought back for so long. */
export const FORMER_MS = 30 * 86_400_000;

/** A code is on its way, or so it seems. */
export interface ResetBegun {
  readonly challenge: { readonly secret: string; readonly maxAge: number };
  /** As it is compared: in the case that its owner wrote it in, it would say that there is one (A1). */
  readonly contact: string;
}

/** After the code. */
export type ResetStep =
  | { readonly next: "second-factor" }
  | { readonly next: "keys"; readonly username: string };

/** The steps before the keys. `challenge` is what the browser carries, as it sent it. */
export interface Resets {
  begin(contact: string, address: string, language: string): Promise<Outcome<ResetBegun>>;
  resend(challenge: string | undefined, address: string): Promise<Outcome<null>>;
  confirm(challenge: string | undefined, code: string): Promise<Outcome<ResetStep>>;
  secondFactor(challenge: string | undefined, code: string): Promise<Outcome<ResetStep>>;
  /** Where the code went, to be shown beside the code's field. */
  contact(challenge: string | undefined): Promise<string | null>;
  /** The account, once code and factor were right. */
  proven(challenge: string | undefined): Promise<Outcome<ProvenReset>>;
  /**
   * The same, to bring old keys back and for nothing else: whoever started the account over has made no
   * second factor that keeps its owner out.
   */
  provenBefore(challenge: string | undefined): Promise<Outcome<ProvenReset>>;
}

/** Somebody has shown the mailbox, and the second factor where there is one. */
export interface ProvenReset {
  readonly challenge: ChallengeRow;
  readonly account: AccountRow;
  /** Whether there was a second factor to show. */
  readonly factor: boolean;
}

/** Resets over the store. */
export function createResets(
  deps: AuthDeps,
  { limiter, secondFactors }: {
    readonly limiter: Limiter;
    readonly secondFactors: SecondFactors;
  },
): Resets {
  const { accounts, challenges, resets } = deps.store;
  const codes = createCodes(deps);
  const letters = createLetterWriter(deps.origin);

  async function find(challenge: string | undefined): Promise<ChallengeRow | null> {
    const hash = hashOfCarried(challenge);
    return hash === null ? null : await challenges.find(hash, PURPOSE, deps.now());
  }

  async function post(to: Contact, isVoid: boolean, code: string): Promise<Outcome<null>> {
    const minutes = Math.floor(deps.limits.codeSeconds / 60);
    const letter = letters.code(to, PURPOSE, code, minutes);
    try {
      await deps.mailer.send(isVoid ? letters.noAccount(to) : letter);
      return done(null);
    } catch (error) {
      deps.log.warn("mail.failed", { error });
      return refused("mail-failed");
    }
  }

  async function open(typed: Contact): Promise<Outcome<ResetBegun>> {
    const known = await accounts.byContact(typed.key);
    const { secret, hash } = newCarried(deps.random);
    const account = known?.id ?? idFrom<"account">(deps.random(16));
    const contact = known?.contact ?? typed;
    const { code, stored } = codes.make(PURPOSE, hash);
    const made = deps.now();
    const times = { made, expires: made + CHALLENGE_MS };
    const nobody = { username: "", fullName: "", invite: null, purpose: PURPOSE } as const;
    const isVoid = known === null;
    await challenges.open({ ...nobody, ...times, hash, account, contact, void: isVoid }, stored);
    const posted = await post(contact, isVoid, code);
    if (!posted.ok) return posted;
    const maxAge = (CHALLENGE_MS + FINISH_MS) / 1_000;
    return done({ challenge: { secret, maxAge }, contact: typed.key });
  }

  const begin: Resets["begin"] = async (text, address, language) => {
    const contact = await readContact(text, { phones: deps.phones, language });
    if (!contact.ok) return contact;
    const allowed = await limiter.letter(contact.value.key, address);
    return allowed.ok ? await open(contact.value) : allowed;
  };

  const resend: Resets["resend"] = async (challenge, address) => {
    const row = await find(challenge);
    if (row === null || row.confirmed !== null) return refused("challenge-gone");
    const allowed = await limiter.letter(row.contact.key, address);
    if (!allowed.ok) return allowed;
    const { code, stored } = codes.make(PURPOSE, row.hash);
    await challenges.replaceCode(row.hash, stored);
    return await post(row.contact, row.void, code);
  };

  const confirm: Resets["confirm"] = async (challenge, typed) => {
    const row = await find(challenge);
    if (row === null) return refused("challenge-gone");
    if (row.confirmed !== null) return refused("code-expired");
    const right = await codes.confirm(PURPOSE, row.hash, typed, deps.now() + FINISH_MS);
    return right.ok ? await next(challenge) : right;
  };

  /** Whoever has the mailbox is asked for the factor; the answer to nobody else says whether there is one. */
  async function next(challenge: string | undefined): Promise<Outcome<ResetStep>> {
    const reached = await proven(challenge);
    if (reached.ok) return done({ next: "keys", username: reached.value.account.username });
    return reached.refusal.code === "second-factor-needed"
      ? done({ next: "second-factor" })
      : reached;
  }

  async function atMailbox(
    challenge: string | undefined,
  ): Promise<Outcome<Omit<ProvenReset, "factor">>> {
    const row = await find(challenge);
    if (row === null) return refused("challenge-gone");
    if (row.confirmed === null) return refused("not-confirmed");
    const account = await accounts.byId(row.account);
    // Deleted, or moved to another address, since the letter was written.
    if (account === null || account.contact.key !== row.contact.key) {
      return refused("challenge-gone");
    }
    // Said to nobody but its owner, who has just shown the mailbox.
    if (account.disabled !== null) return refused("account-disabled");
    return done({ challenge: row, account });
  }

  async function proven(challenge: string | undefined): Promise<Outcome<ProvenReset>> {
    const at = await atMailbox(challenge);
    if (!at.ok) return at;
    const factor = await secondFactors.status(at.value.account.id) !== null;
    if (factor && at.value.challenge.proven === null) return refused("second-factor-needed");
    return done({ ...at.value, factor });
  }

  async function provenBefore(challenge: string | undefined): Promise<Outcome<ProvenReset>> {
    const reached = await proven(challenge);
    const at = await atMailbox(challenge);
    if (reached.ok || !at.ok) return reached;
    const { id } = at.value.account;
    const former = await resets.former(id, deps.now());
    if (former === null || await resets.hasFactorBefore(id, former.until - FORMER_MS)) {
      return reached;
    }
    return done({ ...at.value, factor: false });
  }

  const secondFactor: Resets["secondFactor"] = async (challenge, typed) => {
    const reached = await proven(challenge);
    if (reached.ok || reached.refusal.code !== "second-factor-needed") return await next(challenge);
    const row = await find(challenge);
    const account = row === null ? null : await accounts.byId(row.account);
    if (row === null || account === null) return refused("challenge-gone");
    const right = await secondFactors.prove(account, typed, "reset");
    if (!right.ok) return right;
    if (!await challenges.prove(row.hash, deps.now())) return refused("challenge-gone");
    return await next(challenge);
  };

  return {
    begin,
    resend,
    confirm,
    secondFactor,
    proven,
    provenBefore,
    contact: async (challenge) => (await find(challenge))?.contact.key ?? null,
  };
}
