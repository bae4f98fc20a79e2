/**
 * Another password: the old one is proven, the new one registered, the vault wrapped again on the
 * device. What comes of it is taken in one transaction or not at all.
 */
import type { AccountRow } from "../db/accounts.ts";
import type { PasskeyRow } from "../db/passkeys.ts";
import type { PasswordChangeRequest, Vault } from "../protocol/api.ts";
import type { Signed } from "../protocol/bundle.ts";
import type { AccountId } from "../protocol/ids.ts";
import { MAX_LIST_ENTRIES } from "../protocol/limits.ts";
import type { PasskeyProof } from "../protocol/passkey_api.ts";
import { createAttempts } from "./attempts.ts";
import type { AuthDeps } from "./deps.ts";
import type { Limiter } from "./limits.ts";
import type { IssuedLogin, Logins, OwnerLogin } from "./logins.ts";
import type { Opaque } from "./opaque.ts";
import { done, type Outcome, refused } from "./outcome.ts";
import { createOwnerMail } from "./owner_mail.ts";
import type { Passkeys } from "./passkeys.ts";
import { readNextVault } from "./passwordless.ts";
import { withWrapOf } from "./vault_proof.ts";

/** Both exchanges begin in one request. */
export interface PasswordChangeStarted {
  readonly attempt: string;
  /** To prove the current password. */
  readonly response: string;
  /** To register the new one. */
  readonly registration: string;
}

/** The current password was right. */
export interface PasswordProven {
  /** Good for one change within a minute. */
  readonly proof: string;
  readonly account: AccountRow;
  readonly entries: Signed[];
  readonly vault: Vault;
}

/** The three steps, all of them of one login. */
export interface PasswordChanges {
  start(
    login: OwnerLogin,
    request: { readonly request: string; readonly registration: string },
    address: string,
  ): Promise<Outcome<PasswordChangeStarted>>;
  prove(
    login: OwnerLogin,
    request: { readonly attempt: string; readonly finish: string },
    address: string,
  ): Promise<Outcome<PasswordProven>>;
  /** Where a passkey stands in for the current password. */
  byPasskey(
    login: OwnerLogin,
    request: { readonly registration: string; readonly proof: PasskeyProof },
  ): Promise<Outcome<{ readonly registration: string; readonly proven: PasswordProven }>>;
  /** The value is the login that takes the place of all others. */
  change(login: OwnerLogin, request: PasswordChangeRequest): Promise<Outcome<IssuedLogin>>;
}

/** Password changes over the store. */
export function createPasswordChanges(
  deps: AuthDeps,
  { limiter, logins, opaque, passkeys }: {
    readonly limiter: Limiter;
    readonly logins: Logins;
    readonly opaque: Opaque;
    readonly passkeys: Passkeys;
  },
): PasswordChanges {
  const { store } = deps;
  const tellOwner = createOwnerMail(deps);
  const attempts = createAttempts<{ readonly login: string; readonly state: string }>(
    deps.now,
    deps.random,
  );
  const proofs = createAttempts<{ readonly login: string }>(deps.now, deps.random);

  async function ownerOf(account: AccountId): Promise<AccountRow> {
    const row = await store.accounts.byId(account);
    if (row === null) throw new Error("a login without an account");
    return row;
  }

  const start: PasswordChanges["start"] = async (login, { request, registration }, address) => {
    const { id, username, passwordRecord } = await ownerOf(login.account);
    // The same counter as at sign-in: a stolen browser is no second door to guess at.
    const allowed = await limiter.password(username, address);
    if (!allowed.ok) return allowed;
    const started = await opaque.startLogin(id, passwordRecord, request);
    const registered = await opaque.registrationResponse(id, registration);
    if (started === null || registered === null) return refused("bad-input");
    const attempt = attempts.open({ login: login.id, state: started.state });
    return done({ attempt, response: started.response, registration: registered });
  };

  const prove: PasswordChanges["prove"] = async (login, { attempt, finish }, address) => {
    const open = attempts.take(attempt);
    if (open === null || open.login !== login.id) return refused("attempt-gone");
    if (!await opaque.finishLogin(open.state, finish)) {
      deps.log.info("auth.wrong-password");
      return refused("wrong-current-password");
    }
    const account = await ownerOf(login.account);
    await limiter.passwordRight(account.username, address);
    return done(await proven(login, account, null));
  };

  const byPasskey: PasswordChanges["byPasskey"] = async (login, { registration, proof }) => {
    const right = await passkeys.prove("owner", login, proof);
    if (!right.ok) return right;
    const { account, passkey } = right.value;
    const registered = await opaque.registrationResponse(account.id, registration);
    if (registered === null) return refused("bad-input");
    return done({ registration: registered, proven: await proven(login, account, passkey) });
  };

  async function proven(
    login: OwnerLogin,
    account: AccountRow,
    by: PasskeyRow | null,
  ): Promise<PasswordProven> {
    const vault = await store.vaults.find(account.id);
    if (vault === null) throw new Error("an account without a vault");
    const entries = await store.devices.entries(account.id, 0, MAX_LIST_ENTRIES);
    const proof = proofs.open({ login: login.id });
    return { proof, account, entries, vault: withWrapOf(vault, by) };
  }

  const change: PasswordChanges["change"] = async (login, request) => {
    const proof = proofs.take(request.proof);
    if (proof === null || proof.login !== login.id) return refused("attempt-gone");
    if (!await opaque.isRecord(request.record)) return refused("bad-input");
    const { sealed, wraps } = request.vault;
    const whole = sealed.length > 0 && wraps.length === 1 && wraps[0]!.kind === "password" &&
      wraps[0]!.sealed.length > 0;
    if (!whole) return refused("bad-keys");
    const read = await readNextVault(store.devices, login.account, request);
    if (!read.ok) return read;
    const issued = logins.issue(login.account, login.device, "full");
    const result = await store.passwords.change({
      list: read.value,
      record: request.record,
      vault: request.vault,
      fromGeneration: request.vault.generation - 1,
      login: issued.row,
    });
    if (result.kind === "stale") return refused("stale-list");
    deps.events.loginsEnded(result.ended);
    deps.events.listChanged(login.account, read.value.after.version);
    tellOwner((await ownerOf(login.account)).contact, "password-changed");
    deps.log.info("auth.password-changed");
    return done(issued);
  };

  return { start, prove, byPasskey, change };
}
