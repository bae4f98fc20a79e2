/** Lines about missing messages are set right when the messages come late. */
import assert from "node:assert/strict";
import type { Deliver } from "../../protocol/frame.ts";
import { lines, say, talkTo, texts, twoPeople } from "../helpers/people_world.ts";

Deno.test("a line about missing messages goes down as they come, over a restart too", async () => {
  const { world, ana, ben } = await twoPeople();
  const toBen = await talkTo(ana, "ben");
  await say(ana, toBen, "hello");
  await world.settle();
  const { relay } = world.server;
  const held: Deliver[] = [];
  relay.deliver = (item, to) => {
    if (to !== ben.keys.device) return [item];
    held.push(item);
    return [];
  };
  for (const text of ["a", "b", "c"]) await say(ana, toBen, text);
  await world.settle();
  relay.deliver = (item) => [item];
  relay.inject(ben.keys.device, [held[2]!, held[0]!]);
  await world.settle();
  assert.deepEqual(await lines(ben, ana), ["1 message from Ana did not arrive here."]);
  const queue = relay.queue(ben.keys.device);
  queue.waiting = [held[1]!];
  await world.close(ben);
  await world.open(ben);
  assert.deepEqual(await texts(ben, ana), ["hello", "c", "a", "b"]);
  assert.deepEqual(await lines(ben, ana), ["2 messages from Ana arrived late."]);
  await world.closeAll();
});
