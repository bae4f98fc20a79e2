/**
 * An account without a password: it is taken away once a passkey opens the vault, and set again by
 * whoever shows one. Both are one transaction that compares the list's head and the vault's generation.
 */
import type { ListChange } from "../db/devices.ts";
import type { Vault } from "../protocol/api.ts";
import { appendEntry, type DeviceList, type Signed, verifyDeviceList } from "../protocol/bundle.ts";
import { FormatError, VerifyError } from "../protocol/errors.ts";
import type { AccountId } from "../protocol/ids.ts";
import { MAX_LIST_ENTRIES } from "../protocol/limits.ts";
import type { PasswordRemoveRequest } from "../protocol/passkey_api.ts";
import type { AuthDeps } from "./deps.ts";
import type { OwnerLogin } from "./logins.ts";
import { done, type Outcome, refused } from "./outcome.ts";
import { createOwnerMail } from "./owner_mail.ts";
import type { Passkeys } from "./passkeys.ts";

/** Doing without a password. */
export interface Passwordless {
  has(login: OwnerLogin): Promise<boolean>;
  /** Only where a passkey opens the vault. Logins go on: nothing was learnt by anybody. */
  remove(login: OwnerLogin, request: PasswordRemoveRequest): Promise<Outcome<null>>;
}

/** Over the store. */
export function createPasswordless(deps: AuthDeps, passkeys: Passkeys): Passwordless {
  const { store } = deps;
  const tellOwner = createOwnerMail(deps);

  async function remove(
    login: OwnerLogin,
    request: PasswordRemoveRequest,
  ): Promise<Outcome<null>> {
    if (!await passkeys.takeProof(login, request.proof)) return refused("attempt-gone");
    const whole = request.vault.sealed.length > 0 && request.vault.wraps.length === 0;
    const read = whole ? await readNextVault(store.devices, login.account, request) : null;
    if (read === null) return refused("bad-keys");
    if (!read.ok) return read;
    const result = await store.passwords.remove({
      list: read.value,
      vault: request.vault,
      fromGeneration: request.vault.generation - 1,
    });
    if (result === "stale") return refused("stale-list");
    if (result === "last-key") return refused("last-key");
    deps.events.listChanged(login.account, read.value.after.version);
    const account = await store.accounts.byId(login.account);
    if (account !== null) tellOwner(account.contact, "password-removed");
    deps.log.info("auth.password-removed");
    return done(null);
  }

  return {
    remove,
    async has({ account }) {
      const row = await store.accounts.byId(account);
      if (row === null) throw new Error("a login without an account");
      return row.passwordRecord !== null;
    },
  };
}

/** The next entry of the list, signed by the account key: it names the next vault and nothing else. */
export async function readNextVault(
  devices: AuthDeps["store"]["devices"],
  account: AccountId,
  { list: entry, vault }: { readonly list: Signed; readonly vault: Vault },
): Promise<Outcome<ListChange>> {
  const entries = await devices.entries(account, 0, MAX_LIST_ENTRIES);
  return await readNextOf(account, entries, { list: entry, vault });
}

/** The same for any list. */
export async function readNextOf(
  account: AccountId,
  entries: readonly Signed[],
  { list: entry, vault }: { readonly list: Signed; readonly vault: Vault },
): Promise<Outcome<ListChange>> {
  if (entries.length >= MAX_LIST_ENTRIES) return refused("list-full");
  try {
    const before = await verifyDeviceList(account, entries);
    const after = await appendEntry(before, account, entry);
    if (!isNextVault(before, after, vault)) return refused("bad-keys");
    return done({ account, before, entry, after });
  } catch (error) {
    const stale = error instanceof VerifyError &&
      ["fork", "rollback", "gap", "newer-list"].includes(error.code);
    if (stale) return refused("stale-list");
    if (error instanceof VerifyError || error instanceof FormatError) return refused("bad-keys");
    throw error;
  }
}

function isNextVault(before: DeviceList, after: DeviceList, { generation }: Vault): boolean {
  const ids = (list: DeviceList) => list.devices.map(({ device }) => device).sort().join();
  return generation === before.vaultGeneration + 1 && after.vaultGeneration === generation &&
    after.version === before.version + 1 && ids(before) === ids(after);
}
