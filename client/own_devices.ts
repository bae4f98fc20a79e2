/** One's own devices: by name, renamed, removed. The list is the signed one; names are the server's word. */
import { type DeviceKeys, revokeDevices } from "../crypto/account.ts";
import { findDevice } from "../protocol/bundle.ts";
import { encode } from "../protocol/codec.ts";
import {
  devicesDone,
  ownDevicesAnswer,
  renameRequest,
  revokeRequest,
} from "../protocol/device_api.ts";
import type { DeviceId } from "../protocol/ids.ts";
import type { Writer } from "./change.ts";
import type { DeviceApi } from "./device_login.ts";
import { outcomeOf } from "./flow_refusals.ts";
import { alarms, endAlarm } from "./own_alarms.ts";
import { wasRemoved } from "./removal.ts";
import type { LocalStore } from "./store.ts";
import { getContact } from "./timeline.ts";
import type { EngineApi } from "./transport.ts";
import { done, type Me, type Outcome, type OwnAlarm, type OwnDevice, refused } from "./types.ts";

export interface OwnDevicesOptions {
  readonly me: Me;
  readonly own: DeviceKeys;
  readonly store: LocalStore;
  readonly writer: Writer;
  readonly api: DeviceApi;
  /** The same without a login: a removed device has none. */
  readonly door: EngineApi;
  /** Those that the person takes out here, just now: there is nothing to ask about them. */
  readonly leaving: Set<DeviceId>;
  /** Fetches and judges the own list. */
  readonly refresh: () => Promise<void>;
  /** Everything that this device keeps goes. */
  readonly erase: () => Promise<void>;
}

/** Somebody else may change the list at the same moment; then it is read again. */
const MOST_ROUNDS = 3;
const UNKNOWN = "Your account has no such device.";

export class OwnDevices {
  readonly #o: OwnDevicesOptions;

  constructor(options: OwnDevicesOptions) {
    this.#o = options;
  }

  /** Those that nobody here has spoken about. */
  async alarms(): Promise<OwnAlarm[]> {
    return await alarms(this.#o.store);
  }

  /** The person knows of it. */
  async accept(device: DeviceId): Promise<void> {
    await this.#o.writer.change((change) => endAlarm(change, device));
  }

  /** Without an answer of the server there are no names and no days. */
  async list(): Promise<OwnDevice[]> {
    const list = await this.#list();
    const answer = await this.#o.api.ask("/api/devices", null, ownDevicesAnswer);
    const named = answer.ok ? answer.value.devices : [];
    return (list?.devices ?? []).map(({ device, kind, made }) => {
      const { name = "", seen = null } = named.find((one) => one.device === device) ?? {};
      return { device, kind, made, name, seen, current: device === this.#o.me.device };
    });
  }

  async rename(device: DeviceId, name: string): Promise<Outcome<OwnDevice[]>> {
    const request = encode(renameRequest, { device, name });
    const answer = await this.#o.api.ask("/api/devices/rename", request, devicesDone);
    return answer.ok ? done(await this.list()) : outcomeOf(answer);
  }

  /** Signs the removal of a device, which may be this one, and hands it to the server. */
  async revoke(device: DeviceId): Promise<Outcome<OwnDevice[]>> {
    const { leaving } = this.#o;
    leaving.add(device);
    return await this.#takeOut(device).finally(() => leaving.delete(device));
  }

  async #takeOut(device: DeviceId): Promise<Outcome<OwnDevice[]>> {
    const revoked = await this.#revoke(device);
    if (!revoked.ok) return revoked;
    if (device !== this.#o.me.device) {
      await this.#o.refresh();
      return done(await this.list());
    }
    await this.#o.erase();
    return done([]);
  }

  /** Whom the server lets in no more was signed out, or removed: then nothing must stay here. */
  async lookForRemoval(): Promise<void> {
    if (await wasRemoved(this.#o.door, this.#o.own, await this.#list())) await this.#o.erase();
  }

  async #revoke(device: DeviceId): Promise<Outcome<null>> {
    // It may have signed in a moment ago.
    if (!await this.#isListed(device)) await this.#o.refresh();
    for (let round = 1;; round++) {
      const list = await this.#list();
      if (!list || !findDevice(list, device)) return refused("bad-input", UNKNOWN);
      const entry = await revokeDevices(this.#o.own, list, [device]);
      const request = encode(revokeRequest, { list: entry });
      const answer = await this.#o.api.ask("/api/devices/revoke", request, devicesDone);
      if (answer.ok) return done(null);
      if (answer.code !== "stale-list" || round >= MOST_ROUNDS) return outcomeOf(answer);
      await this.#o.refresh();
    }
  }

  async #isListed(device: DeviceId): Promise<boolean> {
    const list = await this.#list();
    return list !== undefined && findDevice(list, device) !== null;
  }

  async #list() {
    const { writer, me } = this.#o;
    return (await writer.change((change) => getContact(change, me.account)))?.list;
  }
}
