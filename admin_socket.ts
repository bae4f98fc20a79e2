/**
 * The local door of `snug admin`: a Unix socket in the data folder that only the server's own user can
 * open. One connection carries one order: a line of JSON there, a line of JSON back.
 */
import { join } from "node:path";
import type { Log } from "./log.ts";
import type { OrderAnswer } from "./routes/admin_orders.ts";

/** Its name in the data folder. */
const SOCKET = "admin.sock";
/** Longest order, in bytes. */
const MAX_ORDER_BYTES = 64 * 1024;
/** Longest answer, in bytes: 25 people, 100 reports with all that was revealed. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
/** Who opens the socket has this long to say what they want. */
const ORDER_MS = 10_000;
const NEWLINE = 10;

/** Windows has no Unix sockets that Deno could open. */
export const HAS_SOCKETS = Deno.build.os !== "windows";

/** Runs one order. */
export type RunOrder = (order: unknown) => Promise<OrderAnswer>;

/** An open door. */
export interface AdminSocket {
  close(): Promise<void>;
}

/** Where the socket of a data folder is. */
export function socketPath(dataDir: string): string {
  return join(dataDir, SOCKET);
}

/**
 * Opens the door. Whoever calls this holds the folder's lock, so a socket that is there is left over.
 * Null where there are no Unix sockets, or where the folder's path is too long for one: the server runs
 * without, and the log says so.
 */
export async function openAdminSocket(
  dataDir: string,
  run: RunOrder,
  log: Log,
): Promise<AdminSocket | null> {
  if (!HAS_SOCKETS) return null;
  const path = socketPath(dataDir);
  const listener = await listenPrivately(path, log);
  if (listener === null) return null;
  const busy = new Set<Promise<void>>();
  const serving = serve(listener, (connection) => {
    const work = answer(connection, run, log);
    busy.add(work);
    void work.finally(() => busy.delete(work));
  });
  return {
    async close() {
      listener.close();
      await serving;
      await Promise.all(busy);
      await Deno.remove(path).catch(ignoreMissing);
    },
  };
}

/** The socket comes into being with mode 0600: there is no moment in which others could open it. */
async function listenPrivately(path: string, log: Log): Promise<Deno.UnixListener | null> {
  await Deno.remove(path).catch(ignoreMissing);
  const before = Deno.umask(0o177);
  try {
    return Deno.listen({ transport: "unix", path });
  } catch (error) {
    log.warn("admin.no_socket", { error });
    return null;
  } finally {
    Deno.umask(before);
  }
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

async function serve(
  listener: Deno.UnixListener,
  take: (connection: Deno.UnixConn) => void,
): Promise<void> {
  for await (const connection of listener) take(connection);
}

async function answer(connection: Deno.UnixConn, run: RunOrder, log: Log): Promise<void> {
  const timer = setTimeout(() => connection.close(), ORDER_MS);
  try {
    const line = await readLine(connection, MAX_ORDER_BYTES);
    clearTimeout(timer);
    const order = line === null ? undefined : parsed(line);
    await writeLine(connection, await run(order));
  } catch (error) {
    // Whoever asked went away, or took too long; or it is a bug. The server goes on.
    log.warn("admin.order_failed", { error });
  } finally {
    clearTimeout(timer);
    closeQuietly(connection);
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The timer may have closed it before. */
function closeQuietly(connection: Deno.UnixConn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

/** Everything up to the first line's end; null when it is longer than `most` bytes or has no end. */
async function readLine(connection: Deno.UnixConn, most: number): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const chunk = new Uint8Array(16 * 1024);
  while (size <= most) {
    const read = await connection.read(chunk);
    if (read === null) return null;
    const end = chunk.subarray(0, read).indexOf(NEWLINE);
    chunks.push(chunk.slice(0, end < 0 ? read : end));
    size += read;
    if (end >= 0) return await new Blob(chunks as BlobPart[]).text();
  }
  return null;
}

async function writeLine(connection: Deno.UnixConn, value: unknown): Promise<void> {
  let rest = new TextEncoder().encode(JSON.stringify(value) + "\n");
  while (rest.length > 0) rest = rest.subarray(await connection.write(rest));
}

/** Asks the server that runs on the folder; null when none does. */
export async function askServer(dataDir: string, order: unknown): Promise<OrderAnswer | null> {
  const connection = await connect(socketPath(dataDir));
  if (connection === null) return null;
  try {
    await writeLine(connection, order);
    const line = await readLine(connection, MAX_ANSWER_BYTES);
    if (line === null) throw new Error("The server did not answer. Look into its log.");
    return JSON.parse(line) as OrderAnswer;
  } finally {
    connection.close();
  }
}

async function connect(path: string): Promise<Deno.UnixConn | null> {
  if (!HAS_SOCKETS) return null;
  try {
    return await Deno.connect({ transport: "unix", path });
  } catch (error) {
    // None there, or one that a server left behind when it was killed, or a path too long for one.
    const none = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.ConnectionRefused || /SUN_LEN/.test(String(error));
    if (none) return null;
    if (error instanceof Deno.errors.PermissionDenied) {
      throw new Error(`${path} belongs to another user. Run this as the user who runs the server.`);
    }
    throw error;
  }
}
