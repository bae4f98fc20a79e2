/**
 * The first half of sign-up: the form and the code. The second half is new_account.ts. Each step
 * proves itself by the challenge that the browser carries, so none can be skipped or reordered.
 */
import type { ChallengeRow, Contact, SignUpDetails } from "../db/challenges.ts";
import { type AccountId, idFrom } from "../protocol/ids.ts";
import { createCodes } from "./codes.ts";
import type { AuthDeps } from "./deps.ts";
import { hashOfCarried, newCarried } from "./digest.ts";
import { admit } from "./first_account.ts";
import { createLetterWriter } from "./letters.ts";
import type { Limiter } from "./limits.ts";
import { readContact, readFullName, readUsername } from "./names.ts";
import { done, type Outcome, type Refusal, refused, type SignUpField } from "./outcome.ts";

/** The cookie of a browser in the middle of a sign-up. */
export const CHALLENGE_COOKIE = "__Host-snug-challenge";

/** The cookie of a browser that came by an invite, until the form is sent. */
export const INVITE_COOKIE = "__Host-snug-invite";

/** What these challenges and their codes are good for. */
export const PURPOSE = "sign-up";
/** From the form to the code, several codes included. */
const CHALLENGE_MS = 60 * 60_000;
/** From the code to the account: keys are made in a second, but people go for a pencil. */
const FINISH_MS = 30 * 60_000;

/** The form as it came. */
export interface SignUpForm {
  readonly username: string;
  readonly fullName: string;
  readonly contact: string;
  readonly invite?: string;
  /** Of the letters, such as "en". */
  readonly language: string;
}

/** A form that was not taken: what is wrong with which field, or with all of it. */
export type SignUpProblems = Readonly<Partial<Record<SignUpField | "form", Refusal>>>;

/** The step after the form. `challenge` is null when the browser keeps the one it has. */
export type BeginResult =
  | {
    readonly ok: true;
    readonly challenge: { readonly secret: string; readonly maxAge: number } | null;
    readonly contact: string;
  }
  | { readonly ok: false; readonly problems: SignUpProblems };

type ReadForm =
  | { readonly ok: true; readonly details: Omit<SignUpDetails, "invite"> }
  | { readonly ok: false; readonly problems: SignUpProblems };

/** The first steps. `challenge` is what the browser carries, as it sent it. */
export interface SignUp {
  /** Whether the page should be shown at all. */
  admits(invite: string | undefined): Promise<Outcome<null>>;
  /** Judges one field while somebody types. */
  check(field: SignUpField, text: string, address: string): Promise<Outcome<null>>;
  begin(form: SignUpForm, challenge: string | undefined, address: string): Promise<BeginResult>;
  resend(challenge: string | undefined, address: string): Promise<Outcome<null>>;
  confirm(challenge: string | undefined, code: string): Promise<Outcome<AccountId>>;
  /** Where the code goes, to be shown beside the code's field. */
  contact(challenge: string | undefined): Promise<string | null>;
}

/** Sign-up over the store. */
export function createSignUp(deps: AuthDeps, limiter: Limiter): SignUp {
  const { accounts, challenges } = deps.store;
  const { phones } = deps;
  const codes = createCodes(deps);
  const letters = createLetterWriter(deps.origin);

  async function find(challenge: string | undefined): Promise<ChallengeRow | null> {
    const hash = hashOfCarried(challenge);
    return hash === null ? null : await challenges.find(hash, PURPOSE, deps.now());
  }

  async function freeUsername(text: string): Promise<Outcome<string>> {
    const name = readUsername(text);
    if (!name.ok) return name;
    return await accounts.hasUsername(name.value, deps.now()) ? refused("name-taken") : name;
  }

  /** The same letter box, the same time, the same answer, whether the contact has an account or not. */
  async function post(to: Contact, isVoid: boolean, code: string): Promise<Outcome<null>> {
    const minutes = Math.floor(deps.limits.codeSeconds / 60);
    const letter = letters.code(to, PURPOSE, code, minutes);
    try {
      await deps.mailer.send(isVoid ? letters.alreadyHere(to) : letter);
      return done(null);
    } catch (error) {
      deps.log.warn("mail.failed", { error });
      return refused("mail-failed");
    }
  }

  async function open(details: SignUpDetails, old: ChallengeRow | null): Promise<BeginResult> {
    const { secret, hash } = newCarried(deps.random);
    const made = deps.now();
    const isVoid = await accounts.hasContact(details.contact.key);
    const account = idFrom<"account">(deps.random(16));
    const { code, stored } = codes.make(PURPOSE, hash);
    const times = { made, expires: made + CHALLENGE_MS };
    const opened = { ...details, hash, account, purpose: PURPOSE, void: isVoid, ...times } as const;
    await challenges.open(opened, stored);
    if (old !== null) await challenges.close(old.hash);
    const { contact } = details;
    const posted = await post(contact, isVoid, code);
    if (!posted.ok) return problem("form", posted.refusal);
    const maxAge = (CHALLENGE_MS + FINISH_MS) / 1_000;
    return { ok: true, challenge: { secret, maxAge }, contact: contact.address };
  }

  async function readForm(form: SignUpForm): Promise<ReadForm> {
    const username = await freeUsername(form.username);
    const fullName = readFullName(form.fullName);
    const contact = await readContact(form.contact, { phones, language: form.language });
    if (username.ok && fullName.ok && contact.ok) {
      const [name, full, where] = [username.value, fullName.value, contact.value];
      return { ok: true, details: { username: name, fullName: full, contact: where } };
    }
    const problems = {
      ...(username.ok ? {} : { username: username.refusal }),
      ...(fullName.ok ? {} : { fullName: fullName.refusal }),
      ...(contact.ok ? {} : { contact: contact.refusal }),
    };
    return { ok: false, problems };
  }

  async function begin(
    form: SignUpForm,
    challenge: string | undefined,
    address: string,
  ): Promise<BeginResult> {
    const admitted = await admit(deps, form.invite);
    if (!admitted.ok) return problem("form", admitted.refusal);
    const tried = await limiter.nameCheck(address);
    if (!tried.ok) return problem("form", tried.refusal);
    const read = await readForm(form);
    if (!read.ok) return read;
    const details = { ...read.details, invite: admitted.value };
    const old = await find(challenge);
    if (old !== null && await canGoOn(old, details)) {
      return { ok: true, challenge: null, contact: old.contact.address };
    }
    const allowed = await limiter.letter(details.contact.key, address);
    return allowed.ok ? await open(details, old) : problem("form", allowed.refusal);
  }

  /** Back to the form and on again, with the same contact: the code that was sent stays good. */
  async function canGoOn(old: ChallengeRow, details: SignUpDetails): Promise<boolean> {
    const same = old.contact.key === details.contact.key && old.confirmed === null;
    const good = old.codeExpires > deps.now() && old.tries < deps.limits.codeTries;
    if (!same || !good) return false;
    await challenges.amend(old.hash, details);
    return true;
  }

  async function resend(challenge: string | undefined, address: string): Promise<Outcome<null>> {
    const row = await find(challenge);
    if (row === null || row.confirmed !== null) return refused("challenge-gone");
    const allowed = await limiter.letter(row.contact.key, address);
    if (!allowed.ok) return allowed;
    const { code, stored } = codes.make(PURPOSE, row.hash);
    await challenges.replaceCode(row.hash, stored);
    return await post(row.contact, row.void, code);
  }

  async function confirm(
    challenge: string | undefined,
    typed: string,
  ): Promise<Outcome<AccountId>> {
    const row = await find(challenge);
    if (row === null) return refused("challenge-gone");
    if (row.confirmed !== null) return refused("code-expired");
    const right = await codes.confirm(PURPOSE, row.hash, typed, deps.now() + FINISH_MS);
    return right.ok ? done(row.account) : right;
  }

  return {
    begin,
    resend,
    confirm,
    async admits(invite) {
      const admitted = await admit(deps, invite);
      return admitted.ok ? done(null) : admitted;
    },
    async check(field, text, address) {
      const allowed = await limiter.nameCheck(address);
      if (!allowed.ok) return allowed;
      const read = field === "username"
        ? await freeUsername(text)
        : field === "fullName"
        ? readFullName(text)
        : await readContact(text, { phones, language: "en" });
      return read.ok ? done(null) : read;
    },
    contact: async (challenge) => (await find(challenge))?.contact.address ?? null,
  };
}

function problem(field: SignUpField | "form", refusal: Refusal): BeginResult {
  return { ok: false, problems: { [field]: refusal } };
}
