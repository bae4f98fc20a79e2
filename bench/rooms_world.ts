/**
 * A server of its own with full rooms. Most members are accounts with real keys, lists and prekeys that are never
 * online; a few have whole devices. The logs are signed by their members, entry by entry, and stored as the
 * server stores them.
 */
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { openSecrets } from "../auth/mod.ts";
import { createApi } from "../client/account_transport.ts";
import { type OpenEngine, openEngine } from "../client/engine.ts";
import { installDevice, markActive } from "../client/installation.ts";
import type { SocketFactory } from "../client/link.ts";
import { MemoryStore } from "../client/store_memory.ts";
import { terminalSend } from "../client/terminal/http.ts";
import { terminalSocket } from "../client/terminal/web_socket.ts";
import type { HttpSend } from "../client/transport.ts";
import type { EngineEvent } from "../client/types.ts";
import { createAccount } from "../crypto/account.ts";
import { FIRST_PREKEY_COUNTERS, makePrekeys } from "../crypto/prekeys.ts";
import { randomBytes } from "../crypto/random.ts";
import { deriveRoomKeys, formatRoomCode, makeRoomCode } from "../crypto/room_code.ts";
import { deviceRows } from "../db/devices.ts";
import { prekeyRows } from "../db/prekeys.ts";
import { createRooms } from "../db/rooms.ts";
import { openDatabase } from "../db/sqlite.ts";
import { toBase64Url } from "../protocol/encoding.ts";
import { randomId, type RoomId } from "../protocol/ids.ts";
import type { Owner } from "../tests/helpers/owners.ts";
import { TestRoom } from "../tests/helpers/room_world.ts";
import { randomPort, until } from "../tools/load_process.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const DAY_MS = 86_400_000;
/** Milliseconds. */
const LOOK_AGAIN = 5;
/** More than any bench asks for. */
const MUCH = "1000000";
const LIMITS: Readonly<Record<string, string>> = {
  SNUG_LIMIT_CONNECTIONS_PER_IP: MUCH,
  SNUG_LIMIT_SOCKET_MESSAGES_PER_SECOND: MUCH,
  SNUG_LIMIT_SOCKET_BYTES_PER_SECOND: MUCH,
};

/** An account of the bench: what its device needs, and what signs for it. */
export interface Soul {
  readonly owner: Owner;
  readonly username: string;
  readonly store: MemoryStore;
  readonly login: string;
}

/** A room as it was put on the server. */
export interface FullRoom {
  readonly id: RoomId;
  readonly code: string;
  readonly members: readonly Soul[];
}

export interface RoomsWorld {
  readonly origin: string;
  readonly rooms: readonly FullRoom[];
  /** In no room yet. */
  readonly outside: readonly Soul[];
  stop(): Promise<void>;
}

/** A server with one room for each of `sizes`, and as many people outside as there are rooms, and more. */
export async function openRoomsWorld(
  sizes: readonly number[],
  outside: number,
): Promise<RoomsWorld> {
  const folder = await Deno.makeTempDir({ prefix: "snug-rooms-" });
  await openSecrets({ dataDir: folder, accountsExist: false, random: randomBytes, warn: () => {} });
  const path = `${folder}/snug.db`;
  const souls = await populate(path, Math.max(...sizes) + outside);
  const rooms: FullRoom[] = [];
  for (const size of sizes) rooms.push(await fill(path, souls.slice(0, size)));
  const port = randomPort();
  const child = await serve(folder, port);
  return {
    ...{ origin: `http://localhost:${port}`, rooms, outside: souls.slice(-outside) },
    async stop() {
      child.kill("SIGKILL");
      await child.status;
      await Deno.remove(folder, { recursive: true });
    },
  };
}

async function serve(folder: string, port: number): Promise<Deno.ChildProcess> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--no-check", "-A", `${ROOT}main.ts`, "serve", "--data", folder],
      ...["--listen", `127.0.0.1:${port}`, "--tls", "off"],
      ...["--origin", `http://localhost:${port}`],
    ],
    env: { ...LIMITS, SNUG_LOG_LEVEL: "warn" },
    ...{ stdin: "null", stdout: "null", stderr: "inherit" },
  }).spawn();
  await until(port, child);
  return child;
}

/** Accounts with keys, put into a database that no server has open. */
async function populate(path: string, count: number): Promise<Soul[]> {
  const db = openDatabase(path);
  const [devices, prekeys] = [deviceRows(db), prekeyRows(db)];
  const account = db.prepare(`
    insert into accounts (id, username, full_name, contact_kind, contact, contact_key,
      password_record, aik, list_version, list_hash, admin, made)
    values (?, ?, ?, 'email', ?, ?, '', ?, 1, ?, 0, ?)
  `);
  const login = db.prepare(`
    insert into logins (id, hash, account, device, kind, made, used, expires)
    values (?, ?, ?, ?, 'device', ?, ?, ?)
  `);
  const now = Date.now();
  const day = Math.floor(now / DAY_MS);
  const souls: Soul[] = [];
  for (let index = 0; index < count; index++) {
    const username = `member${index}`;
    const made = await createAccount(randomId<"account">(), "terminal", "sealed", day);
    const { list, device: keys, entry } = made;
    const order = { day, mode: "sealed", counters: FIRST_PREKEY_COUNTERS } as const;
    const kept = await makePrekeys(keys, list, { ...order, once: 6, kemOnce: 6 });
    const { account: id, aik, hash } = list;
    account.run(id, username, username, username, username, aik, hash, now);
    devices.appendEntry(id, 1, entry);
    for (const one of list.devices) devices.insert(id, one);
    prekeys.upload(keys.device, kept.upload, day, 100);
    const secret = randomBytes(32);
    const hashed = createHash("sha256").update(secret).digest();
    login.run(randomId(), hashed, id, keys.device, now, now, now + 30 * DAY_MS);
    const store = new MemoryStore();
    const names = { username, fullName: username };
    await installDevice(store, { kind: "terminal", keys, list, prekeys: kept, ...names });
    await markActive(store, toBase64Url(secret));
    const owner: Owner = { ...made, entries: [entry], devices: [keys] };
    souls.push({ owner, username, store, login: toBase64Url(secret) });
  }
  db.close();
  return souls;
}

/** A room that the first made and the others joined by its code. */
async function fill(path: string, members: readonly Soul[]): Promise<FullRoom> {
  const db = openDatabase(path);
  const rooms = createRooms(db);
  const code = makeRoomCode();
  const keys = await deriveRoomKeys(code, await rooms.serverId(), "sealed");
  const [first, ...others] = members;
  const room = await TestRoom.createWith(first!.owner, keys);
  for (const { owner } of others) await room.join(owner);
  for (const [index, entry] of room.entries.entries()) {
    const [before, after] = [room.states[index - 1] ?? null, room.states[index]!];
    await rooms.append({ before, after, entry });
  }
  db.close();
  return { id: room.state.id, code: formatRoomCode(code), members };
}

interface Counts {
  readonly frames: number;
  readonly requests: number;
}

/** A whole device of somebody, and what it says to the server. */
export class BenchDevice {
  readonly #watching = new Set<(event: EngineEvent) => void>();
  readonly #counts: Counts;
  readonly #store: MemoryStore;

  private constructor(readonly engine: OpenEngine, store: MemoryStore, counts: Counts) {
    this.#store = store;
    this.#counts = counts;
    engine.on((event) => {
      for (const watch of this.#watching) watch(event);
    });
  }

  static async open(origin: string, soul: Soul): Promise<BenchDevice> {
    const place = { origin, caCerts: null };
    const counts = { frames: 0, requests: 0 };
    const plain = terminalSend(place);
    const send: HttpSend = (request) => {
      counts.requests++;
      return plain(request);
    };
    const engine = await openEngine({
      store: soul.store.reopen(),
      api: createApi({ origin, send, terminal: true, login: soul.login }),
      socket: counting(terminalSocket(place), (bytes) => counts.frames += bytes),
      mode: "sealed",
      now: () => Date.now(),
    });
    const device = new BenchDevice(engine, soul.store, counts);
    engine.connect();
    await device.#isOnline();
    await engine.idle();
    return device;
  }

  /** Bytes of frames sent over the socket so far. */
  get frameBytes(): number {
    return this.#counts.frames;
  }

  /** HTTP requests made so far. */
  get requests(): number {
    return this.#counts.requests;
  }

  /** Resolves with the first event of which `holds` is true. */
  next(holds: (event: EngineEvent) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const watch = (event: EngineEvent) => {
        if (!holds(event)) return;
        this.#watching.delete(watch);
        resolve();
      };
      this.#watching.add(watch);
    });
  }

  /** Resolves when the server has everything that this device has to say. */
  async said(): Promise<void> {
    const store = this.#store.reopen();
    for (;;) {
      await this.engine.idle();
      const waiting = await store.list("outbox", { prefix: "wait/", limit: 1 });
      if (waiting.length === 0) return;
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN));
    }
  }

  async close(): Promise<void> {
    await this.engine.close();
  }

  async #isOnline(): Promise<void> {
    const online = this.next((event) => event.kind === "connection" && event.state === "online");
    if (this.engine.connection !== "online") await online;
  }
}

function counting(open: SocketFactory, sent: (bytes: number) => void): SocketFactory {
  return (login, handlers) => {
    const socket = open(login, handlers);
    const send = (frame: Parameters<typeof socket.send>[0]) => {
      sent(frame.length);
      socket.send(frame);
    };
    return { send, close: () => socket.close() };
  };
}
