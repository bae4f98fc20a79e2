/**
 * Another password: proves the current one, registers the new one, seals the vault in its next
 * edition under a new wrap, and hands all of it over at once. Nothing is changed unless all of it is.
 */
import { accountKeyFrom, nextSet } from "../crypto/account.ts";
import {
  openVault,
  sealVault,
  type VaultContent,
  type VaultEdition,
  wrapVaultKey,
} from "../crypto/vault.ts";
import { wipe } from "../crypto/wipe.ts";
import type { PasswordProvenAnswer, Vault } from "../protocol/api.ts";
import { type DeviceList, type Signed, verifyDeviceList } from "../protocol/bundle.ts";
import { type Bytes, equalBytes, fromBase64Url } from "../protocol/encoding.ts";
import { VerifyError } from "../protocol/errors.ts";
import { outcomeOf, refuseBroken } from "./flow_refusals.ts";
import type { PasswordClient } from "./password_client.ts";
import type { Api } from "./transport.ts";
import { done, type Outcome, refused } from "./types.ts";
import { openVaultKey, type VaultOpener, wipeVault } from "./vault_opening.ts";

export interface PasswordChangeParts {
  readonly api: Api;
  readonly password: PasswordClient;
}

export interface Passwords {
  readonly current: string;
  /** Already judged by `adviseOnPassword`. */
  readonly next: string;
}

interface Exchanged {
  readonly proven: PasswordProvenAnswer;
  readonly record: string;
  /** OPAQUE export keys, 64 bytes each. */
  readonly currentKey: Bytes;
  readonly nextKey: Bytes;
}

/**
 * Changes the password of the account that `api` is signed in to. Needs a login by password of the
 * last 30 days. Ends every other login of the account.
 */
export async function changePassword(
  parts: PasswordChangeParts,
  passwords: Passwords,
): Promise<Outcome<null>> {
  const exchanged = await exchange(parts, passwords);
  if (!exchanged.ok) return exchanged;
  const { proven, record, currentKey, nextKey } = exchanged.value;
  try {
    const current = { kind: "password", secret: currentKey } as const;
    const next = await nextPasswordEdition(proven, current, nextKey);
    const answer = await parts.api.changePassword({ proof: proven.proof, record, ...next });
    return answer.ok ? done(null) : outcomeOf(answer);
  } catch (error) {
    return refuseBroken(error);
  } finally {
    wipe(currentKey, nextKey);
  }
}

/** OPAQUE, login and registration side by side: neither password leaves the device. */
async function exchange(
  { api, password }: PasswordChangeParts,
  { current, next }: Passwords,
): Promise<Outcome<Exchanged>> {
  const [login, registration] = [
    await password.startLogin(current),
    await password.startRegistration(next),
  ];
  const started = await api.startPasswordChange({
    request: login.request,
    registration: registration.request,
  });
  if (!started.ok) return outcomeOf(started);
  const { attempt, response, registration: registered } = started.value;
  const finish = await password.finishLogin(current, login.state, response);
  if (!finish) return refused("wrong-password", "Your current password is not right.");
  // Stretched before the proof is asked for: the proof is good for a minute.
  const made = await password.finishRegistration(next, registration.state, registered);
  const proven = await api.provePassword({ attempt, finish: finish.finish });
  if (!proven.ok) return outcomeOf(proven);
  return done({
    proven: proven.value,
    record: made.record,
    currentKey: fromBase64Url(finish.exportKey),
    nextKey: fromBase64Url(made.exportKey),
  });
}

/**
 * The vault one generation on. The vault key stays: the recovery key wraps it too, and lies in a
 * drawer, as passkeys' wraps lie on the server. The list's next `set` names the generation, so that the
 * old vault is refused from now on.
 */
export async function nextPasswordEdition(
  { account, aik, entries, vault }: Omit<PasswordProvenAnswer, "proof">,
  current: VaultOpener,
  nextKey: Bytes,
): Promise<{ list: Signed; vault: Vault }> {
  const list = await verifyDeviceList(account, entries);
  if (!equalBytes(list.aik, aik)) throw new VerifyError("key-changed");
  const vaultKey = await openVaultKey({ account, aik, vault }, current);
  const content = await openVault(vaultKey, vault.sealed, {
    ...{ account, aik, generation: vault.generation },
  });
  const edition = { account, aik, generation: vault.generation + 1 };
  try {
    const sealed = await sealVault(vaultKey, content, edition);
    const entry = await signNext(content, vault.generation, list, edition);
    const rewrapped = await wrapVaultKey(vaultKey, nextKey, "password", edition);
    const wraps = [{ kind: "password" as const, sealed: rewrapped }];
    return { list: entry, vault: { sealed, generation: edition.generation, wraps } };
  } finally {
    wipe(vaultKey);
    wipeVault(content);
  }
}

async function signNext(
  content: VaultContent,
  opened: number,
  list: DeviceList,
  { generation }: VaultEdition,
): Promise<Signed> {
  const accountKey = await accountKeyFrom(content, opened, list);
  return await nextSet(accountKey, list, { vaultGeneration: generation });
}
