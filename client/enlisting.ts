/** The last steps of becoming a device, however its owner proved to be the owner: into the store, and to the server. */
import { type DeviceKeys, revokeDevices } from "../crypto/account.ts";
import { FIRST_PREKEY_COUNTERS, type MadePrekeys, makePrekeys } from "../crypto/prekeys.ts";
import type { KeyMode } from "../crypto/private_key.ts";
import type { DeviceStep } from "../protocol/api.ts";
import { dayOf, type DeviceList, type Signed, verifyDeviceList } from "../protocol/bundle.ts";
import { encode } from "../protocol/codec.ts";
import { devicesDone, revokeRequest } from "../protocol/device_api.ts";
import { type Bytes, equalBytes } from "../protocol/encoding.ts";
import type { AccountId, DeviceId } from "../protocol/ids.ts";
import type { ArchiveSetup } from "./archive_setup.ts";
import { signLogin } from "./device_login.ts";
import { isRefusal, outcomeOf } from "./flow_refusals.ts";
import {
  type Installation,
  installDevice,
  knownBefore,
  markActive,
  ownerOf,
} from "./installation.ts";
import type { AskForRoom } from "./making_room.ts";
import type { PasswordClient } from "./password_client.ts";
import { META } from "./records.ts";
import type { LocalStore } from "./store.ts";
import type { Api, ApiResult } from "./transport.ts";
import { done, type Outcome, refused } from "./types.ts";

export interface FlowParts {
  readonly api: Api;
  /** Where the device's keys go. A store that belongs to another account is refused, not overwritten. */
  readonly store: LocalStore;
  readonly password: PasswordClient;
  readonly kind: "browser" | "terminal";
  readonly mode: KeyMode;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** All eight places are taken: which device makes room? Null, or nobody to ask: none does. */
  readonly makeRoom?: AskForRoom;
}

export interface SignedIn {
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly username: string;
  /** This store was that device before; nothing was added to the account. */
  readonly known: boolean;
}

/** A device that the account key has listed, and what it needs to be one. */
export interface Listed {
  readonly own: DeviceKeys;
  /** The entry that lists it, and the list that this makes. */
  readonly signed: Signed;
  readonly grown: DeviceList;
  /** What the partial login asks to be signed. */
  readonly challenge: Bytes;
  readonly names: { readonly username: string; readonly fullName: string };
  readonly archive: ArchiveSetup;
}

/** Installs a listed device in its store and hands it in at the server. */
export async function enlist(
  parts: FlowParts,
  { own, signed, grown, challenge, names, archive }: Listed,
): Promise<Outcome<SignedIn>> {
  const { api, store, mode } = parts;
  const { account, device } = own;
  const day = dayOf(parts.now());
  const prekeys = await makePrekeys(own, grown, { day, mode, counters: FIRST_PREKEY_COUNTERS });
  const installed = installation(parts, own, grown, prekeys, names);
  await installDevice(store, { ...installed, archive, restore: true });
  const signature = await signLogin(own, api.origin, challenge);
  const answer = await api.addDevice({ list: signed, device, prekeys: prekeys.upload, signature });
  if (!answer.ok) return await undo(parts, answer);
  const { username } = answer.value;
  if (username !== names.username) return await leave(parts, { own, grown, names }, username);
  await markActive(store, api.login);
  return done({ account, device, username, known: false });
}

/**
 * Whoever signed this device in said that it would be somebody else's: it takes itself out again, before anybody writes
 * as the one while believing to be the other.
 */
export async function leave(
  { api, store }: Pick<FlowParts, "api" | "store">,
  { own, grown, names }: Pick<Listed, "own" | "grown" | "names">,
  username: string,
): Promise<Outcome<never>> {
  const list = await revokeDevices(own, grown, [own.device]);
  await api.ask("/api/devices/revoke", encode(revokeRequest, { list }), devicesDone);
  await forgetDevice(store);
  const words =
    `It was said that this would be a device of @${names.username}; it would be one of ` +
    `@${username}. Nothing was kept here. Show the code to your own devices only.`;
  return refused("untrusted-server", words);
}

async function forgetDevice(store: LocalStore): Promise<void> {
  await store.commit([
    { table: "meta", key: META.me, remove: true },
    { table: "device", key: "keys", remove: true },
  ]);
}

/**
 * The account key is in hand here. A store that remembers the own list lets it sign nothing that follows
 * an older or another one: a device that was removed since would be back.
 */
export async function checkKnown(
  store: LocalStore,
  { entries }: Pick<DeviceStep, "entries">,
  list: DeviceList,
): Promise<void> {
  const known = await knownBefore(store, list.account);
  if (!known || !equalBytes(known.list.aik, list.aik)) return;
  await verifyDeviceList(list.account, entries, known.list);
}

/** What goes into the store for a device of this flow. */
export function installation(
  { kind }: FlowParts,
  keys: DeviceKeys,
  list: DeviceList,
  prekeys: MadePrekeys,
  { username, fullName }: { readonly username: string; readonly fullName: string },
): Installation {
  return { kind, keys, list, prekeys, username, fullName };
}

/** Without an answer the device may exist: it stays "pending" and is looked at when the engine opens. */
export async function undo(
  { store }: FlowParts,
  answer: ApiResult<unknown> & { ok: false },
): Promise<Outcome<never>> {
  if (isRefusal(answer)) await forgetDevice(store);
  return outcomeOf(answer);
}

/** A store that holds another account's messages takes no device of this one. */
export async function refuseForeign(
  store: LocalStore,
  account: AccountId,
): Promise<Outcome<never> | null> {
  const owner = await ownerOf(store);
  if (!owner || owner.account === account) return null;
  const words = `This device holds @${owner.username}'s messages. Sign out and forget it first.`;
  return refused("not-available", words);
}
