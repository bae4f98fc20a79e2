import assert from "node:assert/strict";
import { connectWhenBack } from "../../../client/web/coming_back.ts";
import type { ConnectionState } from "../../../client/types.ts";

Deno.test("the network or the person coming back connects at once, and only what is offline", () => {
  const engine = {
    connection: "offline" as ConnectionState,
    tries: 0,
    connect: () => void engine.tries++,
  };
  const network = new EventTarget();
  const page = Object.assign(new EventTarget(), { visibilityState: "visible" });
  connectWhenBack(engine, network, page);
  network.dispatchEvent(new Event("online"));
  page.dispatchEvent(new Event("visibilitychange"));
  assert.equal(engine.tries, 2);
  page.visibilityState = "hidden";
  page.dispatchEvent(new Event("visibilitychange"));
  for (const connection of ["online", "connecting", "signed-out", "restored"] as const) {
    engine.connection = connection;
    network.dispatchEvent(new Event("online"));
  }
  assert.equal(engine.tries, 2);
});
