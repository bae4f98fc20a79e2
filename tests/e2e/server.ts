/** Starts the server as people do: by `deno task start`, or as the executable that SNUG_BINARY names. */
import assert from "node:assert/strict";
import { resolve } from "node:path";

const ROOT = resolve(import.meta.dirname!, "../..");
const BINARY = Deno.env.get("SNUG_BINARY");

export interface ServerOptions {
  readonly data: string;
  readonly port: number;
  /** The address people use when it is not the listener's own (a relay in between). */
  readonly origin?: string;
  readonly tls?: "acme" | "off" | "self-signed";
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Server {
  readonly origin: string;
  readonly options: ServerOptions;
  /** Everything the process has written so far, standard output and error. */
  log(): string;
  /** Resolves once it has written something that fits. */
  says(words: RegExp): Promise<void>;
  /** Asks it to stop and waits until it has; returns the exit status. */
  stop(): Promise<number>;
  /** kill -9, at once. */
  kill(): Promise<void>;
}

/** Below the ports that a system gives to whoever asks for any: nobody is given these meanwhile. */
const [FIRST_PORT, PORTS_EACH, PARTS] = [15_000, 100, 100];
let nextPort = crypto.getRandomValues(new Uint8Array(1))[0]! % PORTS_EACH;

/** A loopback port that was free a moment ago; test runs side by side have ports of their own. */
export function freePort(): number {
  const first = FIRST_PORT + Deno.pid % PARTS * PORTS_EACH;
  for (let tries = 0; tries < PORTS_EACH; tries++) {
    const port = first + nextPort;
    nextPort = (nextPort + 1) % PORTS_EACH;
    if (isFree(port)) return port;
  }
  throw new Error(`no port from ${first} on is free`);
}

function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}

/** The command and its words, for `serve`, `chat` and the rest. */
export function snugCommand(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Deno.Command {
  if (BINARY) {
    return new Deno.Command(resolve(ROOT, BINARY), {
      args: [command, ...args],
      cwd: Deno.makeTempDirSync({ prefix: "snug-elsewhere-" }),
      clearEnv: true,
      env: { ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    });
  }
  const task = command === "serve" ? ["start"] : ["snug", command];
  return new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", ...task, ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1", ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  });
}

/** Resolves once the server says that it listens and /health answers 200. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const tls = options.tls ?? "off";
  const scheme = tls === "off" ? "http" : "https";
  const origin = options.origin ?? `${scheme}://localhost:${options.port}`;
  const child = snugCommand("serve", [
    ...["--data", options.data, "--listen", `127.0.0.1:${options.port}`],
    ...["--tls", tls, "--origin", origin, ...options.flags ?? []],
  ], options.env).spawn();
  await child.stdin.close();
  const output = collect(child, origin);
  const ended = child.status;
  await Promise.race([output.ready, ended.then(({ code }) => refuse(code, output.text()))]);
  return {
    origin,
    options,
    log: output.text,
    says: output.says,
    async stop() {
      Deno.kill(serverProcess(child.pid), "SIGTERM");
      const { code } = await ended;
      await output.done;
      noBugs(output.text());
      return code;
    },
    async kill() {
      Deno.kill(serverProcess(child.pid), "SIGKILL");
      await ended;
      await output.done;
      noBugs(output.text());
    },
  };
}

/** Nobody caught it, or nobody should have had to: either way it is to fail the test. */
function noBugs(log: string): void {
  assert.doesNotMatch(log, /"level":"error"/, "what the log calls an error is a bug");
}

function refuse(code: number, text: string): never {
  throw new Error(`the server ended with status ${code} before it was ready:\n${text}`);
}

/** Gathers both streams; ready when the server's own address has been printed. */
function collect(child: Deno.ChildProcess, origin: string) {
  let text = "";
  const waiting = new Set<() => void>();
  const read = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      text += decoder.decode(chunk, { stream: true });
      for (const look of waiting) look();
    }
  };
  const done = Promise.all([read(child.stdout), read(child.stderr)]);
  const until = (fits: () => boolean) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (!fits()) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
      done.then(() => reject(new Error(`the server ended:\n${text}`)), reject);
    });
  const ready = until(() => text.includes(origin));
  // Whoever waits for the end of the process says more.
  ready.catch(() => {});
  return { ready, done, text: () => text, says: (words: RegExp) => until(() => words.test(text)) };
}

/** `deno task` starts the server as a descendant: the signal must reach that one. */
function serverProcess(pid: number): number {
  const children = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`).trim();
  return children === "" ? pid : serverProcess(Number(children.split(" ").at(-1)));
}

/** The newest 6-digit code sent to an address, taken from the outbox folder. */
export function codeFor(data: string, address: string): string {
  const mails = [...Deno.readDirSync(`${data}/outbox`)]
    .filter((entry) => entry.name.endsWith(".eml"))
    .map((entry) => Deno.readTextFileSync(`${data}/outbox/${entry.name}`))
    .filter((mail) => new RegExp(`^To:.*${address.replaceAll(".", "\\.")}`, "im").test(mail))
    .sort((a, b) => dateOf(a) - dateOf(b));
  const code = /^Subject:.*?(\d{6})/im.exec(mails.at(-1) ?? "")?.[1];
  assert.ok(code, `a code was sent to ${address}`);
  return code;
}

function dateOf(mail: string): number {
  return Date.parse(/^Date: (.*)$/im.exec(mail)?.[1] ?? "");
}
