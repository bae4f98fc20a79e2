/** Puts a device into a store, and takes what an earlier one left there out of it. */
import type { DeviceKeys } from "../crypto/account.ts";
import type { MadePrekeys } from "../crypto/prekeys.ts";
import type { DeviceList } from "../protocol/bundle.ts";
import type { AccountId } from "../protocol/ids.ts";
import { archiveKeys, type OutSegment } from "./archive_records.ts";
import { archiveRows, type ArchiveSetup } from "./archive_setup.ts";
import { plantCanary } from "./canary.ts";
import { Change } from "./change.ts";
import { NAMED, namedHead, putPrekeys } from "./prekey_keeper.ts";
import { type Before, type Contact, keys, type MeRecord, META } from "./records.ts";
import type { OutboxRecord } from "./records.ts";
import type { LocalStore, Table, Write } from "./store.ts";
import { findMessage, setState } from "./timeline.ts";

export interface Installation {
  readonly kind: "browser" | "terminal";
  readonly keys: DeviceKeys;
  /** The own list, this device in it. */
  readonly list: DeviceList;
  readonly prekeys: MadePrekeys;
  readonly username: string;
  readonly fullName: string;
  /** What an open vault gave for the history archive. */
  readonly archive?: ArchiveSetup;
  /** The account may have a history that this store has not got. */
  readonly restore?: boolean;
}

/** Whose messages this store holds; undefined when nobody's. */
export async function ownerOf(store: LocalStore): Promise<MeRecord | undefined> {
  return (await settled(store))?.me;
}

/**
 * The account's own contact as this store knew it before: what a server shows now must follow it.
 * A list that a pending device signed does not count: nobody may have taken it.
 */
export async function knownBefore(
  store: LocalStore,
  account: AccountId,
): Promise<Contact | undefined> {
  const own = (await settled(store))?.own;
  return own?.account === account ? own : undefined;
}

/** The last state that the server is known to have agreed to. */
async function settled(store: LocalStore): Promise<Before | undefined> {
  const me = await store.get<MeRecord>("meta", META.me);
  if (!me || me.state === "pending") return await store.get<Before>("meta", META.before);
  return { me, own: await store.get<Contact>("accounts", me.account) ?? null };
}

/**
 * Makes the store this device's, not yet confirmed by the server. Conversations and messages of the
 * same account stay; sessions, prekeys and queued ciphertexts of the device before go for good.
 */
export async function installDevice(store: LocalStore, made: Installation): Promise<void> {
  const change = new Change(store);
  const before = await settled(store);
  if (before) change.set("meta", META.before, before);
  await parkQueue(change, store);
  await unseal(change, store);
  const { keys: own, list, prekeys, kind, username, fullName } = made;
  const { account, device } = own;
  const me: MeRecord = { account, device, username, fullName, kind, state: "pending" };
  change.set("meta", META.me, me);
  change.set("device", "keys", own);
  change.set("device", "counters", prekeys.counters);
  change.set("device", NAMED, namedHead(list));
  putPrekeys(change, prekeys.privates);
  change.set("accounts", account, contactOf(list, username, fullName));
  if (made.restore) change.set("meta", archiveKeys.wanted, true);
  const archive = made.archive ? archiveRows(made.archive) : [];
  await store.commit([...await oldDevice(store), ...change.writes, ...archive, ...plantCanary()]);
}

/** The server has taken the device. `login` is a terminal's bearer login. */
export async function markActive(store: LocalStore, login: string | null): Promise<void> {
  const me = await store.get<MeRecord>("meta", META.me);
  const writes: Write[] = [{ table: "meta", key: META.before, remove: true }];
  if (me) writes.push({ table: "meta", key: META.me, value: { ...me, state: "active" } });
  if (login !== null) writes.push({ table: "meta", key: META.login, value: login });
  await store.commit(writes);
}

function contactOf(list: DeviceList, username: string, fullName: string): Contact {
  const { account, version } = list;
  const state = { required: version, verified: true, changed: null, warned: null };
  return { account, username, fullName, list, ...state };
}

/** Everything that belonged to the device and not to the person. */
async function oldDevice(store: LocalStore): Promise<Write[]> {
  const places: readonly [Table, string][] = [
    ["device", ""],
    ["prekeys", ""],
    ["sessions", ""],
    ["outbox", "wait/"],
    ["seen", "opening/"],
    ["seen", "envelope/"],
    ["seen", "set-aside/"],
    ["seen", "missing/"],
    ["meta", "receipt/"],
    ["meta", META.incarnation],
    ["meta", META.gaps],
  ];
  const found = await Promise.all(places.map(async ([table, prefix]) => {
    const rows = await store.list(table, { prefix });
    return rows.map(({ key }): Write => ({ table, key, remove: true }));
  }));
  return found.flat();
}

/** Segments of the device before, sent or not: what is in them is archived again, by this one. */
async function unseal(change: Change, store: LocalStore): Promise<void> {
  for (const { key, value } of await store.list<OutSegment>("meta", { prefix: archiveKeys.outs })) {
    change.remove("meta", key);
    for (const mark of value.marks) change.set("meta", mark, true);
  }
}

/** What waited was encrypted by a device that is no more: it waits for the person instead. */
async function parkQueue(change: Change, store: LocalStore): Promise<void> {
  const me = await store.get<MeRecord>("meta", META.me);
  for (const { key, value: row } of await store.list<OutboxRecord>("outbox")) {
    const message = me && await findMessage(change, me.account, row.id);
    if (!message) change.remove("outbox", key);
    else {
      change.set("outbox", keys.parked(row.id), { ...row, sealed: null });
      setState(change, message, "not sent", { reason: "This device was set up anew meanwhile." });
    }
  }
}
