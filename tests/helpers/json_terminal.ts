/** `snug chat --json` in this process against the whole server over TLS, spoken to line by line. */
import assert from "node:assert/strict";
import { runChat } from "../../client/terminal/main.ts";
import { RealServer } from "./real_server.ts";

export type Line = Record<string, unknown> & { event: string };

export class Terminal {
  readonly lines: Line[] = [];
  readonly logged: string[] = [];
  readonly status: Promise<number>;
  #input!: ReadableStreamDefaultController<Uint8Array>;
  #wake: () => void = () => {};
  #ref = 0;
  #unread = 0;
  readonly #stop = new AbortController();

  constructor(flags: readonly string[]) {
    const input = new ReadableStream<Uint8Array>({
      start: (controller) => this.#input = controller,
    });
    this.status = runChat(["--json", ...flags], {
      env: () => undefined,
      print: (line) => {
        this.lines.push(JSON.parse(line));
        this.#wake();
      },
      writeLog: (line) => this.logged.push(line),
      now: () => Date.now(),
      stop: this.#stop.signal,
      input,
    });
  }

  say(line: string): void {
    this.#input.enqueue(new TextEncoder().encode(`${line}\n`));
  }

  async ask(command: Record<string, unknown>): Promise<Line> {
    const ref = ++this.#ref;
    const from = this.lines.length;
    this.say(JSON.stringify({ ...command, ref }));
    return await this.#find((line) => line["ref"] === ref, from);
  }

  async next(fits: (line: Line) => boolean): Promise<Line> {
    const line = await this.#find(fits, this.#unread);
    this.#unread = this.lines.indexOf(line) + 1;
    return line;
  }

  async quit(): Promise<number> {
    this.say(JSON.stringify({ do: "quit" }));
    return await this.status;
  }

  /** As SIGTERM ends it, if it still runs. */
  async end(): Promise<void> {
    this.#stop.abort();
    await this.status;
  }

  async #find(fits: (line: Line) => boolean, from: number): Promise<Line> {
    for (let at = from;; at++) {
      while (at >= this.lines.length) await new Promise<void>((resolve) => this.#wake = resolve);
      if (fits(this.lines[at]!)) return this.lines[at]!;
    }
  }
}

export async function scene(
  run: (open: (name: string, trust?: string[]) => Terminal, server: RealServer) => Promise<void>,
): Promise<void> {
  const server = await RealServer.start("self-signed");
  const profiles = await Deno.makeTempDir({ prefix: "snug-profiles-" });
  const terminals: Terminal[] = [];
  const open = (name: string, trust = ["--ca", server.caFile]) => {
    const place = ["--server", server.origin, "--profile", `${profiles}/${name}`];
    const terminal = new Terminal([...place, ...trust]);
    terminals.push(terminal);
    return terminal;
  };
  try {
    await run(open, server);
  } finally {
    for (const terminal of terminals) await terminal.end();
    await server.end();
    await Deno.remove(profiles, { recursive: true });
  }
}

export const form = (username: string): Record<string, string> => ({
  do: "sign-up",
  username,
  fullName: `${username} \u001b[31mred`,
  contact: `${username}@example.org`,
  password: `lantern under the stairs ${username}`,
});

export async function signUp(
  terminal: Terminal,
  server: RealServer,
  username: string,
): Promise<Line> {
  const needed = await terminal.ask(form(username));
  assert.equal(needed.event, "code-needed", JSON.stringify(needed));
  const ready = await terminal.ask({ do: "code", code: server.lastCode() });
  assert.equal(ready.event, "ready", JSON.stringify(ready));
  return ready;
}
