/** One's own device list, asked of the server from a settings page and judged as any other account's. */
import type { DeviceKeys } from "../crypto/account.ts";
import { type DeviceList, verifyDeviceList } from "../protocol/bundle.ts";
import { outcomeOf, refuseBroken } from "./flow_refusals.ts";
import { type Contact, type MeRecord, META } from "./records.ts";
import type { LocalStore } from "./store.ts";
import type { Api } from "./transport.ts";
import { done, type Outcome, refused } from "./types.ts";

export interface OwnListParts {
  readonly api: Pick<Api, "account">;
  /** Read only: a chat in another tab may be its writer. */
  readonly store: LocalStore;
}

export interface OwnList {
  readonly own: DeviceKeys;
  readonly list: DeviceList;
}

/** Refused where this browser is no device any more, and for a list that does not go on from the one known here. */
export async function fetchOwnList({ api, store }: OwnListParts): Promise<Outcome<OwnList>> {
  const me = await store.get<MeRecord>("meta", META.me);
  const own = await store.get<DeviceKeys>("device", "keys");
  if (!own || me?.state !== "active") {
    return refused("signed-out", "This browser is no device of yours any more. Sign in again.");
  }
  const asked = await api.account(own.account);
  if (!asked.ok) return outcomeOf(asked);
  try {
    const known = (await store.get<Contact>("accounts", own.account))?.list;
    return done({ own, list: await verifyDeviceList(own.account, asked.value.entries, known) });
  } catch (error) {
    return refuseBroken(error);
  }
}
