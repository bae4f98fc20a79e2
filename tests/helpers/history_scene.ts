/** Two people whose histories are archived, and what a test of it does again and again. */
import assert from "node:assert/strict";
import { FakeArchive } from "./fake_archive.ts";
import { type Device, must, say, talkTo, texts, World } from "./people_world.ts";

export interface Scene {
  readonly world: World;
  readonly archive: FakeArchive;
  readonly ana: Device;
  readonly ben: Device;
}

export async function scene(): Promise<Scene> {
  const world = new World();
  const archive = world.server.archive = new FakeArchive();
  const [ana, ben] = [await world.person("ana"), await world.person("ben")];
  await world.open(ana);
  await world.open(ben);
  return { world, archive, ana, ben };
}

/** Ana says so many things to Ben, numbered from `from` on; a minute passes after each. */
export async function chat({ world, ana, ben }: Scene, count: number, from = 0): Promise<string[]> {
  const toBen = await talkTo(ana, "ben");
  const said: string[] = [];
  for (let i = from; i < from + count; i++) {
    said.push(`message ${i}`);
    await say(ana, toBen, `message ${i}`);
    await world.pass(60_000);
  }
  assert.ok((await texts(ben, ana)).length >= count);
  return said;
}

export async function another(world: World, device: Device): Promise<Device> {
  const fresh = await world.device(device.person);
  await world.open(fresh);
  await world.pass(60_000);
  return fresh;
}

/** What ana's chains lack, seen from one of her devices. */
export async function missingFrom(device: Device): Promise<number> {
  return must(await device.engine!.history.check()).missing;
}
