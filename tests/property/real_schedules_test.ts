/**
 * The random days of schedules_test.ts, fewer of them, with the real server, its queue and its database: three people
 * with three devices each, one day after the other on the same stores. They are judged when nothing moves any more, so
 * that it does not matter how fast the machine is. `SNUG_SEED=… SNUG_DAYS=…` lives them again, as far as two
 * processes that really talk can be made to.
 */
import assert from "node:assert/strict";
import { Doom } from "../helpers/doom.ts";
import type { Message } from "../../client/types.ts";
import { must, type Wrapping } from "../helpers/people_world.ts";
import { quiet } from "../helpers/quiet.ts";
import { RealDevice, RealServer } from "../helpers/real_server.ts";
import { Weather } from "../helpers/real_weather.ts";
import { newSeed, seeded } from "../helpers/seeded.ts";

const DAYS = Number(Deno.env.get("SNUG_DAYS")) || (Deno.env.get("SNUG_SLOW") ? 100 : 5);
const STEPS = 12;
const PASSWORD = "lantern under the stairs";
const NAMES = ["ana", "ben", "cleo"] as const;
/** Steps of a process within which it dies. */
const DEATH = 90;

interface Player {
  readonly name: string;
  readonly device: RealDevice;
  readonly weather: Weather;
}

interface Said {
  readonly text: string;
  readonly by: Player;
  readonly to: string;
}

type Draw = (most: number) => number;

async function arrive(server: RealServer, draw: Draw): Promise<Player[]> {
  const players: Player[] = [];
  for (const name of NAMES) {
    for (let i = 0; i < 3; i++) {
      const device = new RealDevice(server);
      if (i === 0) await device.signUp(name, `${PASSWORD} ${name}`);
      else must(await device.signIn(name, `${PASSWORD} ${name}`));
      const player = { name, device, weather: new Weather(draw) };
      players.push(player);
      await open(player);
    }
  }
  return players;
}

async function open({ device, weather }: Player, doom: Wrapping = {}): Promise<void> {
  await device.open({ ...doom, ...doom.socket ? {} : weather.wrapping });
}

async function close({ device, weather }: Player): Promise<void> {
  weather.release();
  await device.engine?.idle();
  await device.close();
}

class Days {
  readonly #said: Said[] = [];
  readonly #maybe = new Set<string>();
  #count = 0;

  constructor(
    readonly server: RealServer,
    readonly players: readonly Player[],
    readonly draw: Draw,
  ) {}

  async live(): Promise<void> {
    for (const { weather } of this.players) weather.storm = true;
    for (let step = 0; step < STEPS; step++) await this.#step();
    await this.#calm();
    for (const player of this.players) await this.#judge(player);
  }

  async #step(): Promise<void> {
    const player = this.players[this.draw(this.players.length)]!;
    const what = this.draw(12);
    if (what < 6) await this.#say(player);
    else if (what < 9) await this.#die(player);
    else if (what < 10) player.weather.release();
    else {
      await close(player);
      if (what < 11) await open(player);
    }
  }

  async #say(player: Player): Promise<string | null> {
    if (!player.device.engine) await open(player);
    const others = NAMES.filter((name) => name !== player.name);
    const to = others[this.draw(others.length)]!;
    const text = `${player.name} ${++this.#count}`;
    this.#maybe.add(text);
    const sent = await saidTo(player, to, text);
    if (sent) this.#said.push({ text, by: player, to });
    return sent ? text : null;
  }

  /** Dies while it says something, at a step that chance names. */
  async #die(player: Player): Promise<void> {
    await close(player);
    const doom = new Doom(1 + this.draw(DEATH));
    const dying = async () => {
      await open(player, doom.wrapping);
      await this.#say(player);
      await player.device.engine!.idle();
    };
    // What it could not do any more is not done.
    await Promise.race([dying().catch(() => {}), doom.died]);
    doom.dead = true;
    await close(player);
    await open(player);
  }

  /** Everybody is there, the sky is clear, and each says one more thing to each of the others. */
  async #calm(): Promise<void> {
    for (const player of this.players) {
      player.weather.storm = false;
      player.weather.release();
      await close(player);
      await open(player);
    }
    for (const by of this.players) {
      for (const to of NAMES.filter((name) => name !== by.name)) {
        const text = `${by.name} ${++this.#count}`;
        this.#maybe.add(text);
        assert.ok(await saidTo(by, to, text));
        this.#said.push({ text, by, to });
      }
    }
    await quiet(this.server, this.players.map(({ device }) => device));
  }

  async #judge(player: Player): Promise<void> {
    const rows = await rowsOf(player);
    const shown = rows.filter(({ kind }) => kind === "text").map(({ text }) => text);
    assert.deepEqual(shown.filter((text, at) => shown.indexOf(text) !== at), [], "shown twice");
    assert.deepEqual(shown.filter((text) => !this.#maybe.has(text)), [], "nobody said that");
    const lacking = this.#said.filter((said) =>
      concerns(said, player) && !shown.includes(said.text)
    );
    assert.deepEqual(lacking.map(({ text }) => text), [], `${player.name} lacks what was said`);
    assert.deepEqual(rows.filter(({ state }) => state === "sending"), []);
    assert.deepEqual(rows.filter(isLoss).map(({ text }) => text), [], "nothing was lost");
    const bad = player.device.events.flatMap((event) => event.kind === "warning" ? event.what : []);
    const harmless = ["peer-lost-messages", "own-new-device"];
    assert.deepEqual(bad.filter((what) => !harmless.includes(what)), []);
  }
}

/** A line that was not set right. */
function isLoss({ line, text }: Message): boolean {
  return line === "missing" && text.includes("did not arrive");
}

function concerns({ by, to }: Said, { name }: Player): boolean {
  return to === name || by.name === name;
}

async function saidTo({ device }: Player, to: string, text: string): Promise<boolean> {
  const talk = await device.engine!.startConversation(to);
  return talk.ok && (await device.engine!.send(talk.value.id, text)).ok;
}

async function rowsOf({ device }: Player) {
  const talks = await device.engine!.conversations();
  const pages = talks.map(({ id }) => device.engine!.messages(id, { limit: 500 }));
  return (await Promise.all(pages)).flat();
}

const seed = newSeed();

Deno.test(`SNUG_SEED=${seed}: ${DAYS} random days with the real server end well`, async () => {
  const draw = seeded(seed);
  const limits = { SNUG_LIMIT_PREKEY_FETCHES: "1000", SNUG_LIMIT_SOCKETS_PER_IP: "100" };
  const server = await RealServer.start("off", limits);
  const players: Player[] = [];
  try {
    players.push(...await arrive(server, draw));
    const days = new Days(server, players, draw);
    for (let day = 0; day < DAYS; day++) await days.live();
    assert.ok(players.some(({ weather }) => weather.touched > 0), "there was weather");
  } finally {
    for (const player of players) await close(player);
    await server.end();
  }
});
