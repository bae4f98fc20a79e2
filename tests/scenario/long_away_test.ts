/**
 * A device that was away for 31 days, with the real server: it keeps what waits for 30. What it dropped is counted and
 * said; the archive brings back what another device has; and everything after it flows.
 */
import assert from "node:assert/strict";
import { must } from "../helpers/people_world.ts";
import { emptied, quiet } from "../helpers/quiet.ts";
import { RealDevice, RealServer } from "../helpers/real_server.ts";

const PASSWORD = "lantern under the stairs";
const DAY_MS = 86_400_000;

interface Scene {
  readonly server: RealServer;
  /** At home all the time. */
  readonly ana: RealDevice;
  readonly ben: RealDevice;
  /** Ben's other device, and Cleo's only one: they go away. */
  readonly second: RealDevice;
  readonly cleo: RealDevice;
}

async function withPeople(run: (scene: Scene) => Promise<void>): Promise<void> {
  const server = await RealServer.start();
  const [ana, ben] = [new RealDevice(server), new RealDevice(server)];
  const [second, cleo] = [new RealDevice(server), new RealDevice(server)];
  const all = [ana, ben, second, cleo];
  try {
    for (const [device, name] of [[ana, "ana"], [ben, "ben"], [cleo, "cleo"]] as const) {
      await device.signUp(name, `${PASSWORD} ${name}`);
      await device.open();
    }
    must(await second.signIn("ben", `${PASSWORD} ben`));
    await second.open();
    await run({ server, ana, ben, second, cleo });
  } finally {
    for (const device of all) await device.close();
    await server.end();
  }
}

async function say(device: RealDevice, to: string, ...texts: readonly string[]): Promise<void> {
  const talk = must(await device.engine!.startConversation(to));
  for (const text of texts) must(await device.engine!.send(talk.id, text));
}

async function missing(device: RealDevice, from: string): Promise<string[]> {
  const talk = must(await device.engine!.startConversation(from));
  const rows = await device.engine!.messages(talk.id, { limit: 500 });
  return rows.filter(({ line }) => line === "missing").map(({ text }) => text);
}

function lost({ events }: RealDevice): number {
  return events.reduce((sum, event) => event.kind === "gap" ? sum + event.count : sum, 0);
}

/** 31 days pass for everybody, and the server sweeps its queues. Ana and Ben come back. */
async function sleep({ server, ana, ben, second, cleo }: Scene): Promise<void> {
  await Promise.all([ana.close(), ben.close()]);
  await server.down();
  for (const one of [server, ana, ben, second, cleo]) one.pass(31 * DAY_MS);
  await server.up();
  await emptied(server);
  await Promise.all([ana.open(), ben.open()]);
}

function shows(device: RealDevice, from: string, ...texts: readonly string[]): Promise<void> {
  return device.until(async () => {
    const shown = await device.texts(from);
    return texts.every((text) => shown.includes(text));
  });
}

Deno.test("a device is away for 31 days: what the server dropped is counted, said and brought back by the archive", () =>
  withPeople(async (scene) => {
    const { server, ana, ben, second, cleo } = scene;
    await say(ana, "ben", "before");
    await say(ana, "cleo", "before");
    await quiet(server, [ana, ben, second, cleo]);
    await Promise.all([second.close(), cleo.close()]);
    const away = ["one", "two", "three"];
    await say(ana, "ben", ...away);
    await say(ana, "cleo", ...away);
    await ben.until(async () => (await ben.texts("ana")).length === 4);
    assert.equal(await ben.engine!.history.flush(), "done");
    assert.ok((await server.queued()).waiting >= 6);
    await sleep(scene);

    await Promise.all([second.open(), cleo.open()]);
    await say(ana, "ben", "afterwards");
    await say(ana, "cleo", "afterwards");
    for (const device of [second, cleo]) {
      await shows(device, "ana", "afterwards");
      assert.deepEqual(await device.texts("ana"), ["before", "afterwards"]);
      assert.deepEqual(await missing(device, "ana"), ["3 messages from ANA did not arrive here."]);
      assert.ok(lost(device) >= 3, `${lost(device)} counted`);
    }

    // Another own device has had half a minute to archive what never came here.
    second.pass(30_000);
    await second.until(async () => (await second.texts("ana")).length === 5);
    assert.deepEqual(await second.texts("ana"), ["before", ...away, "afterwards"]);

    // Nobody has what Cleo's only device missed: the sentence stays, and everything else goes on.
    cleo.pass(30_000);
    await say(cleo, "ana", "I was in the mountains");
    await say(second, "ana", "so was I");
    await say(ana, "cleo", "welcome back");
    await shows(cleo, "ana", "welcome back");
    await shows(ana, "cleo", "I was in the mountains");
    await shows(ana, "ben", "so was I");
    assert.deepEqual(await cleo.texts("ana"), [
      ...["before", "afterwards", "I was in the mountains", "welcome back"],
    ]);
    assert.deepEqual(await missing(cleo, "ana"), ["3 messages from ANA did not arrive here."]);
    await say(ana, "ben", "see you both");
    for (const device of [ben, second]) await shows(device, "ana", "see you both");
  }));
