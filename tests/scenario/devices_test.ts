/** One's own devices at the real server: removed by another one, at once, and for good. */
import assert from "node:assert/strict";
import type { LocalStore } from "../../client/store.ts";
import type { HttpSend } from "../../client/transport.ts";
import { createAccount } from "../../crypto/account.ts";
import { encode } from "../../protocol/codec.ts";
import { CLOSE } from "../../protocol/frame.ts";
import { removedAnswer } from "../../protocol/device_api.ts";
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

/** How many rows are in a device's store. */
async function rows(store: LocalStore): Promise<number> {
  const tables = ["meta", "device", "prekeys", "accounts", "sessions", "messages"] as const;
  const lists = await Promise.all(tables.map((table) => store.list(table)));
  return lists.reduce((sum, list) => sum + list.length, 0);
}

/** One more device of Ben. */
async function secondOf(server: RealServer): Promise<RealDevice> {
  const second = new RealDevice(server);
  must(await second.signIn("ben", `${PASSWORD} b`));
  await second.open();
  return second;
}

const isRemoved = (device: RealDevice) => () => device.engine!.connection === "removed";

/** The device has ended by itself: nothing is left in its store. */
async function assertErased(device: RealDevice): Promise<void> {
  await device.close();
  assert.equal(await rows(device.store.reopen()), 0);
}

Deno.test("a device is removed at once: shut out, erased, and no longer written to", () =>
  withPeople(async ({ server, ana, ben }) => {
    const [a, b] = [await ana.open(), await ben.open()];
    const toBen = must(await a.startConversation("ben"));
    const second = await secondOf(server);
    must(await a.send(toBen.id, "to both"));
    await second.until(async () => (await second.texts("ana")).length === 1);
    const { device } = second.engine!.me;
    const named = must(await b.renameDevice(device, "Old phone"));
    assert.equal(named.find((one) => one.device === device)!.name, "Old phone");

    const left = must(await b.revokeDevice(device));
    assert.equal(
      await server.closed(CLOSE.signedOut),
      1,
      "when the answer came, the goodbye was said",
    );
    assert.deepEqual(left.map(({ current }) => current), [true]);
    await second.until(isRemoved(second));
    await assertErased(second);
    must(await a.send(toBen.id, "to one"));
    await ben.until(async () => (await ben.texts("ana")).includes("to one"));
    const lines = (await a.messages(toBen.id)).filter(({ kind }) => kind === "line");
    assert.equal(lines.at(-1)!.text, "BEN removed a device, a terminal.");
  }));

Deno.test("who shares a room with somebody hears of a removal without asking", () =>
  withPeople(async ({ server, ana, ben }) => {
    const [a, b] = [await ana.open(), await ben.open()];
    const toBen = must(await a.startConversation("ben"));
    must(await a.send(toBen.id, "hello"));
    await ben.until(async () => (await ben.texts("ana")).length === 1);
    const room = must(await a.rooms.createRoom("The shed"));
    must(await b.rooms.joinRoom(room.code!));
    const second = await secondOf(server);
    const { device } = second.engine!.me;
    const lines = async () =>
      (await a.messages(toBen.id)).filter(({ kind }) => kind === "line").map(({ text }) => text);
    must(await a.send(toBen.id, "so that the new device is known"));
    await second.until(async () => (await second.texts("ana")).length === 1);
    const said = await lines();
    must(await b.revokeDevice(device));
    await ana.until(async () => (await lines()).length > said.length);
    assert.equal((await lines()).at(-1), "BEN removed a device, a terminal.");
    await second.close();
  }));

Deno.test("a device that slept through its removal erases itself when it opens, and says why", () =>
  withPeople(async ({ server, ben }) => {
    const b = await ben.open();
    const second = await secondOf(server);
    const { device } = second.engine!.me;
    await second.close();
    must(await b.revokeDevice(device));
    assert.ok(await rows(second.store.reopen()) > 100, "prekeys and all are there");
    await second.open();
    await second.until(isRemoved(second));
    await assertErased(second);
  }));

Deno.test("a device that removes itself forgets everything", () =>
  withPeople(async ({ server }) => {
    const second = await secondOf(server);
    assert.deepEqual(must(await second.engine!.revokeDevice(second.engine!.me.device)), []);
    await second.until(() => second.engine!.connection === "removed");
    await assertErased(second);
  }));

Deno.test("attack: a server that says no, lies or shows another list makes nobody erase anything", () =>
  withPeople(async ({ ben }) => {
    const { account } = (await ben.open()).me;
    await ben.close();
    // For the same account, under a key of the server's own, without Ben's device.
    const { entry } = await createAccount(account, "browser", "portable", 20_000);
    const lists = [[], [entry]].map((entries) => encode(removedAnswer, { entries }));
    const lies = [new Uint8Array([0xff]), ...lists];
    for (const lie of lies) {
      let asked = 0;
      const lying = (send: HttpSend): HttpSend => async (request) => {
        const answer = await send(request);
        const headers = { get: () => null };
        if (request.path === "/api/login/removed") {
          asked += 1;
          return { status: 200, headers, body: lie };
        }
        const shut = request.path === "/api/me" || request.path === "/api/login";
        return shut ? { status: 401, headers, body: new Uint8Array() } : answer;
      };
      const b = await ben.open({ send: lying });
      await ben.until(() => b.connection === "signed-out");
      await b.idle();
      assert.ok(asked > 0, "it was asked why, and lied");
      await ben.close();
      assert.ok(await rows(ben.store.reopen()) > 100);
    }
  }));
