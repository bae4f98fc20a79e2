/** History that returns: a new browser signs in with the password and has the conversations back. */
import assert from "node:assert/strict";
import type { Conversation, Message } from "../../client/types.ts";
import { must } from "../helpers/people_world.ts";
import { RealDevice, RealServer } from "../helpers/real_server.ts";

const PASSWORD = "lantern under the stairs";

interface Scene {
  readonly server: RealServer;
  readonly ana: RealDevice;
  readonly ben: RealDevice;
}

async function withPeople(run: (scene: Scene) => Promise<void>): Promise<void> {
  const server = await RealServer.start();
  const [ana, ben] = [new RealDevice(server), new RealDevice(server)];
  try {
    for (const [device, name] of [[ana, "ana"], [ben, "ben"]] as const) {
      await device.signUp(name, `${PASSWORD} ${name}`);
      await device.open();
    }
    await run({ server, ana, ben });
  } finally {
    await ana.close();
    await ben.close();
    await server.end();
  }
}

/** One more browser of somebody, signed in with the password alone, its history fetched. */
async function newBrowser(server: RealServer, name: string): Promise<RealDevice> {
  const device = new RealDevice(server);
  must(await device.signIn(name, `${PASSWORD} ${name}`));
  const engine = await device.open();
  await device.until(() => engine.connection === "online");
  for (;;) {
    await engine.idle();
    if ((await engine.history.status()).restored) return device;
  }
}

async function talk({ ana, ben }: Scene, rounds: number): Promise<Conversation> {
  const toBen = must(await ana.engine!.startConversation("ben"));
  for (let i = 0; i < rounds; i++) must(await ana.engine!.send(toBen.id, `a${i}`));
  await ben.until(async () => (await ben.texts("ana")).length === rounds);
  const toAna = must(await ben.engine!.startConversation("ana"));
  for (let i = 0; i < rounds; i++) must(await ben.engine!.send(toAna.id, `b${i}`));
  await ana.until(async () => (await ana.texts("ben")).length === 2 * rounds);
  const mine = async () =>
    (await ana.engine!.messages(toBen.id, { limit: 500 })).filter(({ mine }) => mine);
  await ana.until(async () => (await mine()).every(({ state }) => state === "delivered"));
  return toBen;
}

function shown(rows: readonly Message[]): string[] {
  return rows.map(({ mine, text, state = "" }) => `${mine ? "I" : "they"}: ${text} ${state}`);
}

Deno.test("a new browser has every message back, in order, with what became of each", () =>
  withPeople(async (scene) => {
    const { server, ana } = scene;
    const toBen = await talk(scene, 15);
    must(await ana.engine!.setVerified(toBen.id, true));
    assert.equal(await ana.engine!.history.flush(), "done");
    const second = await newBrowser(server, "ana");
    const [conversation] = await second.engine!.conversations();
    assert.ok(conversation?.kind === "person");
    assert.equal(conversation.username, "ben");
    assert.equal(conversation.title, "BEN");
    assert.equal(conversation.last?.text, "b14");
    assert.equal(conversation.verification, "verified", "what was compared stays compared");
    const [before, after] = [
      await ana.engine!.messages(toBen.id, { limit: 500 }),
      await second.engine!.messages(toBen.id, { limit: 500 }),
    ];
    assert.deepEqual(shown(after), shown(before.filter(({ kind }) => kind === "text")));
    const checked = must(await second.engine!.history.check());
    assert.deepEqual(checked, { missing: 0, unknown: 0 });
    must(await second.engine!.send(toBen.id, "from the new browser"));
    await scene.ben.until(async () =>
      (await scene.ben.texts("ana")).at(-1) === "from the new browser"
    );
    await second.close();
  }));
