/**
 * One's own devices: by name, with the day they were last here, and removed by an entry that one of
 * them signed. No account key is needed to remove, and none of this can add (A11).
 */
import type { ListChange, NamedDevice } from "../db/devices.ts";
import { loginProofBytes, type LoginRequest } from "../protocol/api.ts";
import {
  appendEntry,
  type ListEntry,
  listEntrySchema,
  type Signed,
  verifyDeviceList,
} from "../protocol/bundle.ts";
import { decode } from "../protocol/codec.ts";
import { type Bytes, equalBytes } from "../protocol/encoding.ts";
import { FormatError, VerifyError } from "../protocol/errors.ts";
import type { DeviceId } from "../protocol/ids.ts";
import { MAX_LIST_ENTRIES, MAX_LIST_ENTRY_BYTES } from "../protocol/limits.ts";
import { verifySignature } from "../protocol/verify.ts";
import type { AuthDeps } from "./deps.ts";
import { hashOf } from "./digest.ts";
import type { DeviceLogin, Login } from "./logins.ts";
import { done, type Outcome, refused } from "./outcome.ts";
import { createOwnerMail } from "./owner_mail.ts";
import { readPasskeyName } from "./passkeys.ts";

/** Devices of one account. */
export interface Devices {
  named(login: DeviceLogin): Promise<NamedDevice[]>;
  /** The same for somebody who has proven everything and is about to name a device. */
  namedAtSignIn(login: Login): Promise<Outcome<NamedDevice[]>>;
  rename(login: DeviceLogin, device: DeviceId, name: string): Promise<Outcome<null>>;
  /** Takes an entry that removes, signed by the asking device. Sockets, logins, queue and keys end with it. */
  revoke(login: DeviceLogin, entry: Signed): Promise<Outcome<null>>;
  /** The list, for a device that was on it and is no more. One refusal for everybody else. */
  removed(request: LoginRequest): Promise<Outcome<Signed[]>>;
}

/** Devices over the store. */
export function createDevices(deps: AuthDeps): Devices {
  const { devices, challenges, accounts } = deps.store;
  const tellOwner = createOwnerMail(deps);

  async function revoke(login: DeviceLogin, entry: Signed): Promise<Outcome<null>> {
    const read = await readRemoval(login, entry);
    if (!read.ok) return read;
    // Sent again because the answer was lost: it is done already.
    if (equalBytes(read.value.before.hash, read.value.after.hash)) return done(null);
    const ended = await devices.change(read.value);
    if (ended === null) return refused("stale-list");
    const { account, after } = read.value;
    deps.events.loginsEnded(ended);
    deps.events.listChanged(account, after.version, await devices.neighbours(account));
    const owner = await accounts.byId(account);
    if (owner !== null) tellOwner(owner.contact, "device-removed");
    deps.log.info("auth.device-removed");
    return done(null);
  }

  async function readRemoval(
    { account, device }: DeviceLogin,
    entry: Signed,
  ): Promise<Outcome<ListChange>> {
    const entries = await devices.entries(account, 0, MAX_LIST_ENTRIES);
    if (entries.length >= MAX_LIST_ENTRIES) return refused("list-full");
    try {
      const removal = decode(listEntrySchema, entry.body, MAX_LIST_ENTRY_BYTES);
      if (removal.kind !== "revoke" || removal.signer !== device) return refused("bad-keys");
      const before = await verifyDeviceList(account, entries);
      const after = await appendEntry(before, account, entry);
      return done({ account, before, entry, after });
    } catch (error) {
      const stale = error instanceof VerifyError &&
        ["fork", "rollback", "gap", "newer-list"].includes(error.code);
      if (stale) return refused("stale-list");
      if (error instanceof VerifyError || error instanceof FormatError) return refused("bad-keys");
      throw error;
    }
  }

  async function removed(request: LoginRequest): Promise<Outcome<Signed[]>> {
    const { account, device, challenge, signature } = request;
    const fresh = await challenges.takeForDevice(hashOf(challenge), device, deps.now());
    if (!fresh || await devices.find(device) !== null) return refused("bad-proof");
    const entries = await devices.entries(account, 0, MAX_LIST_ENTRIES);
    const key = onceListed(entries, device);
    if (key === null) return refused("bad-proof");
    const proof = loginProofBytes({ account, device, origin: deps.origin, challenge });
    const proven = await verifySignature(key, "login", proof, signature);
    return proven ? done(entries) : refused("bad-proof");
  }

  return {
    named: ({ account }) => devices.named(account),
    async namedAtSignIn({ kind, challenge, account }) {
      const proven = kind === "partial" && challenge !== null;
      return proven ? done(await devices.named(account)) : refused("sign-in-needed");
    },
    async rename({ account }, device, typed) {
      const name = typed.trim() === "" ? "" : readPasskeyName(typed);
      if (name === null) return refused("bad-device-name");
      return await devices.rename(account, device, name) ? done(null) : refused("unknown-device");
    },
    revoke,
    removed,
  };
}

/** The signing key of a device out of the entries, which were judged when they were taken. */
function onceListed(entries: readonly Signed[], device: DeviceId): Bytes | null {
  for (const { body } of entries) {
    const entry: ListEntry = decode(listEntrySchema, body, MAX_LIST_ENTRY_BYTES);
    const found = entry.kind === "set" && entry.devices.find((one) => one.device === device);
    if (found) return found.sign;
  }
  return null;
}
