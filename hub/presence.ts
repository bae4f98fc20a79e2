/**
 * Which devices were heard of lately. By time to live, not by counting sockets: a node that dies
 * takes nobody's presence with it for longer than the TTL.
 */
import type { AccountId, DeviceId } from "../protocol/ids.ts";

/** How long a device counts as present after it was heard: three missed heartbeats. */
export const PRESENCE_MS = 45_000;

/** See {@link createPresence}. */
export interface Presence {
  /** The device was heard. */
  heard(account: AccountId, device: DeviceId): void;
  /** The device said goodbye. */
  left(account: AccountId, device: DeviceId): void;
  present(account: AccountId): boolean;
  /** Forgets whose time is over. */
  sweep(): void;
}

/** Presence in this process's memory. */
export function createPresence(now: () => number): Presence {
  const accounts = new Map<AccountId, Map<DeviceId, number>>();
  const forget = (account: AccountId, device: DeviceId) => {
    const devices = accounts.get(account);
    devices?.delete(device);
    if (devices?.size === 0) accounts.delete(account);
  };
  return {
    heard(account, device) {
      const devices = accounts.get(account) ?? new Map<DeviceId, number>();
      accounts.set(account, devices.set(device, now() + PRESENCE_MS));
    },
    left: forget,
    present: (account) => [...accounts.get(account)?.values() ?? []].some((until) => until > now()),
    sweep() {
      for (const [account, devices] of accounts) {
        for (const [device, until] of devices) if (until <= now()) forget(account, device);
      }
    },
  };
}
