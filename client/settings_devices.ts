/** Removing a device from the settings page: this browser's device key signs, its store judges the list. */
import { revokeDevices } from "../crypto/account.ts";
import { findDevice } from "../protocol/bundle.ts";
import { encode } from "../protocol/codec.ts";
import { devicesDone, revokeRequest } from "../protocol/device_api.ts";
import { outcomeOf, refuseBroken } from "./flow_refusals.ts";
import { fetchOwnList } from "./own_list.ts";
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
  const fetched = await fetchOwnList({ api, store });
  if (!fetched.ok) return fetched;
  const { own, list } = fetched.value;
  try {
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
