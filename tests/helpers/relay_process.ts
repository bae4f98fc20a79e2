/** Starting {@link ./relay_server.ts} and ending it the hard way. */
import { fileURLToPath } from "node:url";
import type { RelayOrder } from "./relay_server.ts";

const ENTRY = fileURLToPath(new URL("relay_server.ts", import.meta.url));
const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));

/** One server process. It is started before it is needed, so that a restart takes no time. */
export class RelayProcess {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #errors: Promise<string>;
  /** Resolves to its last words when it has ended, by itself or not. */
  readonly ended: Promise<string>;
  #over = false;

  /** @param through a command that starts it: `["sh", "-c", …]` gets the rest as its arguments */
  constructor(through: readonly string[] = []) {
    const run = [Deno.execPath(), "run", "--quiet", "--no-check", "--cached-only", "-A"];
    const [command, ...args] = [...through, ...run, `--config=${CONFIG}`, ENTRY];
    const child = new Deno.Command(command!, {
      ...{ args, stdin: "piped", stdout: "piped", stderr: "piped" },
    }).spawn();
    this.#child = child;
    this.#errors = new Response(child.stderr).text();
    this.ended = child.status.then(async ({ code }) => {
      this.#over = true;
      return `exit ${code}: ${await this.#errors}`;
    });
    this.#lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Opens the database and listens; resolves to the port. */
  async open(order: RelayOrder): Promise<number> {
    const writer = this.#child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(JSON.stringify(order) + "\n"));
    writer.releaseLock();
    let said = "";
    for (let port = null; port === null; port = /listening (\d+)\n/.exec(said)) {
      const { value, done } = await this.#lines.read();
      if (done) throw new Error(`the server ended: ${await this.#errors}`);
      said += value;
    }
    return Number(/listening (\d+)/.exec(said)![1]);
  }

  /** `kill -9`; resolves to what it had written to its log. */
  async kill(): Promise<string> {
    if (!this.#over) this.#child.kill("SIGKILL");
    await this.#child.stdin.close().catch(() => {});
    await this.#child.status;
    await this.#lines.cancel();
    return await this.#errors;
  }
}
