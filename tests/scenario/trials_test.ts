/** What breaks other messengers, with the real server: old copies, wrong clocks, removals and openings in the same moment. */
import assert from "node:assert/strict";
import { NoDevice } from "../../client/types.ts";
import type { Conversation } from "../../client/types.ts";
import { must } from "../helpers/people_world.ts";
import { RealDevice } from "../helpers/real_server.ts";
import { PASSWORD, withTwoPeople } from "../helpers/two_people.ts";

const DAY_MS = 86_400_000;

async function say(device: RealDevice, username: string, text: string): Promise<Conversation> {
  const talk = must(await device.engine!.startConversation(username));
  must(await device.engine!.send(talk.id, text));
  return talk;
}

function shows(device: RealDevice, username: string, text: string): Promise<void> {
  return device.until(async () => (await device.texts(username)).includes(text));
}

function warnings({ events }: RealDevice): string[] {
  return events.flatMap((event) => event.kind === "warning" ? event.what : []);
}

async function linesOf(device: RealDevice, talk: Conversation): Promise<string[]> {
  const rows = await device.engine!.messages(talk.id);
  return rows.filter(({ kind }) => kind === "line").map(({ text }) => text);
}

Deno.test("a month-old copy of a profile: recognised, said, nothing sent by it; as a new device it has everything", () =>
  withTwoPeople(async ({ ana, ben }) => {
    await say(ana, "ben", "before the copy");
    await shows(ben, "ana", "before the copy");
    await ana.close();
    const copy = ana.store.snapshot();
    await ana.open();
    await say(ana, "ben", "after the copy");
    await shows(ben, "ana", "after the copy");
    assert.equal(await ana.engine!.history.flush(), "done");
    await ana.close();
    ana.store = copy;
    ana.pass(30 * DAY_MS);
    const engine = await ana.open();
    const [talk] = await engine.conversations();
    must(await engine.send(talk!.id, "from the past"));
    await ana.until(() => engine.connection === "restored");
    await ana.close();
    await assert.rejects(ana.open(), (error) => {
      return error instanceof NoDevice && error.reason === "restored";
    });
    ana.pass(-30 * DAY_MS);
    must(await ana.signIn("ana", `${PASSWORD} ana`));
    const fresh = await ana.open();
    await say(ana, "ben", "as a new device");
    await shows(ben, "ana", "as a new device");
    await ana.until(async () => (await fresh.history.status()).restored);
    assert.deepEqual(await ana.texts("ben"), [
      ...["before the copy", "after the copy"],
      ...["from the past", "as a new device"],
    ]);
    const unsent = (await fresh.messages(talk!.id)).find(({ text }) => text === "from the past");
    assert.deepEqual([unsent?.state, unsent?.reason], [
      "not sent",
      "This device was set up anew meanwhile.",
    ]);
    const toAna = must(await ben.engine!.startConversation("ana"));
    assert.deepEqual(await ben.texts("ana"), [
      "before the copy",
      "after the copy",
      "as a new device",
    ]);
    assert.deepEqual((await linesOf(ben, toAna)).filter((text) => text.includes("arrive")), []);
  }));

Deno.test("clocks a day off, one before and one behind: everything arrives, in order, without an alarm", () =>
  withTwoPeople(async ({ ana, ben }) => {
    ana.pass(DAY_MS);
    ben.pass(-DAY_MS);
    for (let i = 0; i < 5; i++) {
      await say(ana, "ben", `a${i}`);
      await shows(ben, "ana", `a${i}`);
      await say(ben, "ana", `b${i}`);
      await shows(ana, "ben", `b${i}`);
    }
    const all = Array.from({ length: 5 }, (_, i) => [`a${i}`, `b${i}`]).flat();
    assert.deepEqual(await ana.texts("ben"), all);
    assert.deepEqual(await ben.texts("ana"), all);
    assert.deepEqual([...warnings(ana), ...warnings(ben)], []);
  }));

Deno.test("a device is removed while messages to it are on their way: the others get them, the sender is told", () =>
  withTwoPeople(async ({ server, ana, ben }) => {
    await say(ana, "ben", "to one");
    await shows(ben, "ana", "to one");
    const second = new RealDevice(server);
    must(await second.signIn("ben", `${PASSWORD} ben`));
    const { device } = (await second.open()).me;
    const talk = await say(ana, "ben", "to both");
    await shows(second, "ana", "to both");
    // Asleep, so that what is sent waits for it.
    await second.close();
    const sent = Array.from({ length: 5 }, (_, i) => `in flight ${i}`);
    const [removed] = await Promise.all([
      ben.engine!.revokeDevice(device),
      ...sent.map((text) => ana.engine!.send(talk.id, text)),
    ]);
    must(removed);
    await shows(ben, "ana", sent.at(-1)!);
    await say(ana, "ben", "afterwards");
    await shows(ben, "ana", "afterwards");
    assert.deepEqual(await ben.texts("ana"), ["to one", "to both", ...sent, "afterwards"]);
    const states = (await ana.engine!.messages(talk.id)).filter(({ mine }) => mine);
    assert.deepEqual(states.filter(({ state }) => state === "sending" || state === "not sent"), []);
    assert.equal((await linesOf(ana, talk)).at(-1), "BEN removed a device, a terminal.");
    await second.open().catch((error) => assert.ok(error instanceof NoDevice, String(error)));
    if (second.engine) await second.until(() => second.engine!.connection === "removed");
    await second.close();
  }));

Deno.test("both sides open a session at once, again and again: all arrives, and both go on", () =>
  withTwoPeople(async ({ ana, ben }) => {
    const toBen = must(await ana.engine!.startConversation("ben"));
    const toAna = must(await ben.engine!.startConversation("ana"));
    await Promise.all([
      ana.engine!.send(toBen.id, "a first"),
      ben.engine!.send(toAna.id, "b first"),
    ]);
    await Promise.all([shows(ana, "ben", "b first"), shows(ben, "ana", "a first")]);
    for (let i = 0; i < 5; i++) {
      await Promise.all([say(ana, "ben", `a${i}`), say(ben, "ana", `b${i}`)]);
    }
    await Promise.all([shows(ana, "ben", "b4"), shows(ben, "ana", "a4")]);
    for (const device of [ana, ben]) {
      const texts = await device.texts(device === ana ? "ben" : "ana");
      assert.equal(texts.length, 12);
      assert.equal(new Set(texts).size, 12);
      assert.deepEqual(warnings(device), []);
    }
    assert.deepEqual(await linesOf(ana, toBen), []);
    assert.deepEqual(await linesOf(ben, toAna), []);
  }));
