/** The floors as targets; see relay_floor.ts. */
import { fileURLToPath } from "node:url";
import { V8_FLAGS } from "../tools/compile.ts";
import { pinned, randomPort, until } from "../tools/load_process.ts";
import { openLoadSocket } from "../tools/load_socket.ts";
import type { LoadTarget } from "../tools/load_target.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const RECEIPT = new Uint8Array([2]);

/** Starts one. */
export async function startFloor(
  kind: "bare" | "group",
  cpu: number,
  envelopeBytes: number,
): Promise<LoadTarget> {
  const folder = await Deno.makeTempDir({ prefix: "snug-floor-" });
  const port = randomPort();
  const [command, ...args] = pinned(cpu, [
    ...[Deno.execPath(), "run", "--quiet", "--no-check", "-A", V8_FLAGS, `${HERE}relay_floor.ts`],
    ...[kind, String(port), folder],
  ]);
  const child = new Deno.Command(command!, { args, stdin: "null", stdout: "null" }).spawn();
  await until(port, child);
  const envelope = crypto.getRandomValues(new Uint8Array(envelopeBytes));
  return {
    name: kind === "bare" ? "storage-free relay" : "group commit floor",
    ...{ accepts: kind === "group", pid: child.pid },
    async connect(index, told) {
      const place = { port, path: "/socket", host: `localhost:${port}`, tls: false };
      const from = `127.0.${1 + (index >> 7)}.${1 + index % 128}`;
      const socket = await openLoadSocket({ ...place, from, authorization: String(index) }, {
        message: (frame) => {
          if (frame.length === 1) return told.accepted(1);
          if (kind === "group") socket.send(RECEIPT);
          told.delivered(1);
        },
        closed: () => {},
      });
      return {
        send: (count) => {
          for (let n = 0; n < count; n++) socket.send(envelope);
        },
        close: () => socket.close(),
      };
    },
    async stop() {
      child.kill("SIGKILL");
      await child.status;
      await Deno.remove(folder, { recursive: true });
    },
  };
}
