/** The open sockets of this node: by device, by login, by account. */
import type { AccountId, DeviceId } from "../protocol/ids.ts";
import { CLOSE } from "../protocol/frame.ts";
import type { Connection } from "./connection.ts";

/** Ticks between two signs of life of a socket: half-open ones are gone after at most twice that. */
export const BEAT_TICKS = 14;

/** Pings that leave in one turn: about half a millisecond. */
const PINGS_TOGETHER = 50;

/** See the head of this file. */
export class Connections {
  readonly #afterTurn: (work: () => void) => void;
  readonly #all = new Set<Connection>();
  readonly #byDevice = new Map<DeviceId, Connection>();
  readonly #byLogin = new Map<string, Set<Connection>>();
  readonly #byAccount = new Map<AccountId, Set<Connection>>();
  /** Sockets whose beat falls on this tick: spread, so that ten thousand pings are not one pause. */
  readonly #slots = Array.from({ length: BEAT_TICKS }, () => new Set<Connection>());
  readonly #slotOf = new Map<Connection, number>();
  #ticks = 0;
  #next = 0;

  /** @param afterTurn runs its argument when this turn of the event loop is over */
  constructor(afterTurn: (work: () => void) => void) {
    this.#afterTurn = afterTurn;
  }

  get size(): number {
    return this.#all.size;
  }

  add(connection: Connection): void {
    this.#all.add(connection);
    join(this.#byLogin, connection.user.loginId, connection);
    join(this.#byAccount, connection.user.account, connection);
    const slot = this.#next++ % BEAT_TICKS;
    this.#slots[slot]!.add(connection);
    this.#slotOf.set(connection, slot);
  }

  /** One connection a device: the newest. A tab that took over, or a socket that died unseen. */
  claim(connection: Connection): void {
    const before = this.#byDevice.get(connection.user.device);
    this.#byDevice.set(connection.user.device, connection);
    if (before !== connection) before?.close(CLOSE.replaced, "connected again elsewhere");
  }

  remove(connection: Connection): void {
    const { device, loginId, account } = connection.user;
    this.#all.delete(connection);
    leave(this.#byLogin, loginId, connection);
    leave(this.#byAccount, account, connection);
    if (this.#byDevice.get(device) === connection) this.#byDevice.delete(device);
    this.#slots[this.#slotOf.get(connection) ?? 0]!.delete(connection);
    this.#slotOf.delete(connection);
  }

  ofDevice(device: DeviceId): Connection | undefined {
    return this.#byDevice.get(device);
  }

  ofLogin(login: string): Iterable<Connection> {
    return [...this.#byLogin.get(login) ?? []];
  }

  ofAccount(account: AccountId): Iterable<Connection> {
    return [...this.#byAccount.get(account) ?? []];
  }

  all(): Iterable<Connection> {
    return [...this.#all];
  }

  /** Once a second. */
  tick(): void {
    for (const connection of this.#all) connection.tick();
    this.#beat(this.#slots[this.#ticks++ % BEAT_TICKS]!.values());
  }

  /** A few at a time: nobody's message waits for the pings of all. */
  #beat(rest: Iterator<Connection>): void {
    for (let pings = 0; pings < PINGS_TOGETHER; pings++) {
      const { done, value } = rest.next();
      if (done) return;
      value.beat();
    }
    this.#afterTurn(() => this.#beat(rest));
  }
}

function join<K>(map: Map<K, Set<Connection>>, key: K, connection: Connection): void {
  const set = map.get(key);
  if (set === undefined) map.set(key, new Set([connection]));
  else set.add(connection);
}

function leave<K>(map: Map<K, Set<Connection>>, key: K, connection: Connection): void {
  const set = map.get(key);
  set?.delete(connection);
  if (set?.size === 0) map.delete(key);
}
