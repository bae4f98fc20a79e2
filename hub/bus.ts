/**
 * What hubs tell each other. Hints only: the queue is the truth, and a lost wake costs delay, never
 * a message. One node has the local bus; a cluster puts a network behind the same interface.
 */
import type { AccountId, DeviceId, RoomId } from "../protocol/ids.ts";
import type { Log } from "../log.ts";

/** Something that may concern a socket on any node. */
export type BusEvent =
  /** Something was queued for these devices. */
  | { readonly kind: "wake"; readonly devices: readonly DeviceId[] }
  /** These devices lost something; the total. */
  | { readonly kind: "gap"; readonly device: DeviceId; readonly gaps: number }
  | { readonly kind: "logins-ended"; readonly logins: readonly string[] }
  | { readonly kind: "devices-removed"; readonly devices: readonly DeviceId[] }
  /** `also`: accounts that are told besides. */
  | {
    readonly kind: "list-changed";
    readonly account: AccountId;
    readonly version: number;
    readonly also: readonly AccountId[];
  }
  /** The log of a room has a new entry; whose devices are to hear of it. */
  | {
    readonly kind: "room-changed";
    readonly room: RoomId;
    readonly seq: number;
    readonly accounts: readonly AccountId[];
  }
  | {
    readonly kind: "prekeys-low";
    readonly device: DeviceId;
    readonly oneTime: number;
    readonly kem: number;
  };

/** Publishing never throws and never waits. */
export interface Bus {
  publish(event: BusEvent): void;
  /** @returns stops listening */
  subscribe(listener: (event: BusEvent) => void): () => void;
  close(): Promise<void>;
}

/** The bus of a single node: a list of listeners in this process. */
export function localBus(log: Pick<Log, "error">): Bus {
  const listeners = new Set<(event: BusEvent) => void>();
  return {
    publish(event) {
      for (const listener of listeners) {
        try {
          listener(event);
        } catch (error) {
          log.error("bus.listener_failed", { error });
        }
      }
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      listeners.clear();
      return Promise.resolve();
    },
  };
}
