/**
 * A recording TCP relay: everything a client and the server say to each other passes through it and is kept,
 * with WebSocket client frames unmasked (RFC 6455 section 5.3), so that a search sees what was really sent.
 */
import { concat } from "../../protocol/encoding.ts";

export interface WireTap {
  readonly port: number;
  /** Of each ended connection: both directions raw, and the unmasked payloads of the client's frames. */
  recorded(): Uint8Array[];
  close(): Promise<void>;
}

/** Listens on a free loopback port and relays each connection to `target`. */
export function openWireTap(target: number): WireTap {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const recorded: Uint8Array[] = [];
  const open = new Set<Deno.Conn>();
  const accepting = acceptAll(listener, target, recorded, open);
  return {
    port: (listener.addr as Deno.NetAddr).port,
    recorded: () => recorded,
    async close() {
      listener.close();
      for (const connection of open) closeQuietly(connection);
      await accepting;
    },
  };
}

async function acceptAll(
  listener: Deno.Listener,
  target: number,
  recorded: Uint8Array[],
  open: Set<Deno.Conn>,
): Promise<void> {
  const relays: Promise<void>[] = [];
  for await (const client of listener) relays.push(relay(client, target, recorded, open));
  await Promise.all(relays);
}

async function relay(
  client: Deno.Conn,
  target: number,
  recorded: Uint8Array[],
  open: Set<Deno.Conn>,
): Promise<void> {
  const server = await Deno.connect({ hostname: "127.0.0.1", port: target }).catch(() => null);
  if (!server) return closeQuietly(client);
  (server as Deno.TcpConn).setNoDelay(true);
  (client as Deno.TcpConn).setNoDelay(true);
  open.add(client).add(server);
  const sent: Uint8Array[] = [];
  const received: Uint8Array[] = [];
  await Promise.all([
    pump(client, server, (bytes) => sent.push(bytes)),
    pump(server, client, (bytes) => received.push(bytes)),
  ]);
  open.delete(client);
  open.delete(server);
  // Each direction in one piece: what is looked for may have been cut in two by the network.
  const whole = concat(...sent);
  recorded.push(whole, concat(...received), ...unmaskedFrames(whole));
}

async function pump(from: Deno.Conn, to: Deno.Conn, keep: (bytes: Uint8Array) => void) {
  const buffer = new Uint8Array(64 * 1024);
  try {
    for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
      keep(buffer.slice(0, count));
      await writeAll(to, buffer.subarray(0, count));
    }
  } catch (error) {
    if (!isClosedConnection(error)) throw error;
  }
  closeQuietly(from);
  closeQuietly(to);
}

async function writeAll(to: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await to.write(bytes.subarray(written));
  }
}

/** The payloads of the client's frames after an HTTP upgrade; nothing for plain HTTP. */
export function unmaskedFrames(sent: Uint8Array): Uint8Array[] {
  const start = endOfUpgrade(sent);
  const payloads: Uint8Array[] = [];
  for (let at = start; at > 0 && at + 6 <= sent.length;) {
    const frame = readFrame(sent, at);
    if (!frame) break;
    payloads.push(frame.payload);
    at = frame.end;
  }
  return payloads;
}

function endOfUpgrade(sent: Uint8Array): number {
  const head = new TextDecoder("latin1").decode(sent.subarray(0, 16 * 1024));
  const end = head.indexOf("\r\n\r\n");
  return /\r\nupgrade: *websocket/i.test(head.slice(0, end)) ? end + 4 : -1;
}

function readFrame(bytes: Uint8Array, at: number): { payload: Uint8Array; end: number } | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const short = bytes[at + 1]! & 0x7f;
  const extra = short === 126 ? 2 : short === 127 ? 8 : 0;
  const mask = at + 2 + extra;
  if (mask + 4 > bytes.length) return null;
  const length = extra === 0
    ? short
    : extra === 2
    ? view.getUint16(at + 2)
    : Number(view.getBigUint64(at + 2));
  const end = mask + 4 + length;
  if (end > bytes.length) return null;
  const payload = bytes.slice(mask + 4, end);
  for (let i = 0; i < payload.length; i++) payload[i]! ^= bytes[mask + (i & 3)]!;
  return { payload, end };
}

function isClosedConnection(error: unknown): boolean {
  return error instanceof Deno.errors.BadResource || error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.Interrupted ||
    error instanceof Deno.errors.ConnectionAborted || error instanceof Deno.errors.NotConnected;
}

function closeQuietly(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch (error) {
    if (!isClosedConnection(error)) throw error;
  }
}
