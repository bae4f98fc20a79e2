/** What an admin does reaches open sockets: against the whole server, through its local socket. */
import assert from "node:assert/strict";
import { askServer } from "../../admin_socket.ts";
import { CLOSE } from "../../protocol/frame.ts";
import { must } from "../helpers/people_world.ts";
import { RealDevice, RealServer } from "../helpers/real_server.ts";

const PASSWORD = "lantern under the stairs";

Deno.test("a disabled account's socket closes at once, and its devices go on by themselves afterwards", async () => {
  const server = await RealServer.start();
  const [ana, ben] = [new RealDevice(server), new RealDevice(server)];
  const order = async (act: string) => {
    const answer = await askServer(server.folder, { do: "act", act, username: "ben" });
    assert.ok(answer?.ok, JSON.stringify(answer));
  };
  try {
    await ana.signUp("ana", `${PASSWORD} a`);
    await ben.signUp("ben", `${PASSWORD} b`);
    const [a, b] = [await ana.open(), await ben.open()];
    await ben.until(() => b.connection === "online");
    await order("disable");
    assert.equal(
      await server.closed(CLOSE.signedOut),
      1,
      "when the answer came, the goodbye was said",
    );
    await ben.until(() => b.connection === "signed-out");

    const toBen = must(await a.startConversation("ben"));
    must(await a.send(toBen.id, "Where are you?"));
    await ana.until(async () =>
      (await a.messages(toBen.id)).every(({ mine, state }) => !mine || state !== "sending")
    );
    assert.deepEqual(await ben.texts("ana"), []);

    await order("enable");
    await ben.close();
    await ben.open();
    await ben.until(async () => (await ben.texts("ana")).length === 1);
    assert.deepEqual(await ben.texts("ana"), ["Where are you?"], "what waited comes");
  } finally {
    await ana.close();
    await ben.close();
    await server.end();
  }
});
