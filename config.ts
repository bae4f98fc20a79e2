/**
 * Flags and environment -> one frozen Config. A flag beats its environment variable, which beats
 * the default. A value that makes no sense throws ConfigError with one line for the person who
 * typed it; main.ts prints that line and exits with status 2.
 */
import {
  type AcmeSettings,
  type BackupSettings,
  choice,
  ConfigError,
  type Environment,
  isLoopbackHost,
  type ListenAddress,
  proxyCheck,
  type QueueOverflow,
  readAcme,
  readBackups,
  readDomain,
  readLimits,
  readListen,
  readMailFrom,
  readMetricsToken,
  readOrigin,
  readProxies,
  readSmsWebhook,
  readSmtp,
  readTls,
  readTlsFiles,
  refusePlainOrigin,
  type Registration,
  shown,
  type SmsWebhook,
  type TlsFiles,
  type TlsMode,
  type Values,
} from "./config_values.ts";
import { limitNames, type Limits, limitVariable } from "./limits.ts";
import { LOG_LEVELS, type LogLevel } from "./log.ts";
import { settingNames, SETTINGS } from "./settings.ts";

export {
  type AcmeSettings,
  type BackupSettings,
  ConfigError,
  type Environment,
  isLoopbackHost,
} from "./config_values.ts";

/** Everything the server can be told. Made once, never changed. */
export interface Config {
  readonly dataDir: string;
  readonly listen: ListenAddress;
  readonly tls: TlsMode;
  readonly domain: string | undefined;
  /** Scheme, host and port as browsers send them in `Origin`. */
  readonly origin: string;
  /** True when only this machine can reach it: listening and people's address are both loopback. */
  readonly onlyThisMachine: boolean;
  readonly registration: Registration;
  /** Whether somebody said so: then admins cannot change it while the server runs. */
  readonly registrationGiven: boolean;
  /** Whether everybody may invite others; admins always may. */
  readonly memberInvites: boolean;
  /** May hold a password: never printed. */
  readonly smtpUrl: string | undefined;
  readonly mailFrom: string;
  readonly tlsFiles: TlsFiles | undefined;
  /** Set in the mode `acme` only. */
  readonly acme: AcmeSettings | undefined;
  /** Is this peer address the configured reverse proxy? */
  readonly isTrustedProxy: (address: string) => boolean;
  readonly smsWebhook: SmsWebhook | undefined;
  readonly metricsToken: string | undefined;
  /** Set with `--backup-every` only. */
  readonly backups: BackupSettings | undefined;
  readonly queueOverflow: QueueOverflow;
  readonly logLevel: LogLevel;
  readonly limits: Limits;
  /** The limits that the environment sets: admins cannot change these. */
  readonly limitsGiven: ReadonlySet<string>;
}

/** Reads the arguments after the command word; `command` is the one that takes flags of the server. */
export function readConfig(
  args: readonly string[],
  env: Environment,
  command = "serve",
): Config {
  const values = { ...readEnvironment(env), ...readFlags(args, command) };
  const domain = values.domain === undefined ? undefined : readDomain(values.domain);
  const listen = readListen(values.listen ?? (domain ? "[::]:443" : "127.0.0.1:8443"));
  const tls = readTls(values, domain);
  const origin = readOrigin(values.origin, tls, domain, listen);
  const proxies = readProxies(values.trustedProxy);
  refusePlainOrigin(tls, origin, proxies.length > 0);
  const onlyThisMachine = isLoopbackHost(listen.hostname) &&
    isLoopbackHost(new URL(origin).hostname);
  return Object.freeze({
    dataDir: values.data ?? "./data",
    listen,
    tls,
    domain,
    origin,
    onlyThisMachine,
    registration: choice("registration", values.registration, ["open", "invite", "closed"]) ??
      (onlyThisMachine ? "open" : "invite"),
    registrationGiven: values.registration !== undefined,
    memberInvites: choice("memberInvites", values.memberInvites, ["on", "off"]) === "on",
    smtpUrl: readSmtp(values.smtp),
    mailFrom: readMailFrom(values, origin),
    tlsFiles: readTlsFiles(values, tls),
    acme: readAcme(values, tls, domain),
    isTrustedProxy: proxyCheck(proxies),
    smsWebhook: readSmsWebhook(values.smsWebhook, env),
    metricsToken: readMetricsToken(values.metricsToken),
    backups: readBackups(values, values.data ?? "./data"),
    queueOverflow: choice("queueOverflow", values.queueOverflow, ["refuse", "drop-oldest"]) ??
      "refuse",
    logLevel: choice("logLevel", values.logLevel, LOG_LEVELS) ?? "info",
    limits: readLimits(env),
    limitsGiven: new Set(limitNames().filter((name) => env(limitVariable(name)))),
  });
}

function readEnvironment(env: Environment): Values {
  const values: Values = {};
  for (const name of settingNames()) {
    const value = env(SETTINGS[name].env);
    if (value !== undefined && value !== "") values[name] = value;
  }
  return values;
}

function readFlags(args: readonly string[], command: string): Values {
  const values: Values = {};
  const rest = [...args];
  if (rest[0] === "--") rest.shift();
  while (rest.length > 0) {
    const [flag = "", inline] = splitFlag(rest.shift() ?? "");
    const name = settingNames().find((each) => `--${SETTINGS[each].flag}` === flag);
    if (name === undefined) {
      throw new ConfigError(`${shown(flag)} is not a flag of snug ${command}.`);
    }
    // The next flag is no value: one was forgotten.
    const value = inline ?? (rest[0]?.startsWith("--") ? undefined : rest.shift());
    if (value === undefined || value === "") {
      throw new ConfigError(`${flag} needs a value: ${SETTINGS[name].takes}.`);
    }
    values[name] = value;
  }
  return values;
}

function splitFlag(text: string): [string, string | undefined] {
  const at = text.indexOf("=");
  return text.startsWith("--") && at > 0
    ? [text.slice(0, at), text.slice(at + 1)]
    : [text, undefined];
}
