/**
 * An owner proves the password or a passkey once more, from within the settings, and is given what
 * opens the vault. The proof is good for one act of the same login, within five minutes.
 */
import type { AccountRow } from "../db/accounts.ts";
import type { PasskeyRow } from "../db/passkeys.ts";
import type { Vault } from "../protocol/api.ts";
import type { Signed } from "../protocol/bundle.ts";
import type { Bytes } from "../protocol/encoding.ts";
import { MAX_LIST_ENTRIES } from "../protocol/limits.ts";
import type { PasskeyProof } from "../protocol/passkey_api.ts";
import { createAttempts } from "./attempts.ts";
import type { AuthDeps } from "./deps.ts";
import type { Limiter } from "./limits.ts";
import type { OwnerLogin } from "./logins.ts";
import type { Opaque } from "./opaque.ts";
import { done, type Outcome, refused } from "./outcome.ts";
import type { Passkeys } from "./passkeys.ts";

/** It is the owner who asks. */
export interface VaultProven {
  /** Good for one act of this login. */
  readonly proof: Bytes;
  readonly account: AccountRow;
  readonly entries: Signed[];
  readonly vault: Vault;
  /** The account's passkeys as authenticators know them. */
  readonly known: Bytes[];
}

/** By password in two steps, or by a passkey in one. */
export interface VaultProofs {
  start(
    login: OwnerLogin,
    request: string,
    address: string,
  ): Promise<Outcome<{ readonly attempt: string; readonly response: string }>>;
  prove(
    login: OwnerLogin,
    request: { readonly attempt: string; readonly finish: string },
    address: string,
  ): Promise<Outcome<VaultProven>>;
  unlock(login: OwnerLogin, proof: PasskeyProof): Promise<Outcome<VaultProven>>;
}

/** Proofs over the store. */
export function createVaultProofs(
  deps: AuthDeps,
  { limiter, opaque, passkeys }: {
    readonly limiter: Limiter;
    readonly opaque: Opaque;
    readonly passkeys: Passkeys;
  },
): VaultProofs {
  const { store } = deps;
  const attempts = createAttempts<{ readonly login: string; readonly state: string }>(
    deps.now,
    deps.random,
  );

  async function ownerOf(login: OwnerLogin): Promise<AccountRow> {
    const row = await store.accounts.byId(login.account);
    if (row === null) throw new Error("a login without an account");
    return row;
  }

  async function proven(login: OwnerLogin, by: PasskeyRow | null): Promise<VaultProven> {
    const account = await ownerOf(login);
    const vault = await store.vaults.find(account.id);
    if (vault === null) throw new Error("an account without a vault");
    const entries = await store.devices.entries(account.id, 0, MAX_LIST_ENTRIES);
    const known = (await passkeys.of(account.id)).map(({ credential }) => credential);
    const proof = await passkeys.openProof(login);
    return { proof, account, entries, vault: withWrapOf(vault, by), known };
  }

  return {
    async start(login, request, address) {
      const { id, username, passwordRecord } = await ownerOf(login);
      // The same counter as at sign-in: a stolen browser is no second door to guess at.
      const allowed = await limiter.password(username, address);
      if (!allowed.ok) return allowed;
      const started = await opaque.startLogin(id, passwordRecord, request);
      if (started === null) return refused("bad-input");
      const attempt = attempts.open({ login: login.id, state: started.state });
      return done({ attempt, response: started.response });
    },

    async prove(login, { attempt, finish }, address) {
      const open = attempts.take(attempt);
      if (open === null || open.login !== login.id) return refused("attempt-gone");
      if (!await opaque.finishLogin(open.state, finish)) {
        deps.log.info("auth.wrong-password");
        return refused("wrong-current-password");
      }
      const { username, passwordRecord } = await ownerOf(login);
      // Removed while it was being stretched: what it opened is no more.
      if (passwordRecord === null) return refused("attempt-gone");
      await limiter.passwordRight(username, address);
      return done(await proven(login, null));
    },

    async unlock(login, proof) {
      const right = await passkeys.prove("owner", login, proof);
      return right.ok ? done(await proven(login, right.value.passkey)) : right;
    },
  };
}

/** The vault with the wrap that this passkey opens, where it opens one. */
export function withWrapOf(vault: Vault, passkey: PasskeyRow | null): Vault {
  if (passkey === null || passkey.wrap === null) return vault;
  return { ...vault, wraps: [...vault.wraps, { kind: "passkey", sealed: passkey.wrap }] };
}
