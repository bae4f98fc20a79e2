/**
 * Each setting's value from its text. What makes no sense throws ConfigError with one line that
 * says what was expected, and never repeats a value that may hold a password.
 */
import { BlockList, isIP } from "node:net";
import { limitNames, LIMITS, type Limits, limitsWith, limitVariable } from "./limits.ts";
import { type SettingName, SETTINGS } from "./settings.ts";

/** Where the certificate comes from. */
export type TlsMode = "self-signed" | "acme" | "files" | "off";
/** Who may make an account. */
export type Registration = "open" | "invite" | "closed";
/** What happens when a device's queue is full. */
export type QueueOverflow = "refuse" | "drop-oldest";

/** Where the server listens. */
export interface ListenAddress {
  readonly hostname: string;
  readonly port: number;
}

/** The operator's own certificate chain and key. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/** How certificates are asked for, by RFC 8555. */
export interface AcmeSettings {
  readonly domain: string;
  /** The authority's directory. */
  readonly directory: string;
  readonly email: string | undefined;
  /** Where the authority's question arrives: port 80 as the world sees it. */
  readonly httpListen: ListenAddress;
  /** PEM file with the certificate of the authority's own server. */
  readonly caFile: string | undefined;
}

/** Backups that the server makes by itself. */
export interface BackupSettings {
  /** Milliseconds between two. */
  readonly every: number;
  /** As `snug backup --new-key` printed it. */
  readonly recipient: string;
  readonly dir: string;
  readonly keep: number;
}

/** Who takes codes for phone numbers. */
export interface SmsWebhook {
  readonly url: string;
  readonly secret: string;
}

/** A value that stops the start. The message is one line, meant to be read. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** Looks up an environment variable. */
export type Environment = (name: string) => string | undefined;

/** What was given, by name: flags on top of the environment. */
export type Values = Partial<Record<SettingName, string>>;

/** localhost, 127.0.0.0/8 and ::1: the names browsers treat as a secure context without TLS. */
export function isLoopbackHost(hostname: string): boolean {
  const bare = hostname.replace(/^\[|\]$/g, "");
  return bare === "localhost" || bare.endsWith(".localhost") || bare === "::1" ||
    (isIP(bare) === 4 && bare.startsWith("127."));
}

function bad(name: SettingName, value: string, expected: string): ConfigError {
  return new ConfigError(`--${SETTINGS[name].flag} ${shown(value)}: ${expected}.`);
}

/** A value as it may be printed: one short line, whatever was typed. */
export function shown(value: string): string {
  return value.slice(0, 80).replace(/[^\x20-\x7e]/g, "?");
}

/** One of a few words; undefined stays undefined. */
export function choice<T extends string>(
  name: SettingName,
  value: string | undefined,
  allowed: readonly T[],
): T | undefined {
  if (value === undefined) return undefined;
  const found = allowed.find((each) => each === value);
  if (found === undefined) throw bad(name, value, `expected one of ${allowed.join(", ")}`);
  return found;
}

/** A public DNS name, in lower case. */
export function readDomain(value: string): string {
  const name = value.toLowerCase();
  const label = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";
  if (name.length > 253 || !new RegExp(`^${label}(\\.${label})+$`).test(name)) {
    throw bad("domain", value, "expected a name such as chat.example.org");
  }
  return name;
}

/** HOST:PORT, with brackets round an IPv6 address. */
export function readListen(
  value: string,
  name: "listen" | "acmeHttpListen" = "listen",
): ListenAddress {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(value);
  const hostname = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (hostname === undefined || !(port <= 65_535)) {
    throw bad(name, value, "expected HOST:PORT, for example 127.0.0.1:8443 or [::]:443");
  }
  return Object.freeze({ hostname, port });
}

/** The mode that was asked for, or the one that the other settings imply. */
export function readTls(values: Values, domain: string | undefined): TlsMode {
  const implied = values.tlsCert ? "files" : domain === undefined ? "self-signed" : "acme";
  return choice("tls", values.tls, ["self-signed", "acme", "files", "off"]) ?? implied;
}

const LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory";

/** What `--tls acme` needs; undefined in every other mode, where its flags are refused. */
export function readAcme(
  values: Values,
  tls: TlsMode,
  domain: string | undefined,
): AcmeSettings | undefined {
  if (tls !== "acme") {
    const names = ["acmeDirectory", "acmeEmail", "acmeHttpListen", "acmeCa"] as const;
    const stray = names.find((name) => values[name] !== undefined);
    if (stray !== undefined) throw new ConfigError(`--${SETTINGS[stray].flag} needs --tls acme.`);
    return undefined;
  }
  if (domain === undefined) {
    throw new ConfigError("--tls acme needs --domain: the name the certificate is for.");
  }
  return Object.freeze({
    domain,
    directory: readDirectory(values.acmeDirectory ?? LETS_ENCRYPT),
    email: values.acmeEmail === undefined ? undefined : readAddress("acmeEmail", values.acmeEmail),
    httpListen: readListen(values.acmeHttpListen ?? "[::]:80", "acmeHttpListen"),
    caFile: values.acmeCa,
  });
}

function readDirectory(value: string): string {
  const url = URL.parse(value);
  if (url?.protocol !== "https:" || url.username !== "" || url.password !== "") {
    throw bad("acmeDirectory", value, "expected an https:// address");
  }
  return url.href;
}

/** A bare http(s) address, or the one that follows from the other settings. */
export function readOrigin(
  value: string | undefined,
  tls: TlsMode,
  domain: string | undefined,
  listen: ListenAddress,
): string {
  if (value === undefined) return derivedOrigin(tls, domain, listen);
  const url = URL.parse(value);
  const plain = url !== null && /^https?:$/.test(url.protocol) && url.username === "" &&
    url.pathname === "/" && url.search === "" && url.hash === "";
  if (!plain) {
    throw bad("origin", value, "expected a bare address such as https://chat.example.org");
  }
  if (tls !== "off" && url.protocol === "http:") {
    throw bad("origin", value, "expected https:// because the server itself speaks TLS");
  }
  return url.origin;
}

function derivedOrigin(tls: TlsMode, domain: string | undefined, listen: ListenAddress): string {
  const scheme = tls === "off" && domain === undefined ? "http" : "https";
  const host = domain ?? reachableName(listen.hostname);
  const port = domain !== undefined && tls === "off" ? "" : `:${listen.port}`;
  return new URL(`${scheme}://${host}${port}`).origin;
}

/** People type localhost, not 127.0.0.1, and nobody can type a wildcard address. */
function reachableName(hostname: string): string {
  if (isLoopbackHost(hostname) || hostname === "::" || hostname === "0.0.0.0") return "localhost";
  return hostname.includes(":") ? `[${hostname}]` : hostname;
}

/** Plain http is for localhost and for a proxy that speaks https to the world. */
export function refusePlainOrigin(tls: TlsMode, origin: string, proxied: boolean): void {
  const url = new URL(origin);
  if (tls !== "off" || isLoopbackHost(url.hostname)) return;
  if (proxied && url.protocol === "https:") return;
  throw new ConfigError(
    "--tls off works only for localhost or behind --trusted-proxy with an https --origin: " +
      "browsers give a page no cryptography on a plain address.",
  );
}

/** smtp:// or smtps://; never repeated in a message. */
export function readSmtp(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const url = URL.parse(value);
  const whole = url !== null && isDecodable(url.username) && isDecodable(url.password);
  if (!whole || !/^smtps?:$/.test(url.protocol) || url.hostname === "") {
    // The value may hold a password, so it is not repeated.
    throw new ConfigError(
      "--smtp: expected smtp://user:password@host:587 or smtps://…:465, a per cent sign as %25.",
    );
  }
  return value;
}

/** A per cent sign in a password has to be written %25. */
function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch (error) {
    if (error instanceof URIError) return false;
    throw error;
  }
}

/** A plain address: it becomes a header, so nothing else is taken (A6). */
export function readMailFrom(values: Values, origin: string): string {
  const host = new URL(origin).hostname;
  const value = values.mailFrom;
  if (value === undefined) {
    if (values.smtp === undefined || isLoopbackHost(host)) return `snug@${host}`;
    throw new ConfigError("--mail-from is required with --smtp: the address mail comes from.");
  }
  return readAddress("mailFrom", value);
}

function readAddress(name: "acmeEmail" | "mailFrom", value: string): string {
  if (value.length > 254 || !/^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]+$/.test(value)) {
    throw bad(name, value, "expected an address such as snug@example.org");
  }
  return value;
}

/** Both files, or neither. */
export function readTlsFiles(values: Values, tls: TlsMode): TlsFiles | undefined {
  const { tlsCert: cert, tlsKey: key } = values;
  if (tls !== "files") {
    if (cert ?? key) throw new ConfigError(`--tls-cert and --tls-key need --tls files.`);
    return undefined;
  }
  if (!cert || !key) throw new ConfigError("--tls files needs both --tls-cert and --tls-key.");
  return Object.freeze({ cert, key });
}

/** One trusted address range. */
export interface Range {
  readonly address: string;
  readonly prefix: number;
  readonly family: "ipv4" | "ipv6";
}

/** Comma-separated CIDR ranges or single addresses. */
export function readProxies(value: string | undefined): Range[] {
  return (value ?? "").split(",").map((part) => part.trim()).filter(Boolean).map((part) => {
    const [address = "", length, ...more] = part.split("/");
    const version = isIP(address);
    const most = version === 4 ? 32 : 128;
    const prefix = length === undefined ? most : Number(length);
    // "10.0.0.0/" would be everybody: the number of nothing is 0.
    if (version === 0 || !/^\d{1,3}$/.test(length ?? "0") || prefix > most || more.length > 0) {
      throw bad("trustedProxy", part, "expected an address range such as 10.0.0.0/8");
    }
    return { address, prefix, family: version === 4 ? "ipv4" : "ipv6" };
  });
}

/** Tells whether an address is in one of the ranges. */
export function proxyCheck(ranges: readonly Range[]): (address: string) => boolean {
  const list = new BlockList();
  for (const { address, prefix, family } of ranges) list.addSubnet(address, prefix, family);
  return (address) => {
    const version = isIP(address);
    return version !== 0 && list.check(address, version === 4 ? "ipv4" : "ipv6");
  };
}

/** An https address and the secret that signs what is sent there. */
export function readSmsWebhook(
  value: string | undefined,
  env: Environment,
): SmsWebhook | undefined {
  if (value === undefined) return undefined;
  const url = URL.parse(value);
  const safe = url?.protocol === "https:" ||
    (url?.protocol === "http:" && isLoopbackHost(url.hostname));
  if (!safe) throw new ConfigError("--sms-webhook: expected an https:// address.");
  const secret = env("SNUG_SMS_SECRET") ?? "";
  if (secret.length < 16) {
    throw new ConfigError("--sms-webhook needs SNUG_SMS_SECRET: 16 characters or more.");
  }
  return Object.freeze({ url: value, secret });
}

const MINUTE = 60_000;
const UNITS: Readonly<Record<string, number>> = {
  m: MINUTE,
  h: 60 * MINUTE,
  d: 24 * 60 * MINUTE,
};
/** More often, and one would not be done before the next. */
const SHORTEST_EVERY = 10 * MINUTE;
const LONGEST_EVERY = 366 * UNITS.d!;
const MOST_KEPT = 1_000;

/** What `--backup-every` needs; undefined without it, where its flags are refused. */
export function readBackups(values: Values, dataDir: string): BackupSettings | undefined {
  const { backupEvery, backupRecipient, backupDir, backupKeep } = values;
  if (backupEvery === undefined) {
    const names = ["backupRecipient", "backupDir", "backupKeep"] as const;
    const stray = names.find((name) => values[name] !== undefined);
    if (stray !== undefined) {
      throw new ConfigError(`--${SETTINGS[stray].flag} needs --backup-every.`);
    }
    return undefined;
  }
  if (backupRecipient === undefined) {
    throw new ConfigError(
      "--backup-every needs --backup-recipient: make one with snug backup --new-key FILE.",
    );
  }
  return Object.freeze({
    every: readEvery(backupEvery),
    recipient: backupRecipient,
    dir: backupDir ?? `${dataDir}/backups`,
    keep: readKeep(backupKeep ?? "7"),
  });
}

function readEvery(value: string): number {
  const [, count = "", unit = ""] = /^(\d{1,5})([mhd])$/.exec(value) ?? [];
  const every = Number(count) * (UNITS[unit] ?? NaN);
  if (every >= SHORTEST_EVERY && every <= LONGEST_EVERY) return every;
  throw bad("backupEvery", value, "expected 10m to 366d, for example 12h");
}

function readKeep(value: string): number {
  const keep = /^\d{1,4}$/.test(value) ? Number(value) : 0;
  if (keep >= 1 && keep <= MOST_KEPT) return keep;
  throw bad("backupKeep", value, `expected 1 to ${MOST_KEPT}`);
}

/** A secret that cannot be guessed; never repeated in a message. */
export function readMetricsToken(value: string | undefined): string | undefined {
  if (value !== undefined && value.length < 16) {
    throw new ConfigError("--metrics-token: 16 characters or more.");
  }
  return value;
}

/** Every limit, from the environment or by default. */
export function readLimits(env: Environment): Limits {
  const changes: Partial<Record<keyof Limits, number>> = {};
  for (const name of limitNames()) {
    const text = env(limitVariable(name));
    if (text === undefined || text === "") continue;
    const { min, max, unit } = LIMITS[name];
    const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
    if (!(value >= min && value <= max)) {
      throw new ConfigError(
        `${limitVariable(name)}=${shown(text)}: expected ${min} to ${max} ${unit}.`,
      );
    }
    changes[name] = value;
  }
  return limitsWith(changes);
}
