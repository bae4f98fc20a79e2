/** The whole server in this process, on loopback without TLS, and people whose engines talk to it by sockets. */
import assert from "node:assert/strict";
import { readConfig } from "../../config.ts";
import { createLog } from "../../log.ts";
import { type RunningServer, startServer } from "../../serve.ts";
import { forget } from "../../db/restore.ts";
import { finishSignUp, type FlowParts, signIn } from "../../client/account_flow.ts";
import { type OpenEngine, openEngine } from "../../client/engine.ts";
import { opaqueClient } from "../../client/opaque.ts";
import { MemoryStore } from "../../client/store_memory.ts";
import { createApi } from "../../client/account_transport.ts";
import type { Api } from "../../client/transport.ts";
import type { After, SocketFactory } from "../../client/link.ts";
import { keys, type OutboxRecord } from "../../client/records.ts";
import type { EngineEvent } from "../../client/types.ts";
import { type TerminalHttp, terminalHttp } from "../../client/terminal/http.ts";
import { terminalSocket } from "../../client/terminal/web_socket.ts";
import { freePort } from "../e2e/server.ts";
import { filesBelow, type Place } from "./canary.ts";
import { utf8 } from "../../protocol/encoding.ts";
import type { Wrapping } from "./people_world.ts";

/** Idle connections of the clients' pools must not hold up the end of a test. */
const LIMITS: Readonly<Record<string, string>> = { SNUG_LIMIT_IDLE_MILLISECONDS: "100" };

export class RealServer {
  readonly origin: string;
  readonly #folder: string;
  readonly #port: number;
  #running: RunningServer | null = null;
  #printed = "";
  #logged = "";
  #ahead = 0;
  readonly #log = createLog({
    level: "debug",
    now: () => this.now(),
    write: (line) => this.#logged += `${line}\n`,
  });

  readonly #tls: "off" | "self-signed";

  readonly #limits: Readonly<Record<string, string>>;

  private constructor(
    folder: string,
    port: number,
    tls: "off" | "self-signed",
    limits: Readonly<Record<string, string>>,
  ) {
    this.#limits = { ...LIMITS, ...limits };
    this.#folder = folder;
    this.#port = port;
    this.#tls = tls;
    this.origin = `${tls === "off" ? "http" : "https"}://localhost:${port}`;
  }

  /** @param limits settings by the names of their environment variables */
  static async start(
    tls: "off" | "self-signed" = "off",
    limits: Readonly<Record<string, string>> = {},
  ): Promise<RealServer> {
    const folder = await Deno.makeTempDir({ prefix: "snug-real-" });
    const server = new RealServer(folder, freePort(), tls, limits);
    await server.up();
    return server;
  }

  /** The data folder. */
  get folder(): string {
    return this.#folder;
  }

  /** Every file that the server keeps. */
  files(): Place[] {
    return filesBelow(this.#folder);
  }

  /** The certificate authority of a self-signed server. */
  /** Every line of its log, down to the finest, and what it printed. */
  logs(): Place[] {
    return [{ name: "log", bytes: utf8(this.#logged) }, {
      name: "print",
      bytes: utf8(this.#printed),
    }];
  }

  get caFile(): string {
    return `${this.#folder}/ca.pem`;
  }

  /** SHA-256 of that authority, as the server printed it. */
  get fingerprint(): string {
    return /[0-9A-F]{2}(:[0-9A-F]{2}){31}/i.exec(this.#printed)![0];
  }

  async up(): Promise<void> {
    const flags = [
      "--data",
      this.#folder,
      "--listen",
      `127.0.0.1:${this.#port}`,
      "--tls",
      this.#tls,
    ];
    const config = readConfig([...flags, "--origin", this.origin], (name) => this.#limits[name]);
    this.#running = await startServer(config, this.#log, {
      env: () => undefined,
      print: (line) => this.#printed += `${line}\n`,
      writeLog: () => {},
      now: this.now,
      stop: new AbortController().signal,
    });
  }

  /** Milliseconds since 1970, as this server believes. */
  readonly now = (): number => Date.now() + this.#ahead;

  /** Lets time pass for the server alone. */
  pass(ms: number): void {
    this.#ahead += ms;
  }

  /** How many envelopes wait, and how many submissions were taken since the start. */
  async queued(): Promise<{ readonly waiting: number; readonly accepted: number }> {
    const text = await this.#metrics();
    const count = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)![1]);
    return { waiting: count("snug_queue_envelopes"), accepted: count("snug_accepted_total") };
  }

  /** How many sockets it has told to go, with this close code, since the start. */
  async closed(code: number): Promise<number> {
    const line = new RegExp(`^snug_closed_total\\{code="${code}"\\} (\\d+)$`, "m");
    return Number(line.exec(await this.#metrics())?.[1] ?? 0);
  }

  async #metrics(): Promise<string> {
    const http = terminalHttp({ origin: this.origin, caCerts: null });
    try {
      const answer = await http.send({ method: "GET", path: "/metrics", headers: {}, body: null });
      return new TextDecoder().decode(answer.body);
    } finally {
      http.close();
    }
  }

  async down(): Promise<void> {
    await this.#running?.close();
    this.#running = null;
  }

  async end(): Promise<void> {
    await this.down();
    assert.doesNotMatch(this.#logged, /"level":"error"/, "what the log calls an error is a bug");
    await Deno.remove(this.#folder, { recursive: true });
  }

  /** The database as it is; the server must be down. */
  copy(): Uint8Array {
    return Deno.readFileSync(`${this.#folder}/snug.db`);
  }

  /** An older database in the place of this one, forgetting what a restored server must not believe. */
  putBack(copy: Uint8Array): void {
    const path = `${this.#folder}/snug.db`;
    for (const end of ["", "-wal", "-shm"]) {
      try {
        Deno.removeSync(`${path}${end}`);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
    Deno.writeFileSync(path, copy);
    forget(path);
  }

  /** The code in the newest letter. */
  lastCode(): string {
    return [...this.#printed.matchAll(/\b\d{6}\b/g)].at(-1)![0];
  }
}

/** Waits from here on are for {@link RealDevice.pass}. Milliseconds. */
const LONG_WAIT = 25_000;
/** Nothing that a test waits for takes so long, however busy the machine. Milliseconds. */
export const IN_VAIN = 240_000;

/** One device of somebody at a real server. */
export class RealDevice {
  store = new MemoryStore();
  engine: OpenEngine | null = null;
  readonly events: EngineEvent[] = [];
  /** Those who wait for something of this device. */
  readonly #waiting = new Set<() => void>();
  #ahead = 0;
  readonly #http: TerminalHttp[] = [];
  /** Sockets that say goodbye. */
  readonly #goodbyes = new Set<Promise<void>>();
  readonly #timers = new Set<{ readonly at: number; readonly run: () => void }>();

  constructor(readonly server: RealServer) {}

  /** Lets time pass for this device alone: its clock jumps, and what waited a minute or more is run. */
  pass(ms: number): void {
    this.#ahead += ms;
    for (const timer of [...this.#timers].filter(({ at }) => at <= this.now())) {
      this.#timers.delete(timer);
      timer.run();
    }
  }

  readonly now = (): number => Date.now() + this.#ahead;

  /** Long waits stand still until {@link pass}; short ones are the machine's own. */
  readonly #after: After = (ms, run) => {
    if (ms < LONG_WAIT) {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    }
    const timer = { at: this.now() + ms, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  };

  #place() {
    return { origin: this.server.origin, caCerts: null };
  }

  #flow(): FlowParts & { api: Api } {
    this.store = this.store.reopen();
    const { origin } = this.server;
    const api = createApi({ origin, send: this.#send(), terminal: true });
    const common = { kind: "terminal", mode: "sealed", now: () => Date.now() } as const;
    return { api, store: this.store, password: opaqueClient, ...common };
  }

  /** Signs up with form, code and keys; returns the recovery key. */
  async signUp(username: string, password: string): Promise<string> {
    const parts = this.#flow();
    const fullName = username.toUpperCase();
    const contact = `${username}@example.org`;
    const begun = await parts.api.signUp({ username, fullName, contact });
    assert.ok(begun.ok, JSON.stringify(begun));
    const confirmed = await parts.api.confirm(this.server.lastCode());
    assert.ok(confirmed.ok, JSON.stringify(confirmed));
    const { account } = confirmed.value;
    const finished = await finishSignUp(parts, { account, username, fullName, password });
    assert.ok(finished.ok, JSON.stringify(finished));
    return finished.value.recoveryKey;
  }

  signIn(username: string, password: string): ReturnType<typeof signIn> {
    return signIn(this.#flow(), { username, password });
  }

  async open(wrapping: Wrapping = {}): Promise<OpenEngine> {
    this.store = this.store.reopen();
    const plain = { send: this.#send(), socket: this.#watched(terminalSocket(this.#place())) };
    const send = wrapping.send?.(plain.send) ?? plain.send;
    this.engine = await openEngine({
      store: wrapping.store?.(this.store) ?? this.store,
      api: createApi({ origin: this.server.origin, send, terminal: true }),
      socket: wrapping.socket?.(plain.socket) ?? plain.socket,
      mode: "sealed",
      now: this.now,
      after: this.#after,
    });
    this.engine.on((event) => {
      this.events.push(event);
      this.#check();
    });
    this.engine.connect();
    return this.engine;
  }

  async close(): Promise<void> {
    await this.engine?.close();
    this.engine = null;
    // Whoever still waits finds it gone.
    this.#check();
    await Promise.all(this.#goodbyes);
    for (const one of this.#http.splice(0)) one.close();
  }

  /** Whether nothing of this device is on its way out, or on its way through the engine. */
  async isQuiet(): Promise<boolean> {
    await this.engine!.idle();
    return await this.pending() === "online";
  }

  /** The state of the connection, and the kinds of what waits to be sent. */
  async pending(): Promise<string> {
    const rows = await this.store.list<OutboxRecord>("outbox", { prefix: keys.waiting("") });
    const kinds = rows.map(({ value: { body, sealed } }) => `${body.kind} ${sealed !== null}`);
    return [this.engine!.connection, ...kinds].join();
  }

  #watched(connect: SocketFactory): SocketFactory {
    return (login, handlers) => {
      const ended = Promise.withResolvers<void>();
      const socket = connect(login, {
        ...handlers,
        closed: (code) => {
          ended.resolve();
          handlers.closed(code);
        },
      });
      const close = () => {
        const goodbye = ended.promise.then(() => void this.#goodbyes.delete(goodbye));
        this.#goodbyes.add(goodbye);
        socket.close();
      };
      return { send: (frame) => socket.send(frame), close };
    };
  }

  #send(): TerminalHttp["send"] {
    const http = terminalHttp(this.#place());
    this.#http.push(http);
    return http.send;
  }

  /**
   * Resolves once `holds` does; looked at with every event of this device.
   * @throws after four minutes, with what was waited for
   */
  async until(holds: () => Promise<boolean> | boolean): Promise<void> {
    const over = Promise.withResolvers<never>();
    const timer = setTimeout(() => over.reject(new Error(`in vain: ${holds}`)), IN_VAIN);
    try {
      for (;;) {
        const next = Promise.withResolvers<void>();
        this.#waiting.add(next.resolve);
        if (await holds()) return;
        await Promise.race([next.promise, over.promise]);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Everybody who waits looks again. */
  #check(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  /** The texts with somebody, in the order shown. */
  async texts(username: string): Promise<string[]> {
    const all = await this.engine!.conversations();
    const found = all.find((one) => one.kind === "person" && one.username === username);
    const rows = found ? await this.engine!.messages(found.id, { limit: 500 }) : [];
    return rows.filter(({ kind }) => kind === "text").map(({ text }) => text);
  }
}
