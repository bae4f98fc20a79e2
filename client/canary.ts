/**
 * Notices storage of which a part is gone: a browser short of room, a hand in the developer tools, a broken disk. One
 * random number lies in several tables; where one copy is missing, whatever else lay beside it may be missing too,
 * and a ratchet without its memory must never step again.
 */
import { randomId } from "../protocol/ids.ts";
import type { LocalStore, Table, Write } from "./store.ts";

const KEY = "canary";
/** Tables that hold a canary; together with the own contact every kind of loss shows. */
const PLACES: readonly Table[] = ["meta", "device", "sessions", "messages", "outbox", "seen"];

/** The rows that must all be there later. */
export function plantCanary(): Write[] {
  const value = randomId<"canary">();
  return PLACES.map((table) => ({ table, key: KEY, value }));
}

/** False when a part of the storage is gone. A store from before there were canaries gets its own. */
export async function isWhole(store: LocalStore, own: string): Promise<boolean> {
  const found = await Promise.all(PLACES.map((table) => store.get<string>(table, KEY)));
  const contact = await store.get("accounts", own);
  if (contact === undefined) return false;
  if (found.every((value) => value === undefined)) {
    await store.commit(plantCanary());
    return true;
  }
  return found.every((value) => value !== undefined && value === found[0]);
}
