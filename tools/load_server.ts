/** Snug itself under load: `snug serve` from source, on a temporary folder with made-up people. */
import { get as getPlain } from "node:http";
import { get as getTls } from "node:https";
import { fileURLToPath } from "node:url";
import { V8_FLAGS } from "./compile.ts";
import { pinned, randomPort, until } from "./load_process.ts";
import { type LoadPerson, makePeople } from "./load_people.ts";
import { openSecrets } from "../auth/mod.ts";
import { type DeviceParts, openDevice } from "./load_device.ts";
import type { LoadTarget, Told } from "./load_target.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const MUCH = String(2 ** 40);
/** Every limit that a load test would meet is a setting. */
const LIMITS: Readonly<Record<string, string>> = {
  SNUG_LIMIT_SOCKET_MESSAGES_PER_SECOND: MUCH,
  SNUG_LIMIT_SOCKET_BYTES_PER_SECOND: MUCH,
  SNUG_LIMIT_SOCKETS: MUCH,
  SNUG_LIMIT_SOCKETS_PER_IP: MUCH,
  SNUG_LIMIT_CONNECTIONS: MUCH,
  SNUG_LIMIT_CONNECTIONS_PER_IP: MUCH,
  SNUG_LIMIT_QUEUE_PER_SENDER: MUCH,
};

/** How to start it. */
export interface ServerOptions {
  readonly people: number;
  readonly tls: boolean;
  readonly envelopeBytes: number;
  /** The program and its first arguments; the source of this folder without. */
  readonly command?: readonly string[];
  /** The processor it may use; any without. */
  readonly cpu?: number;
}

/** A Snug that runs, with its people. */
export interface LoadServer extends LoadTarget {
  readonly people: readonly LoadPerson[];
  readonly port: number;
  /** One that does not say what it got, so that its queue stays. */
  connectQuietly(index: number, told: Told): Promise<{ close(): void }>;
  /** Ends the process without a goodbye and starts another on the same folder. */
  restart(): Promise<void>;
  metrics(): Promise<string>;
}

/** Starts one; resolves when it takes people. */
export async function startSnug(options: ServerOptions): Promise<LoadServer> {
  const folder = await Deno.makeTempDir({ prefix: "snug-load-" });
  await openSecrets({ dataDir: folder, accountsExist: false, random, warn: () => {} });
  const people = makePeople(`${folder}/snug.db`, options.people, Date.now());
  const port = randomPort();
  let child = await spawn(options, folder, port);
  /** How often each device was welcome: its incarnation. */
  const times = people.map(() => 0);
  const parts = (index: number): DeviceParts => ({
    ...{ me: people[index]!, peer: people[index ^ 1]!, acks: true },
    ...{ envelopeBytes: options.envelopeBytes },
    ...{ previous: incarnation(times[index]!), next: incarnation(times[index]! + 1) },
    place: {
      ...{ port, host: `localhost:${port}`, tls: options.tls },
      from: `127.0.${1 + (index >> 7) % 250}.${1 + index % 128}`,
    },
  });
  const open = async (index: number, told: Told, acks: boolean) => {
    const client = await openDevice({ ...parts(index), acks }, told);
    times[index]!++;
    return client;
  };
  const stop = async () => {
    child.kill("SIGKILL");
    await child.status;
  };
  return {
    ...{ name: options.tls ? "snug, TLS" : "snug", accepts: true, people, port },
    get pid() {
      return child.pid;
    },
    connect: (index, told) => open(index, told, true),
    connectQuietly: (index, told) => open(index, told, false),
    async restart() {
      await stop();
      child = await spawn(options, folder, port);
    },
    metrics: () => metricsAt(port, options.tls),
    async stop() {
      await stop();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

function random(length: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(length));
}

function incarnation(times: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(0, times);
  return bytes;
}

async function spawn(
  options: ServerOptions,
  folder: string,
  port: number,
): Promise<Deno.ChildProcess> {
  const source = [
    ...[Deno.execPath(), "run", "--quiet", "--no-check", "-A", V8_FLAGS],
    `${ROOT}main.ts`,
  ];
  const [command, ...args] = pinned(options.cpu, [
    ...options.command ?? source,
    ...["serve", "--data", folder, "--listen", `127.0.0.1:${port}`],
    ...["--tls", options.tls ? "self-signed" : "off"],
  ]);
  const child = new Deno.Command(command!, {
    ...{ args, env: { ...LIMITS, SNUG_LOG_LEVEL: "warn" } },
    ...{ stdin: "null", stdout: "null", stderr: "inherit" },
  }).spawn();
  await until(port, child);
  return child;
}

function metricsAt(port: number, tls: boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    const get = tls ? getTls : getPlain;
    const url = `${tls ? "https" : "http"}://localhost:${port}/metrics`;
    const request = get(url, { rejectUnauthorized: false }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (part: string) => text += part);
      answer.on("end", () => resolve(text));
    });
    request.on("error", reject);
  });
}
