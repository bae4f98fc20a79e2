import assert from "node:assert/strict";
import { once } from "node:events";
import { type WebSocket, WebSocket as Client } from "ws";
import { selfSigned } from "../certificate.ts";
import type { RequestContext } from "../listener.ts";
import type { UpgradeDoor, UpgradeRequest } from "../routes/socket.ts";
import { silentLog } from "../log.ts";
import { whileListening } from "./helpers/listening.ts";
import { exchange, rawConnect, statusOf } from "./helpers/raw_http.ts";

const GET = "GET / HTTP/1.1\r\nHost: chat.example.org\r\nConnection: close\r\n\r\n";

Deno.test("a request for our host is answered", async () => {
  await whileListening({}, async ({ port }) => {
    const answer = await exchange(port, GET);
    assert.equal(statusOf(answer), 200);
    assert.ok(answer.endsWith("hello"));
  });
});

Deno.test("a foreign or missing Host is refused", async () => {
  await whileListening({}, async ({ port }) => {
    for (const host of ["evil.example", "chat.example.org:99", "localhost", `localhost:${port}0`]) {
      assert.equal(statusOf(await exchange(port, GET.replace("chat.example.org", host))), 421);
    }
    assert.equal(statusOf(await exchange(port, "GET / HTTP/1.1\r\n\r\n")), 400);
    assert.equal(statusOf(await exchange(port, "GET / HTTP/1.0\r\n\r\n")), 400);
  });
});

Deno.test("a loopback Host is ours when the peer is on this machine", async () => {
  await whileListening({}, async ({ port }) => {
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`]) {
      assert.equal(statusOf(await exchange(port, GET.replace("chat.example.org", host))), 200);
    }
  });
});

Deno.test("bad framing never reaches the application", async () => {
  let asked = 0;
  const fetch = () => {
    asked++;
    return new Response("reached");
  };
  const post = "POST / HTTP/1.1\r\nHost: chat.example.org\r\n";
  await whileListening({ fetch }, async ({ port }) => {
    const hostile = [
      "\x16\x03\x01\x02\x00\x01garbage",
      "GARBAGE\r\n\r\n",
      `${post}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`,
      `${post}Content-Length: +3\r\n\r\nabc`,
      `${post}Content-Length: -1\r\n\r\n`,
      `${post}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      `${post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
      `${post}X : y\r\n\r\n`,
      `${post}Content-Length: 3, 3\r\n\r\nabc`,
      `${post}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc`,
      `${post}Content-Length: 0x3\r\n\r\nabc`,
      `${post}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n`,
      `${post}Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n`,
      `${
        post.replace("1.1", "1.0")
      }Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n`,
      "GET / HTTP/1.1\nHost: chat.example.org\nConnection: close\n\n",
      "GET / HTTP/1.1\r\nHost: chat.example.org\r\nX: a\nY: b\r\nConnection: close\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: chat.example.org\r\nX: a\r\n Y: b\r\nConnection: close\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: chat.example.org\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: evil.example\r\nHost: chat.example.org\r\nConnection: close\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: chat.example.org\r\nX: a\0b\r\n\r\n",
      "OPTIONS * HTTP/1.1\r\nHost: chat.example.org\r\nConnection: close\r\n\r\n",
      "GET /\\..\\x HTTP/1.1\r\nHost: chat.example.org\r\nConnection: close\r\n\r\n",
      "GET //evil.example/ HTTP/1.1\r\nHost: chat.example.org\r\nConnection: close\r\n\r\n",
      "GET http://evil.example/ HTTP/1.1\r\nHost: chat.example.org\r\nConnection: close\r\n\r\n",
      `GET / HTTP/1.1\r\nHost: chat.example.org\r\nX: ${"a".repeat(20_000)}\r\n\r\n`,
    ];
    for (const text of hostile) {
      const status = statusOf(await exchange(port, text)) ?? 400;
      assert.ok(status >= 400 && status < 500, `${status} for ${text.slice(0, 60)}`);
    }
    assert.equal(asked, 0);
    assert.equal(statusOf(await exchange(port, GET)), 200, "and it goes on serving");
  });
});

Deno.test("slow-loris: headers that never end are cut off", async () => {
  await whileListening({ limits: { headerMilliseconds: 50 } }, async ({ port }) => {
    const connection = await rawConnect(port);
    await connection.send("GET / HTTP/1.1\r\nHost: chat.exa");
    await connection.untilClosed();
    connection.close();
  });
});

Deno.test("a body that never ends is cut off", async () => {
  const fetch = async (request: Request) => new Response(await request.text());
  const limits = { headerMilliseconds: 50, requestMilliseconds: 50 };
  await whileListening({ fetch, limits }, async ({ port }) => {
    const connection = await rawConnect(port);
    await connection.send(`${GET.replace("GET", "POST").trim()}\r\nContent-Length: 9\r\n\r\nabc`);
    await connection.untilClosed();
    connection.close();
  });
});

Deno.test("a connection that stays silent is dropped, over TLS too", async () => {
  const data = await Deno.makeTempDir();
  const { pair, caFile } = await selfSigned(data, [], Date.now());
  const caCerts = [await Deno.readTextFile(caFile)];
  const limits = { silentMilliseconds: 50 };
  await whileListening({ limits }, async ({ port }) => {
    const silent = await rawConnect(port);
    assert.equal(await silent.untilClosed(), "");
    silent.close();
  });
  await whileListening({ limits, certificate: pair }, async ({ port }) => {
    const noHandshake = await rawConnect(port);
    assert.equal(await noHandshake.untilClosed(), "");
    noHandshake.close();
    const noRequest = await rawConnect(port, caCerts);
    assert.equal(await noRequest.untilClosed(), "");
    noRequest.close();
  });
  await Deno.remove(data, { recursive: true });
});

Deno.test("a quiet listener hears its own knocks and goes on as it is, over TLS too", async () => {
  const data = await Deno.makeTempDir();
  const { pair } = await selfSigned(data, [], Date.now());
  for (const certificate of [undefined, pair]) {
    const warned: string[] = [];
    const log = { ...silentLog, warn: (event: string) => void warned.push(event) };
    const limits = { quietMilliseconds: 100 };
    await whileListening({ limits, certificate, log }, async ({ port }) => {
      (await rawConnect(port)).close();
      // A round of quiet, knock and judgement.
      await once(AbortSignal.timeout(2_600), "abort");
      assert.deepEqual(warned, []);
    });
  }
  await Deno.remove(data, { recursive: true });
});

Deno.test("one address may not take every connection", async () => {
  await whileListening({ limits: { connectionsPerIp: 2 } }, async ({ port }) => {
    const held = [await rawConnect(port), await rawConnect(port)];
    for (const each of held) await each.send("GET / HT");
    const third = await rawConnect(port);
    assert.equal(await third.untilClosed(), "");
    for (const each of [...held, third]) each.close();
  });
});

Deno.test("HTTPS is HTTP/1.1 only, TLS 1.2 or later, and the certificate can be replaced", async () => {
  const [one, two] = [await Deno.makeTempDir(), await Deno.makeTempDir()];
  const first = await selfSigned(one, [], Date.now());
  const second = await selfSigned(two, [], Date.now());
  await whileListening({ certificate: first.pair }, async (listener) => {
    const ask = async (caFile: string) => {
      const connection = await rawConnect(listener.port, [await Deno.readTextFile(caFile)]);
      await connection.send(GET);
      const answer = await connection.untilClosed();
      connection.close();
      return statusOf(answer);
    };
    assert.equal(await ask(first.caFile), 200);
    listener.replaceCertificate(second.pair);
    assert.equal(await ask(second.caFile), 200);
    const tcp = await Deno.connect({ hostname: "127.0.0.1", port: listener.port });
    const caCerts = [await Deno.readTextFile(second.caFile)];
    const tls = await Deno.startTls(tcp, { hostname: "localhost", caCerts, alpnProtocols: ["h2"] });
    const { alpnProtocol } = await tls.handshake().catch(() => ({ alpnProtocol: null }));
    assert.notEqual(alpnProtocol, "h2");
    tls.close();
  });
  for (const dir of [one, two]) await Deno.remove(dir, { recursive: true });
});

Deno.test("the application hears the client's address as the trusted proxy tells it", async () => {
  const heard: RequestContext[] = [];
  const fetch = (_request: Request, context: RequestContext) => {
    heard.push(context);
    return new Response(null);
  };
  const forwarded = GET.replace("Host:", "X-Forwarded-For: 203.0.113.9\r\nHost:");
  await whileListening({ fetch }, ({ port }) => exchange(port, forwarded).then(() => {}));
  await whileListening({ fetch }, ({ port }) => exchange(port, GET).then(() => {}));
  await whileListening(
    { fetch, isTrustedProxy: (address) => address === "127.0.0.1" },
    ({ port }) => exchange(port, forwarded).then(() => {}),
  );
  assert.deepEqual(heard, [
    { address: "127.0.0.1", loopback: false },
    { address: "127.0.0.1", loopback: true },
    { address: "203.0.113.9", loopback: false },
  ]);
});

Deno.test("an application that throws answers 500 without a word of the error", async () => {
  const fetch = () => {
    throw new Error("the password is hunter2");
  };
  await whileListening({ fetch }, async ({ port }) => {
    const answer = await exchange(port, GET);
    assert.equal(statusOf(answer), 500);
    assert.ok(!answer.includes("hunter2"));
  });
});

/** A door that lets everybody in and keeps the open sockets. */
function openDoor() {
  const sockets: WebSocket[] = [];
  const requests: UpgradeRequest[] = [];
  const door: UpgradeDoor = (request) => {
    requests.push(request);
    return Promise.resolve({ accept: (socket: WebSocket) => void sockets.push(socket) });
  };
  return { doors: new Map([["/socket", door]]), sockets, requests };
}

function connect(port: number, path = "/socket", headers: Record<string, string> = {}): Client {
  return new Client(`ws://localhost:${port}${path}`, { headers });
}

const opened = (socket: Client) => new Promise<void>((resolve) => socket.once("open", resolve));
const closed = (socket: Client) => new Promise<number>((resolve) => socket.once("close", resolve));
const refusedWith = (socket: Client) =>
  new Promise<number | undefined>((resolve) => {
    socket.on("error", () => {});
    socket.once("unexpected-response", (request, response) => {
      resolve(response.statusCode);
      request.destroy();
    });
  });

Deno.test("a socket opens where a door lets it in, and only there", async () => {
  const { doors, requests } = openDoor();
  await whileListening({ doors }, async ({ port }) => {
    const socket = connect(port, "/socket?x=1", { authorization: "Bearer abc" });
    await opened(socket);
    assert.equal(requests[0]?.headers.get("authorization"), "Bearer abc");
    assert.equal(requests[0]?.address, "127.0.0.1");
    socket.terminate();
    assert.equal(await refusedWith(connect(port, "/other")), 404);
    assert.equal(await refusedWith(connect(port, "/socket", { host: "evil.example" })), 421);
  });
});

Deno.test("a refused upgrade gets its status and no 101", async () => {
  const door: UpgradeDoor = () => Promise.resolve({ status: 401 });
  await whileListening({ doors: new Map([["/socket", door]]) }, async ({ port }) => {
    assert.equal(await refusedWith(connect(port)), 401);
  });
});

Deno.test("attack: an upgrade to an address that cannot be parsed writes no error into the log", async () => {
  const events: string[] = [];
  const log = { ...silentLog, error: (event: string) => void events.push(event) };
  await whileListening({ doors: openDoor().doors, log }, async ({ port }) => {
    for (const target of ["/\\[", "/\\:99999", "/\\evil.example/socket"]) {
      const upgrade = `GET ${target} HTTP/1.1\r\nHost: chat.example.org\r\n` +
        "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
      assert.equal(statusOf(await exchange(port, upgrade)), 404);
    }
  });
  assert.deepEqual(events, []);
});

Deno.test("attack: a proxy on this machine that forwards no address lends nobody its nearness", async () => {
  const seen: RequestContext[] = [];
  const fetch = (_: Request, context: RequestContext) => {
    seen.push(context);
    return new Response();
  };
  const isTrustedProxy = (address: string) => address === "127.0.0.1";
  await whileListening({ fetch, isTrustedProxy }, async ({ port }) => {
    await exchange(port, GET);
  });
  assert.deepEqual(seen, [{ address: "127.0.0.1", loopback: false }]);
});

Deno.test("a door that throws is a 500 and the server goes on", async () => {
  const door: UpgradeDoor = () => Promise.reject(new Error("broken"));
  await whileListening({ doors: new Map([["/socket", door]]) }, async ({ port }) => {
    assert.equal(await refusedWith(connect(port)), 500);
    assert.equal(statusOf(await exchange(port, GET)), 200);
  });
});

Deno.test("an upgrade without a key or of another version is refused", async () => {
  const { doors } = openDoor();
  const upgrade = "GET /socket HTTP/1.1\r\nHost: chat.example.org\r\nConnection: Upgrade\r\n" +
    "Upgrade: websocket\r\n";
  await whileListening({ doors }, async ({ port }) => {
    const noKey = await exchange(port, `${upgrade}Sec-WebSocket-Version: 13\r\n\r\n`);
    assert.equal(statusOf(noKey), 400);
    const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    const old = await exchange(port, `${upgrade}${key}Sec-WebSocket-Version: 12\r\n\r\n`);
    assert.ok([400, 426].includes(statusOf(old) ?? 0));
  });
});

Deno.test("a message over the limit closes the socket with 1009 before it is held", async () => {
  const { doors, sockets } = openDoor();
  await whileListening({ doors, maxFrameBytes: 1_000 }, async ({ port }) => {
    const socket = connect(port);
    await opened(socket);
    sockets[0]?.on("message", () => assert.fail("the message must not arrive"));
    socket.send(new Uint8Array(1_001));
    assert.equal(await closed(socket), 1009);
  });
});

Deno.test("endless fragments are cut off at the limit", async () => {
  const { doors } = openDoor();
  await whileListening({ doors, maxFrameBytes: 1_000 }, async ({ port }) => {
    const socket = connect(port);
    await opened(socket);
    const end = closed(socket);
    for (let i = 0; i < 3; i++) socket.send(new Uint8Array(400), { fin: false });
    assert.equal(await end, 1009);
  });
});

Deno.test("garbage in place of frames ends that socket and nothing else", async () => {
  const { doors } = openDoor();
  await whileListening({ doors }, async ({ port }) => {
    const connection = await rawConnect(port);
    await connection.send(
      "GET /socket HTTP/1.1\r\nHost: chat.example.org\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    assert.match(await connection.until("\r\n\r\n"), /^HTTP\/1\.1 101/);
    await connection.send(new Uint8Array(64).fill(0xff));
    await connection.untilClosed();
    connection.close();
    assert.equal(statusOf(await exchange(port, GET)), 200);
  });
});

Deno.test("compression is never agreed on", async () => {
  const { doors } = openDoor();
  await whileListening({ doors }, async ({ port }) => {
    const socket = connect(port);
    await opened(socket);
    assert.equal(socket.extensions, "");
    socket.terminate();
  });
});

Deno.test("stopping finishes requests in flight and closes sockets with 1001", async () => {
  const { doors } = openDoor();
  const arrived = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const fetch = async () => {
    arrived.resolve();
    await go.promise;
    return new Response("finished");
  };
  const limits = { shutdownMilliseconds: 60_000 };
  await whileListening({ doors, fetch, limits }, async (listener) => {
    const socket = connect(listener.port);
    await opened(socket);
    const answer = exchange(listener.port, GET);
    await arrived.promise;
    const end = closed(socket);
    const stopped = listener.close();
    assert.equal(await end, 1001);
    go.resolve();
    assert.ok((await answer).endsWith("finished"));
    await stopped;
    await assert.rejects(Deno.connect({ hostname: "127.0.0.1", port: listener.port }));
  });
});

Deno.test("stopping does not wait for ever for a peer that holds on", async () => {
  const { doors } = openDoor();
  await whileListening({ doors, limits: { shutdownMilliseconds: 20 } }, async ({ port }) => {
    const connection = await rawConnect(port);
    await connection.send("GET / HTTP/1.1\r\nHost: chat");
  });
});
