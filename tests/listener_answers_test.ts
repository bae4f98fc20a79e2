/** Answers that no route makes carry the headers that every answer carries. */
import assert from "node:assert/strict";
import type { ListenerParts } from "../listener.ts";
import { silentLog } from "../log.ts";
import { bareHeaders } from "../routes/bare_answer.ts";
import { commonHeaders } from "../routes/policy.ts";
import type { UpgradeDoor } from "../routes/socket.ts";
import { whileListening } from "./helpers/listening.ts";
import { exchange, rawConnect, statusOf } from "./helpers/raw_http.ts";

const HOST = "Host: chat.example.org\r\n";
const END = "Connection: close\r\n\r\n";
const KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const upgrade = (path: string, rest = `Sec-WebSocket-Version: 13\r\n${KEY}`, host = HOST) =>
  `GET ${path} HTTP/1.1\r\n${host}Connection: Upgrade\r\nUpgrade: websocket\r\n${rest}\r\n`;

function carriesAll(answer: string, what: string): void {
  const [head = ""] = answer.split("\r\n\r\n");
  const fields = new Map(
    head.split("\r\n").slice(1).map((line) => {
      const at = line.indexOf(":");
      return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
    }),
  );
  for (const [name, value] of Object.entries(commonHeaders(true))) {
    assert.equal(fields.get(name), value, `${name} of ${what}`);
  }
  const policy = fields.get("content-security-policy") ?? "";
  assert.match(policy, /^default-src 'none'; .*frame-ancestors 'none'/, what);
  assert.equal(fields.get("cache-control"), "no-store", what);
}

const refusing = (status: 401 | 403 | 429 | 503): UpgradeDoor => () => Promise.resolve({ status });
const PARTS: Partial<Omit<ListenerParts, "limits">> = {
  headers: bareHeaders(true),
  doors: new Map<string, UpgradeDoor>([
    ["/401", refusing(401)],
    ["/403", refusing(403)],
    ["/429", refusing(429)],
    ["/503", refusing(503)],
    ["/broken", () => Promise.reject(new Error("broken"))],
    ["/open", () => Promise.resolve({ accept: (socket) => socket.close() })],
  ]),
  fetch: () => {
    throw new Error("broken");
  },
};

const ANSWERS: readonly (readonly [status: number, request: string])[] = [
  [421, `GET / HTTP/1.1\r\nHost: evil.example\r\n${END}`],
  [400, `GET / HTTP/1.1\r\n${END}`],
  [400, `OPTIONS * HTTP/1.1\r\n${HOST}${END}`],
  [400, `GET //evil.example/ HTTP/1.1\r\n${HOST}${END}`],
  [400, `GET /\\[ HTTP/1.1\r\n${HOST}${END}`],
  [500, `GET / HTTP/1.1\r\n${HOST}${END}`],
  [400, "GARBAGE\r\n\r\n"],
  [400, `POST / HTTP/1.1\r\n${HOST}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`],
  [400, `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`],
  [417, `POST / HTTP/1.1\r\n${HOST}Content-Length: 3\r\nExpect: miracles\r\n\r\nabc`],
  [431, `GET / HTTP/1.1\r\n${HOST}X: ${"a".repeat(20_000)}\r\n\r\n`],
  [404, upgrade("/nowhere")],
  [421, upgrade("/open", "", "Host: evil.example\r\n")],
  [401, upgrade("/401")],
  [403, upgrade("/403")],
  [429, upgrade("/429")],
  [503, upgrade("/503")],
  [500, upgrade("/broken")],
  [400, upgrade("/open", "Sec-WebSocket-Version: 13\r\n")],
  [400, upgrade("/open", `Sec-WebSocket-Version: 12\r\n${KEY}`)],
];

Deno.test("what the listener answers by itself carries the security headers", async () => {
  await whileListening(PARTS, async ({ port }) => {
    for (const [status, request] of ANSWERS) {
      const what = `${status} to ${request.slice(0, 60)}`;
      const answer = await exchange(port, request);
      assert.equal(statusOf(answer), status, `${what}: ${answer.slice(0, 40)}`);
      carriesAll(answer, what);
    }
  });
});

Deno.test("slow-loris: who is cut off is told so with the same headers", async () => {
  await whileListening({ ...PARTS, limits: { headerMilliseconds: 50 } }, async ({ port }) => {
    const answer = await exchange(port, "GET / HTTP/1.1\r\nHost: chat.exa");
    assert.equal(statusOf(answer), 408);
    carriesAll(answer, "headers that never end");
  });
});

Deno.test("a refused version of the protocol is told which one is spoken", async () => {
  await whileListening(PARTS, async ({ port }) => {
    const answer = await exchange(port, upgrade("/open", `Sec-WebSocket-Version: 12\r\n${KEY}`));
    assert.match(answer, /^sec-websocket-version: 13\r$/im);
  });
});

Deno.test("attack: garbage behind a request is not answered in the middle of its answer", async () => {
  const begun = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const body = new ReadableStream({
    async start(controller) {
      controller.enqueue(new TextEncoder().encode("first "));
      begun.resolve();
      await go.promise;
      controller.enqueue(new TextEncoder().encode("second"));
      controller.close();
    },
  });
  await whileListening({ ...PARTS, fetch: () => new Response(body) }, async ({ port }) => {
    const connection = await rawConnect(port);
    await connection.send(`GET / HTTP/1.1\r\n${HOST}\r\n`);
    await begun.promise;
    await connection.until("first ");
    await connection.send("GARBAGE\r\n\r\n");
    const answer = await connection.untilClosed();
    go.resolve();
    assert.equal(answer.match(/HTTP\/1\.1/g)?.length, 1, answer);
    connection.close();
  });
});

Deno.test("a request that comes while the server stops is judged as any other", async () => {
  const errors: string[] = [];
  const log = { ...silentLog, error: (event: string) => void errors.push(event) };
  const [arrived, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const fetch = async () => {
    arrived.resolve();
    await go.promise;
    return new Response("finished");
  };
  const limits = { shutdownMilliseconds: 60_000 };
  await whileListening({ ...PARTS, fetch, limits, log }, async (listener) => {
    const connection = await rawConnect(listener.port);
    await connection.send(`GET / HTTP/1.1\r\n${HOST}\r\n`);
    await arrived.promise;
    const stopped = listener.close();
    await connection.send(`GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n`);
    go.resolve();
    const answer = await connection.untilClosed();
    assert.ok(answer.includes("finished"), answer);
    connection.close();
    await stopped;
  });
  assert.deepEqual(errors, []);
});
