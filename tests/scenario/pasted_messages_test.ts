/** More messages at once than a socket may send in a second, against the whole server. */
import assert from "node:assert/strict";
import { must } from "../helpers/people_world.ts";
import { RealDevice, RealServer } from "../helpers/real_server.ts";

Deno.test("two hundred messages pasted at once all arrive, in order, and none is missed on the way", async () => {
  const server = await RealServer.start();
  const [ana, ben] = [new RealDevice(server), new RealDevice(server)];
  try {
    await ana.signUp("ana", "lantern under the stairs a");
    await ben.signUp("ben", "lantern under the stairs b");
    const [a, b] = [await ana.open(), await ben.open()];
    const toBen = must(await a.startConversation("ben"));
    const pasted = Array.from({ length: 200 }, (_, i) => `line ${i}`);
    for (const text of pasted) void a.send(toBen.id, text);
    await ben.until(async () => (await ben.texts("ana")).length === pasted.length);
    assert.deepEqual(await ben.texts("ana"), pasted);
    const rows = await b.messages(must(await b.startConversation("ana")).id, { limit: 500 });
    assert.deepEqual(rows.filter(({ kind }) => kind === "line"), []);
  } finally {
    await ana.close();
    await ben.close();
    await server.end();
  }
});
