/** HTTP as an attacker writes it: bytes on a connection, not a well-behaved client. */

/** An open connection to a port of this machine. */
export interface RawConnection {
  send(text: string | Uint8Array): Promise<void>;
  /** Everything the server says until it closes. */
  untilClosed(): Promise<string>;
  /** What the server has said once it contains `text`, or until it closes. */
  until(text: string): Promise<string>;
  close(): void;
}

/** Connects, over TLS when `caCerts` is given. */
export async function rawConnect(port: number, caCerts?: string[]): Promise<RawConnection> {
  const tcp = await Deno.connect({ hostname: "127.0.0.1", port });
  const connection = caCerts === undefined
    ? tcp
    : await Deno.startTls(tcp, { hostname: "localhost", caCerts, alpnProtocols: ["http/1.1"] });
  const reader = connection.readable.getReader();
  let heard = "";
  const read = async () => {
    const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined }));
    if (value !== undefined) heard += new TextDecoder("latin1").decode(value);
    return !done;
  };
  return {
    async send(text) {
      const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
      for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
    },
    async untilClosed() {
      while (await read());
      return heard;
    },
    async until(text) {
      while (!heard.includes(text) && await read());
      return heard;
    },
    close() {
      try {
        connection.close();
      } catch {
        // The server was first.
      }
    },
  };
}

/** Sends `text`, reads until the server closes and returns what it said. */
export async function exchange(port: number, text: string): Promise<string> {
  const connection = await rawConnect(port);
  try {
    await connection.send(text);
    return await connection.untilClosed();
  } finally {
    connection.close();
  }
}

/** The status of a raw answer, or undefined when there is none. */
export function statusOf(answer: string): number | undefined {
  const status = /^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1];
  return status === undefined ? undefined : Number(status);
}
