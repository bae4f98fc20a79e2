import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import type { Server } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { watchAccepting } from "../accept_watch.ts";
import { silentLog } from "../log.ts";

type Door = EventEmitter & { address(): AddressInfo };

/** A door that can be knocked at, and a server behind it that hears of it or not. */
async function withDoor(
  hears: boolean,
  body: (seen: Door) => Promise<void>,
  refusals = 0,
) {
  let listening = true;
  const door = createServer((socket) => {
    socket.on("error", () => {});
    seen.emit("knock");
    if (hears) seen.emit("connection");
  });
  const seen = Object.assign(new EventEmitter(), {
    address: () => (listening ? door.address() : null) as AddressInfo,
    close: () => {
      listening = false;
      seen.emit("close");
    },
    listen: (place: unknown) => {
      listening = refusals-- <= 0;
      seen.emit(listening ? "again" : "refused", place);
    },
  });
  Object.defineProperty(seen, "listening", { get: () => listening });
  door.listen(0, "127.0.0.1");
  await once(door, "listening");
  const rules = { log: silentLog, quietMs: 20, answerMs: 100 };
  const unwatch = watchAccepting(seen as unknown as Server, rules);
  try {
    await body(seen);
  } finally {
    unwatch();
    door.close();
    await once(door, "close");
  }
}

Deno.test("a server that hears nobody any more listens again", () =>
  withDoor(false, async (seen) => {
    const again = once(seen, "again");
    seen.emit("connection");
    await again;
  }));

Deno.test("listening again that fails is tried until it works, at the same place", () =>
  withDoor(false, async (seen) => {
    const { port } = seen.address();
    const places: unknown[] = [];
    for (const event of ["refused", "again"]) seen.on(event, (place) => places.push(place));
    const again = once(seen, "again");
    seen.emit("connection");
    await again;
    assert.deepEqual(places, Array(3).fill({ port, host: "127.0.0.1" }));
  }, 2));

Deno.test("a quiet server that hears its own knocks goes on as it is", () =>
  withDoor(true, async (seen) => {
    seen.on("again", () => assert.fail("it listened again"));
    seen.emit("connection");
    for (let knocks = 0; knocks < 3; knocks++) await once(seen, "knock");
  }));

Deno.test("where nothing tells of connections, nothing is concluded", () =>
  withDoor(false, async (seen) => {
    seen.on("knock", () => assert.fail("it knocked"));
    const quiet = AbortSignal.timeout(200);
    await once(quiet, "abort");
  }));
