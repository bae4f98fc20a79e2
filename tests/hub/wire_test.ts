/** Messages as they leave the server, read by a WebSocket client that is not ours. */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { WebSocket, WebSocketServer } from "ws";
import { writeMessage } from "../../hub/wire.ts";

/** Around every place where the length is written in another way. */
const LENGTHS = [0, 1, 125, 126, 127, 65_535, 65_536, 131_072];

Deno.test("messages of every length arrive whole and in order, between those of the library", async () => {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
  await once(server, "listening");
  let written = 0;
  server.on("connection", (socket, { socket: wire }) => {
    for (const length of LENGTHS) {
      writeMessage(wire, new Uint8Array(length).fill(length % 251), () => written++);
      socket.ping();
    }
    socket.close(1000);
  });
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const got: Uint8Array[] = [];
  let pings = 0;
  client.on("message", (message, binary) => {
    assert.ok(binary);
    got.push(new Uint8Array(message as Uint8Array));
  });
  client.on("ping", () => pings++);
  const [code] = await once(client, "close");
  assert.equal(code, 1000);
  assert.deepEqual(got.map(({ length }) => length), LENGTHS);
  for (const message of got) assert.ok(message.every((byte) => byte === message.length % 251));
  assert.deepEqual([pings, written], [LENGTHS.length, LENGTHS.length]);
  await new Promise((resolve) => server.close(resolve));
});
