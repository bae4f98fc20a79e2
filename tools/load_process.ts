/** Other processes: starting them on one processor, waiting for them, and what they use. */
import { connect } from "node:net";
import { once } from "node:events";

/** The command, kept to one processor where there is a `taskset`. */
export function pinned(cpu: number | undefined, command: readonly string[]): readonly string[] {
  return cpu === undefined || !hasTaskset() ? command : ["taskset", "-c", String(cpu), ...command];
}

/** Keeps this process, all of its threads, to one processor. */
export function pinSelf(cpu: number): void {
  if (!hasTaskset()) return;
  new Deno.Command("taskset", {
    ...{ args: ["-a", "-cp", String(cpu), String(Deno.pid)], stdout: "null" },
  }).outputSync();
}

let taskset: boolean | null = null;

function hasTaskset(): boolean {
  return taskset ??= installed("taskset") !== null && navigator.hardwareConcurrency > 1;
}

/** Where a program is, or null. */
export function installed(program: string): string | null {
  for (const folder of ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/bin"]) {
    try {
      if (Deno.statSync(`${folder}/${program}`).isFile) return `${folder}/${program}`;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return null;
}

/** A port of this machine that nobody listens on now. */
export function randomPort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  return (listener.addr as Deno.NetAddr).port;
}

/** Resolves when somebody listens; rejects when the process ends first, or after a minute. */
export async function until(port: number, child: Deno.ChildProcess): Promise<void> {
  let ended = false;
  child.status.then(() => ended = true);
  for (let tries = 0; tries < 1_200; tries++) {
    if (ended) throw new Error("the server ended before it listened");
    const socket = connect({ port, host: "127.0.0.1" });
    try {
      await once(socket, "connect");
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    } finally {
      socket.destroy();
    }
  }
  throw new Error("the server does not listen");
}

/** Resident memory in bytes, from /proc. */
export function memoryOf(pid: number): number {
  const [, kib] = /^VmRSS:\s+(\d+)/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`)) ?? [];
  return Number(kib) * 1024;
}

/** Seconds of processor time since its start. */
export function timeOf(pid: number): number {
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
