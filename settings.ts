/**
 * The settings of `snug serve` in one table: flag, environment variable, what it takes, its default
 * and the words that `--help` prints. config.ts reads values by it; nothing else knows flag names.
 */

/** One row: everything a person is told about a setting. */
export interface Setting {
  readonly flag: string;
  readonly env: string;
  /** What the flag takes, as printed; an empty string means the setting has no flag. */
  readonly takes: string;
  readonly standard: string;
  readonly words: string;
}

function setting(
  flag: string,
  env: string,
  takes: string,
  standard: string,
  words: string,
): Setting {
  return { flag, env, takes, standard, words };
}

/** The flags of `snug serve`, in the order in which help prints them. */
export const SETTINGS = {
  data: setting("data", "SNUG_DATA", "DIR", "./data", "where everything is kept"),
  listen: setting(
    "listen",
    "SNUG_LISTEN",
    "HOST:PORT",
    "127.0.0.1:8443, or [::]:443 with --domain",
    "the address to listen on",
  ),
  tls: setting(
    "tls",
    "SNUG_TLS",
    "self-signed|acme|files|off",
    "self-signed; acme with --domain, files with --tls-cert",
    "where the certificate comes from",
  ),
  domain: setting("domain", "SNUG_DOMAIN", "NAME", "none", "the public name of this server"),
  origin: setting(
    "origin",
    "SNUG_ORIGIN",
    "URL",
    "from the settings above",
    "the address people type; pages from anywhere else are refused",
  ),
  registration: setting(
    "registration",
    "SNUG_REGISTRATION",
    "open|invite|closed",
    "open on loopback, invite otherwise",
    "who may make an account",
  ),
  memberInvites: setting(
    "member-invites",
    "SNUG_MEMBER_INVITES",
    "on|off",
    "off: admins only",
    "whether everybody may invite others under Invites",
  ),
  smtp: setting(
    "smtp",
    "SNUG_SMTP_URL",
    "URL",
    "none: codes go to the console and to DATA/outbox",
    "smtp://user:password@host:587 or smtps://…:465",
  ),
  mailFrom: setting(
    "mail-from",
    "SNUG_MAIL_FROM",
    "ADDRESS",
    "snug@ and the origin's host",
    "the sender of mail; required with --smtp off localhost",
  ),
  tlsCert: setting(
    "tls-cert",
    "SNUG_TLS_CERT",
    "FILE",
    "none",
    "certificate chain (PEM); watched, taken up without a restart",
  ),
  tlsKey: setting("tls-key", "SNUG_TLS_KEY", "FILE", "none", "its private key (PEM)"),
  acmeDirectory: setting(
    "acme-directory",
    "SNUG_ACME_DIRECTORY",
    "URL",
    "Let's Encrypt",
    "the certificate authority's directory (RFC 8555); using it means agreeing to its terms",
  ),
  acmeEmail: setting(
    "acme-email",
    "SNUG_ACME_EMAIL",
    "ADDRESS",
    "none",
    "where the authority may write to about certificates",
  ),
  acmeHttpListen: setting(
    "acme-http-listen",
    "SNUG_ACME_HTTP_LISTEN",
    "HOST:PORT",
    "[::]:80",
    "where the authority's question arrives; everything else there is sent on to https",
  ),
  acmeCa: setting(
    "acme-ca",
    "SNUG_ACME_CA",
    "FILE",
    "none: the authorities this machine trusts",
    "certificate (PEM) of a private authority's own server",
  ),
  trustedProxy: setting(
    "trusted-proxy",
    "SNUG_TRUSTED_PROXY",
    "CIDR[,CIDR]",
    "none: forwarded headers are ignored",
    "the reverse proxy whose X-Forwarded-For is believed",
  ),
  smsWebhook: setting(
    "sms-webhook",
    "SNUG_SMS_WEBHOOK",
    "URL",
    "none",
    "takes codes for phone numbers; SNUG_SMS_SECRET signs them",
  ),
  metricsToken: setting(
    "metrics-token",
    "SNUG_METRICS_TOKEN",
    "SECRET",
    "none: /metrics answers to this machine only",
    "whoever sends it as a bearer may read /metrics; 16 characters or more",
  ),
  queueOverflow: setting(
    "queue-overflow",
    "SNUG_QUEUE_OVERFLOW",
    "refuse|drop-oldest",
    "refuse",
    "what happens when a device's queue is full",
  ),
  backupEvery: setting(
    "backup-every",
    "SNUG_BACKUP_EVERY",
    "TIME",
    "none: no backups by itself",
    "a backup as often as this: 30m, 12h, 1d",
  ),
  backupRecipient: setting(
    "backup-recipient",
    "SNUG_BACKUP_RECIPIENT",
    "TEXT",
    "none; required with --backup-every",
    "whose key opens them: what snug backup --new-key printed",
  ),
  backupDir: setting(
    "backup-dir",
    "SNUG_BACKUP_DIR",
    "DIR",
    "DATA/backups",
    "where they go; another disk is better",
  ),
  backupKeep: setting(
    "backup-keep",
    "SNUG_BACKUP_KEEP",
    "NUMBER",
    "7",
    "how many are kept; the oldest goes",
  ),
  logLevel: setting(
    "log-level",
    "SNUG_LOG_LEVEL",
    "debug|info|warn|error",
    "info",
    "the least important log line that is written",
  ),
} as const satisfies Record<string, Setting>;

/** The name of a setting in code. */
export type SettingName = keyof typeof SETTINGS;

/** All names, in the order of the table. */
export function settingNames(): SettingName[] {
  return Object.keys(SETTINGS) as SettingName[];
}
