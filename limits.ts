/**
 * Every limit of the server, in one table: its name, unit, default, the smallest and largest value
 * that make sense, and the sentence that `snug serve --help` prints. Each one is a setting: the
 * environment variable is `SNUG_LIMIT_` and the name in capitals.
 *
 * A limit that both ends of the wire must agree on (frame size, text size) is not here: it is part
 * of the protocol and lives in protocol/limits.ts.
 */

const KIB = 1024;
const MIB = 1024 * KIB;
const HOUR = 3600;
const DAY = 24 * HOUR;

/** One row of the table. `unit` is printed and decides nothing: values are plain integers. */
export interface LimitRow {
  readonly unit: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly words: string;
}

function row(value: number, unit: string, words: string, min = 1, max = 2 ** 40): LimitRow {
  return { value, unit, words, min, max };
}

/** The table. Names are camelCase here and SNAKE_CASE in the environment. */
export const LIMITS = {
  // Waiting messages
  queueEnvelopes: row(10_000, "envelopes", "waiting for one device", 2),
  queueBytes: row(100 * MIB, "bytes", "waiting for one device", 128 * KIB),
  queueSeconds: row(30 * DAY, "seconds", "an envelope waits before it is dropped as a gap", 60),
  queuePerSender: row(500, "envelopes", "of one account waiting for one device", 1),

  // Keys
  prekeyFetches: row(6, "fetches", "of one account's keys by one other account, at once"),
  prekeyRefillSeconds: row(600, "seconds", "until one more such fetch is allowed"),
  prekeysPerHour: row(60, "keys", "one-time keys of one account handed out an hour"),
  prekeyStock: row(200, "keys", "one-time keys kept for one device"),

  // Six-digit codes
  codeSeconds: row(600, "seconds", "a code is good for", 30, DAY),
  codeTries: row(5, "tries", "at one code", 1, 20),
  codeResendSeconds: row(60, "seconds", "between two codes to one address", 0),
  codesPerAddressHour: row(5, "codes", "an hour to one address"),
  codesPerIpHour: row(20, "codes", "an hour asked for from one IP address"),

  // Accounts and logins
  passwordTries: row(10, "tries", "at one account's password before the waits begin"),
  passwordTriesPerIp: row(50, "tries", "at passwords an hour from one IP address"),
  signUpsPerIpHour: row(20, "accounts", "an hour from one IP address"),
  invitesPerDay: row(20, "invites", "a day made by one account"),
  takeoutsPerHour: row(5, "files", "an hour of everything stored about one account, to itself"),
  invitesOpen: row(50, "invites", "of one account that can still be used"),
  nameChecksPerIpHour: row(300, "usernames", "an hour looked at by one IP address in sign-up"),
  challengesPerIpHour: row(600, "challenges", "an hour to devices at one IP address"),
  lookupsPerHour: row(300, "people", "an hour looked up by one account"),
  searchesPerHour: row(600, "searches", "an hour in the directory by one account"),
  roomLookupsPerHour: row(60, "room codes", "an hour tried by one account"),
  roomLookupsPerIpHour: row(300, "room codes", "an hour tried from one IP address"),
  roomEntriesPerHour: row(600, "entries", "an hour written into rooms' logs by one account"),
  archiveBytes: row(256 * MIB, "bytes", "of sealed history kept for one account", 0),
  archiveReadsPerHour: row(6_000, "answers", "an hour out of the sealed history of one account"),
  reportsPerDay: row(10, "reports", "a day made by one account"),
  loginIdleSeconds: row(7 * DAY, "seconds", "unused until a login ends", 60),
  loginSeconds: row(30 * DAY, "seconds", "until a login ends in any case", 60),

  // Sockets
  socketMessagesPerSecond: row(50, "messages", "a second from one socket"),
  socketBytesPerSecond: row(MIB, "bytes", "a second from one socket", 128 * KIB),
  socketBacklogBytes: row(
    MIB,
    "bytes",
    "not yet taken by a slow reader until it is closed",
    128 * KIB,
  ),
  socketsPerLogin: row(4, "sockets", "open for one login"),
  socketsPerIp: row(20, "sockets", "open from one IP address"),
  sockets: row(10_000, "sockets", "open in all"),

  // HTTP
  connections: row(20_000, "connections", "open in all"),
  connectionsPerIp: row(100, "connections", "open from one IP address"),
  headerMilliseconds: row(10_000, "milliseconds", "for a request's headers to arrive", 10),
  requestMilliseconds: row(30_000, "milliseconds", "for a whole request to arrive", 10),
  silentMilliseconds: row(10_000, "milliseconds", "a new connection may stay silent", 10),
  stalledMilliseconds: row(
    30_000,
    "milliseconds",
    "a connection may stand still in the middle of a request or an answer",
    10,
  ),
  idleMilliseconds: row(15_000, "milliseconds", "a connection is kept between requests", 10),
  quietMilliseconds: row(
    10_000,
    "milliseconds",
    "without a new connection until the server tries whether it still takes any",
    100,
  ),
  bodyBytes: row(256 * KIB, "bytes", "in the body of a request", 16 * KIB),
  shutdownMilliseconds: row(10_000, "milliseconds", "for work in flight to finish at the end", 0),
} as const satisfies Record<string, LimitRow>;

/** The name of a limit. */
export type LimitName = keyof typeof LIMITS;

/** Every limit's value, frozen. */
export type Limits = Readonly<Record<LimitName, number>>;

/** `queueBytes` -> `SNUG_LIMIT_QUEUE_BYTES`. */
export function limitVariable(name: LimitName): string {
  return `SNUG_LIMIT_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/** All names, in the order of the table. */
export function limitNames(): LimitName[] {
  return Object.keys(LIMITS) as LimitName[];
}

/** The table as people are shown it, one row a limit. */
export function limitTable(): (Omit<LimitRow, "value"> & {
  readonly name: LimitName;
  readonly variable: string;
  readonly standard: number;
})[] {
  return limitNames().map((name) => {
    const { value: standard, ...row } = LIMITS[name];
    return { ...row, name, standard, variable: limitVariable(name) };
  });
}

/** The defaults, with `changes` on top: what tests and the composition root use. */
export function limitsWith(changes: Partial<Limits> = {}): Limits {
  const values = Object.fromEntries(limitNames().map((name) => [name, LIMITS[name].value]));
  return Object.freeze({ ...values, ...changes }) as Limits;
}
