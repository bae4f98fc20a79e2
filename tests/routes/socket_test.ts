import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { createSocketDoor, type UpgradeVerdict } from "../../routes/socket.ts";

const ORIGIN = "https://chat.example.org";

function door(limits: { sockets?: number; socketsPerIp?: number; socketsPerLogin?: number } = {}) {
  const asked: string[] = [];
  const accepted: string[] = [];
  const open = createSocketDoor({
    origin: ORIGIN,
    limits: { sockets: 10, socketsPerIp: 10, socketsPerLogin: 10, ...limits },
    authenticate: ({ headers }) => {
      const login = headers.get("authorization") ?? headers.get("cookie") ?? "";
      asked.push(login);
      return Promise.resolve(login.includes("good") ? { loginId: login } : null);
    },
    hub: { accept: (_socket, _wire, { loginId }) => void accepted.push(loginId) },
  });
  const connections: EventEmitter[] = [];
  const ask = (headers: Record<string, string>, address = "192.0.2.1") => {
    const connection = new EventEmitter();
    connections.push(connection);
    const onClose = (listener: () => void) => void connection.once("close", listener);
    return open({ path: "/socket", headers: new Headers(headers), address, onClose });
  };
  const closeLast = () => connections.at(-1)?.emit("close");
  return { ask, asked, accepted, closeLast };
}

/** Lets the socket in, as the listener does. */
function enter(verdict: UpgradeVerdict): void {
  assert.ok("accept" in verdict);
  verdict.accept(new EventEmitter() as unknown as WebSocket, new Duplex());
}

const bearer = (name = "good") => ({ authorization: `Bearer ${name}` });

Deno.test("our own page with a login gets in", async () => {
  const { ask, accepted } = door();
  enter(await ask({ origin: ORIGIN, cookie: "good" }));
  assert.deepEqual(accepted, ["good"]);
});

Deno.test("cross-site socket hijacking: a foreign origin is refused before the login is read", async () => {
  const { ask, asked } = door();
  for (const origin of ["https://evil.example", "null", `${ORIGIN}.evil.example`, `${ORIGIN}/`]) {
    assert.deepEqual(await ask({ origin, cookie: "good" }), { status: 403 });
    assert.deepEqual(await ask({ origin, ...bearer() }), { status: 403 });
  }
  assert.deepEqual(asked, []);
});

Deno.test("without an origin only a bearer login gets in, never a cookie", async () => {
  const { ask, asked } = door();
  assert.deepEqual(await ask({ cookie: "good" }), { status: 403 });
  assert.deepEqual(await ask({ cookie: "good", ...bearer() }), { status: 403 });
  assert.deepEqual(asked, []);
  enter(await ask(bearer()));
});

Deno.test("nobody's login is 401", async () => {
  assert.deepEqual(await door().ask(bearer("bad")), { status: 401 });
});

Deno.test("sockets are limited by login, by address and in all", async () => {
  const perLogin = door({ socketsPerLogin: 1 });
  enter(await perLogin.ask(bearer()));
  assert.deepEqual(await perLogin.ask(bearer()), { status: 429 });
  enter(await perLogin.ask(bearer("good too")));

  const perIp = door({ socketsPerIp: 1 });
  enter(await perIp.ask(bearer()));
  assert.deepEqual(await perIp.ask(bearer("good too")), { status: 429 });
  enter(await perIp.ask(bearer("good too"), "192.0.2.2"));

  const inAll = door({ sockets: 1 });
  enter(await inAll.ask(bearer()));
  assert.deepEqual(await inAll.ask(bearer("good too"), "192.0.2.2"), { status: 503 });
});

Deno.test("a connection that ends makes room, refused or not", async () => {
  const one = door({ sockets: 1 });
  for (const name of ["bad", "good", "bad", "good"]) {
    const verdict = await one.ask(bearer(name));
    assert.equal("accept" in verdict, name === "good");
    one.closeLast();
  }
});

Deno.test("a hundred upgrades at once do not all get the last place", async () => {
  const { ask } = door({ socketsPerIp: 3 });
  const verdicts = await Promise.all(Array.from({ length: 100 }, () => ask(bearer())));
  assert.equal(verdicts.filter((verdict) => "accept" in verdict).length, 3);
});
