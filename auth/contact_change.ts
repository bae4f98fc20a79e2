/**
 * Another address or number: a code to the old one and a code to the new one, both confirmed by the
 * login that asked. Whether the new one has an account is told to its owner and to nobody else.
 */
import type { AccountRow } from "../db/accounts.ts";
import type { ChallengePurpose, Contact } from "../db/challenges.ts";
import type { Bytes } from "../protocol/encoding.ts";
import { createCodes } from "./codes.ts";
import type { AuthDeps } from "./deps.ts";
import { macOf } from "./digest.ts";
import { createLetterWriter, type Letter } from "./letters.ts";
import type { Limiter } from "./limits.ts";
import type { OwnerLogin } from "./logins.ts";
import { readContact } from "./names.ts";
import { done, type Outcome, type Refusal, refused } from "./outcome.ts";
import { createOwnerMail } from "./owner_mail.ts";

/** Like an authenticator app: a browser left open for a day changes nothing. */
const FRESH_MS = 3_600_000;
/** From the form to both codes. */
const CHALLENGE_MS = 60 * 60_000;

/** A change that waits for codes. */
export interface WaitingChange {
  readonly from: string;
  readonly to: string;
  readonly oldConfirmed: boolean;
  readonly newConfirmed: boolean;
}

/** What was wrong with which code; none of both: with the change as a whole. */
export interface CodeProblems {
  readonly old?: Refusal;
  readonly new?: Refusal;
  readonly form?: Refusal;
}

/** Both codes were right, or not. */
export type ConfirmResult =
  | { readonly ok: true; readonly contact: string }
  | { readonly ok: false; readonly problems: CodeProblems };

/** The steps, all of them of one login. */
export interface ContactChanges {
  begin(login: OwnerLogin, typed: string, address: string): Promise<Outcome<WaitingChange>>;
  waiting(login: OwnerLogin): Promise<WaitingChange | null>;
  confirm(login: OwnerLogin, codes: { readonly old: string; readonly new: string }): Promise<
    ConfirmResult
  >;
}

type Side = Extract<ChallengePurpose, "old-contact" | "new-contact">;

/** Contact changes over the store. */
export function createContactChanges(deps: AuthDeps, limiter: Limiter): ContactChanges {
  const { accounts, challenges } = deps.store;
  const codes = createCodes(deps);
  const letters = createLetterWriter(deps.origin);
  const tellOwner = createOwnerMail(deps);

  // Nothing to carry: the login that asks is what a challenge is bound to.
  const nameOf = (login: OwnerLogin, side: Side): Bytes =>
    macOf(deps.secrets.codeKey, "contact change", login.id, side);
  const find = (login: OwnerLogin, side: Side) =>
    challenges.find(nameOf(login, side), side, deps.now());

  async function ownerOf({ account }: OwnerLogin): Promise<AccountRow> {
    const row = await accounts.byId(account);
    if (row === null) throw new Error("a login without an account");
    return row;
  }

  async function open(
    login: OwnerLogin,
    side: Side,
    contact: Contact,
    isVoid: boolean,
  ): Promise<Letter> {
    const hash = nameOf(login, side);
    const made = deps.now();
    const { code, stored } = codes.make(side, hash);
    await challenges.close(hash);
    await challenges.open({
      ...{ hash, purpose: side, account: login.account, contact, void: isVoid, made },
      ...{ username: "", fullName: "", invite: null, expires: made + CHALLENGE_MS },
    }, stored);
    const minutes = Math.floor(deps.limits.codeSeconds / 60);
    const letter = letters.code(contact, side, code, minutes);
    return isVoid ? letters.alreadyHere(contact) : letter;
  }

  const begin: ContactChanges["begin"] = async (login, typed, address) => {
    if (login.made + FRESH_MS <= deps.now()) return refused("sign-in-again");
    // The letter box is how the old keys come back: it stays while they can.
    if (await deps.store.resets.former(login.account, deps.now()) !== null) {
      return refused("address-stays");
    }
    const { contact: from } = await ownerOf(login);
    const rules = { phones: deps.phones, language: from.language };
    const read = await readContact(typed, rules);
    if (!read.ok) return read;
    const to = read.value;
    if (to.key === from.key) return refused("same-contact");
    for (const { key } of [from, to]) {
      const allowed = await limiter.letter(key, address);
      if (!allowed.ok) return allowed;
    }
    const taken = await accounts.hasContact(to.key);
    const both = [
      await open(login, "old-contact", from, false),
      await open(login, "new-contact", to, taken),
    ];
    try {
      for (const letter of both) await deps.mailer.send(letter);
    } catch (error) {
      deps.log.warn("mail.failed", { error });
      return refused("mail-failed");
    }
    const names = { from: from.address, to: to.address };
    return done({ ...names, oldConfirmed: false, newConfirmed: false });
  };

  const waiting: ContactChanges["waiting"] = async (login) => {
    const [old, next] = [await find(login, "old-contact"), await find(login, "new-contact")];
    if (old === null || next === null) return null;
    return {
      ...{ from: old.contact.address, to: next.contact.address },
      ...{ oldConfirmed: old.confirmed !== null, newConfirmed: next.confirmed !== null },
    };
  };

  /** Null when this side is confirmed, now or before. */
  async function judge(login: OwnerLogin, side: Side, typed: string): Promise<Refusal | null> {
    const row = await find(login, side);
    if (row === null) return { code: "challenge-gone" };
    if (row.confirmed !== null) return null;
    const right = await codes.confirm(side, row.hash, typed, deps.now() + CHALLENGE_MS);
    return right.ok ? null : right.refusal;
  }

  const confirm: ContactChanges["confirm"] = async (login, typed) => {
    const old = await judge(login, "old-contact", typed.old);
    const next = await judge(login, "new-contact", typed.new);
    if (old !== null || next !== null) {
      return { ok: false, problems: { ...(old ? { old } : {}), ...(next ? { new: next } : {}) } };
    }
    return await change(login);
  };

  async function change(login: OwnerLogin): Promise<ConfirmResult> {
    const owner = await ownerOf(login);
    const row = await find(login, "new-contact");
    const result = row === null ? "challenge-gone" : await accounts.changeContact({
      ...{ account: owner.id, from: owner.contact.key, to: row.contact, now: deps.now() },
      challenges: [nameOf(login, "old-contact"), nameOf(login, "new-contact")],
    });
    if (row === null || result !== "changed") {
      const code = result === "changed" ? "challenge-gone" : result;
      return { ok: false, problems: { form: { code } } };
    }
    for (const contact of [owner.contact, row.contact]) tellOwner(contact, "contact-changed");
    deps.log.info("auth.contact-changed");
    return { ok: true, contact: row.contact.address };
  }

  return { begin, waiting, confirm };
}
