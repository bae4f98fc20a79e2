/** Who asks and does not read: no connection keeps more than a little, and none for long. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { selfSigned } from "../certificate.ts";
import { silentLog } from "../log.ts";
import type { UpgradeDoor } from "../routes/socket.ts";
import { whileListening } from "./helpers/listening.ts";
import { exchange, rawConnect, statusOf } from "./helpers/raw_http.ts";

const GET = "GET / HTTP/1.1\r\nHost: chat.example.org\r\n\r\n";
const LAST = GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");

const UPGRADE =
  "GET /socket HTTP/1.1\r\nHost: chat.example.org\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
/** Without content, masked as a client's are; the answer as raw_http.ts reads it (windows-1252). */
const [PING, MASK, PONG] = [[0x89, 0x80], [1, 2, 3, 4], "\u0160\0"];

/** An answer without end, and when its reader was given up. */
function endless() {
  const over = Promise.withResolvers<void>();
  const chunk = new Uint8Array(65_536);
  const fetch = () =>
    new Response(
      new ReadableStream({
        pull: (controller) => controller.enqueue(chunk),
        cancel: () => over.resolve(),
      }),
    );
  return { fetch, over: over.promise };
}

Deno.test("ATTACK hundreds of requests at once, and no answer is read: most are never begun", async () => {
  let asked = 0;
  const fetch = () => {
    asked++;
    return new Response(new Uint8Array(2 ** 20));
  };
  await whileListening({ fetch }, async ({ port }) => {
    const connection = await rawConnect(port);
    await connection.send(GET.repeat(500));
    await connection.untilClosed();
    connection.close();
    assert.ok(asked <= 4, `${asked} answers at once`);
    assert.equal(statusOf(await exchange(port, LAST)), 200, "and it goes on serving");
  });
});

Deno.test("a few requests behind one another, and any number one after the other, are answered", async () => {
  const fetch = (request: Request) => new Response(new URL(request.url).pathname);
  await whileListening({ fetch }, async ({ port }) => {
    const get = (n: number) => GET.replace("/ ", `/${n}. `);
    const few = await exchange(port, [1, 2].map(get).join("") + LAST.replace("/ ", "/3. "));
    assert.deepEqual(few.match(/^\/\d\./gm), ["/1.", "/2.", "/3."]);
    const connection = await rawConnect(port);
    for (let n = 1; n <= 20; n++) {
      await connection.send(get(n));
      await connection.until(`/${n}.`);
    }
    connection.close();
  });
});

Deno.test("ATTACK a flood of connections that are refused is one line in the log, not a thousand", async () => {
  const warned: string[] = [];
  const log = { ...silentLog, warn: (event: string) => void warned.push(event) };
  await whileListening({ limits: { connectionsPerIp: 1 }, log }, async ({ port }) => {
    const held = await rawConnect(port);
    await held.send("GET / HT");
    for (let n = 0; n < 40; n++) assert.equal(await exchange(port, "").catch(() => ""), "");
    held.close();
  });
  assert.deepEqual(warned, ["connection.refused"]);
});

Deno.test("ATTACK a reader that takes nothing of its answer is given up, over TLS too", async () => {
  const data = await Deno.makeTempDir();
  const { pair, caFile } = await selfSigned(data, [], Date.now());
  const caCerts = [await Deno.readTextFile(caFile)];
  for (const [certificate, authorities] of [[undefined], [pair, caCerts]] as const) {
    const { fetch, over } = endless();
    const limits = { stalledMilliseconds: 1_000 };
    await whileListening({ fetch, limits, certificate }, async ({ port }) => {
      const connection = await rawConnect(port, authorities && [...authorities]);
      await connection.send(GET);
      assert.equal(statusOf(await connection.until("\r\n\r\n")), 200);
      await over;
      connection.close();
    });
  }
  await Deno.remove(data, { recursive: true });
});

Deno.test("an open socket that says nothing for long stays, over TLS too", async () => {
  const data = await Deno.makeTempDir();
  const { pair, caFile } = await selfSigned(data, [], Date.now());
  const caCerts = [await Deno.readTextFile(caFile)];
  const doors = new Map<string, UpgradeDoor>([
    ["/socket", () => Promise.resolve({ accept: () => {} })],
  ]);
  for (const [certificate, authorities] of [[undefined], [pair, caCerts]] as const) {
    const limits = { stalledMilliseconds: 50, idleMilliseconds: 50, headerMilliseconds: 50 };
    await whileListening({ doors, limits, certificate }, async ({ port }) => {
      const connection = await rawConnect(port, authorities && [...authorities]);
      await connection.send(UPGRADE);
      await connection.until("\r\n\r\n");
      await once(AbortSignal.timeout(400), "abort");
      await connection.send(new Uint8Array([...PING, ...MASK]));
      assert.ok((await connection.until(PONG)).endsWith(PONG));
      connection.close();
    });
  }
  await Deno.remove(data, { recursive: true });
});
