/** History that returns: a new browser signs in with the password and has the conversations back. */
import assert from "node:assert/strict";
import { openHistory, sealHistory } from "../../client/history_file.ts";
import type { Conversation, Message } from "../../client/types.ts";
import { sha256 } from "../../crypto/kdf.ts";
import { type Bytes, concat } from "../../protocol/encoding.ts";
import { must } from "../helpers/people_world.ts";
import { RealDevice, RealServer } from "../helpers/real_server.ts";
import { PASSWORD, type TwoPeople, withTwoPeople } from "../helpers/two_people.ts";

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

async function talk({ ana, ben }: TwoPeople, rounds: number): Promise<Conversation> {
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
  withTwoPeople(async (scene) => {
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

Deno.test("a room's history comes back too, with what was said in it", () =>
  withTwoPeople(async (scene) => {
    const { server, ana, ben } = scene;
    const made = must(await ana.engine!.rooms.createRoom("kitchen"));
    must(await ben.engine!.rooms.joinRoom(made.code!));
    const { conversation } = made;
    const inRoom = async ({ engine }: RealDevice) =>
      (await engine!.messages(conversation, { limit: 500 }))
        .filter(({ kind }) => kind === "text").map(({ text }) => text);
    must(await ana.engine!.send(conversation, "soup"));
    must(await ben.engine!.send(conversation, "bread"));
    await ana.until(async () => (await inRoom(ana)).length === 2);
    await ana.until(async () => {
      const rows = await ana.engine!.messages(conversation);
      return rows.every(({ state }) => state !== "sending");
    });
    assert.equal(await ana.engine!.history.flush(), "done");
    const second = await newBrowser(server, "ana");
    await second.until(async () => (await second.engine!.conversations()).length === 1);
    const [talk] = await second.engine!.conversations();
    assert.equal(talk?.kind, "room");
    assert.deepEqual((await inRoom(second)).toSorted(), ["bread", "soup"]);
    await second.close();
  }));

Deno.test("a history goes from one server to another in a file, and into the archive there", () =>
  withTwoPeople(async (scene) => {
    const { ana, ben } = scene;
    const toBen = await talk(scene, 3);
    const before = await ana.engine!.messages(toBen.id, { limit: 500 });
    const { account, username } = ana.engine!.me;
    const head = { account, username, origin: scene.server.origin, time: 0 };
    const secret = "five words that nobody guesses";
    const quick = (words: Bytes, salt: Bytes) => sha256(concat(words, salt));
    const file = must(await sealHistory(head, ana.engine!.history.contents(), secret, quick));
    const other = await RealServer.start();
    const there = [new RealDevice(other), new RealDevice(other)] as const;
    try {
      await there[0].signUp("ana", `${PASSWORD} ana`);
      await there[1].signUp("ben_elsewhere", `${PASSWORD} ben`);
      const engine = await there[0].open();
      const { account: benThere } = must(await engine.startConversation("ben_elsewhere"));
      const opened = must(await openHistory(file, secret, quick));
      const people = new Map([[ben.engine!.me.account, benThere]]);
      const take = () => engine.history.take(opened.head.account, opened.contents, people);
      assert.equal(await take(), before.length);
      assert.equal(await take(), 0, "what is there is not there twice");
      const after = await engine.messages(benThere, { limit: 500 });
      assert.deepEqual(shown(after), shown(before));
      assert.equal(await engine.history.flush(), "done");
      const second = await newBrowser(other, "ana");
      assert.deepEqual(
        shown(await second.engine!.messages(benThere, { limit: 500 })),
        shown(before),
      );
      await second.close();
    } finally {
      for (const device of there) await device.close();
      await other.end();
    }
  }));

Deno.test("a server restored from yesterday's copy: what devices have goes on, and its archive is filled again", () =>
  withTwoPeople(async (scene) => {
    const { server, ana, ben } = scene;
    await talk(scene, 3);
    assert.equal(await ana.engine!.history.flush(), "done");
    await server.down();
    const yesterday = server.copy();
    await server.up();
    const toBen = must(await ana.engine!.startConversation("ben"));
    must(await ana.engine!.send(toBen.id, "today"));
    await ben.until(async () => (await ben.texts("ana")).includes("today"));
    await ana.until(async () =>
      (await ana.engine!.messages(toBen.id)).at(-1)?.state === "delivered"
    );
    assert.equal(await ana.engine!.history.flush(), "done");
    await server.down();
    server.putBack(yesterday);
    await server.up();
    const online = ({ engine }: RealDevice) => engine!.connection === "online";
    await ana.until(() => online(ana));
    await ben.until(() => online(ben));
    must(await ana.engine!.send(toBen.id, "after the restore"));
    await ben.until(async () => (await ben.texts("ana")).includes("after the restore"));
    await ana.engine!.idle();
    assert.equal(await ana.engine!.history.flush(), "done");
    const second = await newBrowser(server, "ana");
    const texts = await second.texts("ben");
    assert.deepEqual(texts.slice(-2), ["today", "after the restore"]);
    assert.equal(must(await second.engine!.history.check()).missing, 0);
    await second.close();
  }));
