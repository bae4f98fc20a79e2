/**
 * One's own devices over the same HTTP interface as api.ts.
 *
 * | method and path              | request        | answer           | login  |
 * | ---------------------------- | -------------- | ---------------- | ------ |
 * | GET /api/devices             |                | ownDevicesAnswer | device |
 * | POST /api/devices/rename     | renameRequest  | devicesDone      | device |
 * | POST /api/devices/revoke     | revokeRequest  | devicesDone      | device |
 * | GET /sign-in/devices         |                | ownDevicesAnswer | partial, everything proven |
 * | POST /api/login/removed      | loginRequest   | removedAnswer    | none   |
 */
import { id, type Infer, list, nullable, record, text, uint } from "./codec.ts";
import { signedSchema } from "./bundle.ts";
import { MAX_DEVICES, MAX_LIST_ENTRIES } from "./limits.ts";

/** What a person calls a device, in UTF-8 bytes. */
export const MAX_DEVICE_NAME = 160;

const device = id<"device">();

/** What the server knows of one's devices beside the signed list. */
export const ownDevicesAnswer = record({
  devices: list(
    record({
      device,
      /** Empty where its owner gave it none. */
      name: text({ max: MAX_DEVICE_NAME }),
      /** Unix day on which it was last here; null where that was not yet written down. */
      seen: nullable(uint()),
    }),
    { max: MAX_DEVICES },
  ),
});
export type OwnDevicesAnswer = Infer<typeof ownDevicesAnswer>;

export const renameRequest = record({ device, name: text({ max: MAX_DEVICE_NAME }) });

/** A `revoke` entry, signed by the asking device; it may name that device itself. */
export const revokeRequest = record({ list: signedSchema });

export const devicesDone = record({});

/**
 * To a device that was listed and is no more: the list that says so. Only its own signature over a
 * challenge brings it, and only the entries make it believe that it was removed.
 */
export const removedAnswer = record({ entries: list(signedSchema, { max: MAX_LIST_ENTRIES }) });
