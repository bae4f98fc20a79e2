/** The hub of one node: takes open sockets, delivers, and closes those that have lost their right. */
import type { Writable } from "node:stream";
import type { WebSocket } from "ws";
import type { QueueStore } from "../db/queue.ts";
import type { Limits } from "../limits.ts";
import type { Log } from "../log.ts";
import type { AccountId, DeviceId, RoomId } from "../protocol/ids.ts";
import { KnownIds } from "../protocol/known_ids.ts";
import type { Bus, BusEvent } from "./bus.ts";
import {
  Connection,
  type ConnectionLimits,
  type ConnectionParts,
  type SocketUser,
} from "./connection.ts";
import { Connections } from "./connections.ts";
import { Delivery } from "./delivery.ts";
import { Expiry } from "./expiry.ts";
import type { Meter } from "./meter.ts";
import { createPresence, type Presence } from "./presence.ts";

/** What a hub is built from. */
export interface HubParts {
  readonly queue: QueueStore;
  readonly bus: Bus;
  readonly limits: ConnectionLimits & Pick<Limits, "queueSeconds">;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Runs its argument when this turn of the event loop is over: `setImmediate`. */
  readonly afterTurn: (work: () => void) => void;
  /** Runs its argument some 20 ms later: `setTimeout`. */
  readonly soon: (work: () => void) => void;
  readonly meter: Meter;
  readonly log: Log;
}

/** Close code for a server that stops (RFC 6455 section 7.4.1: going away). */
const GOING_AWAY = 1001;
/** Ticks between two sweeps of the queue: an hour. The first is at the start. */
const SWEEP_TICKS = 3600;
/** Between two looks at what is recent, and two sweeps of presence: who is over time is away without it. */
const MINUTE_TICKS = 60;

/** See the head of this file. Its methods never throw. */
export class Hub {
  readonly presence: Presence;
  readonly #parts: HubParts;
  readonly #connections: Connections;
  readonly #delivery: Delivery;
  readonly #expiry: Expiry;
  /** One for all: an idle connection is to cost little. */
  readonly #shared: ConnectionParts;
  /** A new one for every turn: docs/decisions/0015-young-memory.md says why. */
  #dirty = new Set<Connection>();
  readonly #unsubscribe: () => void;
  #flushing = false;
  #ticks = 0;
  #stopping = false;

  constructor(parts: HubParts) {
    this.#parts = parts;
    this.presence = createPresence(parts.now);
    this.#connections = new Connections(parts.afterTurn);
    this.#shared = this.#connectionParts();
    this.#delivery = new Delivery({
      ...parts,
      connectionOf: (device) => this.#connections.ofDevice(device),
    });
    this.#expiry = new Expiry({
      ...parts,
      queueSeconds: parts.limits.queueSeconds,
      elapsed: () => performance.now(),
      lost: (device, gaps) => parts.bus.publish({ kind: "gap", device, gaps }),
    });
    this.#unsubscribe = parts.bus.subscribe((event) => this.#onBus(event));
  }

  /** Open sockets. */
  get size(): number {
    return this.#connections.size;
  }

  /** Takes over an open socket whose login was checked, and the connection under it. */
  accept(socket: WebSocket, wire: Writable, user: SocketUser): void {
    if (this.#stopping) return socket.close(GOING_AWAY, "the server stops");
    this.#connections.add(new Connection(socket, wire, user, this.#shared));
  }

  /** These logins are no more, on whatever node their sockets are. */
  loginsEnded(logins: readonly string[]): void {
    this.#parts.bus.publish({ kind: "logins-ended", logins });
  }

  /** These devices are no more. */
  devicesRemoved(devices: readonly DeviceId[]): void {
    this.#parts.bus.publish({ kind: "devices-removed", devices });
  }

  /** The account's other devices look at the new entry, and those of `also`. */
  listChanged(account: AccountId, version: number, also: readonly AccountId[] = []): void {
    this.#parts.bus.publish({ kind: "list-changed", account, version, also });
  }

  /** Devices of these accounts fetch the room's log. */
  roomChanged(room: RoomId, seq: number, accounts: readonly AccountId[]): void {
    this.#parts.bus.publish({ kind: "room-changed", room, seq, accounts });
  }

  prekeysLow(device: DeviceId, stock: { readonly oneTime: number; readonly kem: number }): void {
    this.#parts.bus.publish({ kind: "prekeys-low", device, ...stock });
  }

  /** Once a second: heartbeats, sockets that did not close, presence, now and then a sweep. */
  tick(): void {
    const ticks = this.#ticks++;
    this.#connections.tick();
    if (ticks % SWEEP_TICKS === 0) void this.#expiry.sweep();
    if (ticks % MINUTE_TICKS !== 0) return;
    this.presence.sweep();
    void this.#expiry.tidy();
  }

  /** Removes what waited too long. By itself once an hour. */
  sweep(): Promise<void> {
    return this.#expiry.sweep();
  }

  /** Commits what came in, answers it, and says goodbye to every socket. */
  async close(): Promise<void> {
    this.#stopping = true;
    await this.#expiry.stop();
    await this.#delivery.flush();
    this.#flushDirty();
    for (const connection of this.#connections.all()) {
      connection.close(GOING_AWAY, "the server stops");
    }
    this.#unsubscribe();
  }

  #connectionParts(): ConnectionParts {
    const { queue, limits, meter, now, log, afterTurn } = this.#parts;
    const known = new KnownIds();
    return {
      hello: (connection, { previous, next }) =>
        this.#delivery.hello(connection, { device: connection.user.device, previous, next }),
      opened: (connection) => this.#connections.claim(connection),
      confirm: (work) => this.#delivery.confirm(work),
      submit: (connection, ref, work) => this.#delivery.submit(connection, ref, work),
      ack: (device, position) => this.#delivery.ack(device, position),
      dirty: (connection) => this.#markDirty(connection),
      closed: (connection) => this.#closed(connection),
      heard: ({ user }) => this.presence.heard(user.account, user.device),
      idOf: (bytes) => known.of(bytes),
      ...{ queue, limits, meter, now, log, afterTurn },
    };
  }

  #closed(connection: Connection): void {
    const { account, device } = connection.user;
    this.#connections.remove(connection);
    this.#dirty.delete(connection);
    if (this.#connections.ofDevice(device) === undefined) this.presence.left(account, device);
  }

  /** Everything that one turn has for a socket leaves in one write. */
  #markDirty(connection: Connection): void {
    this.#dirty.add(connection);
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => this.#flushDirty());
  }

  #flushDirty(): void {
    this.#flushing = false;
    const dirty = this.#dirty;
    this.#dirty = new Set();
    for (const connection of dirty) connection.flush();
  }

  #onBus(event: BusEvent): void {
    const ofDevice = (device: DeviceId) => this.#connections.ofDevice(device);
    switch (event.kind) {
      case "wake":
        return event.devices.forEach((device) => ofDevice(device)?.wake());
      case "gap":
        return ofDevice(event.device)?.notify({ kind: "gap", gaps: event.gaps });
      case "logins-ended":
        for (const login of event.logins) {
          for (const connection of this.#connections.ofLogin(login)) connection.signOut();
        }
        return;
      case "devices-removed":
        return event.devices.forEach((device) => ofDevice(device)?.signOut());
      case "list-changed":
        return this.#tellListChanged(event);
      case "room-changed":
        return this.#tellRoomChanged(event);
      case "prekeys-low":
        return ofDevice(event.device)?.notify(event);
    }
  }

  #tellListChanged(event: Extract<BusEvent, { kind: "list-changed" }>): void {
    const { kind, account, version, also } = event;
    for (const whose of [account, ...also]) {
      for (const connection of this.#connections.ofAccount(whose)) {
        connection.notify({ kind, account, version });
      }
    }
  }

  #tellRoomChanged({ kind, room, seq, accounts }: Extract<BusEvent, { kind: "room-changed" }>) {
    for (const account of accounts) {
      for (const connection of this.#connections.ofAccount(account)) {
        connection.notify({ kind, room, seq });
      }
    }
  }
}
