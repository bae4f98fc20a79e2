/** `snug serve`: the composition root. Everything the server is made of is put together here. */
import type { Hono } from "hono";
import { createApp } from "./app.ts";
import { type Backend, openBackend } from "./backend.ts";
import { givenCertificate, openCertificate } from "./certificate_source.ts";
import { scheduleBackups } from "./backup_schedule.ts";
import { backupInThread } from "./backup_worker.ts";
import { type Config, ConfigError, type Environment, readConfig } from "./config.ts";
import { inWords } from "./db/backup_error.ts";
import { listen, type Listener } from "./listener.ts";
import { createLog, type Log, silentLog } from "./log.ts";
import { recipientFrom } from "./passphrase.ts";
import { MAX_FRAME_BYTES } from "./protocol/limits.ts";
import { bareHeaders } from "./routes/bare_answer.ts";
import { type AssetManifest, createAssets } from "./routes/assets.ts";
import { adminRoutes } from "./routes/admin.tsx";
import { accountRoutes } from "./routes/account.ts";
import manifest from "./static/dist/assets.json" with { type: "json" };
import { certificateRoutes, type OwnAuthority } from "./routes/certificate.tsx";
import type { AppEnv } from "./routes/env.ts";
import { Meter } from "./hub/meter.ts";
import { createMetrics } from "./routes/metrics.ts";
import { countingErrors, watchProcess } from "./watch.ts";
import { ProblemPage } from "./views/problem.tsx";
import { startLines } from "./start_lines.ts";
import { VERSION } from "./version.ts";

/** Decoded once: several megabytes. */
const assets = createAssets(manifest as unknown as AssetManifest);

/** What a command gets from main.ts. */
export interface CommandIo {
  readonly env: Environment;
  /** For people, on standard output. */
  readonly print: (line: string) => void;
  /** For programs, on standard error. */
  readonly writeLog: (line: string) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Whether what is printed is read on a terminal, by somebody who is there. */
  readonly onTerminal?: boolean;
  /** Aborted when the process is asked to stop. */
  readonly stop: AbortSignal;
  /** URL of the program's own file, for threads of it. */
  readonly program?: string;
}

/** Runs the server until `io.stop`; resolves to the exit status. */
export async function runServe(args: readonly string[], io: CommandIo): Promise<number> {
  const config = readConfig(args, io.env);
  const log = createLog({ level: config.logLevel, now: io.now, write: io.writeLog });
  await checkGiven(config);
  const server = await startServer(config, log, { ...io, print: unhindered(io.print) }).catch(
    (error) => {
      throw error instanceof ConfigError ? error : inWords(config.dataDir, error);
    },
  );
  log.info("server.started", { version: VERSION, origin: config.origin });
  await aborted(io.stop);
  await server.close();
  log.info("server.stopped");
  return 0;
}

/**
 * What is wrong in files and keys that were named, before anything is made in the data folder.
 * @throws {ConfigError} then
 */
async function checkGiven({ tlsFiles, acme, backups }: Config): Promise<void> {
  if (tlsFiles !== undefined) await givenCertificate(tlsFiles, { log: silentLog });
  if (acme !== undefined) await (await import("./acme_source.ts")).readCa(acme);
  if (backups !== undefined) await recipientFrom(backups.recipient, "--backup-recipient");
}

/** A console on a full disk, or one that nobody reads any more, takes no server down with it. */
function unhindered(print: (line: string) => void): (line: string) => void {
  return (line) => {
    try {
      print(line);
    } catch {
      // As in log.ts: there is no place left to say it.
    }
  };
}

const RESTART_FOR_CERTIFICATE =
  "There is a new certificate. This build takes it up when it is started again.";

/** A running server. */
export interface RunningServer {
  readonly listener: Listener;
  close(): Promise<void>;
}

/** Starts everything; tests use it with their own io. */
export async function startServer(
  config: Config,
  quietLog: Log,
  io: CommandIo,
): Promise<RunningServer> {
  const meter = new Meter();
  const log = countingErrors(quietLog, meter);
  const unwatch = watchProcess(meter);
  const backend = await openBackend(config, { now: io.now, print: io.print, meter, log });
  try {
    const server = await serveBackend(config, log, io, { ...backend, meter, now: io.now });
    return { ...server, close: () => server.close().finally(unwatch) };
  } catch (error) {
    unwatch();
    await backend.close();
    throw error;
  }
}

/** What the metrics need beside a backend. */
interface Counted {
  readonly meter: Meter;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

async function serveBackend(
  config: Config,
  log: Log,
  io: CommandIo,
  backend: Backend & Counted,
): Promise<RunningServer> {
  const certificate = await openCertificate(config, { now: io.now, log, say: io.print });
  const state = { ready: false };
  const app = makeApp(config, log, backend, () => state.ready, certificate?.authority);
  const listener = await listen({
    hostname: config.listen.hostname,
    port: config.listen.port,
    certificate: certificate?.pair,
    hosts: [new URL(config.origin).host],
    isTrustedProxy: config.isTrustedProxy,
    limits: config.limits,
    maxFrameBytes: MAX_FRAME_BYTES,
    fetch: (request, context) => app.fetch(request, context),
    doors: new Map([["/socket", backend.socketDoor]]),
    headers: bareHeaders(isTrusted(config)),
    log,
  });
  const unwatch = certificate?.watch((pair) => {
    if (!listener.replaceCertificate(pair)) io.print(RESTART_FOR_CERTIFICATE);
  });
  const endBackups = await startBackups(config, log, io);
  state.ready = true;
  const { firstAccountLink, isEmpty } = backend;
  const certificateLines = certificate?.lines ?? [];
  const onTerminal = io.onTerminal ?? false;
  const facts = { version: VERSION, firstAccountLink, isEmpty, certificateLines, onTerminal };
  for (const line of startLines(config, facts)) io.print(line);
  return {
    listener,
    close: async () => {
      state.ready = false;
      unwatch?.();
      await endBackups();
      await backend.stopSockets();
      await listener.close();
      await backend.close();
    },
  };
}

/** In a thread of the program itself: no conversation waits for a backup. */
async function startBackups(config: Config, log: Log, io: CommandIo): Promise<() => Promise<void>> {
  const { backups, dataDir } = config;
  if (backups === undefined || io.program === undefined) return () => Promise.resolve();
  const program = io.program;
  return await scheduleBackups(backups, dataDir, {
    now: io.now,
    log,
    say: io.print,
    make: (task, stop) => backupInThread(program, task, stop),
  });
}

/** Every URL of the server; the test of routes and roles asks for them here. */
export function makeApp(
  config: Config,
  log: Log,
  backend: Pick<Backend, "auth" | "socketCount" | "queueDepth" | "machine"> & Counted,
  ready: () => boolean,
  authority?: OwnAuthority,
): Hono<AppEnv> {
  const metrics = createMetrics({
    token: config.metricsToken,
    meter: backend.meter,
    sockets: backend.socketCount,
    queue: backend.queueDepth,
    memory: () => Deno.memoryUsage().rss,
    now: backend.now,
  });
  return createApp({
    version: VERSION,
    origin: config.origin,
    trustedCertificate: isTrusted(config),
    limits: config.limits,
    log,
    assets,
    ready,
    answered: metrics.answered,
    problemPage: (props) => ProblemPage({ ...props, assets }),
    families: [
      metrics.routes,
      accountRoutes({ auth: backend.auth, assets, selfSigned: authority !== undefined }),
      adminRoutes({ auth: backend.auth, assets, machine: backend.machine }),
      ...(authority === undefined ? [] : [certificateRoutes(authority, assets)]),
    ],
  });
}

/** By browsers, without a word of the owner. */
function isTrusted({ tls }: Config): boolean {
  return tls === "files" || tls === "acme";
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true })
  );
}
