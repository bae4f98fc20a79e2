/** Being connected: what ends it again and again must not make a storm. */
import assert from "node:assert/strict";
import { CLOSE, encodeServerFrames } from "../../protocol/frame.ts";
import { Writer } from "../../client/change.ts";
import { Connection } from "../../client/connection.ts";
import type { SocketFactory, SocketHandlers } from "../../client/link.ts";
import { MemoryStore } from "../../client/store_memory.ts";
import type { HttpSend } from "../../client/transport.ts";
import { say, talkTo, texts, World } from "../helpers/people_world.ts";

Deno.test("ATTACK a message that cannot be taken for now does not make a storm of connections", async () => {
  const world = new World();
  const [ana, ben] = [await world.person("ana"), await world.person("ben")];
  await world.open(ana);
  await say(ana, await talkTo(ana, "ben"), "hello");
  await world.settle();
  let [busy, connections] = [true, 0];
  const refusing = (send: HttpSend): HttpSend => (request) => {
    if (!busy || !request.path.includes(ana.keys.account)) return send(request);
    const headers = new Headers({ "retry-after": "3600" });
    return Promise.resolve({ status: 429, headers, body: new Uint8Array() });
  };
  const counting = (open: SocketFactory): SocketFactory => (...args) => {
    connections++;
    return open(...args);
  };
  await world.open(ben, { wrapping: { send: refusing, socket: counting } });
  await world.pass(10 * 60_000);
  assert.ok(connections > 10 && connections < 40, `${connections} connections in ten minutes`);
  busy = false;
  await world.pass(60_000);
  assert.deepEqual(await texts(ben, ana), ["hello"]);
  const before = connections;
  await world.pass(60_000);
  world.server.relay.cut(ben.keys.device);
  await world.settle();
  await world.pass(1_000);
  assert.equal(connections, before + 1, "after a while in peace the first wait is short again");
  await world.closeAll();
});

Deno.test("ATTACK a server that ends every connection for its login makes no storm of renewals", async () => {
  const world = new World();
  const ana = await world.person("ana");
  let connections = 0;
  const ending = (open: SocketFactory): SocketFactory => (login, handlers) => {
    connections++;
    return open(login, {
      ...handlers,
      opened: () => {
        handlers.opened();
        handlers.closed(CLOSE.signedOut);
      },
    });
  };
  await world.open(ana, { wrapping: { socket: ending } });
  await world.pass(10 * 60_000);
  assert.ok(connections > 10 && connections < 60, `${connections} connections in ten minutes`);
  await world.closeAll();
});

Deno.test("ATTACK a server that welcomes again and again begins nothing anew, and leaves no timers behind", async () => {
  const timers = new Set<() => void>();
  const welcomed: number[] = [];
  let server!: SocketHandlers;
  const welcome = { type: "welcome", restored: false, queued: 0, gaps: 0 } as const;
  const writer = new Writer(new MemoryStore(), () => {});
  const nothing = () => Promise.resolve();
  const connection = new Connection({
    ...{ writer, login: () => null, random: () => 1, checkLogin: nothing },
    socket: (_login, handlers) => {
      server = handlers;
      return { send: () => {}, close: () => {} };
    },
    renew: () => Promise.resolve("failed"),
    after: (_ms, run) => {
      timers.add(run);
      return () => timers.delete(run);
    },
    ...{ changed: () => {}, welcoming: nothing, item: () => {}, lost: () => {} },
    welcomed: ({ queued }) => welcomed.push(queued),
    failed: (error) => assert.fail(String(error)),
  });
  connection.start();
  for (let round = 1; round <= 2; round++) {
    server.opened();
    await writer.idle();
    const [frame] = encodeServerFrames([welcome, welcome]);
    for (let i = 0; i < 50; i++) server.received(frame!);
    await writer.idle();
    await Promise.resolve();
    assert.equal(welcomed.length, round, "once for each connection");
    assert.equal(timers.size, 2, "the next ping, and whether it was a good connection");
    server.closed(1006);
    connection.start();
  }
  connection.stop();
  assert.equal(timers.size, 0);
});
