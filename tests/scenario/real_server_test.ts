/** Engines against the whole server in this process: HTTP, OPAQUE, sockets, queues, restarts. */
import assert from "node:assert/strict";
import { must } from "../helpers/people_world.ts";
import { RealDevice, RealServer } from "../helpers/real_server.ts";

const PASSWORD = "lantern under the stairs";

async function withPeople(
  run: (scene: { server: RealServer; ana: RealDevice; ben: RealDevice }) => Promise<void>,
): Promise<void> {
  const server = await RealServer.start();
  const [ana, ben] = [new RealDevice(server), new RealDevice(server)];
  try {
    await ana.signUp("ana", `${PASSWORD} a`);
    await ben.signUp("ben", `${PASSWORD} b`);
    await run({ server, ana, ben });
  } finally {
    await ana.close();
    await ben.close();
    await server.end();
  }
}

Deno.test("two people sign up and talk, offline in between, the server restarts in between", () =>
  withPeople(async ({ server, ana, ben }) => {
    const [a, b] = [await ana.open(), await ben.open()];
    const toBen = must(await a.startConversation("ben"));
    for (let i = 0; i < 20; i++) must(await a.send(toBen.id, `a${i}`));
    const expected = Array.from({ length: 20 }, (_, i) => `a${i}`);
    await ben.until(async () => (await ben.texts("ana")).length === 20);
    assert.deepEqual(await ben.texts("ana"), expected);

    const toAna = must(await b.startConversation("ana"));
    for (let i = 0; i < 20; i++) must(await b.send(toAna.id, `b${i}`));
    await ana.until(async () => (await ana.texts("ben")).length === 40);

    await ben.close();
    for (let i = 0; i < 10; i++) must(await a.send(toBen.id, `away ${i}`));
    const sent = async () =>
      (await a.messages(toBen.id)).filter(({ mine }) => mine).every(({ state }) =>
        state !== "sending"
      );
    await ana.until(sent);
    await server.down();
    must(await a.send(toBen.id, "while the server is down"));
    await server.up();
    a.connect();
    await ana.until(sent);
    await ben.open();
    await ben.until(async () => (await ben.texts("ana")).length === 51);
    const last = Array.from({ length: 10 }, (_, i) => `away ${i}`);
    assert.deepEqual((await ben.texts("ana")).slice(40), [...last, "while the server is down"]);

    await ana.until(async () => (await a.messages(toBen.id)).at(-1)?.state === "delivered");
    const numbers = [
      must(await a.safetyNumber(toBen.account)).number,
      must(await ben.engine!.safetyNumber(toAna.account)).number,
    ];
    assert.equal(numbers[0], numbers[1]);
    const troubles = [...ana.events, ...ben.events].filter(({ kind }) => {
      return kind === "warning" || kind === "gap";
    });
    assert.deepEqual(troubles, []);
  }));

Deno.test("a second device signs in with the password and hears and says everything from then on", () =>
  withPeople(async ({ server, ana, ben }) => {
    const [a, b] = [await ana.open(), await ben.open()];
    const toBen = must(await a.startConversation("ben"));
    must(await a.send(toBen.id, "before"));
    await ben.until(async () => (await ben.texts("ana")).length === 1);

    const second = new RealDevice(server);
    const wrong = await second.signIn("ben", `${PASSWORD} c`);
    assert.ok(!wrong.ok && wrong.code === "wrong-password", JSON.stringify(wrong));
    const signedIn = must(await second.signIn("ben", `${PASSWORD} b`));
    assert.ok("device" in signedIn && !signedIn.known, "no code is asked for");
    await ben.until(() =>
      ben.events.some((event) => {
        return event.kind === "warning" && event.what === "own-new-device";
      })
    );
    await second.open();

    must(await a.send(toBen.id, "to both"));
    await second.until(async () => (await second.texts("ana")).length === 1);
    assert.deepEqual(await second.texts("ana"), ["to both"]);
    await ben.until(async () => (await ben.texts("ana")).length === 2);
    const lines = (await a.messages(toBen.id)).filter(({ kind }) => kind === "line");
    assert.deepEqual(lines.map(({ text }) => text), ["BEN has a new device, a terminal."]);

    const toAna = must(await second.engine!.startConversation("ana"));
    must(await second.engine!.send(toAna.id, "from the second"));
    await ana.until(async () => (await ana.texts("ben")).includes("from the second"));
    await ben.until(async () => (await ben.texts("ana")).includes("from the second"));
    assert.equal((await b.messages(toAna.id)).at(-1)?.mine, true);

    await second.close();
    const again = must(await second.signIn("ben", `${PASSWORD} b`));
    assert.ok("device" in again && again.known, "the same store is the same device");
    assert.equal(again.device, signedIn.device);
    await second.open();
    assert.deepEqual((await second.engine!.devices()).length, 2);
    await second.close();
  }));
