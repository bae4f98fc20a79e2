/**
 * The process dies at every single step of sending and of receiving: before and after every commit,
 * every read, every request and every frame. After a restart nothing is lost and nothing shown twice.
 */
import assert from "node:assert/strict";
import { Doom } from "../helpers/doom.ts";
import {
  type Device,
  lines,
  must,
  say,
  talkTo,
  texts,
  warnings,
  World,
} from "../helpers/people_world.ts";

/** Runs a scenario with death at step 1, 2, 3 … until a run survives; returns how many died. */
async function atEveryStep(scenario: (doom: Doom, step: number) => Promise<void>): Promise<number> {
  for (let step = 1;; step++) {
    const doom = new Doom(step);
    await scenario(doom, step);
    if (!doom.dead) return step - 1;
  }
}

async function scene() {
  const world = new World();
  const [ana, ben] = [await world.person("ana"), await world.person("ben")];
  return { world, ana, ben };
}

/** Does what the dying process was asked to; what it could not is simply not done. */
async function tryTo<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch {
    return undefined;
  }
}

async function restart(world: World, device: Device): Promise<void> {
  await world.close(device);
  world.server.relay.cut(device.keys.device);
  await world.open(device);
  await world.pass(60_000);
}

/** Every text once, in order; `sure` are those whose sending the person was told is under way. */
function onceInOrder(shown: string[], all: string[], sure: string[], step: number): void {
  assert.equal(new Set(shown).size, shown.length, `step ${step}: shown twice: ${shown.join()}`);
  assert.deepEqual(shown, all.filter((text) => shown.includes(text)), `step ${step}: order`);
  for (const text of sure) assert.ok(shown.includes(text), `step ${step}: ${text} is lost`);
}

Deno.test("death at every step of sending loses nothing and doubles nothing", async () => {
  const all = ["one", "two", "three"];
  const died = await atEveryStep(async (doom, step) => {
    const { world, ana, ben } = await scene();
    await world.open(ben);
    const sure: string[] = [];
    await tryTo(async () => {
      const engine = await world.open(ana, { wrapping: doom.wrapping });
      const toBen = await engine.startConversation("ben");
      if (!toBen.ok) return;
      for (const text of all) {
        const outcome = await engine.send(toBen.value.id, text);
        if (outcome.ok) sure.push(text);
        if (text === "one") await world.settle();
      }
      await world.settle();
    });
    await restart(world, ana);
    onceInOrder(await texts(ben, ana), all, sure, step);
    onceInOrder(await texts(ana, ben), all, sure, step);
    const states = (await ana.engine!.messages(ben.keys.account)).map(({ state }) => state);
    assert.deepEqual(states.filter((state) => state !== "sent"), [], `step ${step}`);
    // The line goes on: neither side's ratchet was harmed.
    await say(ana, await talkTo(ana, "ben"), "after");
    await say(ben, await talkTo(ben, "ana"), "and back");
    await world.settle();
    assert.deepEqual((await texts(ana, ben)).slice(-2).sort(), ["after", "and back"]);
    assert.deepEqual((await texts(ben, ana)).slice(-2).sort(), ["after", "and back"]);
    assert.deepEqual(await lines(ben, ana), [], `step ${step}`);
    assert.deepEqual(warnings(ben).concat(warnings(ana)), [], `step ${step}`);
    await world.closeAll();
  });
  assert.ok(died > 60, `only ${died} steps`);
});

Deno.test("death at every step of receiving loses nothing and doubles nothing", async () => {
  const all = ["one", "two", "three", "four"];
  const died = await atEveryStep(async (doom, step) => {
    const { world, ana, ben } = await scene();
    await world.open(ana);
    const toBen = await talkTo(ana, "ben");
    await say(ana, toBen, "one");
    await say(ana, toBen, "two");
    await world.settle();
    await tryTo(async () => {
      await world.open(ben, { wrapping: doom.wrapping });
      const known = await ben.engine?.conversations();
      if (known?.[0]) await ben.engine!.send(known[0].id, "reply");
      await say(ana, toBen, "three");
      await world.settle();
      await ben.engine?.markRead(ana.keys.account);
      await world.settle();
    });
    if (!(await texts(ana, ben)).includes("three")) await say(ana, toBen, "three");
    await restart(world, ben);
    await say(ana, toBen, "four");
    await world.settle();
    const shown = await texts(ben, ana);
    onceInOrder(shown.filter((text) => text !== "reply"), all, all, step);
    assert.deepEqual(await lines(ben, ana), [], `step ${step}`);
    assert.deepEqual(warnings(ben).concat(warnings(ana)), [], `step ${step}`);
    assert.equal(world.server.relay.queue(ben.keys.device).waiting.length, 0, `step ${step}`);
    must(await ben.engine!.send(ana.keys.account, "and back"));
    await world.settle();
    assert.ok((await texts(ana, ben)).includes("and back"), `step ${step}`);
    await world.closeAll();
  });
  assert.ok(died > 60, `only ${died} steps`);
});
