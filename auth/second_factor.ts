/**
 * The second factor: codes of an authenticator app, and recovery codes for when it is lost. Every
 * try is counted before it is compared, and every code that was right is used up (A4, A7).
 */
import type { AccountRow } from "../db/accounts.ts";
import type { FactorSummary, SecondFactorRow } from "../db/second_factors.ts";
import { CODE_PATTERN } from "../protocol/api.ts";
import type { Bytes } from "../protocol/encoding.ts";
import type { AccountId } from "../protocol/ids.ts";
import type { AuthDeps } from "./deps.ts";
import type { FactorDoor, Limiter } from "./limits.ts";
import type { OwnerLogin } from "./logins.ts";
import { done, type Outcome, refused } from "./outcome.ts";
import { createOwnerMail } from "./owner_mail.ts";
import { newRecoveryCodes, readRecoveryCode, recoveryCodeMac } from "./recovery_codes.ts";
import { createSeeds, type ShownSeed } from "./totp.ts";

/** From the QR code to the first code out of the app. */
const OFFER_MS = 15 * 60_000;
/** Whoever finds a browser signed in must not be able to lock its owner out of the account. */
const FRESH_MS = 60 * 60_000;

/** Second factors of accounts: the app and the codes. Passkeys are in passkeys.ts. */
export interface SecondFactors {
  /** Null while the password alone signs in. */
  status(account: AccountId): Promise<FactorSummary | null>;
  /** A seed to show once. Nothing is asked for until {@link enrol} has seen a code of it. */
  begin(login: OwnerLogin): Promise<Outcome<ShownSeed>>;
  /** Switches the factor on; the value is the recovery codes, to show once. */
  enrol(login: OwnerLogin, typed: string): Promise<Outcome<string[]>>;
  /** Compares a typed code of either kind; a right one is used up. */
  prove(account: AccountRow, typed: string, door?: FactorDoor): Promise<Outcome<null>>;
  /** These two need a code of either kind besides the login (ASVS V7.5.1). */
  switchOff(login: OwnerLogin, typed: string): Promise<Outcome<null>>;
  renewCodes(login: OwnerLogin, typed: string): Promise<Outcome<string[]>>;
  /** Recovery codes as they are shown, and what is kept of each. Nothing is stored. */
  newCodes(account: AccountId): { readonly shown: string[]; readonly macs: Bytes[] };
  /** Forgets seeds that nobody confirmed. */
  purge(): Promise<void>;
}

type Typed =
  | { readonly kind: "app"; readonly code: string }
  | { readonly kind: "recovery"; readonly code: string };

/** Six digits are the app's; anything of a recovery code's shape is one. */
export function readFactorCode(typed: string): Typed | null {
  if (typed.length > 60) return null;
  const digits = typed.replace(/[\s-]/g, "");
  if (CODE_PATTERN.test(digits)) return { kind: "app", code: digits };
  const code = readRecoveryCode(typed);
  return code === null ? null : { kind: "recovery", code };
}

/** Second factors over the store. */
export function createSecondFactors(deps: AuthDeps, limiter: Limiter): SecondFactors {
  const { secondFactors, accounts } = deps.store;
  const seeds = createSeeds(deps.secrets, deps);
  const tellOwner = createOwnerMail(deps);
  const macOf = (account: AccountId, code: string) =>
    recoveryCodeMac(deps.secrets.codeKey, account, code);

  function newCodes(account: AccountId): { shown: string[]; macs: Bytes[] } {
    const shown = newRecoveryCodes(deps.random);
    return { shown, macs: shown.map((code) => macOf(account, code)) };
  }

  async function ownerOf({ account }: OwnerLogin): Promise<AccountRow> {
    const row = await accounts.byId(account);
    if (row === null) throw new Error("a login without an account");
    return row;
  }

  async function begin(login: OwnerLogin): Promise<Outcome<ShownSeed>> {
    if (login.made + FRESH_MS <= deps.now()) return refused("sign-in-again");
    if (await secondFactors.find(login.account) !== null) return refused("second-factor-on");
    const { username, id } = await ownerOf(login);
    const seed = seeds.make();
    await secondFactors.offer(login.id, await seeds.seal(seed, id), deps.now());
    return done(seeds.show(seed, username));
  }

  async function enrol(login: OwnerLogin, typed: string): Promise<Outcome<string[]>> {
    const read = readFactorCode(typed);
    if (read?.kind !== "app") return refused("bad-code");
    const sealed = await secondFactors.offered(login.id, deps.now() - OFFER_MS);
    if (sealed === null) return refused("offer-gone");
    const allowed = await limiter.secondFactor(login.account);
    if (!allowed.ok) return allowed;
    const seed = await seeds.open(sealed, login.account);
    const step = seeds.stepOf(seed, read.code, deps.now());
    if (step === null) return refused("bad-code");
    const { shown, macs: codes } = newCodes(login.account);
    const { account, id } = login;
    const ended = await secondFactors.enrol({
      ...{ account, login: id, sealed, step, codes, now: deps.now() },
    });
    if (ended === null) return refused("offer-gone");
    deps.events.loginsEnded(ended);
    await limiter.secondFactorRight(account);
    tellOwner((await ownerOf(login)).contact, "second-factor-on");
    deps.log.info("auth.second-factor-on");
    return done(shown);
  }

  async function prove(
    account: AccountRow,
    typed: string,
    door: FactorDoor = "password",
  ): Promise<Outcome<null>> {
    const read = readFactorCode(typed);
    if (read === null) return refused("bad-code");
    if (await secondFactors.summary(account.id) === null) return refused("second-factor-off");
    const row = await secondFactors.find(account.id);
    const allowed = await limiter.secondFactor(account.id, door);
    if (!allowed.ok) return allowed;
    const right = read.kind === "app"
      ? await takeStep(account, row, read.code)
      : await takeCode(account, read.code);
    if (!right) {
      deps.log.info("auth.wrong-second-factor");
      return refused("bad-code");
    }
    await limiter.secondFactorRight(account.id, door);
    return done(null);
  }

  async function takeStep({ id }: AccountRow, row: SecondFactorRow | null, code: string) {
    if (row === null) return false;
    const step = seeds.stepOf(await seeds.open(row.sealed, id), code, deps.now());
    return step !== null && await secondFactors.takeStep(id, step);
  }

  async function takeCode({ id, contact }: AccountRow, code: string) {
    const left = await secondFactors.takeCode(id, macOf(id, code));
    if (left === null) return false;
    tellOwner(contact, "recovery-code-used");
    deps.log.info("auth.recovery-code-used", { count: left });
    return true;
  }

  async function switchOff(login: OwnerLogin, typed: string): Promise<Outcome<null>> {
    const owner = await ownerOf(login);
    if (await secondFactors.find(owner.id) === null) return refused("second-factor-off");
    const proven = await prove(owner, typed);
    if (!proven.ok) return proven;
    await secondFactors.remove(owner.id);
    tellOwner(owner.contact, "second-factor-off");
    deps.log.info("auth.second-factor-off");
    return done(null);
  }

  async function renewCodes(login: OwnerLogin, typed: string): Promise<Outcome<string[]>> {
    const owner = await ownerOf(login);
    const proven = await prove(owner, typed);
    if (!proven.ok) return proven;
    const { shown, macs } = newCodes(owner.id);
    if (!await secondFactors.replaceCodes(owner.id, macs, deps.now())) {
      return refused("second-factor-off");
    }
    tellOwner(owner.contact, "recovery-codes-renewed");
    return done(shown);
  }

  return {
    status: (account) => secondFactors.summary(account),
    begin,
    enrol,
    newCodes,
    prove,
    switchOff,
    renewCodes,
    purge: () => secondFactors.purgeOffers(deps.now() - OFFER_MS),
  };
}
