/** People with engines at a fake server, a clock that only moves when told, and a way to wait for quiet. */
import assert from "node:assert/strict";
import {
  addDevice,
  createAccount,
  type DeviceKeys,
  makeDevice,
  type NewAccount,
} from "../../crypto/account.ts";
import { FIRST_PREKEY_COUNTERS, makePrekeys } from "../../crypto/prekeys.ts";
import type { DeviceList, Signed } from "../../protocol/bundle.ts";
import { randomId } from "../../protocol/ids.ts";
import { type OpenEngine, openEngine } from "../../client/engine.ts";
import { archiveSetup } from "../../client/archive_setup.ts";
import { installDevice, markActive } from "../../client/installation.ts";
import type { After, SocketFactory } from "../../client/link.ts";
import type { LocalStore } from "../../client/store.ts";
import { MemoryStore } from "../../client/store_memory.ts";
import { createApi } from "../../client/account_transport.ts";
import type { HttpSend } from "../../client/transport.ts";
import type {
  Conversation,
  EngineEvent,
  Message,
  Outcome,
  PersonConversation,
} from "../../client/types.ts";
import { FakeArchive } from "./fake_archive.ts";
import { FakeServer, ORIGIN } from "./fake_server.ts";

/** 2026-01-01T12:00:00Z. */
const START = 1_767_268_800_000;
const DAY_MS = 86_400_000;

/** An account and its key, which in life lies in the vault. */
export interface Person {
  readonly username: string;
  readonly made: NewAccount;
  readonly devices: Device[];
}

/** One device of a person: its store survives, its engine comes and goes. */
export interface Device {
  readonly person: Person;
  readonly keys: DeviceKeys;
  readonly login: string;
  store: MemoryStore;
  engine: OpenEngine | null;
  events: EngineEvent[];
}

/** Stands between an engine and the world; a crash test makes it fail. */
export interface Wrapping {
  store?: (store: LocalStore) => LocalStore;
  send?: (send: HttpSend) => HttpSend;
  socket?: (socket: SocketFactory) => SocketFactory;
}

export class World {
  time = START;
  readonly server = new FakeServer(() => this.time);
  readonly #timers = new Set<{ at: number; run: () => void }>();
  readonly #devices: Device[] = [];

  readonly now = (): number => this.time;

  readonly after: After = (ms, run) => {
    const timer = { at: this.time + ms, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  };

  get day(): number {
    return Math.floor(this.time / DAY_MS);
  }

  async person(username: string): Promise<Device> {
    const made = await createAccount(randomId(), "terminal", "sealed", this.day);
    const person: Person = { username, made, devices: [] };
    await this.server.put(namesOf(person), made.list.account, made.entry);
    return await this.#add(person, made.device, made.list);
  }

  /** One more device, signed in by the account key. */
  async device(person: Person): Promise<Device> {
    const { account, aik } = person.made.list;
    const { list } = this.server.accounts.get(account)!;
    const { keys, entry } = await makeDevice(account, aik, "browser", "sealed", this.day);
    const signed = await addDevice(person.made.accountKey, list, entry);
    await this.publish(person, signed);
    return await this.#add(person, keys, this.server.accounts.get(account)!.list);
  }

  async publish(person: Person, entry: Signed): Promise<void> {
    await this.server.put(namesOf(person), person.made.list.account, entry);
  }

  async #add(person: Person, keys: DeviceKeys, list: DeviceList): Promise<Device> {
    const store = new MemoryStore();
    const order = { day: this.day, mode: "sealed", counters: FIRST_PREKEY_COUNTERS } as const;
    // Fewer than in life: tests make hundreds of devices.
    const prekeys = await makePrekeys(keys, list, { ...order, once: 30, kemOnce: 6 });
    const installed = { kind: "terminal", keys, list, prekeys, ...namesOf(person) } as const;
    await installDevice(store, { ...installed, ...await this.#history(person, list) });
    await markActive(store, null);
    await this.server.upload(keys.account, keys.device, prekeys.upload, this.day);
    const login = this.server.login(keys.account, keys.device);
    const device: Device = { person, keys, login, store, engine: null, events: [] };
    person.devices.push(device);
    this.#devices.push(device);
    return device;
  }

  /** What the open vault gives a new device for the history, where a test is about that. */
  async #history(person: Person, list: DeviceList) {
    const { archive, accounts } = this.server;
    if (!archive) return {};
    const { entries } = accounts.get(list.account)!;
    const { deposits } = archive.shelf(list.account);
    const setup = await archiveSetup(person.made.vault, { entries, deposits }, list, "sealed");
    return { archive: setup, restore: person.devices.length > 0 };
  }

  /** The same people with the same devices, in a world of their own. Nothing may be open or queued. */
  copy(): World {
    const world = new World();
    world.time = this.time;
    if (this.server.archive) world.server.archive = new FakeArchive();
    for (const [id, known] of this.server.accounts) {
      world.server.accounts.set(id, { ...known, entries: [...known.entries] });
    }
    for (const [id, { oneTime, kemOnce, ...kept }] of this.server.prekeys) {
      const left = { oneTime: [...oneTime], kemOnce: [...kemOnce] };
      world.server.prekeys.set(id, { ...kept, ...left });
    }
    const people = new Map<Person, Person>();
    for (const { person, keys, login, store } of this.#devices) {
      const same = people.get(person) ?? { ...person, devices: [] };
      people.set(person, same);
      world.server.login(keys.account, keys.device);
      const fresh = { engine: null, events: [], store: store.snapshot() };
      const device: Device = { person: same, keys, login, ...fresh };
      same.devices.push(device);
      world.#devices.push(device);
    }
    return world;
  }

  get devices(): readonly Device[] {
    return this.#devices;
  }

  /** Opens a device's engine, connected unless told otherwise. */
  async open(
    device: Device,
    { connect = true, wrapping = {} as Wrapping } = {},
  ): Promise<OpenEngine> {
    device.store = device.store.reopen();
    const send = wrapping.send?.(this.server.send) ?? this.server.send;
    const { login } = device;
    const engine = await openEngine({
      store: wrapping.store?.(device.store) ?? device.store,
      api: createApi({ origin: ORIGIN, send, terminal: true, login }),
      socket: wrapping.socket?.(this.server.relay.connect) ?? this.server.relay.connect,
      mode: "sealed",
      now: this.now,
      after: this.after,
      random: () => 0.5,
    });
    engine.on((event) => device.events.push(event));
    device.engine = engine;
    if (connect) engine.connect();
    await this.settle();
    return engine;
  }

  async close(device: Device): Promise<void> {
    const { engine } = device;
    device.engine = null;
    await engine?.close();
    await this.settle();
  }

  async closeAll(): Promise<void> {
    for (const device of this.#devices) await this.close(device);
  }

  /** Runs until nothing moves any more. Timers stand still: see {@link pass}. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 3;) {
      const before = this.#pulse();
      await Promise.all(this.#devices.map(({ engine }) => engine?.idle().catch(() => {})));
      await new Promise<void>((resolve) => setImmediate(resolve));
      quiet = this.#pulse() === before ? quiet + 1 : 0;
    }
  }

  /** Lets time pass, timer by timer, settling after each. */
  async pass(ms: number): Promise<void> {
    const end = this.time + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#timers.delete(due);
      this.time = Math.max(this.time, due.at);
      due.run();
      await this.settle();
    }
    this.time = end;
    await this.settle();
  }

  #pulse(): string {
    const { requests, relay } = this.server;
    const events = this.#devices.reduce((sum, { events }) => sum + events.length, 0);
    const queued = [...relay.queues.values()].map(({ waiting, top }) => `${top}/${waiting.length}`);
    return [requests.length, relay.submitted.length, events, ...queued].join();
  }
}

function namesOf({ username }: Person): { username: string; fullName: string } {
  return { username, fullName: `${username[0]!.toUpperCase()}${username.slice(1)}` };
}

export function must<T>(outcome: Outcome<T>): T {
  assert.ok(outcome.ok, outcome.ok ? "" : `${outcome.code}: ${outcome.words}`);
  return outcome.value;
}

export async function talkTo(device: Device, username: string): Promise<PersonConversation> {
  return must(await device.engine!.startConversation(username));
}

/** The conversations with people, newest first. */
export async function peopleOf(device: Device): Promise<PersonConversation[]> {
  const all = await device.engine!.conversations();
  return all.filter((one) => one.kind === "person");
}

export async function say(
  device: Device,
  conversation: Pick<Conversation, "id">,
  text: string,
): Promise<Message> {
  return must(await device.engine!.send(conversation.id, text));
}

/** The texts of a device's conversation with somebody, in the order shown. */
export async function texts(device: Device, other: Device): Promise<string[]> {
  const rows = await device.engine!.messages(other.keys.account, { limit: 500 });
  return rows.filter(({ kind }) => kind === "text").map(({ text }) => text);
}

/** The system lines of a device's conversation with somebody. */
export async function lines(device: Device, other: Device): Promise<string[]> {
  const rows = await device.engine!.messages(other.keys.account, { limit: 500 });
  return rows.filter(({ kind }) => kind === "line").map(({ text }) => text);
}

export function warnings(device: Device): string[] {
  return device.events.flatMap((event) => event.kind === "warning" ? [event.what] : []);
}

/** Two people who have each other's first message behind them. */
export async function twoPeople(): Promise<{ world: World; ana: Device; ben: Device }> {
  const world = new World();
  const [ana, ben] = [await world.person("ana"), await world.person("ben")];
  await world.open(ana);
  await world.open(ben);
  return { world, ana, ben };
}

/** Two people who have exchanged a message each. */
export async function acquainted(): Promise<
  Awaited<ReturnType<typeof twoPeople>> & {
    readonly toBen: PersonConversation;
    readonly toAna: PersonConversation;
  }
> {
  const scene = await twoPeople();
  const { world, ana, ben } = scene;
  const toBen = await talkTo(ana, "ben");
  await say(ana, toBen, "hello");
  await world.settle();
  const toAna = await talkTo(ben, "ana");
  await say(ben, toAna, "hello back");
  await world.settle();
  return { ...scene, toBen, toAna };
}
