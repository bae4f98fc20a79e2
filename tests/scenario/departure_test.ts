/** An account that goes, against the whole server: what is open elsewhere hears of it at once. */
import assert from "node:assert/strict";
import { deleteAccount } from "../../client/account_deletion.ts";
import { signIn } from "../../client/account_flow.ts";
import { opaqueClient } from "../../client/opaque.ts";
import { MemoryStore } from "../../client/store_memory.ts";
import { terminalSend } from "../../client/terminal/http.ts";
import { createApi } from "../../client/account_transport.ts";
import { CLOSE } from "../../protocol/frame.ts";
import { RealDevice, RealServer } from "../helpers/real_server.ts";

const PASSWORD = "lantern under the stairs";

Deno.test("sockets of a deleted account close at once, and the others go on", async () => {
  const server = await RealServer.start();
  const [ana, ben] = [new RealDevice(server), new RealDevice(server)];
  try {
    await ana.signUp("ana", `${PASSWORD} a`);
    await ben.signUp("ben", `${PASSWORD} b`);
    const [other, engine] = [await ana.open(), await ben.open()];
    await ben.until(() => Promise.resolve(engine.connection === "online"));
    await ana.until(() => Promise.resolve(other.connection === "online"));

    const { origin } = server;
    const send = terminalSend({ origin, caCerts: null });
    const api = createApi({ origin, send, terminal: true });
    const common = { kind: "terminal", mode: "portable", now: () => Date.now() } as const;
    const parts = { ...common, api, store: new MemoryStore(), password: opaqueClient };
    const typed = { username: "ben", password: `${PASSWORD} b` };
    const signedIn = await signIn(parts, typed);
    assert.ok(signedIn.ok, JSON.stringify(signedIn));

    const gone = await deleteAccount(api, opaqueClient, typed.password);
    assert.ok(gone.ok, JSON.stringify(gone));
    assert.equal(
      await server.closed(CLOSE.signedOut),
      1,
      "when the answer came, the goodbye was said",
    );
    await ben.until(() => Promise.resolve(engine.connection !== "online"));
    assert.equal(other.connection, "online");
  } finally {
    await ana.close();
    await ben.close();
    await server.end();
  }
});
