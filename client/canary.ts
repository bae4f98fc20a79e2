/**
 * Notices storage of which a part is gone: a browser short of room, a hand in the developer tools, a broken disk. One
 * random number lies in several tables; where one copy is missing, whatever else lay beside it may be missing too,
 * and a ratchet without its memory must never step again.
 */
import type { DeviceKeys } from "../crypto/account.ts";
import { randomId } from "../protocol/ids.ts";
import { type MeRecord, META } from "./records.ts";
import type { LocalStore, Table, Write } from "./store.ts";
import { NoDevice } from "./types.ts";

const KEY = "canary";
/** Tables that hold a canary. Of the others it is known what they must have. */
const PLACES: readonly Table[] = ["meta", "device", "sessions", "messages", "outbox", "seen"];

/** The rows that must all be there later. */
export function plantCanary(): Write[] {
  const value = randomId<"canary">();
  return PLACES.map((table) => ({ table, key: KEY, value }));
}

/**
 * The device in `store`.
 * @throws {NoDevice} when it holds none, one that was restored from an old copy, or one of which a part is gone
 */
export async function wholeDevice(
  store: LocalStore,
): Promise<{ readonly me: MeRecord; readonly own: DeviceKeys }> {
  const me = await store.get<MeRecord>("meta", META.me);
  const own = await store.get<DeviceKeys>("device", "keys");
  if (!me) throw new NoDevice(await wasDevice(store) ? "wiped" : "none");
  if (me.state === "restored" || me.state === "wiped") throw new NoDevice(me.state);
  if (own && await isWhole(store, me.account)) return { me, own };
  // Never again: not even when what is missing turns up.
  await store.commit([{ table: "meta", key: META.me, value: { ...me, state: "wiped" } }]);
  throw new NoDevice("wiped");
}

/** Whether a store that does not say whose it is was a device's all the same: what said so is gone. */
async function wasDevice(store: LocalStore): Promise<boolean> {
  const places = [["device", "keys"], ...PLACES.map((table) => [table, KEY] as const)] as const;
  const found = await Promise.all(places.map(([table, key]) => store.get(table, key)));
  return found.some((value) => value !== undefined);
}

/** False when a part of the storage is gone. A store from before there were canaries gets its own. */
async function isWhole(store: LocalStore, own: string): Promise<boolean> {
  const found = await Promise.all(PLACES.map((table) => store.get<string>(table, KEY)));
  if (await store.get("accounts", own) === undefined) return false;
  // A device always has the prekeys of this week.
  if (!await hasRows(store, "prekeys")) return false;
  // The canary is one row of its table; whoever has a message has its conversation.
  const talked = (await store.list("messages", { limit: 2 })).some(({ key }) => key !== KEY);
  if (talked && !await hasRows(store, "conversations")) return false;
  if (found.every((value) => value === undefined)) {
    await store.commit(plantCanary());
    return true;
  }
  return found.every((value) => value !== undefined && value === found[0]);
}

async function hasRows(store: LocalStore, table: Table): Promise<boolean> {
  return (await store.list(table, { limit: 1 })).length > 0;
}
