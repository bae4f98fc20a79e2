/**
 * Devices that appeared in one's own list and that this device's person has not spoken about: asked until they have. One
 * that is gone again is asked about too: who came in with the password could otherwise read, leave and never be heard of.
 */
import { type DeviceEntry, type DeviceList, listEntrySchema } from "../protocol/bundle.ts";
import type { Signed } from "../protocol/bundle.ts";
import { decode } from "../protocol/codec.ts";
import type { DeviceId } from "../protocol/ids.ts";
import { MAX_DEVICES, MAX_LIST_ENTRY_BYTES } from "../protocol/limits.ts";
import type { Change } from "./change.ts";
import type { LocalStore } from "./store.ts";
import type { OwnAlarm } from "./types.ts";

/** "meta": `own-device/DEVICE`, the kind of a device that nobody has spoken about. */
const ALARM = "own-device/";
/** "meta": Gone[], those that went before anybody had; the newest last. */
const GONE = "own-devices-gone";
/** Whoever has the account key can make any number of them: so many are asked about. */
const MOST_GONE = MAX_DEVICES;

type Gone = Pick<DeviceEntry, "device" | "kind">;

export function raiseAlarm(change: Change, { device, kind }: Gone): OwnAlarm {
  change.set("meta", ALARM + device, kind);
  return { device, words: wordsOf(kind), gone: false };
}

/** A device is not in the list any more. Null: somebody here had spoken about it. */
export async function alarmGone(change: Change, gone: Gone): Promise<OwnAlarm | null> {
  const isAsked = await change.get("meta", ALARM + gone.device) !== undefined;
  return isAsked ? await raiseGone(change, gone) : null;
}

/** A device came and went while this one did not look. */
export async function raiseGone(change: Change, { device, kind }: Gone): Promise<OwnAlarm> {
  await endAlarm(change, device);
  const all = await change.get<Gone[]>("meta", GONE) ?? [];
  change.set("meta", GONE, [...all, { device, kind }].slice(-MOST_GONE));
  return { device, words: goneWords(kind), gone: true };
}

/** The person has spoken about it. */
export async function endAlarm(change: Change, device: DeviceId): Promise<void> {
  change.remove("meta", ALARM + device);
  const all = await change.get<Gone[]>("meta", GONE) ?? [];
  const rest = all.filter((one) => one.device !== device);
  if (rest.length < all.length) change.set("meta", GONE, rest);
}

export async function alarms(store: LocalStore): Promise<OwnAlarm[]> {
  const rows = await store.list<DeviceEntry["kind"]>("meta", { prefix: ALARM });
  const gone = await store.get<Gone[]>("meta", GONE) ?? [];
  return [
    ...rows.map(({ key, value }) => {
      const device = key.slice(ALARM.length) as DeviceId;
      return { device, words: wordsOf(value), gone: false };
    }),
    ...gone.map(({ device, kind }) => ({ device, words: goneWords(kind), gone: true })),
  ];
}

/**
 * Devices that were in neither list, and in one between them.
 * @param entries verified: they led from `before` to `after`, and may begin earlier
 */
export function cameAndWent(
  before: DeviceList,
  entries: readonly Signed[],
  after: DeviceList,
): DeviceEntry[] {
  const known = new Set([...before.devices, ...after.devices].map(({ device }) => device));
  const passed = new Map<DeviceId, DeviceEntry>();
  for (const { body } of entries) {
    const entry = decode(listEntrySchema, body, MAX_LIST_ENTRY_BYTES);
    // At the same version a `set` may have taken the place of a `revoke`.
    if (entry.kind !== "set" || entry.version < before.version) continue;
    for (const one of entry.devices) if (!known.has(one.device)) passed.set(one.device, one);
  }
  return [...passed.values()];
}

function wordsOf(kind: string): string {
  return `Your account has a new device, a ${kind}. ` +
    "If that was not you, remove it and change your password.";
}

function goneWords(kind: string): string {
  return `A device, a ${kind}, was added to your account and is removed again. ` +
    "If that was not you, change your password.";
}
