/** `snug serve`: the composition root. Everything the server is made of is put together here. */
import { createApp } from "./app.ts";
import { selfSigned } from "./certificate.ts";
import { type Config, type Environment, readConfig } from "./config.ts";
import { type CertificatePair, listen, type Listener } from "./listener.ts";
import { createLog, type Log } from "./log.ts";
import { type AssetManifest, createAssets } from "./routes/assets.ts";
import type { UpgradeDoor } from "./routes/socket.ts";
import manifest from "./static/dist/assets.json" with { type: "json" };
import { VERSION } from "./version.ts";

/** Longest WebSocket frame in bytes: a 64 KiB envelope, its frame and room to grow. */
const MAX_FRAME_BYTES = 131_072;

/** What a command gets from main.ts. */
export interface CommandIo {
  readonly env: Environment;
  /** For people, on standard output. */
  readonly print: (line: string) => void;
  /** For programs, on standard error. */
  readonly writeLog: (line: string) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Aborted when the process is asked to stop. */
  readonly stop: AbortSignal;
}

/** Runs the server until `io.stop`; resolves to the exit status. */
export async function runServe(args: readonly string[], io: CommandIo): Promise<number> {
  const config = readConfig(args, io.env);
  const log = createLog({ level: config.logLevel, now: io.now, write: io.writeLog });
  const server = await startServer(config, log, io);
  log.info("server.started", { version: VERSION, origin: config.origin });
  await aborted(io.stop);
  await server.close();
  log.info("server.stopped");
  return 0;
}

/** A running server. */
export interface RunningServer {
  readonly listener: Listener;
  close(): Promise<void>;
}

/** Starts everything; tests use it with their own io. */
export async function startServer(config: Config, log: Log, io: CommandIo): Promise<RunningServer> {
  const certificate = await findCertificate(config, io);
  let ready = false;
  const app = createApp({
    version: VERSION,
    origin: config.origin,
    trustedCertificate: config.tls === "files",
    limits: config.limits,
    log,
    assets: createAssets(manifest as unknown as AssetManifest),
    ready: () => ready,
    families: [],
  });
  const listener = await listen({
    hostname: config.listen.hostname,
    port: config.listen.port,
    certificate,
    hosts: [new URL(config.origin).host],
    isTrustedProxy: config.isTrustedProxy,
    limits: config.limits,
    maxFrameBytes: MAX_FRAME_BYTES,
    fetch: (request, context) => app.fetch(request, context),
    doors: new Map<string, UpgradeDoor>(),
    log,
  });
  ready = true;
  announce(config, io);
  return {
    listener,
    close: async () => {
      ready = false;
      await listener.close();
    },
  };
}

async function findCertificate(
  config: Config,
  io: CommandIo,
): Promise<CertificatePair | undefined> {
  if (config.tls === "off") return undefined;
  if (config.tlsFiles !== undefined) return await readFiles(config.tlsFiles);
  const names = [config.domain, new URL(config.origin).hostname].filter((name) =>
    name !== undefined
  );
  const made = await selfSigned(config.dataDir, names, io.now());
  io.print(`Certificate: ${made.caFile}`);
  io.print(`SHA-256:     ${made.fingerprint}`);
  return made.pair;
}

async function readFiles(files: { cert: string; key: string }): Promise<CertificatePair> {
  const [cert, key] = await Promise.all([
    Deno.readTextFile(files.cert),
    Deno.readTextFile(files.key),
  ]);
  return { cert, key };
}

function announce(config: Config, io: CommandIo): void {
  io.print(`Snug ${VERSION} is at ${config.origin}`);
  const codes = config.smtpUrl === undefined
    ? `this console and ${config.dataDir}/outbox`
    : "by e-mail";
  io.print(`Sign-up codes go to: ${codes}`);
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true })
  );
}
