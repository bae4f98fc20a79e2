/** The second half of sign-up: the password's record and, in one transaction, the account. */
import type { ChallengeRow } from "../db/challenges.ts";
import type { AccountRequest } from "../protocol/api.ts";
import { appendEntry, dayOf, type DeviceList, verifyUpload } from "../protocol/bundle.ts";
import { equalBytes } from "../protocol/encoding.ts";
import { FormatError, VerifyError } from "../protocol/errors.ts";
import type { AccountId, DeviceId } from "../protocol/ids.ts";
import type { AuthDeps } from "./deps.ts";
import { hashOfCarried } from "./digest.ts";
import { admitAgain } from "./first_account.ts";
import type { Limiter } from "./limits.ts";
import type { IssuedLogin, Logins } from "./logins.ts";
import type { Opaque } from "./opaque.ts";
import { done, type Outcome, refused } from "./outcome.ts";
import { PURPOSE } from "./sign_up.ts";

/** A new account and the login that comes with it. */
export interface NewlySignedUp {
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly username: string;
  readonly login: IssuedLogin;
}

/** The last steps. `challenge` is what the browser carries, as it sent it; its code is confirmed. */
export interface NewAccounts {
  password(challenge: string | undefined, request: string): Promise<Outcome<string>>;
  create(
    challenge: string | undefined,
    request: AccountRequest,
    address: string,
  ): Promise<Outcome<NewlySignedUp>>;
}

/** What making accounts needs besides the deps. */
export interface NewAccountParts {
  readonly limiter: Limiter;
  readonly logins: Logins;
  readonly opaque: Opaque;
}

/** New accounts over the store. */
export function createNewAccounts(deps: AuthDeps, parts: NewAccountParts): NewAccounts {
  const { limiter, logins, opaque } = parts;
  const { accounts, challenges } = deps.store;

  async function confirmed(challenge: string | undefined): Promise<Outcome<ChallengeRow>> {
    const hash = hashOfCarried(challenge);
    const row = hash === null ? null : await challenges.find(hash, PURPOSE, deps.now());
    if (row === null) return refused("challenge-gone");
    return row.confirmed === null ? refused("not-confirmed") : done(row);
  }

  async function password(
    challenge: string | undefined,
    request: string,
  ): Promise<Outcome<string>> {
    const row = await confirmed(challenge);
    if (!row.ok) return row;
    if (await accounts.hasUsername(row.value.username, deps.now())) return refused("name-taken");
    const response = await opaque.registrationResponse(row.value.account, request);
    return response === null ? refused("bad-input") : done(response);
  }

  async function create(
    challenge: string | undefined,
    request: AccountRequest,
    address: string,
  ): Promise<Outcome<NewlySignedUp>> {
    const row = await confirmed(challenge);
    if (!row.ok) return row;
    const allowed = await limiter.signUp(address);
    if (!allowed.ok) return allowed;
    if (!await opaque.isRecord(request.record)) return refused("bad-input");
    const today = dayOf(deps.now());
    const list = await verifyFirstKeys(row.value.account, request, today);
    return list === null ? refused("bad-keys") : await store(row.value, request, list, today);
  }

  async function store(
    { hash, account, username, fullName, contact, invite: carried }: ChallengeRow,
    request: AccountRequest,
    list: DeviceList,
    today: number,
  ): Promise<Outcome<NewlySignedUp>> {
    const admitted = await admitAgain(deps, carried);
    if (!admitted.ok) return admitted;
    const invite = admitted.value;
    const { device, prekeys, vault, record: passwordRecord, list: entry } = request;
    const login = logins.issue(account, device, "full");
    const creation = await accounts.create({
      ...{ account, username, fullName, contact, invite, challenge: hash, passwordRecord },
      ...{ entry, list, device, prekeys, vault, prekeyDay: today, login: login.row },
      prekeyStock: deps.limits.prekeyStock,
      firstByInvite: deps.firstAccountByLink,
      now: deps.now(),
    });
    if (creation !== "created") return refused(creation);
    deps.log.info("auth.signed-up");
    return done({ account, device, username, login });
  }

  return { password, create };
}

/** The first list: one device, counter-signed, under the named account key, with prekeys and a whole vault. */
export async function verifyFirstKeys(
  account: AccountId,
  { aik, list: entry, device, prekeys, vault }: AccountRequest,
  today: number,
): Promise<DeviceList | null> {
  try {
    const list = await appendEntry(null, account, entry);
    await verifyUpload(list, device, prekeys, today);
    const own = equalBytes(list.aik, aik) && list.devices.length === 1;
    const whole = list.vaultGeneration === vault.generation && isWholeVault(vault);
    return own && whole ? list : null;
  } catch (error) {
    if (error instanceof VerifyError || error instanceof FormatError) return null;
    throw error;
  }
}

/** No account ever exists that cannot be opened both ways: by password and by recovery key. */
function isWholeVault({ sealed, wraps }: AccountRequest["vault"]): boolean {
  const kinds = wraps.map(({ kind }) => kind).sort();
  const filled = [sealed, ...wraps.map((wrap) => wrap.sealed)].every(({ length }) => length > 0);
  return filled && kinds.join() === "password,recovery";
}
