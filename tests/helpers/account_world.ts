/**
 * A server's accounts without a network: real database, real OPAQUE, the real routes; a clock that
 * stands still, random bytes that repeat in every run, and a mailer that keeps what it is given.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { createApp } from "../../app.ts";
import { type Auth, type AuthDeps, createAuth, type Registration } from "../../auth/mod.ts";
import type { Letter } from "../../auth/letters.ts";
import { openLiveSettings } from "../../auth/live_settings.ts";
import { makeServerSetup } from "../../auth/opaque.ts";
import { createApi } from "../../client/account_transport.ts";
import type { Api, HttpSend } from "../../client/transport.ts";
import { createAccounts } from "../../db/accounts.ts";
import { createAdmin } from "../../db/admin.ts";
import { createArchive } from "../../db/archive.ts";
import { createAudit } from "../../db/audit.ts";
import { createChallenges } from "../../db/challenges.ts";
import { createDepartures } from "../../db/departures.ts";
import { createDevices } from "../../db/devices.ts";
import { createDirectory } from "../../db/directory.ts";
import { createExports } from "../../db/exports.ts";
import { createFootprints } from "../../db/footprint.ts";
import { createInvites } from "../../db/invites.ts";
import { createLimits } from "../../db/limits.ts";
import { createLogins } from "../../db/logins.ts";
import { createPasskeys } from "../../db/passkeys.ts";
import { createPasswords } from "../../db/passwords.ts";
import { createPrekeys } from "../../db/prekeys.ts";
import { createQueue } from "../../db/queue.ts";
import { createReports } from "../../db/reports.ts";
import { createResetsStore } from "../../db/resets.ts";
import { createRooms } from "../../db/rooms.ts";
import { createServerSettings } from "../../db/server_settings.ts";
import { createSecondFactors } from "../../db/second_factors.ts";
import { openDatabase } from "../../db/sqlite.ts";
import { createVaults } from "../../db/vaults.ts";
import { type Limits, limitsWith, limitTable } from "../../limits.ts";
import { type Log, silentLog } from "../../log.ts";
import { type Bytes, utf8 } from "../../protocol/encoding.ts";
import type { AccountId, RoomId } from "../../protocol/ids.ts";
import { accountRoutes } from "../../routes/account.ts";
import { adminRoutes } from "../../routes/admin.tsx";
import { createAssets } from "../../routes/assets.ts";
import { ROOMY } from "./relay_world.ts";

export const ORIGIN = "https://chat.example.org";
/** 2026-01-02, noon UTC. */
export const NOON = 1_767_355_200_000;

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** A clock that moves when it is told to. */
export class FakeClock {
  constructor(public time: number = NOON) {}
  now = (): number => this.time;
  forward(ms: number): void {
    this.time += ms;
  }
}

/** Bytes that look random, never repeat within a run and are the same in the next. */
export function fakeRandom(seed: string): (length: number) => Bytes {
  let drawn = 0;
  return (length) => {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += 32) {
      const block = createHash("sha256").update(`${seed} ${drawn++}`).digest();
      bytes.set(block.subarray(0, Math.min(32, length - at)), at);
    }
    return bytes;
  };
}

/** Keeps letters; refuses them while `broken`. */
export class FakeMailer {
  readonly letters: Letter[] = [];
  broken = false;

  send(letter: Letter): Promise<void> {
    if (this.broken) return Promise.reject(new Error("no mail server"));
    this.letters.push(letter);
    return Promise.resolve();
  }

  /** The newest code sent to an address. */
  code(address: string): string {
    const code = this.letters.findLast((letter) => letter.to === address)?.code;
    assert.ok(code, `a code was sent to ${address}`);
    return code;
  }
}

export interface WorldOptions {
  readonly limits?: Partial<Limits>;
  readonly registration?: Registration;
  /** Somebody said at the start who may make an account. */
  readonly registrationGiven?: boolean;
  readonly limitsGiven?: ReadonlySet<string>;
  readonly firstAccountByLink?: boolean;
  readonly phones?: boolean;
  readonly memberInvites?: boolean;
  /** A database that outlives the world; else one in memory. */
  readonly path?: string;
  readonly secrets?: AuthDeps["secrets"];
  readonly clock?: FakeClock;
  readonly log?: Log;
}

/** A server. */
export interface World {
  readonly auth: Auth;
  readonly deps: AuthDeps;
  readonly db: DatabaseSync;
  readonly clock: FakeClock;
  readonly mailer: FakeMailer;
  /** What the hub was told. */
  readonly ended: string[];
  readonly listChanges: [AccountId, number][];
  readonly low: string[];
  readonly roomChanges: {
    readonly room: RoomId;
    readonly seq: number;
    readonly accounts: readonly AccountId[];
  }[];
  /** One request, as the listener would hand it over. */
  fetch(request: Request, address?: string): Promise<Response>;
  close(): void;
}

const NO_FILES = { link: (name: string) => ({ href: `/${name}`, integrity: "" }) };
const noMachine = () => ({
  ...{ version: "test", started: NOON, sockets: 3, memoryBytes: 1_000, databaseBytes: 2_000 },
  ...{ freeBytes: 3_000_000, backup: null },
});

let worlds = 0;

/** A server with an empty database. */
export async function makeWorld(options: WorldOptions = {}): Promise<World> {
  const db = openDatabase(options.path ?? ":memory:");
  const clock = options.clock ?? new FakeClock();
  const mailer = new FakeMailer();
  const log = options.log ?? silentLog;
  const [ended, listChanges, low]: [string[], [AccountId, number][], string[]] = [[], [], []];
  const roomChanges: World["roomChanges"] = [];
  const random = fakeRandom(`world ${worlds++}`);
  const live = await openLiveSettings(createServerSettings(db), {
    registration: options.registration ?? "open",
    registrationGiven: options.registrationGiven ?? false,
    limits: limitsWith(options.limits),
    limitsGiven: options.limitsGiven ?? new Set(),
    table: limitTable(),
  });
  const { settle } = createQueue(db, ROOMY);
  const deps: AuthDeps = {
    store: {
      accounts: createAccounts(db),
      challenges: createChallenges(db),
      logins: createLogins(db),
      departures: createDepartures(db),
      devices: createDevices(db),
      directory: createDirectory(db),
      exports: createExports(db, settle),
      prekeys: createPrekeys(db),
      vaults: createVaults(db),
      limits: createLimits(db),
      footprints: createFootprints(db, settle),
      invites: createInvites(db),
      passkeys: createPasskeys(db),
      passwords: createPasswords(db),
      secondFactors: createSecondFactors(db),
      resets: createResetsStore(db),
      rooms: createRooms(db),
      archive: createArchive(db),
      admin: createAdmin(db, settle),
      audit: createAudit(db),
      reports: createReports(db),
      serverSettings: createServerSettings(db),
    },
    secrets: options.secrets ?? { opaqueSetup: await makeServerSetup(), codeKey: random(32) },
    mailer,
    events: {
      loginsEnded: (ids) => ended.push(...ids),
      listChanged: (account, version) => listChanges.push([account, version]),
      prekeysLow: (device) => low.push(device),
      roomChanged: (room, seq, accounts) => roomChanges.push({ room, seq, accounts }),
    },
    log,
    live,
    limits: live.limits,
    origin: ORIGIN,
    get registration() {
      return live.registration;
    },
    firstAccountByLink: options.firstAccountByLink ?? false,
    phones: options.phones ?? true,
    memberInvites: options.memberInvites ?? false,
    now: clock.now,
    random,
  };
  const auth = createAuth(deps);
  const app = createApp({
    version: "test",
    origin: ORIGIN,
    trustedCertificate: false,
    limits: deps.limits as Limits,
    log,
    assets: createAssets({}),
    ready: () => true,
    families: [
      adminRoutes({ auth, assets: NO_FILES, machine: noMachine }),
      accountRoutes({ auth, assets: { link: (name) => ({ href: `/${name}`, integrity: "" }) } }),
    ],
  });
  const fetch = async (request: Request, address = "192.0.2.1") =>
    await app.fetch(request, { address, loopback: false });
  const close = () => db.close();
  const told = { ended, listChanges, low, roomChanges };
  return { auth, deps, db, clock, mailer, ...told, fetch, close };
}

/** Carries a client's requests to the world: as a browser with cookies, or as a terminal. */
export class Visitor {
  readonly cookies = new Map<string, string>();
  readonly api: Api;
  /** The last answer, before the client read it. */
  last: Response | undefined;

  constructor(
    readonly world: World,
    readonly kind: "browser" | "terminal" = "terminal",
    readonly address = "192.0.2.1",
  ) {
    this.api = createApi({ origin: ORIGIN, terminal: kind === "terminal", send: this.#send });
  }

  #send: HttpSend = async ({ method, path, headers, body }) => {
    const { status, headers: answered, body: content } = await this.request(path, {
      method,
      headers: { ...headers },
      body,
    });
    return { status, headers: answered, body: content };
  };

  /** Any request, with what this visitor carries. */
  async request(
    path: string,
    init: { method?: string; headers?: Record<string, string>; body?: Bytes | string | null } = {},
  ): Promise<{ status: number; headers: Headers; body: Bytes; text: string }> {
    const { method = "GET", body = null } = init;
    const headers = new Headers(init.headers);
    if (method !== "GET") headers.set("content-length", String(sizeOf(body)));
    if (this.kind === "browser" && method !== "GET") headers.set("origin", ORIGIN);
    if (this.cookies.size > 0) {
      headers.set("cookie", [...this.cookies].map((pair) => pair.join("=")).join("; "));
    }
    const request = new Request(`${ORIGIN}${path}`, { method, headers, body });
    const response = await this.world.fetch(request, this.address);
    this.last = response;
    this.#keepCookies(response);
    const content = new Uint8Array(await response.arrayBuffer());
    const text = new TextDecoder().decode(content);
    return { status: response.status, headers: response.headers, body: content, text };
  }

  /** A form as htmx sends it. */
  form(
    path: string,
    fields: Record<string, string>,
    headers: Record<string, string> = {},
  ): ReturnType<Visitor["request"]> {
    return this.request(path, {
      method: "POST",
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        "hx-request": "true",
        accept: "text/html",
        ...headers,
      },
      body: new URLSearchParams(fields).toString(),
    });
  }

  #keepCookies(response: Response): void {
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (/max-age=0(;|$)/i.test(cookie)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
  }
}

function sizeOf(body: Bytes | string | null): number {
  return body === null ? 0 : typeof body === "string" ? utf8(body).length : body.length;
}

/** The value of a result that must be one. */
export function value<T>(result: { ok: true; value: T } | { ok: false; code: string }): T {
  assert.ok(result.ok, result.ok ? "" : `refused: ${result.code}`);
  return result.value;
}

/** The code of a refusal that must be one. */
export function codeOf(result: { ok: true } | { ok: false; code: string }): string {
  assert.ok(!result.ok, "was to be refused");
  return result.code;
}
