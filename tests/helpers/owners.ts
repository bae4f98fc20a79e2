/** Accounts as their owners have them, account key in hand: for tests of device lists and prekeys. */
import assert from "node:assert/strict";
import { addDevice, createAccount, makeDevice, type NewAccount } from "../../crypto/account.ts";
import type { DeviceKeys } from "../../crypto/account.ts";
import { sign, type SigningPair } from "../../crypto/signature.ts";
import { encode } from "../../protocol/codec.ts";
import {
  appendEntry,
  type DeviceList,
  type ListEntry,
  listEntrySchema,
  type Signed,
} from "../../protocol/device_list.ts";
import { type VerifyCode, VerifyError } from "../../protocol/errors.ts";
import { randomId } from "../../protocol/ids.ts";

/** 2026-01-01, in days since 1970-01-01 UTC. */
export const TODAY = 20_454;

/** An owner's view: every entry so far, and the devices by the order of their making. */
export interface Owner extends NewAccount {
  readonly entries: readonly Signed[];
  readonly devices: readonly DeviceKeys[];
}

/** A new account with `count` devices, each added by its own `set`. */
export async function makeOwner(count = 1): Promise<Owner> {
  const made = await createAccount(randomId<"account">(), "browser", "portable", TODAY);
  let owner: Owner = { ...made, entries: [made.entry], devices: [made.device] };
  for (let more = 1; more < count; more++) owner = await withDevice(owner);
  return owner;
}

/** The owner with one more device. */
export async function withDevice(owner: Owner): Promise<Owner> {
  const { account, aik } = owner.list;
  const { keys, entry } = await makeDevice(account, aik, "terminal", "portable", TODAY);
  const grown = await withEntry(owner, await addDevice(owner.accountKey, owner.list, entry));
  return { ...grown, devices: [...owner.devices, keys] };
}

/** The owner after one more entry. */
export async function withEntry(owner: Owner, entry: Signed): Promise<Owner> {
  const list = await appendEntry(owner.list, owner.list.account, entry);
  return { ...owner, list, entries: [...owner.entries, entry] };
}

/** A `set` or `revoke` with any content, signed with any key: what an attacker can make. */
export async function forge(signer: SigningPair, entry: ListEntry): Promise<Signed> {
  const body = encode(listEntrySchema, entry);
  return { body, signature: await sign(signer, entry.kind, body) };
}

/** The honest next `set` of a list, to be bent by tests. */
export function setAfter(list: DeviceList): Extract<ListEntry, { kind: "set" }> {
  const { account, aik, deposit, vaultGeneration } = list;
  const devices = [...list.devices];
  const place = { version: list.version + 1, previous: list.hash };
  return { kind: "set", account, aik, ...place, devices, deposit, vaultGeneration };
}

/** Asserts that `work` is refused with exactly this code. */
export async function refusedWith(code: VerifyCode, work: () => Promise<unknown>): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof VerifyError, String(error));
    assert.equal(error.code, code);
    return true;
  });
}
