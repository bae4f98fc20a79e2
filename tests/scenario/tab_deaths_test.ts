/**
 * Against the real server, queue and database: the tab dies at the steps of sending and of receiving, before
 * and after every commit, read, request and frame. What was said is there once, in order, and nothing is unreadable.
 */
import assert from "node:assert/strict";
import { Doom } from "../helpers/doom.ts";
import { must } from "../helpers/people_world.ts";
import { quiet } from "../helpers/quiet.ts";
import { RealDevice, RealServer } from "../helpers/real_server.ts";

/** Each third step, and each in the slow run; tests/client/engine_crash_test.ts takes each, with a server of its own. */
const STRIDE = Deno.env.get("SNUG_SLOW") ? 1 : 3;
const PASSWORD = "lantern under the stairs";

interface Talk {
  readonly server: RealServer;
  readonly ana: RealDevice;
  readonly ben: RealDevice;
  readonly toBen: string;
}

/** Runs until it is done or the process has died of it. */
async function mortally(doom: Doom, work: () => Promise<void>): Promise<void> {
  // What the dying process leaves undone is not done: that is what the test is about.
  await Promise.race([work().catch(() => {}), doom.died]);
}

async function mine({ ana, toBen }: Talk) {
  const rows = await ana.engine!.messages(toBen as never, { limit: 500 });
  return rows.filter(({ mine }) => mine);
}

/** Both are well again: everything that Ana's device took arrives at Ben's, once, in order. */
async function recovered(talk: Talk, sure: readonly string[], step: number): Promise<void> {
  const { ana, ben } = talk;
  await Promise.all([ana.close(), ben.close()]);
  await Promise.all([ana.open(), ben.open()]);
  await quiet(talk.server, [ana, ben]);
  const sent = await mine(talk);
  const waits = sent.filter(({ state }) => state === "sending" || state === "not sent");
  assert.deepEqual(waits, [], `step ${step}`);
  const texts = sent.map(({ text }) => text);
  for (const text of sure) assert.ok(texts.includes(text), `step ${step}: ${text} is lost`);
  assert.deepEqual(await ben.texts("ana"), texts, `step ${step}`);
  await Promise.all([ana.close(), ben.close()]);
}

Deno.test("death at one step of sending and receiving after the other, with the real server: all there, once, in order", async () => {
  const server = await RealServer.start();
  const [ana, ben] = [new RealDevice(server), new RealDevice(server)];
  try {
    await ana.signUp("ana", `${PASSWORD} a`);
    await ben.signUp("ben", `${PASSWORD} b`);
    const { id } = must(await (await ana.open()).startConversation("ben"));
    await ana.close();
    const talk = { server, ana, ben, toBen: id };
    const steps = await dieOnAndOn(talk);
    assert.ok(steps > 40, `only ${steps} steps`);
    const bad = [...ana.events, ...ben.events]
      .filter(({ kind }) => kind === "warning" || kind === "gap");
    assert.deepEqual(bad, []);
    const lines = await linesOf(talk);
    assert.deepEqual(lines, [], "nothing is missing, so nothing is said to be");
  } finally {
    await ana.close();
    await ben.close();
    await server.end();
  }
});

async function dieOnAndOn(talk: Talk): Promise<number> {
  const { ana, ben, toBen } = talk;
  for (let step = 1;; step += STRIDE) {
    const sure: string[] = [];
    const sending = new Doom(step);
    await mortally(sending, async () => {
      const engine = await ana.open(sending.wrapping);
      for (const text of [`${step} one`, `${step} two`]) {
        if ((await engine.send(toBen as never, text)).ok) sure.push(text);
      }
      await ana.until(async () => (await mine(talk)).every(({ state }) => state !== "sending"));
      await engine.idle();
    });
    await ana.close();
    const before = sure.length === 0 ? [] : sure.slice(-1);
    const receiving = new Doom(step);
    await mortally(receiving, async () => {
      const engine = await ben.open(receiving.wrapping);
      await ben.until(async () => {
        const shown = await ben.texts("ana");
        return before.every((text) => shown.includes(text));
      });
      await engine.idle();
    });
    await recovered(talk, sure, step);
    if (!sending.dead && !receiving.dead) return step;
  }
}

async function linesOf({ ben }: Talk): Promise<string[]> {
  await ben.open();
  const [talk] = await ben.engine!.conversations();
  const rows = await ben.engine!.messages(talk!.id, { limit: 500 });
  return rows.filter(({ kind }) => kind === "line").map(({ text }) => text);
}
