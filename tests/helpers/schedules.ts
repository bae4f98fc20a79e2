/**
 * Random days in the life of three people with three devices each: who says what to whom, whose process dies at
 * which step, what the network loses, doubles, holds back and brings in another order. One number makes a day, so
 * that a bad one can be lived through again.
 */
import type { Deliver } from "../../protocol/frame.ts";
import type { DeviceId } from "../../protocol/ids.ts";
import type { MissingLine } from "../../client/records.ts";
import { Doom } from "./doom.ts";
import { FakeArchive } from "./fake_archive.ts";
import { type Device, World } from "./people_world.ts";
import { seeded } from "./seeded.ts";

/** A text that a person was told is on its way, and who wrote it where. */
interface Said {
  readonly text: string;
  readonly by: Device;
  readonly to: string;
}

/** What is wrong at the end of a day; nothing, if all is well. */
export type Faults = readonly string[];

const NAMES = ["ana", "ben", "cleo"] as const;
const STEPS = 16;
/** Of a hundred deliveries in bad weather. */
const LOST = 4;
const DOUBLED = 8;
const HELD = 12;

/** Everybody has an account and three devices; nobody has met anybody. */
export async function threePeople(): Promise<World> {
  const world = new World();
  world.server.archive = new FakeArchive();
  for (const name of NAMES) {
    const { person } = await world.person(name);
    await world.device(person);
    await world.device(person);
  }
  // Each learns of its person's later devices now: no day is about that.
  for (const device of world.devices) await world.open(device);
  await world.closeAll();
  return world;
}

export class Day {
  readonly #draw: (most: number) => number;
  readonly #world: World;
  readonly #said: Said[] = [];
  readonly #maybe = new Set<string>();
  readonly #held: { readonly item: Deliver; readonly to: DeviceId }[] = [];
  /** Envelopes that a device will never get, by device. */
  readonly #lost = new Map<DeviceId, number>();
  readonly #faults: string[] = [];
  #storm = false;
  #count = 0;

  /** @param people {@link threePeople}, who stay as they are */
  constructor(people: World, seed: number) {
    this.#world = people.copy();
    this.#draw = seeded(seed);
  }

  get #devices(): readonly Device[] {
    return this.#world.devices;
  }

  async live(): Promise<Faults> {
    await this.#begin();
    for (let step = 0; step < STEPS; step++) await this.#step();
    await this.#calm();
    for (const device of this.#devices) await this.#judge(device);
    await this.#newBrowser();
    await this.#world.closeAll();
    return this.#faults;
  }

  async #begin(): Promise<void> {
    const world = this.#world;
    for (const device of this.#devices) await world.open(device);
    world.server.relay.deliver = (item, to) => this.#weather(item, to);
  }

  /** What becomes of a delivery. A lost one is counted by the server, as one that it dropped itself. */
  #weather(item: Deliver, to: DeviceId): Deliver[] {
    if (!this.#storm) return [item];
    const chance = this.#draw(100);
    if (chance < LOST) return this.#lose(item, to);
    if (chance < LOST + DOUBLED) return [item, item];
    if (chance < LOST + DOUBLED + HELD) {
      this.#held.push({ item, to });
      return [];
    }
    return [item];
  }

  #lose(item: Deliver, to: DeviceId): Deliver[] {
    const queue = this.#world.server.relay.queue(to);
    queue.waiting = queue.waiting.filter(({ position }) => position !== item.position);
    queue.gaps++;
    this.#lost.set(to, (this.#lost.get(to) ?? 0) + 1);
    return [];
  }

  async #step(): Promise<void> {
    const device = this.#devices[this.#draw(this.#devices.length)]!;
    const what = this.#draw(20);
    if (what < 10) return await this.#say(device);
    if (what < 12) return await this.#dieSaying(device);
    if (what < 13) return await this.#restart(device);
    if (what < 14) return this.#world.server.relay.cut(device.keys.device);
    if (what < 15) return await this.#world.close(device);
    if (what < 16) return await this.#release();
    if (what < 17) return void (this.#storm = !this.#storm);
    if (what < 18) {
      this.#world.server.relay.swallowAnswers = !this.#world.server.relay.swallowAnswers;
      return;
    }
    await this.#world.pass([2_000, 20_000, 600_000][this.#draw(3)]!);
  }

  async #say(device: Device, settle = this.#draw(3) === 0): Promise<void> {
    if (!device.engine) await this.#world.open(device);
    const to = this.#other(device);
    const text = `${device.person.username} ${++this.#count}`;
    this.#maybe.add(text);
    const outcome = await this.#trySaying(device, to, text);
    if (outcome) this.#said.push({ text, by: device, to });
    if (settle) await this.#world.settle();
  }

  #other({ person }: Device): string {
    const others = NAMES.filter((name) => name !== person.username);
    return others[this.#draw(others.length)]!;
  }

  async #trySaying({ engine }: Device, to: string, text: string): Promise<boolean> {
    try {
      const talk = await engine!.startConversation(to);
      if (!talk.ok) return false;
      return (await engine!.send(talk.value.id, text)).ok;
    } catch {
      // The process died: nobody was told anything.
      return false;
    }
  }

  /** Dies at a random touch of its store or the network while it says something, and starts again. */
  async #dieSaying(device: Device): Promise<void> {
    await this.#world.close(device);
    const doom = new Doom(1 + this.#draw(120));
    try {
      await this.#world.open(device, { wrapping: doom.wrapping });
      await this.#say(device, true);
    } catch {
      // Died before it was open.
    }
    doom.dead = true;
    await this.#restart(device);
  }

  async #restart(device: Device): Promise<void> {
    await this.#world.close(device);
    this.#world.server.relay.cut(device.keys.device);
    await this.#world.open(device);
  }

  /** What was held back comes now, in any order. */
  async #release(): Promise<void> {
    const { relay } = this.#world.server;
    const held = this.#held.splice(0);
    while (held.length > 0) {
      const [{ item, to }] = held.splice(this.#draw(held.length), 1) as [typeof held[number]];
      if (relay.isConnected(to)) relay.inject(to, [item]);
      // Acknowledged by a later one, and the connection is gone: nobody will bring it any more.
      else if (!this.#waits(item, to)) this.#lose(item, to);
    }
    await this.#world.settle();
  }

  #waits({ position }: Deliver, to: DeviceId): boolean {
    return this.#world.server.relay.queue(to).waiting.some((item) => item.position === position);
  }

  /** The weather clears up: everybody is there, says one more thing, and time passes. */
  async #calm(): Promise<void> {
    const world = this.#world;
    this.#storm = false;
    world.server.relay.swallowAnswers = false;
    for (const device of this.#devices) if (!device.engine) await world.open(device);
    await this.#release();
    for (const device of this.#devices) {
      world.server.relay.cut(device.keys.device);
    }
    await world.pass(3_600_000);
    for (const device of this.#devices) await this.#say(device, false);
    await world.settle();
    await world.pass(60_000);
  }

  /** Somebody's new browser has every message that any of their devices has, once. */
  async #newBrowser(): Promise<void> {
    const world = this.#world;
    const whose = NAMES[this.#draw(3)];
    const olds = this.#devices.filter(({ person }) => person.username === whose);
    const [first] = olds;
    if (!first) return;
    for (const { engine } of olds) await engine!.history.flush();
    const theirs = (await Promise.all(olds.map((device) => this.#shown(device)))).flat();
    const fresh = await world.device(first.person);
    await world.open(fresh);
    await world.pass(60_000);
    const shown = await this.#shown(fresh);
    const where = `${first.person.username}'s new browser`;
    const lacking = [...new Set(theirs)].filter((text) => !shown.includes(text));
    if (lacking.length > 0) this.#faults.push(`${where} lacks ${lacking.join()}`);
    for (const [text, times] of count(shown)) {
      if (times > 1) this.#faults.push(`${where} shows “${text}” ${times} times`);
    }
  }

  async #judge(device: Device): Promise<void> {
    const { username } = device.person;
    const where = `${username}'s device ${this.#devices.indexOf(device) % 3}`;
    const shown = await this.#shown(device);
    for (const [text, times] of count(shown)) {
      if (times > 1) this.#faults.push(`${where} shows “${text}” ${times} times`);
      if (!this.#maybe.has(text)) this.#faults.push(`${where} shows “${text}”, which nobody said`);
    }
    const meant = this.#said.filter(({ by, to }) => to === username || by.person === device.person);
    const missing = meant.filter(({ text }) => !shown.includes(text));
    const lost = this.#lost.get(device.keys.device) ?? 0;
    const known = await this.#known(device);
    const told = toldByServer(device);
    // Two witnesses: a session whose numbers skip, and the server that counts. Together they see every loss, and
    // neither sees one that was none.
    if (known > lost || told > lost || known + told < lost) {
      this.#faults.push(`${where} counts ${known} and ${told} missing, ${lost} were lost`);
    }
    if (missing.length > lost) {
      const texts = missing.map(({ text }) => text).join();
      this.#faults.push(`${where} lacks ${texts}; only ${lost} were lost`);
    }
    const waiting = this.#world.server.relay.queue(device.keys.device).waiting.length;
    if (waiting > 0) this.#faults.push(`${where} leaves ${waiting} in its queue`);
    const stuck = (await this.#rows(device)).filter(({ state }) => state === "sending");
    if (stuck.length > 0) this.#faults.push(`${where} is still sending ${stuck.length}`);
    const bad = device.events.filter((event) => event.kind === "warning");
    for (const event of bad) {
      if (event.kind === "warning" && event.what !== "peer-lost-messages") {
        this.#faults.push(`${where} warns: ${event.words}`);
      }
    }
  }

  async #rows({ engine }: Device) {
    const talks = await engine!.conversations();
    const pages = talks.map(({ id }) => engine!.messages(id, { limit: 500 }));
    return (await Promise.all(pages)).flat();
  }

  async #shown(device: Device): Promise<string[]> {
    return (await this.#rows(device)).filter(({ kind }) => kind === "text").map(({ text }) => text);
  }

  /** What the device's own lines say is missing. */
  async #known(device: Device): Promise<number> {
    const lines = await device.store.list<MissingLine[]>("seen", { prefix: "missing/" });
    return lines.flatMap(({ value }) => value).reduce((sum, { left }) => sum + left, 0);
  }
}

/** Losses that no session explained in time. */
function toldByServer({ events }: Device): number {
  return events.reduce((sum, event) => {
    return event.kind === "gap" && event.conversation === undefined ? sum + event.count : sum;
  }, 0);
}

function count(texts: readonly string[]): Map<string, number> {
  const times = new Map<string, number>();
  for (const text of texts) times.set(text, (times.get(text) ?? 0) + 1);
  return times;
}
