/**
 * Sign-in: the password by OPAQUE gives a partial login, which is good for one thing: naming a
 * device. Known and unknown names go the same way, step by step (A1).
 */
import type { AccountRow } from "../db/accounts.ts";
import type { ListChange } from "../db/devices.ts";
import type { FactorSummary } from "../db/second_factors.ts";
import type { DeviceRequest, FactorWay, Vault } from "../protocol/api.ts";
import { loginProofBytes, USERNAME_PATTERN } from "../protocol/api.ts";
import { appendEntry, dayOf, type DeviceList, findDevice } from "../protocol/bundle.ts";
import { type Signed, verifyDeviceList, verifyUpload } from "../protocol/bundle.ts";
import { type Bytes, equalBytes } from "../protocol/encoding.ts";
import type { DepositEntry } from "../protocol/segment.ts";
import { FormatError, VerifyError } from "../protocol/errors.ts";
import type { AccountId, DeviceId } from "../protocol/ids.ts";
import { MAX_LIST_ENTRIES } from "../protocol/limits.ts";
import type { PasskeyProof, PasskeyQuestion } from "../protocol/passkey_api.ts";
import { verifySignature } from "../protocol/verify.ts";
import { createAttempts } from "./attempts.ts";
import type { AuthDeps } from "./deps.ts";
import type { Limiter } from "./limits.ts";
import type { IssuedLogin, Login, Logins } from "./logins.ts";
import type { Opaque } from "./opaque.ts";
import { done, type Outcome, refused } from "./outcome.ts";
import { createOwnerMail } from "./owner_mail.ts";
import type { Passkeys } from "./passkeys.ts";
import { readFactorCode, type SecondFactors } from "./second_factor.ts";
import { withWrapOf } from "./vault_proof.ts";

interface Attempt {
  readonly account: AccountId | null;
  readonly username: string;
  readonly address: string;
  readonly state: string;
}

/** The password was right. */
export interface PasswordRight {
  readonly account: AccountRow;
  readonly entries: Signed[];
  /** Archive keys that were sealed for the vault while it was shut. */
  readonly deposits: DepositEntry[];
  readonly vault: Vault;
  /** What the device signs next. */
  readonly challenge: Bytes;
  readonly login: IssuedLogin;
}

/** What comes after a right password: what opens the vault, or the question for a second factor. */
export type AfterPassword =
  | { readonly next: "device"; readonly right: PasswordRight }
  | {
    readonly next: "second-factor";
    readonly ways: FactorWay[];
    readonly login: IssuedLogin;
  };

/** A device is signed in. */
export interface SignedIn {
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly username: string;
  readonly login: IssuedLogin;
}

/** The steps of signing in. */
export interface SignIn {
  start(
    username: string,
    request: string,
    address: string,
  ): Promise<Outcome<{ response: string; attempt: string }>>;
  /** `carried` is the login that came with it: a passkey that was right before is the second factor. */
  finish(attempt: string, finish: string, carried: Login | null): Promise<Outcome<AfterPassword>>;
  /** Takes a code of the second factor; `login` is the one that waits for it, and ends here. */
  secondFactor(login: Login, typed: string): Promise<Outcome<PasswordRight>>;
  /** Asks for a passkey of the account that `login` waits with. */
  askSecondFactor(login: Login, address: string): Promise<Outcome<PasskeyQuestion>>;
  secondFactorPasskey(login: Login, proof: PasskeyProof): Promise<Outcome<PasswordRight>>;
  /** A passkey alone. It verified its owner, so it counts for both factors. */
  askPasskey(address: string): Promise<Outcome<PasskeyQuestion>>;
  passkey(proof: PasskeyProof): Promise<Outcome<PasswordRight>>;
  /** Lists the device if it is new; `login` is the partial login, which ends here. */
  device(login: Login, request: DeviceRequest): Promise<Outcome<SignedIn>>;
}

/** What signing in needs besides the deps. */
export interface SignInParts {
  readonly limiter: Limiter;
  readonly logins: Logins;
  readonly opaque: Opaque;
  readonly secondFactors: SecondFactors;
  readonly passkeys: Passkeys;
}

/** Sign-in over the store. */
export function createSignIn(deps: AuthDeps, parts: SignInParts): SignIn {
  const { limiter, logins, opaque, secondFactors, passkeys } = parts;
  const { store } = deps;
  const attempts = createAttempts<Attempt>(deps.now, deps.random);
  const tellOwner = createOwnerMail(deps);

  async function start(
    typed: string,
    request: string,
    address: string,
  ): Promise<Outcome<{ response: string; attempt: string }>> {
    const username = typed.toLowerCase();
    const allowed = await limiter.password(username, address);
    if (!allowed.ok) return allowed;
    const found = USERNAME_PATTERN.test(username)
      ? await store.accounts.byUsername(username)
      : null;
    const standIn = opaque.standIn(username);
    const credential = found?.id ?? standIn;
    const started = await opaque.startLogin(credential, found?.passwordRecord ?? null, request);
    if (started === null) return refused("bad-input");
    const account = found?.id ?? null;
    const attempt = attempts.open({ account, username, address, state: started.state });
    return done({ response: started.response, attempt });
  }

  async function finish(
    name: string,
    finishRequest: string,
    carried: Login | null,
  ): Promise<Outcome<AfterPassword>> {
    const attempt = attempts.take(name);
    if (attempt === null) return refused("attempt-gone");
    const right = await opaque.finishLogin(attempt.state, finishRequest);
    const known = right ? attempt.account : null;
    const account = known === null ? null : await store.accounts.byId(known);
    if (account === null) {
      deps.log.info("auth.wrong-password");
      return refused("wrong-password");
    }
    await limiter.passwordRight(attempt.username, attempt.address);
    // Said to nobody but its owner, who has just proven to be it (A1).
    if (account.disabled !== null) return refused("account-disabled");
    // Unproven first, looked up second: a factor that is switched on in between ends this login.
    const login = logins.issueUnproven(account.id);
    await store.logins.insert(login.row);
    const factors = await secondFactors.status(account.id);
    if (factors !== null && !isProvenFor(carried, account)) {
      return done({ next: "second-factor", ways: waysOf(factors), login });
    }
    const opened = await openVault(account, login.row.id);
    return opened.ok ? done({ next: "device", right: opened.value }) : opened;
  }

  const askSecondFactor: SignIn["askSecondFactor"] = async (login, address) =>
    waits(login) ? await passkeys.ask("second-factor", login, address) : refused("sign-in-needed");

  async function secondFactorPasskey(
    login: Login,
    proof: PasskeyProof,
  ): Promise<Outcome<PasswordRight>> {
    if (!waits(login)) return refused("sign-in-needed");
    const proven = await passkeys.prove("second-factor", login, proof);
    return proven.ok ? await openVault(proven.value.account, login.id) : proven;
  }

  async function passkey(proof: PasskeyProof): Promise<Outcome<PasswordRight>> {
    const proven = await passkeys.prove("sign-in", null, proof);
    if (!proven.ok) return proven;
    const { account, passkey } = proven.value;
    if (account.disabled !== null) return refused("account-disabled");
    const login = logins.issueUnproven(account.id);
    await store.logins.insert(login.row);
    const opened = await openVault(account, login.row.id);
    if (!opened.ok) return opened;
    return done({ ...opened.value, vault: withWrapOf(opened.value.vault, passkey) });
  }

  async function secondFactor(login: Login, typed: string): Promise<Outcome<PasswordRight>> {
    const account = waits(login) ? await store.accounts.byId(login.account) : null;
    if (account === null) return refused("sign-in-needed");
    if (readFactorCode(typed) === null) return refused("bad-code");
    if (!await store.logins.countTry(login.id, deps.limits.codeTries)) {
      return refused("second-factor-locked");
    }
    const proven = await secondFactors.prove(account, typed);
    if (!proven.ok) return proven;
    return await openVault(account, login.id);
  }

  /** All factors were right: a new partial login, with a challenge, in place of the waiting one. */
  async function openVault(
    account: AccountRow,
    waiting: string,
  ): Promise<Outcome<PasswordRight>> {
    const login = logins.issue(account.id, null, "partial");
    const replaced = await store.logins.replacePartial(waiting, login.row);
    if (!replaced) return refused("sign-in-needed");
    const vault = await store.vaults.find(account.id);
    if (vault === null) throw new Error("an account without a vault");
    const entries = await store.devices.entries(account.id, 0, MAX_LIST_ENTRIES);
    const deposits = await store.archive.deposits(account.id);
    return done({ account, entries, deposits, vault, challenge: login.row.challenge!, login });
  }

  async function device(login: Login, request: DeviceRequest): Promise<Outcome<SignedIn>> {
    if (login.kind !== "partial" || login.challenge === null) return refused("sign-in-needed");
    const account = await store.accounts.byId(login.account);
    if (account === null) return refused("sign-in-needed");
    const read = await readKeys(account, request, login.challenge);
    if (!read.ok) return read;
    const issued = logins.issue(account.id, request.device, "full");
    const today = dayOf(deps.now());
    const result = await store.devices.signIn({
      change: read.value,
      device: request.device,
      prekeys: request.prekeys === null ? null : { upload: request.prekeys, day: today },
      prekeyStock: deps.limits.prekeyStock,
      partial: login.id,
      login: issued.row,
    });
    if (result.kind === "stale") return refused("stale-list");
    if (result.kind === "id-taken") return refused("bad-keys");
    if (result.kind === "login-gone") return refused("sign-in-needed");
    deps.events.loginsEnded(result.ended);
    if (read.value !== null) await announceDevice(account, read.value);
    deps.log.info("auth.signed-in");
    const { id, username } = account;
    return done({ account: id, device: request.device, username, login: issued });
  }

  /** Verifies list, prekeys and proof; the value is the change of the list, null when there is none. */
  async function readKeys(
    account: AccountRow,
    request: DeviceRequest,
    challenge: Bytes,
  ): Promise<Outcome<ListChange | null>> {
    const entries = await store.devices.entries(account.id, 0, MAX_LIST_ENTRIES);
    if (request.list !== null && entries.length >= MAX_LIST_ENTRIES) return refused("list-full");
    try {
      const before = await verifyDeviceList(account.id, entries);
      const after = request.list === null
        ? before
        : await appendEntry(before, account.id, request.list);
      const proven = await isProven(after, request, challenge, deps.origin);
      if (!proven) return refused("bad-proof");
      if (request.prekeys !== null) {
        await verifyUpload(after, request.device, request.prekeys, dayOf(deps.now()));
      }
      return readChange(before, after, request);
    } catch (error) {
      if (error instanceof VerifyError || error instanceof FormatError) return refusedKeys(error);
      throw error;
    }
  }

  /** The owner hears of a new device by mail too; that it cannot be sent stops nobody. */
  async function announceDevice(account: AccountRow, change: ListChange): Promise<void> {
    const gone = change.before.devices.some(({ device }) => !findDevice(change.after, device));
    const also = gone ? await store.devices.neighbours(account.id) : [];
    deps.events.listChanged(account.id, change.after.version, also);
    tellOwner(account.contact, "new-device");
    if (gone) tellOwner(account.contact, "device-removed");
  }

  const askPasskey = (address: string) => passkeys.ask("sign-in", null, address);
  const bySecondFactor = { secondFactor, askSecondFactor, secondFactorPasskey };
  return { start, finish, ...bySecondFactor, askPasskey, passkey, device };
}

/** The password was right, a second factor is to come. */
function waits({ kind, challenge }: Login): boolean {
  return kind === "partial" && challenge === null;
}

/** All factors were right a moment ago, with a passkey; the password comes to open the vault. */
function isProvenFor(carried: Login | null, { id }: AccountRow): boolean {
  return carried !== null && carried.kind === "partial" && carried.challenge !== null &&
    carried.account === id;
}

function waysOf({ app, passkeys, codes }: FactorSummary): FactorWay[] {
  return [
    ...app === null ? [] : ["app" as const],
    ...passkeys === 0 ? [] : ["passkey" as const],
    ...codes === 0 ? [] : ["recovery-code" as const],
  ];
}

async function isProven(
  list: DeviceList,
  { device, signature }: DeviceRequest,
  challenge: Bytes,
  origin: string,
): Promise<boolean> {
  const entry = findDevice(list, device);
  if (entry === null) throw new VerifyError("not-listed");
  const proof = loginProofBytes({ account: list.account, device, origin, challenge });
  return await verifySignature(entry.sign, "login", proof, signature);
}

/** A new device comes with prekeys; nothing but devices changes when one signs in. */
function readChange(
  before: DeviceList,
  after: DeviceList,
  request: DeviceRequest,
): Outcome<ListChange | null> {
  if (request.list === null || equalBytes(before.hash, after.hash)) return done(null);
  const isNew = findDevice(before, request.device) === null;
  if (isNew && request.prekeys === null) return refused("bad-keys");
  if (after.vaultGeneration !== before.vaultGeneration) return refused("bad-keys");
  return done({ account: before.account, before, entry: request.list, after });
}

/** Somebody else changed the list in between, or the keys are wrong. */
function refusedKeys(error: VerifyError | FormatError): Outcome<never> {
  const stale = error instanceof VerifyError &&
    ["fork", "rollback", "gap", "newer-list"].includes(error.code);
  if (stale) return refused("stale-list");
  const unknown = error instanceof VerifyError && error.code === "not-listed";
  return refused(unknown ? "unknown-device" : "bad-keys");
}
