/** Being connected: what ends it again and again must not make a storm. */
import assert from "node:assert/strict";
import { CLOSE } from "../../protocol/frame.ts";
import type { SocketFactory } from "../../client/link.ts";
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
