import assert from "node:assert/strict";
import { say, talkTo, twoPeople } from "../helpers/people_world.ts";

Deno.test("somebody who comes back to hundreds of messages confirms every one of them", async () => {
  const { world, ana, ben } = await twoPeople();
  const toBen = await talkTo(ana, "ben");
  await say(ana, toBen, "hello");
  await world.settle();
  await say(ben, await talkTo(ben, "ana"), "hello back");
  await world.settle();
  await world.close(ben);
  for (let i = 0; i < 250; i++) await say(ana, toBen, `${i}`);
  await world.settle();
  await world.open(ben);
  await world.settle();
  const rows = await ana.engine!.messages(ben.keys.account, { limit: 500 });
  const states = new Set(rows.filter(({ mine }) => mine).map(({ state }) => state));
  assert.deepEqual([...states], ["delivered"]);
  await world.closeAll();
});
