/**
 * Becoming a device: signing up, signing in with a password, and taking up an old device again. The
 * page and the terminal share it; only the form before it differs.
 */
import {
  accountKeyFrom,
  addDevice,
  createAccount,
  type DeviceKeys,
  makeDevice,
  type NewAccount,
  replaceDevice,
} from "../crypto/account.ts";
import { FIRST_PREKEY_COUNTERS, makePrekeys } from "../crypto/prekeys.ts";
import { formatRecoveryKey, makeRecoveryKey } from "../crypto/recovery_key.ts";
import type { SigningPair } from "../crypto/signature.ts";
import { makeVaultKey, sealVault, wrapVaultKey } from "../crypto/vault.ts";
import { wipe } from "../crypto/wipe.ts";
import type { DeviceStep, FactorWay, FinishAnswer, Vault } from "../protocol/api.ts";
import {
  appendEntry,
  dayOf,
  type DeviceList,
  findDevice,
  verifyDeviceList,
} from "../protocol/bundle.ts";
import { type Bytes, equalBytes, fromBase64Url } from "../protocol/encoding.ts";
import { VerifyError } from "../protocol/errors.ts";
import type { AccountId, DeviceId } from "../protocol/ids.ts";
import { MAX_DEVICES } from "../protocol/limits.ts";
import { archiveRows, type ArchiveSetup, archiveSetup } from "./archive_setup.ts";
import { renewLogin, signLogin } from "./device_login.ts";
import { isRefusal, outcomeOf, refuseBroken } from "./flow_refusals.ts";
import { whoLeaves } from "./making_room.ts";
import { installDevice, markActive } from "./installation.ts";
import {
  checkKnown,
  enlist,
  type FlowParts,
  installation,
  refuseForeign,
  type SignedIn,
  undo,
} from "./enlisting.ts";
import type { PasswordClient } from "./password_client.ts";
import { type MeRecord, META } from "./records.ts";
import type { LocalStore } from "./store.ts";
import type { Api } from "./transport.ts";
import { done, type Outcome, refused } from "./types.ts";
import { openOwnVault, type VaultOpener, wipeVault } from "./vault_opening.ts";

export type { FlowParts, SignedIn };

/** Where an account is made: at sign-up, or where one starts over. */
export type AccountDoor = Pick<Api, "registerPassword" | "createAccount">;

/** What is known once the code is confirmed. */
export interface ConfirmedSignUp {
  /** As the server gave it with the confirmed code. */
  readonly account: AccountId;
  readonly username: string;
  readonly fullName: string;
  readonly password: string;
}

export interface SignedUp {
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly username: string;
  /** Nine groups of four characters; shown once, kept nowhere. */
  readonly recoveryKey: string;
}

/** Sign-ups whose last answer was lost, by their server's interface: the recovery key is nowhere else. */
const unanswered = new WeakMap<Api, SignedUp>();

/**
 * Everything after the confirmed code: password, keys, vault, prekeys, account. The account key exists
 * in clear only in here. When the server refuses, the store holds no device; when it does not answer, this
 * may be called again and finds out.
 */
export async function finishSignUp(
  parts: FlowParts,
  form: ConfirmedSignUp,
  door: AccountDoor = parts.api,
): Promise<Outcome<SignedUp>> {
  const taken = await refuseForeign(parts.store, form.account);
  if (taken) return taken;
  const found = await lookForLost(parts, form.account);
  if (found) return found;
  const registered = await registerPassword(parts.password, door, form.password);
  if (!registered.ok) return registered;
  const { record, exportKey } = registered.value;
  const day = dayOf(parts.now());
  const made = await createAccount(form.account, parts.kind, parts.mode, day);
  const nothing = { entries: [made.entry], deposits: [] };
  const archive = await archiveSetup(made.vault, nothing, made.list, parts.mode);
  const { vault, recoveryKey } = await sealNewVault(made, exportKey);
  const prekeys = await makePrekeys(made.device, made.list, {
    ...{ day, mode: parts.mode, counters: FIRST_PREKEY_COUNTERS },
  });
  const installed = installation(parts, made.device, made.list, prekeys, form);
  await installDevice(parts.store, { ...installed, archive });
  const created = await door.createAccount({
    ...{ record, vault, aik: made.list.aik, list: made.entry },
    device: made.device.device,
    prekeys: prekeys.upload,
  });
  const { account, device } = made.device;
  const signedUp = { account, device, username: form.username, recoveryKey };
  if (!created.ok) {
    if (!isRefusal(created)) unanswered.set(parts.api, signedUp);
    return await undo(parts, created);
  }
  await markActive(parts.store, parts.api.login);
  return done({ ...signedUp, username: created.value.username });
}

/** The account of an earlier call, if the server made it after all; null when it did not. */
async function lookForLost(
  { api, store }: FlowParts,
  account: AccountId,
): Promise<Outcome<SignedUp> | null> {
  const lost = unanswered.get(api);
  const own = await store.get<DeviceKeys>("device", "keys");
  if (lost?.account !== account || own?.device !== lost.device) return null;
  const renewal = await renewLogin(api, own);
  if (renewal === "failed") return refused("offline", "The server cannot be reached.");
  unanswered.delete(api);
  if (renewal === "refused") return null;
  await markActive(store, api.login);
  return done(lost);
}

/** The password was right; the second factor is to come. Held in memory only. */
export interface CodeNeeded {
  readonly codeNeeded: true;
  /** What the account can show: a code of an app, a recovery code, a passkey. */
  readonly ways: readonly FactorWay[];
  /** 64 bytes; opens the vault once the server gives it out. */
  readonly exportKey: Bytes;
}

/** Signs in with the password: as the device this store already is, or as a new one that the vault signs in. */
export async function signIn(
  parts: FlowParts,
  form: { readonly username: string; readonly password: string },
): Promise<Outcome<SignedIn | CodeNeeded>> {
  const username = form.username.trim().replace(/^@/, "").toLowerCase();
  const opened = await openAccount(parts, username, form.password);
  if (!opened.ok) return opened;
  const { claim, exportKey } = opened.value;
  if (claim.next === "second-factor") {
    return done({ codeNeeded: true, ways: claim.ways, exportKey });
  }
  return await becomeDevice(parts, claim, { kind: "password", secret: exportKey });
}

/** Goes on with a code of the authenticator app or a recovery code. After a wrong one it may be called again. */
export async function confirmSignIn(
  parts: FlowParts,
  { exportKey }: CodeNeeded,
  code: string,
): Promise<Outcome<SignedIn>> {
  const answer = await parts.api.secondFactor(code);
  if (!answer.ok) return outcomeOf(answer);
  if (answer.value.next !== "device") {
    return refused("internal", "The server asks for a code twice.");
  }
  return await becomeDevice(parts, answer.value, { kind: "password", secret: exportKey });
}

/**
 * Everything after the proof of who it is: opens the vault, and is the device that this store was, or a
 * new one that the account key signs in.
 */
export async function becomeDevice(
  parts: FlowParts,
  claim: DeviceStep,
  opener: VaultOpener,
): Promise<Outcome<SignedIn>> {
  const taken = await refuseForeign(parts.store, claim.account);
  if (taken) return taken;
  try {
    const list = await verifyDeviceList(claim.account, claim.entries);
    if (!equalBytes(list.aik, claim.aik)) throw new VerifyError("key-changed");
    const vault = await openOwnVault(claim, opener);
    const accountKey = await accountKeyFrom(vault, claim.vault.generation, list);
    const archive = await archiveSetup(vault, claim, list, parts.mode);
    wipeVault(vault);
    const kept = await keptDevice(parts.store, list);
    return kept
      ? await takeUp(parts, claim, kept, { list, archive })
      : await addNewDevice(parts, claim, accountKey, { list, archive });
  } catch (error) {
    return refuseBroken(error);
  }
}

/** The verified own list, and what the vault had for the history archive. */
interface OpenedAccount {
  readonly list: DeviceList;
  readonly archive: ArchiveSetup;
}

interface Opened {
  readonly claim: FinishAnswer;
  readonly exportKey: Bytes;
}

/** OPAQUE (RFC 9807): the password never leaves the device; what comes back is only believed if it opens. */
async function openAccount(
  { api, password }: FlowParts,
  username: string,
  secret: string,
): Promise<Outcome<Opened>> {
  const start = await password.startLogin(secret);
  const asked = await api.signIn(username, start.request);
  if (!asked.ok) return outcomeOf(asked);
  const { attempt, response } = asked.value;
  const finish = await password.finishLogin(secret, start.state, response);
  if (!finish) return refused("wrong-password", "Username or password is wrong.");
  const answer = await api.finishSignIn({ attempt, finish: finish.finish });
  if (!answer.ok) return outcomeOf(answer);
  return done({ claim: answer.value, exportKey: fromBase64Url(finish.exportKey) });
}

/** OPAQUE registration at any door that answers it. The export key is 64 bytes. */
export async function registerPassword(
  password: PasswordClient,
  door: Pick<AccountDoor, "registerPassword">,
  secret: string,
): Promise<Outcome<{ readonly record: string; readonly exportKey: Bytes }>> {
  const start = await password.startRegistration(secret);
  const asked = await door.registerPassword(start.request);
  if (!asked.ok) return outcomeOf(asked);
  const finish = await password.finishRegistration(secret, start.state, asked.value.response);
  return done({ record: finish.record, exportKey: fromBase64Url(finish.exportKey) });
}

/** The vault is there from the first moment, wrapped twice: no account ever exists without it. */
async function sealNewVault(
  { vault: content, list }: NewAccount,
  exportKey: Bytes,
): Promise<{ vault: Vault; recoveryKey: string }> {
  const edition = { account: list.account, aik: list.aik, generation: list.vaultGeneration };
  const vaultKey = makeVaultKey();
  const recovery = makeRecoveryKey();
  const wraps = [
    {
      kind: "password" as const,
      sealed: await wrapVaultKey(vaultKey, exportKey, "password", edition),
    },
    {
      kind: "recovery" as const,
      sealed: await wrapVaultKey(vaultKey, recovery, "recovery", edition),
    },
  ];
  const sealed = await sealVault(vaultKey, content, edition);
  const recoveryKey = await formatRecoveryKey(recovery);
  wipe(vaultKey, recovery, exportKey);
  wipeVault(content);
  return { vault: { sealed, generation: edition.generation, wraps }, recoveryKey };
}

/** The device this store was before its login ran out, if the account still lists it. */
export async function keptDevice(
  store: LocalStore,
  list: DeviceList,
): Promise<DeviceKeys | null> {
  const me = await store.get<MeRecord>("meta", META.me);
  const own = await store.get<DeviceKeys>("device", "keys");
  // A restored copy must never step its old ratchets again: it becomes a new device.
  if (!own || me?.state !== "active") return null;
  return equalBytes(own.aik, list.aik) && findDevice(list, own.device) ? own : null;
}

/** Signs in as the device that the store is already; nothing is added to the account. */
export async function takeUp(
  parts: FlowParts,
  claim: Pick<DeviceStep, "challenge" | "username">,
  own: DeviceKeys,
  { list, archive }: OpenedAccount,
): Promise<Outcome<SignedIn>> {
  const { api, store } = parts;
  const signature = await signLogin(own, api.origin, claim.challenge);
  const { device } = own;
  const answer = await api.addDevice({ list: null, device, prekeys: null, signature });
  if (!answer.ok) return outcomeOf(answer);
  await markActive(store, api.login);
  await store.commit(archiveRows(archive));
  return done({ account: list.account, device, username: claim.username, known: true });
}

async function addNewDevice(
  parts: FlowParts,
  claim: DeviceStep,
  accountKey: SigningPair,
  { list, archive }: OpenedAccount,
): Promise<Outcome<SignedIn>> {
  const { store, kind, mode } = parts;
  const { account, username, challenge } = claim;
  await checkKnown(store, claim, list);
  const day = dayOf(parts.now());
  const { keys: own, entry } = await makeDevice(account, list.aik, kind, mode, day);
  const leaves = list.devices.length < MAX_DEVICES ? null : await whoLeaves(parts, list);
  const signed = leaves === null
    ? await addDevice(accountKey, list, entry)
    : await replaceDevice(accountKey, list, leaves, entry);
  const grown = await appendEntry(list, account, signed);
  const names = { username, fullName: username };
  return await enlist(parts, { own, signed, grown, challenge, names, archive });
}
