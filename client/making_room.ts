/** A ninth device: one of the eight makes room, and the person says which. */
import type { DeviceList } from "../protocol/bundle.ts";
import { ownDevicesAnswer } from "../protocol/device_api.ts";
import type { DeviceId } from "../protocol/ids.ts";
import type { Api } from "./transport.ts";
import type { OwnDevice } from "./types.ts";

/** Asks the person; those that were away longest come first. Null: no device is to leave. */
export type AskForRoom = (devices: readonly OwnDevice[]) => Promise<DeviceId | null>;

/** The device that leaves, or null. Without an answer of the server there are no names and no days. */
export async function whoLeaves(
  { api, makeRoom }: { readonly api: Api; readonly makeRoom?: AskForRoom },
  list: DeviceList,
): Promise<DeviceId | null> {
  if (!makeRoom) return null;
  const answer = await api.ask("/sign-in/devices", null, ownDevicesAnswer);
  const named = answer.ok ? answer.value.devices : [];
  const devices = list.devices.map(({ device, kind, made }): OwnDevice => {
    const { name = "", seen = null } = named.find((one) => one.device === device) ?? {};
    return { device, kind, made, name, seen, current: false };
  });
  const lastHere = ({ seen, made }: OwnDevice) => seen ?? made;
  return await makeRoom(devices.sort((a, b) => lastHere(a) - lastHere(b)));
}
