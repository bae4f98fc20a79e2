/** Devices that appeared in one's own list and that this device's person has not spoken about: asked until they have. */
import type { DeviceEntry } from "../protocol/bundle.ts";
import type { DeviceId } from "../protocol/ids.ts";
import type { Change } from "./change.ts";
import type { LocalStore } from "./store.ts";
import type { OwnAlarm } from "./types.ts";

/** "meta": `own-device/DEVICE`, the kind of a device that nobody has spoken about. */
const ALARM = "own-device/";

export function raiseAlarm(change: Change, { device, kind }: DeviceEntry): OwnAlarm {
  change.set("meta", ALARM + device, kind);
  return { device, words: wordsOf(kind) };
}

/** It was the person, or the device is gone. */
export function endAlarm(change: Change, device: DeviceId): void {
  change.remove("meta", ALARM + device);
}

export async function alarms(store: LocalStore): Promise<OwnAlarm[]> {
  const rows = await store.list<string>("meta", { prefix: ALARM });
  return rows.map(({ key, value }) => {
    return { device: key.slice(ALARM.length) as DeviceId, words: wordsOf(value) };
  });
}

function wordsOf(kind: string): string {
  return `Your account has a new device, a ${kind}. ` +
    "If that was not you, remove it and change your password.";
}
