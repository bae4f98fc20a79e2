/**
 * Passkeys from the account's side: making one that opens the vault, signing in with it, and doing
 * without a password. The authenticator is behind {@link Authenticator}; what its PRF gives out (32
 * bytes) wraps the vault key and goes to nobody.
 */
import { accountKeyFrom, nextSet } from "../crypto/account.ts";
import { DecryptError } from "../crypto/errors.ts";
import { parseRecoveryKey } from "../crypto/recovery_key.ts";
import { openVault, sealVault, wrapVaultKey } from "../crypto/vault.ts";
import { wipe } from "../crypto/wipe.ts";
import { type DeviceStep, finishAnswer, finishRequest, signInAnswer } from "../protocol/api.ts";
import { type Signed, verifyDeviceList } from "../protocol/bundle.ts";
import { encode, type Schema } from "../protocol/codec.ts";
import { type Bytes, equalBytes, fromBase64Url } from "../protocol/encoding.ts";
import { VerifyError } from "../protocol/errors.ts";
import {
  addPasskeyAnswer,
  addPasskeyRequest,
  doneAnswer,
  nothingSchema,
  type PasskeyMade,
  type PasskeyProof,
  passkeyProof,
  type PasskeyQuestion,
  passkeyQuestion,
  passkeyStartRequest,
  passwordRemoveRequest,
  removePasskeyRequest,
  type VaultProvenAnswer,
  vaultProvenAnswer,
} from "../protocol/passkey_api.ts";
import { becomeDevice, type CodeNeeded, type FlowParts, type SignedIn } from "./account_flow.ts";
import { outcomeOf, refuseBroken } from "./flow_refusals.ts";
import type { PasswordClient } from "./password_client.ts";
import type { Api, ApiResult } from "./transport.ts";
import { done, type Outcome, refused } from "./types.ts";
import { openVaultKey, type VaultOpener, wipeVault } from "./vault_opening.ts";

/** For whom a passkey is to be made. */
export interface PasskeyOrder {
  readonly challenge: Bytes;
  /** The account id, 16 bytes. */
  readonly user: Bytes;
  readonly username: string;
  readonly fullName: string;
  /** Credentials of this account: an authenticator that has one makes no second. */
  readonly known: readonly Bytes[];
}

/** A new passkey, and what its PRF gives out; null where it has none. */
export interface MadePasskey {
  readonly made: PasskeyMade;
  readonly prf: Bytes | null;
}

/** A passkey's answer, and what its PRF gives out; null where it has none. */
export interface UsedPasskey {
  readonly proof: PasskeyProof;
  readonly prf: Bytes | null;
}

/** The browser's authenticators. A person who says no is a refusal, not an error. */
export interface Authenticator {
  make(order: PasskeyOrder): Promise<Outcome<MadePasskey>>;
  use(question: PasskeyQuestion): Promise<Outcome<UsedPasskey>>;
}

/** What the calls here need. */
export interface PasskeyParts {
  readonly api: Api;
  readonly authenticator: Authenticator;
}

/** It is the owner, and this opens the vault. */
export interface OpenedDoor {
  readonly proven: VaultProvenAnswer;
  readonly opener: VaultOpener;
}

const WORDS_NO_PRF = "That passkey cannot open your vault. Use another one.";

/** Proves the password from within the settings. */
export async function proveByPassword(
  { api }: Pick<PasskeyParts, "api">,
  password: PasswordClient,
  secret: string,
): Promise<Outcome<OpenedDoor>> {
  const start = await password.startLogin(secret);
  const path = "/settings/passkeys";
  const { request: blinded } = start;
  const asked = await post(
    api,
    `${path}/start`,
    passkeyStartRequest,
    { request: blinded },
    signInAnswer,
  );
  if (!asked.ok) return outcomeOf(asked);
  const { attempt, response } = asked.value;
  const finish = await password.finishLogin(secret, start.state, response);
  if (!finish) return refused("wrong-password", "Your current password is not right.");
  const request = { attempt, finish: finish.finish };
  const proven = await post(api, `${path}/prove`, finishRequest, request, vaultProvenAnswer);
  if (!proven.ok) return outcomeOf(proven);
  const opener = { kind: "password", secret: fromBase64Url(finish.exportKey) } as const;
  return done({ proven: proven.value, opener });
}

/** Proves a passkey that opens the vault, likewise. */
export async function proveByPasskey(parts: PasskeyParts): Promise<Outcome<OpenedDoor>> {
  const used = await useOwnPasskey(parts);
  if (!used.ok) return used;
  const { proof, prf } = used.value;
  if (prf === null) return refused("not-available", WORDS_NO_PRF);
  const path = "/settings/passkeys/unlock";
  const proven = await post(parts.api, path, passkeyProof, proof, vaultProvenAnswer);
  if (!proven.ok) return outcomeOf(proven);
  if (!proven.value.vault.wraps.some(({ kind }) => kind === "passkey")) {
    return refused("not-available", WORDS_NO_PRF);
  }
  return done({ proven: proven.value, opener: { kind: "passkey", secret: prf } });
}

/** Asks for one of the account's passkeys, from within the settings. */
export async function useOwnPasskey(
  { api, authenticator }: PasskeyParts,
): Promise<Outcome<UsedPasskey>> {
  const asked = await post(api, "/settings/passkeys/ask", nothingSchema, {}, passkeyQuestion);
  return asked.ok ? await authenticator.use(asked.value) : outcomeOf(asked);
}

/** A passkey that was added. */
export interface AddedPasskey {
  /** Whether it opens the vault. */
  readonly opensVault: boolean;
  /** Recovery codes to show once; none where the account has some. */
  readonly codes: string[];
}

/** Makes a passkey and gives it the vault key, where it has a PRF. */
export async function addPasskey(
  { api, authenticator }: PasskeyParts,
  name: string,
  { proven, opener }: OpenedDoor,
): Promise<Outcome<AddedPasskey>> {
  const { proof: challenge, account, aik, username, fullName, known, vault } = proven;
  const user = fromBase64Url(account);
  const made = await authenticator.make({ challenge, user, username, fullName, known });
  if (!made.ok) return made;
  const { prf } = made.value;
  try {
    const edition = { account, aik, generation: vault.generation };
    const wrap = prf && await rewrap(proven, opener, prf, edition);
    const request = { name, made: made.value.made, wrap, generation: vault.generation };
    const path = "/settings/passkeys/add";
    const added = await post(api, path, addPasskeyRequest, request, addPasskeyAnswer);
    if (!added.ok) return outcomeOf(added);
    return done({ opensVault: wrap !== null, codes: added.value.codes });
  } catch (error) {
    return refuseBroken(error);
  } finally {
    wipe(opener.secret, prf ?? new Uint8Array());
  }
}

async function rewrap(
  proven: VaultProvenAnswer,
  opener: VaultOpener,
  prf: Bytes,
  edition: Parameters<typeof wrapVaultKey>[3],
): Promise<Bytes> {
  const vaultKey = await openVaultKey(proven, opener);
  // A key that opens nothing must not be wrapped: the passkey would be a door to nowhere.
  wipeVault(await openVault(vaultKey, proven.vault.sealed, edition));
  const wrap = await wrapVaultKey(vaultKey, prf, "passkey", edition);
  wipe(vaultKey);
  return wrap;
}

/** Takes the passkey with the id `passkey` away; any passkey of the account shows that it is the owner. */
export async function removePasskey(
  parts: PasskeyParts,
  passkey: string,
): Promise<Outcome<null>> {
  const used = await useOwnPasskey(parts);
  if (!used.ok) return used;
  const { proof } = used.value;
  const path = "/settings/passkeys/remove/passkey";
  const gone = await post(parts.api, path, removePasskeyRequest, { passkey, proof }, doneAnswer);
  return gone.ok ? done(null) : outcomeOf(gone);
}

/**
 * Takes the password away: the vault's next edition has no wrap of it, and the list names that
 * edition. What a passkey has just opened is what stays.
 */
export async function removePassword(
  { api }: Pick<PasskeyParts, "api">,
  { proven, opener }: OpenedDoor,
): Promise<Outcome<null>> {
  try {
    const { proof } = proven;
    const next = await nextEdition(proven, opener);
    const path = "/settings/password/remove";
    const request = { proof, ...next };
    const removed = await post(api, path, passwordRemoveRequest, request, doneAnswer);
    return removed.ok ? done(null) : outcomeOf(removed);
  } catch (error) {
    return refuseBroken(error);
  } finally {
    wipe(opener.secret);
  }
}

async function nextEdition(
  proven: VaultProvenAnswer,
  opener: VaultOpener,
): Promise<{ list: Signed; vault: VaultProvenAnswer["vault"] }> {
  const { account, aik, entries, vault } = proven;
  const list = await verifyDeviceList(account, entries);
  if (!equalBytes(list.aik, aik)) throw new VerifyError("key-changed");
  const vaultKey = await openVaultKey(proven, opener);
  const { generation } = vault;
  const content = await openVault(vaultKey, vault.sealed, { account, aik, generation });
  const edition = { account, aik, generation: generation + 1 };
  try {
    const sealed = await sealVault(vaultKey, content, edition);
    const accountKey = await accountKeyFrom(content, generation, list);
    const entry = await nextSet(accountKey, list, { vaultGeneration: edition.generation });
    return { list: entry, vault: { sealed, generation: edition.generation, wraps: [] } };
  } finally {
    wipe(vaultKey);
    wipeVault(content);
  }
}

/** A passkey showed who it is; `prf` opens the vault where `claim` has a wrap for it. */
export interface PasskeyClaim {
  readonly claim: DeviceStep;
  readonly prf: Bytes | null;
}

/** Signs in with a passkey alone. No store is needed yet: the person may take their time. */
export async function askAnyPasskey(
  { api, authenticator }: PasskeyParts,
): Promise<Outcome<PasskeyClaim>> {
  const asked = await post(api, "/sign-in/passkey/ask", nothingSchema, {}, passkeyQuestion);
  if (!asked.ok) return outcomeOf(asked);
  const used = await authenticator.use(asked.value);
  if (!used.ok) return used;
  return await claimOf(api, "/sign-in/passkey", used.value);
}

/** Shows a passkey as the second factor, after the password. */
export async function askSecondPasskey(
  { api, authenticator }: PasskeyParts,
): Promise<Outcome<PasskeyClaim>> {
  const path = "/sign-in/second-factor";
  const asked = await post(api, `${path}/ask`, nothingSchema, {}, passkeyQuestion);
  if (!asked.ok) return outcomeOf(asked);
  const used = await authenticator.use(asked.value);
  if (!used.ok) return used;
  return await claimOf(api, `${path}/passkey`, used.value);
}

/** Goes on after the second factor was a passkey. */
export function confirmByPasskey(
  parts: FlowParts,
  { exportKey }: CodeNeeded,
  { claim }: PasskeyClaim,
): Promise<Outcome<SignedIn>> {
  return becomeDevice(parts, claim, { kind: "password", secret: exportKey });
}

async function claimOf(
  api: Api,
  path: string,
  { proof, prf }: UsedPasskey,
): Promise<Outcome<PasskeyClaim>> {
  const answer = await post(api, path, passkeyProof, proof, finishAnswer);
  if (!answer.ok) return outcomeOf(answer);
  if (answer.value.next !== "device") {
    return refused("internal", "The server asks for a second factor twice.");
  }
  return done({ claim: answer.value, prf });
}

/** Goes on with a passkey alone; null: it does not open the vault, something else has to. */
export async function enterByPasskey(
  parts: FlowParts,
  { claim, prf }: PasskeyClaim,
): Promise<Outcome<SignedIn> | null> {
  if (prf === null || !await opens(claim, { kind: "passkey", secret: prf })) return null;
  return await becomeDevice(parts, claim, { kind: "passkey", secret: prf });
}

async function opens(claim: DeviceStep, opener: VaultOpener): Promise<boolean> {
  try {
    wipe(await openVaultKey(claim, opener));
    return true;
  } catch (error) {
    // No wrap, or of a PRF that this browser or authenticator computes in another way.
    if (error instanceof DecryptError) return false;
    throw error;
  }
}

/** Opens the vault with the password after a passkey that cannot; the server asks for no second factor again. */
export async function enterByPassword(
  parts: FlowParts,
  { claim }: PasskeyClaim,
  secret: string,
): Promise<Outcome<SignedIn>> {
  const { api, password } = parts;
  const start = await password.startLogin(secret);
  const asked = await api.signIn(claim.username, start.request);
  if (!asked.ok) return outcomeOf(asked);
  const { attempt, response } = asked.value;
  const finish = await password.finishLogin(secret, start.state, response);
  if (!finish) return refused("wrong-password", "That password is not right.");
  const answer = await api.finishSignIn({ attempt, finish: finish.finish });
  if (!answer.ok) return outcomeOf(answer);
  if (answer.value.next !== "device") {
    return refused("signed-out", "That took too long. Start over.");
  }
  const opener = { kind: "password", secret: fromBase64Url(finish.exportKey) } as const;
  return await becomeDevice(parts, answer.value, opener);
}

/** Opens the vault with the recovery key after a passkey that cannot. */
export async function enterByRecoveryKey(
  parts: FlowParts,
  { claim }: PasskeyClaim,
  typed: string,
): Promise<Outcome<SignedIn>> {
  const parsed = await parseRecoveryKey(typed);
  if (!parsed.ok) {
    return refused(
      "bad-input",
      "That is not a whole recovery key: nine groups of four characters.",
    );
  }
  const opener = { kind: "recovery", secret: parsed.key } as const;
  if (!await opens(claim, opener)) {
    return refused("wrong-password", "That recovery key is of another account.");
  }
  return await becomeDevice(parts, claim, opener);
}

function post<Q, A>(
  api: Api,
  path: string,
  schema: Schema<Q>,
  request: Q,
  answer: Schema<A>,
): Promise<ApiResult<A>> {
  return api.ask(path, encode(schema, request), answer);
}
