/** A listener on a free port of this machine, with short limits that tests may change. */
import { type Limits, limitsWith } from "../../limits.ts";
import { listen, type Listener, type ListenerParts } from "../../listener.ts";
import { silentLog } from "../../log.ts";
import { bareHeaders } from "../../routes/bare_answer.ts";

/** Starts one, runs `body`, closes it. */
export async function whileListening(
  changes: Partial<Omit<ListenerParts, "limits">> & { readonly limits?: Partial<Limits> },
  body: (listener: Listener) => Promise<void>,
): Promise<void> {
  const { limits, ...parts } = changes;
  const listener = await listen({
    hostname: "127.0.0.1",
    port: 0,
    certificate: undefined,
    hosts: ["chat.example.org"],
    isTrustedProxy: () => false,
    maxFrameBytes: 131_072,
    fetch: () => new Response("hello"),
    doors: new Map(),
    headers: bareHeaders(false),
    log: silentLog,
    ...parts,
    limits: limitsWith({ shutdownMilliseconds: 100, ...limits }),
  });
  try {
    await body(listener);
  } finally {
    await listener.close();
  }
}
