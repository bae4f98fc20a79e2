/**
 * A forgotten password, with the recovery key: the device opens the vault with it, wraps the vault
 * key by the new password and signs the next list by the account key. That signature is what the
 * server goes by: nobody makes it without the vault open.
 */
import type { Vault } from "../protocol/api.ts";
import type { ResetChangeRequest } from "../protocol/reset_api.ts";
import type { Signed } from "../protocol/bundle.ts";
import { MAX_LIST_ENTRIES } from "../protocol/limits.ts";
import type { AccountRow } from "../db/accounts.ts";
import type { FormerAccount } from "../db/resets.ts";
import type { AuthDeps } from "./deps.ts";
import type { Limiter } from "./limits.ts";
import type { Logins } from "./logins.ts";
import type { Opaque } from "./opaque.ts";
import { done, type Outcome, refused } from "./outcome.ts";
import { createOwnerMail } from "./owner_mail.ts";
import { readNextVault } from "./passwordless.ts";
import type { ProvenReset, Resets } from "./reset.ts";
import type { StartingOver } from "./starting_over.ts";
import type { PasswordRight } from "./sign_in.ts";

/** What a recovery key may open. */
export interface RecoveryOffer {
  readonly account: AccountRow;
  readonly entries: Signed[];
  /** With one wrap, by the recovery key. */
  readonly vault: Vault;
  /** What was there before the account was started over, while it can be brought back. */
  readonly former: FormerAccount | null;
}

/** The steps with keys. Code and second factor have come before. */
export interface Recoveries {
  vault(challenge: string | undefined): Promise<Outcome<RecoveryOffer>>;
  password(challenge: string | undefined, request: string): Promise<Outcome<string>>;
  /** Every login ends. The value lets the device that did it take the next step of a sign-in. */
  change(
    challenge: string | undefined,
    request: ResetChangeRequest,
  ): Promise<Outcome<PasswordRight>>;
}

/** Recovery over the store. */
export function createRecoveries(
  deps: AuthDeps,
  { limiter, logins, opaque, resets, startingOver }: {
    readonly limiter: Limiter;
    readonly logins: Logins;
    readonly opaque: Opaque;
    readonly resets: Resets;
    readonly startingOver: StartingOver;
  },
): Recoveries {
  const { store } = deps;
  const tellOwner = createOwnerMail(deps);

  async function vaultOf({ id }: AccountRow): Promise<Vault> {
    const vault = await store.vaults.find(id);
    if (vault === null) throw new Error("an account without a vault");
    return vault;
  }

  async function change(
    { account, challenge }: ProvenReset,
    { record, list, vault }: ResetChangeRequest,
  ): Promise<Outcome<PasswordRight>> {
    const { id } = account;
    const read = await readNextVault(store.devices, id, { list, vault });
    if (!read.ok) return read;
    const login = logins.issue(id, null, "partial");
    const result = await store.passwords.reset({
      ...{ list: read.value, record, vault, fromGeneration: vault.generation - 1 },
      ...{ login: login.row, challenge: challenge.hash, now: deps.now() },
    });
    if (result.kind === "stale") return refused("stale-list");
    if (result.kind === "challenge-gone") return refused("challenge-gone");
    deps.events.loginsEnded(result.ended);
    deps.events.listChanged(id, read.value.after.version);
    tellOwner(account.contact, "password-reset");
    deps.log.info("auth.password-reset");
    const entries = await store.devices.entries(id, 0, MAX_LIST_ENTRIES);
    const whole = await vaultOf(account);
    const deposits = await store.archive.deposits(id);
    const opened = { account, entries, deposits, vault: whole };
    return done({ ...opened, challenge: login.row.challenge!, login });
  }

  /** Where only the old keys may come back, nothing of the new ones is handed out. */
  async function formerOnly(challenge: string | undefined): Promise<Outcome<RecoveryOffer>> {
    const proven = await resets.provenBefore(challenge);
    if (!proven.ok) return proven;
    const former = await startingOver.former(proven.value.account);
    if (former === null) return refused("second-factor-needed");
    const { aik, entries, sealed, generation } = former;
    const account = { ...proven.value.account, aik };
    return done({ account, entries, vault: { sealed, generation, wraps: [] }, former });
  }

  return {
    async vault(challenge) {
      const proven = await resets.proven(challenge);
      if (!proven.ok) return await formerOnly(challenge);
      const { account } = proven.value;
      const entries = await store.devices.entries(account.id, 0, MAX_LIST_ENTRIES);
      const vault = byRecoveryKey(await vaultOf(account));
      return done({ account, entries, vault, former: await startingOver.former(account) });
    },
    async password(challenge, request) {
      const proven = await resets.provenBefore(challenge);
      if (!proven.ok) return proven;
      const allowed = await limiter.newPassword(proven.value.account.id);
      if (!allowed.ok) return allowed;
      const response = await opaque.registrationResponse(proven.value.account.id, request);
      return response === null ? refused("bad-input") : done(response);
    },
    async change(challenge, request) {
      const proven = request.of === "former"
        ? await resets.provenBefore(challenge)
        : await resets.proven(challenge);
      if (!proven.ok) return proven;
      if (!await opaque.isRecord(request.record)) return refused("bad-input");
      if (!isWrappedByPassword(request.vault)) return refused("bad-keys");
      return request.of === "former"
        ? await startingOver.bringBack(proven.value, request)
        : await change(proven.value, request);
    },
  };
}

/** Whoever has the recovery key needs no other wrap; whoever has not gets nothing to guess at. */
function byRecoveryKey(vault: Vault): Vault {
  return { ...vault, wraps: vault.wraps.filter(({ kind }) => kind === "recovery") };
}

function isWrappedByPassword({ sealed, wraps }: Vault): boolean {
  return sealed.length > 0 && wraps.length === 1 && wraps[0]!.kind === "password" &&
    wraps[0]!.sealed.length > 0;
}
