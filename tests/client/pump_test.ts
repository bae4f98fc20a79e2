/** The outbox keeps moving, and in order, whatever fails on the way. */
import assert from "node:assert/strict";
import type { HttpSend } from "../../client/transport.ts";
import { say, talkTo, texts, World } from "../helpers/people_world.ts";

Deno.test("keys that could not be fetched once are asked for again, though the socket stays open", async () => {
  const world = new World();
  const [ana, ben] = [await world.person("ana"), await world.person("ben")];
  await world.open(ben);
  let lost = false;
  const flaky = (send: HttpSend): HttpSend => (request) =>
    lost ? Promise.reject(new TypeError("network")) : send(request);
  await world.open(ana, { wrapping: { send: flaky } });
  const toBen = await talkTo(ana, "ben");
  lost = true;
  await say(ana, toBen, "hello");
  await world.settle();
  lost = false;
  await world.pass(15_000);
  assert.equal(ana.engine!.connection, "online");
  assert.deepEqual(await texts(ben, ana), ["hello"]);
  await world.closeAll();
});
