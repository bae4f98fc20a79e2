/** People with accounts, and all that their devices send: sign-up, sign-in and renewal from the client's side. */
import assert from "node:assert/strict";
import { client as opaque, ready } from "@serenity-kit/opaque";
import type { ApiResult } from "../../client/transport.ts";
import {
  addDevice,
  createAccount,
  type DeviceKeys,
  makeDevice,
  type NewAccount,
  type NewDevice,
} from "../../crypto/account.ts";
import { FIRST_PREKEY_COUNTERS, makePrekeys } from "../../crypto/prekeys.ts";
import { sign } from "../../crypto/signature.ts";
import {
  type AccountRequest,
  type DeviceRequest,
  type DeviceStep,
  type FinishAnswer,
  type LoginAnswer,
  type LoginProof,
  loginProofBytes,
} from "../../protocol/api.ts";
import {
  appendEntry,
  counterSignedSchema,
  dayOf,
  type DeviceList,
  listEntrySchema,
  verifyDeviceList,
} from "../../protocol/bundle.ts";
import { encode } from "../../protocol/codec.ts";
import { utf8 } from "../../protocol/encoding.ts";
import type { AccountId, DeviceId } from "../../protocol/ids.ts";
import { ORIGIN, value, Visitor, type World } from "./account_world.ts";

/** Argon2id that takes no time; the server cannot tell. */
const QUICK = { "argon2id-custom": { iterations: 1, memory: 8, parallelism: 1 } };

/** Somebody with an account. */
export interface Member {
  readonly visitor: Visitor;
  readonly username: string;
  readonly password: string;
  readonly contact: string;
  readonly keys: NewAccount;
  readonly account: AccountId;
}

/** The form and the code. Returns the account's id. */
export async function confirmContact(visitor: Visitor, username: string): Promise<AccountId> {
  const contact = `${username}@example.org`;
  value(await visitor.api.signUp({ username, fullName: `The ${username}`, contact }));
  const { account } = value(await visitor.api.confirm(visitor.world.mailer.code(contact)));
  return account;
}

/** OPAQUE registration. Returns the record. */
export async function registerPassword(visitor: Visitor, password: string): Promise<string> {
  await ready;
  const start = opaque.startRegistration({ password });
  const { response } = value(await visitor.api.registerPassword(start.registrationRequest));
  return opaque.finishRegistration({
    password,
    clientRegistrationState: start.clientRegistrationState,
    registrationResponse: response,
    keyStretching: QUICK,
  }).registrationRecord;
}

/** All that an account begins with. */
export async function accountMaterial(
  world: World,
  account: AccountId,
  record: string,
  counts = { once: 3, kemOnce: 2 },
): Promise<{ keys: NewAccount; request: AccountRequest }> {
  const day = dayOf(world.clock.now());
  const keys = await createAccount(account, "browser", "portable", day);
  const order = { day, mode: "portable", counters: FIRST_PREKEY_COUNTERS, ...counts } as const;
  const { upload } = await makePrekeys(keys.device, keys.list, order);
  const sealed = (name: string) => utf8(`sealed ${name}`);
  const wraps = [
    { kind: "password" as const, sealed: sealed("by password") },
    { kind: "recovery" as const, sealed: sealed("by recovery key") },
  ];
  return {
    keys,
    request: {
      record,
      aik: keys.list.aik,
      list: keys.entry,
      device: keys.device.device,
      prekeys: upload,
      vault: { sealed: sealed("vault"), generation: keys.list.vaultGeneration, wraps },
    },
  };
}

/** The same device under another id, signed as it must be. */
export async function renamed({ keys, entry }: NewDevice, device: DeviceId): Promise<NewDevice> {
  const { account, aik, sign: pair } = keys;
  const names = { device, sign: entry.sign, agree: entry.agree };
  const structure = encode(counterSignedSchema, { account, aik, ...names });
  const counterSignature = await sign(pair, "device", structure);
  return { keys: { ...keys, device }, entry: { ...entry, device, counterSignature } };
}

/** An account's material whose device bears the id `device`. */
export async function withDeviceId(
  world: World,
  { account, record }: { readonly account: AccountId; readonly record: string },
  device: DeviceId,
): Promise<AccountRequest> {
  const { keys: { accountKey, deposit, device: own, list: { devices } }, request } =
    await accountMaterial(world, account, record);
  const { keys, entry } = await renamed({ keys: own, entry: devices[0]! }, device);
  const body = encode(listEntrySchema, {
    ...{ kind: "set", account, aik: accountKey.public, version: 1, previous: null, deposit },
    ...{ devices: [entry], vaultGeneration: 1 },
  });
  const first = { body, signature: await sign(accountKey, "set", body) };
  const grown = await appendEntry(null, account, first);
  const order = { day: entry.made, mode: "portable", counters: FIRST_PREKEY_COUNTERS } as const;
  const { upload } = await makePrekeys(keys, grown, { ...order, once: 3, kemOnce: 2 });
  return { ...request, list: first, device, prekeys: upload };
}

/** A whole sign-up. */
export async function signUp(
  world: World,
  username: string,
  visitor: Visitor = new Visitor(world),
): Promise<Member> {
  const password = `the long password of ${username}`;
  const account = await confirmContact(visitor, username);
  const record = await registerPassword(visitor, password);
  const { keys, request } = await accountMaterial(world, account, record);
  value(await visitor.api.createAccount(request));
  return { visitor, username, password, contact: `${username}@example.org`, keys, account };
}

/** The password's part of a sign-in, where there is no second factor. */
export async function enterPassword(
  visitor: Visitor,
  username: string,
  password: string,
): Promise<ApiResult<DeviceStep>> {
  const answer = await enterFirstFactor(visitor, username, password);
  if (!answer.ok) return answer;
  assert.ok(answer.value.next === "device", "a second factor is asked for");
  return { ok: true, value: answer.value };
}

/** The password's part of a sign-in, whatever comes next. */
export async function enterFirstFactor(
  visitor: Visitor,
  username: string,
  password: string,
): Promise<ApiResult<FinishAnswer>> {
  await ready;
  const start = opaque.startLogin({ password });
  const started = await visitor.api.signIn(username, start.startLoginRequest);
  if (!started.ok) return started;
  const finished = opaque.finishLogin({
    password,
    clientLoginState: start.clientLoginState,
    loginResponse: started.value.response,
    keyStretching: QUICK,
  });
  // Somebody who guesses sends something all the same.
  const finish = finished?.finishLoginRequest ?? "A".repeat(86);
  return await visitor.api.finishSignIn({ attempt: started.value.attempt, finish });
}

/** What a new browser needs after the password was right: its own keys, listed by the account key. */
export async function deviceMaterial(
  member: Member,
  finish: DeviceStep,
  bend: Partial<LoginProof> = {},
  id: DeviceId | null = null,
): Promise<{ keys: DeviceKeys; request: DeviceRequest; list: DeviceList }> {
  const day = dayOf(member.visitor.world.clock.now());
  const { account, aik, challenge } = finish;
  const known = await verifyDeviceList(account, finish.entries);
  const made = await makeDevice(account, aik, "terminal", "portable", day);
  const { keys, entry } = id === null ? made : await renamed(made, id);
  const added = await addDevice(member.keys.accountKey, known, entry);
  const list = await appendEntry(known, account, added);
  const counts = { once: 3, kemOnce: 2 };
  const order = { day, mode: "portable", counters: FIRST_PREKEY_COUNTERS, ...counts } as const;
  const { upload } = await makePrekeys(keys, list, order);
  const proof = { account, device: keys.device, origin: ORIGIN, challenge, ...bend };
  const signature = await sign(keys.sign, "login", loginProofBytes(proof));
  return {
    keys,
    list,
    request: { list: added, device: keys.device, prekeys: upload, signature },
  };
}

/** Signs in from a new browser or terminal. */
export async function signInAgain(
  member: Member,
  visitor: Visitor = new Visitor(member.visitor.world),
): Promise<{ visitor: Visitor; keys: DeviceKeys; list: DeviceList }> {
  const finish = value(await enterPassword(visitor, member.username, member.password));
  const { keys, request, list } = await deviceMaterial(member, finish);
  value(await visitor.api.addDevice(request));
  return { visitor, keys, list };
}

/** A renewed login by the device's key. */
export async function renew(
  visitor: Visitor,
  keys: DeviceKeys,
  bend: Partial<LoginProof> = {},
): Promise<ApiResult<LoginAnswer>> {
  const { account, device } = keys;
  const { challenge } = value(await visitor.api.challenge(device));
  const proof = { account, device, origin: ORIGIN, challenge, ...bend };
  const signature = await sign(keys.sign, "login", loginProofBytes(proof));
  return await visitor.api.renewLogin({ account, device, challenge, signature });
}
