/** Everything behind the routes, put together: the store, the secrets, accounts, mail and the hub. */
import { join } from "node:path";
import {
  type Auth,
  type AuthDeps,
  type AuthEvents,
  createAuth,
  createChannels,
  createOutboxChannel,
  createSmsChannel,
  createSmtpChannel,
  firstAccountLink,
  type MailChannel,
  openLiveSettings,
  openSecrets,
  watchMailer,
} from "./auth/mod.ts";
import { openAdminSocket } from "./admin_socket.ts";
import { newestBackup } from "./backup_schedule.ts";
import type { Config } from "./config.ts";
import { dropOldCopies } from "./db/old_copies.ts";
import { inWords } from "./db/backup_error.ts";
import type { QueueDepth } from "./db/queue.ts";
import { openStore, type Store } from "./db/store.ts";
import { refuseLostDatabase } from "./db/unfinished.ts";
import { localBus } from "./hub/bus.ts";
import type { SocketUser } from "./hub/connection.ts";
import { Hub } from "./hub/hub.ts";
import type { Meter } from "./hub/meter.ts";
import { Soon } from "./hub/soon.ts";
import { limitTable } from "./limits.ts";
import type { Log } from "./log.ts";
import { watchMachine } from "./machine.ts";
import type { Bytes } from "./protocol/encoding.ts";
import type { Machine } from "./routes/admin_door.ts";
import { type OrderAnswer, runOrder } from "./routes/admin_orders.ts";
import { createSocketDoor, type UpgradeDoor } from "./routes/socket.ts";

/** Heartbeats, presence and late sockets are looked at once a second. */
const TICK_MS = 1_000;
/** What devices say they have waits so long for others, and as long again for what is written anyway. */
const SOON_MS = 20;
/** Ended logins, codes and counters go this often. */
const PURGE_MS = 300_000;

/** `snug admin` waits so long for a mail server. */
const LETTERS_MS = 30_000;

/** Under which the address of the last start is remembered. */
const ORIGIN = "start.origin";

/** What a backend needs from outside. */
export interface BackendIo {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** For people: codes when there is no mail server, and the first account's link. */
  readonly print: (line: string) => void;
  readonly meter: Meter;
  readonly log: Log;
}

/** The part of it that is needed where no server runs. */
type OfflineIo = Pick<BackendIo, "now" | "print" | "log">;

/** A running backend. */
export interface Backend {
  readonly auth: Auth;
  /** The door of `/socket`. */
  readonly socketDoor: UpgradeDoor;
  /** Open sockets. */
  readonly socketCount: () => number;
  /** What waits in all queues. */
  readonly queueDepth: () => Promise<QueueDepth>;
  /** What is known of this machine, looked at anew. */
  readonly machine: () => Machine | Promise<Machine>;
  /** Whether nobody has an account yet. */
  readonly isEmpty: boolean;
  /** The link that makes the first account, where one is needed. */
  readonly firstAccountLink: string | null;
  /** Commits what came in and says goodbye to every socket. Requests may still be answered. */
  stopSockets(): Promise<void>;
  /** Closes the store. Nothing may be asked afterwards. */
  close(): Promise<void>;
}

/** Opens everything under the configured data directory, which is made if it is not there. */
export async function openBackend(config: Config, io: BackendIo): Promise<Backend> {
  await Deno.mkdir(config.dataDir, { recursive: true, mode: 0o700 });
  refuseLostDatabase(config.dataDir);
  const store = openNamed(config);
  try {
    return await assemble(config, io, store);
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** The system says which file it speaks of, SQLite does not: then it is the database. */
function openNamed(config: Config): Store {
  const path = join(config.dataDir, "snug.db");
  try {
    return openStore(path, queueLimits(config));
  } catch (error) {
    const isNamed = error instanceof Error && /'$/.test(error.message);
    throw isNamed ? error : inWords(path, error);
  }
}

/**
 * Runs one order of `snug admin` on the database itself, where no server runs on it. Letters that it
 * sends are taken by the mail server, or lie in the outbox, before this resolves.
 * @throws {DatabaseError} when a server holds the folder after all
 */
export async function runOffline(
  config: Config,
  io: OfflineIo,
  order: unknown,
): Promise<OrderAnswer> {
  const store = openNamed(config);
  const mail = openMail(config, io);
  const mailer = watchMailer(mail);
  try {
    // Links and letters name the server as it last called itself.
    const origin = (await store.serverSettings.all()).get(ORIGIN) ?? config.origin;
    const parts = { store, mailer, events: NOBODY_LISTENS };
    const deps = await authDeps({ ...config, origin }, io, parts);
    const machine = watchMachine(config.dataDir, null, () => 0, () => lastBackup(config));
    return await runOrder({ auth: createAuth(deps), machine }, order);
  } finally {
    await mailer.settled(LETTERS_MS);
    mail.close();
    await store.close();
  }
}

/** Only of those that the server makes by itself: where others lie, it does not know. */
async function lastBackup({ backups }: Config): Promise<number | null> {
  return backups === undefined ? null : await newestBackup(backups.dir);
}

/** Without a server there are no sockets. */
const NOBODY_LISTENS: AuthEvents = {
  loginsEnded: () => {},
  listChanged: () => {},
  roomChanged: () => {},
  prekeysLow: () => {},
};

async function assemble(config: Config, io: BackendIo, store: Store): Promise<Backend> {
  const bus = localBus(io.log);
  const acks = new Soon(SOON_MS);
  const hub = new Hub({
    queue: store.queue,
    bus,
    limits: config.limits,
    now: io.now,
    afterTurn: (work) => void setImmediate(work),
    soon: (work) => acks.set(work),
    meter: io.meter,
    log: io.log,
  });
  const mail = openMail(config, io);
  const mailer = watchMailer(mail);
  const deps = await authDeps(config, io, { store, mailer, events: eventsOf(hub) });
  const auth = createAuth(deps);
  const machine = watchMachine(config.dataDir, io.now(), () => hub.size, () => lastBackup(config));
  const order = (order: unknown) => runOrder({ auth, machine }, order);
  await store.serverSettings.remember(ORIGIN, config.origin);
  const link = await firstAccountLink(deps);
  const isEmpty = await store.accounts.count() === 0;
  await purgeFolder(config.dataDir, io);
  // Last: what goes wrong before leaves nothing open.
  const adminSocket = await openAdminSocket(config.dataDir, order, io.log);
  const timers = [
    setInterval(() => hub.tick(), TICK_MS),
    setInterval(() => void purge(auth, io.log), PURGE_MS),
    setInterval(() => void purgeFolder(config.dataDir, io), PURGE_MS),
  ];
  return {
    auth,
    socketDoor: socketDoor(config, auth, hub),
    socketCount: () => hub.size,
    queueDepth: () => store.queue.depth(),
    machine,
    isEmpty,
    firstAccountLink: link,
    // What the acks waited for is written by then.
    stopSockets: () => hub.close().finally(() => acks.clear()),
    close: async () => {
      for (const timer of timers) clearInterval(timer);
      await adminSocket?.close();
      await mailer.settled(config.limits.shutdownMilliseconds);
      mail.close();
      await bus.close();
      await store.close();
    },
  };
}

function queueLimits({ limits, queueOverflow }: Config) {
  return {
    envelopes: limits.queueEnvelopes,
    bytes: limits.queueBytes,
    perSender: limits.queuePerSender,
    overflow: queueOverflow,
  };
}

async function authDeps(
  config: Config,
  { now, print, log }: OfflineIo,
  parts: Pick<AuthDeps, "store" | "mailer" | "events">,
): Promise<AuthDeps> {
  const secrets = await openSecrets({
    dataDir: config.dataDir,
    accountsExist: await parts.store.accounts.count() > 0,
    random,
    warn: print,
  });
  const live = await openLiveSettings(parts.store.serverSettings, {
    registration: config.registration,
    registrationGiven: config.registrationGiven,
    limits: config.limits,
    limitsGiven: config.limitsGiven,
    table: limitTable(),
  });
  return {
    ...parts,
    secrets,
    log,
    now,
    random,
    live,
    limits: live.limits,
    origin: config.origin,
    get registration() {
      return live.registration;
    },
    firstAccountByLink: !config.onlyThisMachine,
    // With a mail server and no webhook a code for a phone would end on a console that nobody reads.
    phones: config.smsWebhook !== undefined || config.smtpUrl === undefined,
    memberInvites: config.memberInvites,
  };
}

function random(length: number): Bytes {
  return crypto.getRandomValues(new Uint8Array(length));
}

function openMail(config: Config, { now, print }: OfflineIo): MailChannel {
  const from = config.mailFrom;
  const { smtpUrl, smsWebhook } = config;
  const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
  return createChannels({
    smtp: smtpUrl === undefined ? null : createSmtpChannel({ url: smtpUrl, from }),
    sms: smsWebhook === undefined ? null : createSmsChannel({ ...smsWebhook, now, random, wait }),
    outbox: createOutboxChannel({
      folder: join(config.dataDir, "outbox"),
      from,
      now,
      random,
      print,
    }),
  });
}

/** What accounts tell the sockets. */
function eventsOf(hub: Hub): AuthEvents {
  return {
    loginsEnded: (ids) => hub.loginsEnded(ids),
    listChanged: (account, version, also) => hub.listChanged(account, version, also),
    roomChanged: (room, seq, accounts) => hub.roomChanged(room, seq, accounts),
    prekeysLow: (device, { oneTime, kemOnce }) => hub.prekeysLow(device, { oneTime, kem: kemOnce }),
  };
}

function socketDoor(config: Config, auth: Auth, hub: Hub): UpgradeDoor {
  return createSocketDoor<SocketUser>({
    origin: config.origin,
    limits: config.limits,
    authenticate: async ({ headers }) => {
      const login = await auth.logins.authenticateDevice(headers);
      if (login === null) return null;
      return { loginId: login.id, account: login.account, device: login.device };
    },
    hub,
  });
}

async function purge(auth: Auth, log: Log): Promise<void> {
  try {
    await auth.purge();
  } catch (error) {
    log.warn("auth.purge_failed", { error });
  }
}

async function purgeFolder(dataDir: string, { now, log }: OfflineIo): Promise<void> {
  try {
    await dropOldCopies(dataDir, now());
  } catch (error) {
    log.warn("folder.purge_failed", { error });
  }
}
