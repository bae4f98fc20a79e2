/** The terminal's HTTP: `fetch` with a trust of its own, HTTP/1.1 only, and a limit on every answer. */
import { type Bytes, concat } from "../../protocol/encoding.ts";
import type { HttpSend } from "../transport.ts";
import type { SocketPlace } from "./web_socket.ts";

/** Longest answer in bytes: a device list of 1,024 entries is 4 MiB. */
const MOST_ANSWER_BYTES = 6 * 1024 * 1024;
/** How long a request may take. OPAQUE's server half needs milliseconds. */
const ANSWER_WITHIN = 30_000;

/** A way to ask, and its end. */
export interface TerminalHttp {
  readonly send: HttpSend;
  close(): void;
}

/** For as long as the process lives. */
export function terminalSend(place: SocketPlace): HttpSend {
  return terminalHttp(place).send;
}

export function terminalHttp({ origin, caCerts }: SocketPlace): TerminalHttp {
  const trust = caCerts ? { caCerts: [...caCerts] } : {};
  // A connection for each request: one kept for the next may be closed by the server while Argon2 holds this thread,
  // and what was sent into it then is not known to have arrived.
  const pool = { http1: true, http2: false, poolMaxIdlePerHost: 0 } as const;
  const client = Deno.createHttpClient({ ...pool, ...trust });
  const send: HttpSend = async ({ method, path, headers, body }) => {
    const signal = AbortSignal.timeout(ANSWER_WITHIN);
    const init = { method, headers, body, signal, client, redirect: "manual" } as const;
    const response = await fetch(new URL(path, origin), init);
    return {
      status: response.status,
      headers: response.headers,
      body: await readAll(response.body),
    };
  };
  return { send, close: () => client.close() };
}

async function readAll(stream: ReadableStream<Uint8Array> | null): Promise<Bytes> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of stream ?? []) {
    length += part.length;
    if (length > MOST_ANSWER_BYTES) throw new RangeError("answer too long");
    parts.push(part);
  }
  return concat(...parts);
}
