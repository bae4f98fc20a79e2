/** Removing a device from the settings page: this browser's device key signs, its store judges the list. */
import { type DeviceKeys, revokeDevices } from "../crypto/account.ts";
import { findDevice, verifyDeviceList } from "../protocol/bundle.ts";
import { encode } from "../protocol/codec.ts";
import { devicesDone, revokeRequest } from "../protocol/device_api.ts";
import { outcomeOf, refuseBroken } from "./flow_refusals.ts";
import { type Contact, type MeRecord, META } from "./records.ts";
import type { LocalStore } from "./store.ts";
import type { Api } from "./transport.ts";
import { done, type Outcome, refused } from "./types.ts";

export interface DeviceRemovalParts {
  readonly api: Api;
  /** Read only, but for its end: a chat in another tab may be its writer. */
  readonly store: LocalStore;
}

/** Removes `device`; when it is this browser's own, its store is erased and the value is "self". */
export async function removeOwnDevice(
  { api, store }: DeviceRemovalParts,
  device: string,
): Promise<Outcome<"other" | "self">> {
  const me = await store.get<MeRecord>("meta", META.me);
  const own = await store.get<DeviceKeys>("device", "keys");
  if (!own || me?.state !== "active") {
    return refused("signed-out", "This browser is no device of yours any more. Sign in again.");
  }
  const asked = await api.account(own.account);
  if (!asked.ok) return outcomeOf(asked);
  try {
    const known = (await store.get<Contact>("accounts", own.account))?.list;
    const list = await verifyDeviceList(own.account, asked.value.entries, known);
    const found = list.devices.find((one) => one.device === device);
    if (!found || !findDevice(list, own.device)) {
      return refused("bad-input", "That device is removed already.");
    }
    const entry = await revokeDevices(own, list, [found.device]);
    const request = encode(revokeRequest, { list: entry });
    const removed = await api.ask("/api/devices/revoke", request, devicesDone);
    if (!removed.ok) return outcomeOf(removed);
    if (found.device !== own.device) return done("other");
    await store.erase();
    return done("self");
  } catch (error) {
    return refuseBroken(error);
  }
}
