/** What `snug --help` and `snug serve --help` print, made from the tables the program runs on. */
import { limitNames, LIMITS, limitVariable } from "./limits.ts";
import { settingNames, SETTINGS } from "./settings.ts";

const INDENT = " ".repeat(6);

/** Every flag with its environment variable and default, then every limit. */
export function serveHelp(): string {
  const flags = settingNames().map((name) => {
    const { flag, env, takes, standard, words } = SETTINGS[name];
    return `  --${flag} ${takes}\n${INDENT}${words}\n${INDENT}${env}; default: ${standard}`;
  });
  const limits = limitNames().map((name) => {
    const { value, unit, words } = LIMITS[name];
    return `  ${limitVariable(name)}=${value}\n${INDENT}${unit} ${words}`;
  });
  return [
    "snug serve [FLAGS]: run the server.",
    "",
    ...flags,
    "",
    "Limits, each an environment variable with its default:",
    "",
    ...limits,
  ].join("\n");
}

/** What `snug backup --help` prints. */
export function backupHelp(): string {
  return [
    "snug backup FILE [FLAGS]: write an encrypted backup while the server runs.",
    "",
    "It holds the database and the secrets, as of one moment; not the certificate, not the outbox.",
    "A plain copy is taken first, which takes the room of the database in the data folder for a",
    "while. The file is opened again and compared with it before it gets its name; FILE must not",
    "exist yet. If it was cut short, give the same command again: it goes on with the same copy, if",
    "that is not older than 3 hours, and with the same passphrase where it was.",
    "",
    ...backupFlags("the passphrase in its first line, 12 characters or more"),
    `  --recipient TEXT\n${INDENT}instead of a passphrase: the recipient that --new-key printed`,
    `  --recipient-file FILE\n${INDENT}the same from the first line of a file`,
    `  --into DIR\n${INDENT}instead of FILE: a folder where each backup is named by its time`,
    `  --keep NUMBER\n${INDENT}with --into: the oldest beyond this many go; default: 7`,
    `  --fresh\n${INDENT}do not go on with one that was cut short, but begin anew`,
    `  --new-key FILE\n${INDENT}only make a key for backups, and print its recipient`,
  ].join("\n");
}

/** What `snug restore --help` prints. */
export function restoreHelp(): string {
  return [
    "snug restore FILE [FLAGS]: put a backup into a new or empty folder.",
    "snug restore --in-place [--data DIR]: after an old copy of the data folder was put back.",
    "snug restore --give-up-rows [--data DIR]: when a row that cannot be read keeps a server down.",
    "",
    "Everything is opened and checked first; a file that is not whole changes nothing.",
    "If it was cut short, start it again.",
    "",
    ...backupFlags("the passphrase in its first line"),
    `  --key-file FILE\n${INDENT}for a backup that was made with --recipient`,
    `  --in-place\n${INDENT}instead of FILE: the data folder itself was put back, by a snapshot of the` +
    ` machine\n${INDENT}or a plain copy. Makes it what a restored backup is; before the server starts`,
    `  --give-up-rows\n${INDENT}gives up the rows of the last minutes that cannot be read, with what` +
    ` waited there:\n${INDENT}of the backup, or without FILE of the folder. Keep a copy of it first`,
  ].join("\n");
}

function backupFlags(passphrase: string): string[] {
  const { flag, takes, words, env, standard } = SETTINGS.data;
  return [
    `  --${flag} ${takes}\n${INDENT}${words}\n${INDENT}${env}; default: ${standard}`,
    `  --passphrase-file FILE\n${INDENT}${passphrase}\n${INDENT}` +
    "SNUG_BACKUP_PASSPHRASE may hold it instead; default: it is asked for",
  ];
}

/** What `snug install --help` prints. */
export function installHelp(): string {
  return [
    "snug install [FLAGS]: make a systemd service of this executable, as root.",
    "",
    "The other flags are those of snug serve, and go into the unit. Every step is said first.",
    "",
    `  --dry-run\n${INDENT}only say the steps`,
    `  --root DIR\n${INDENT}write below DIR instead of /`,
    `  --program FILE\n${INDENT}the executable to copy; default: this one`,
  ].join("\n");
}

/** What `snug doctor --help` prints. */
export function doctorHelp(): string {
  return [
    "snug doctor [FLAGS]: look at everything the server needs, and say the cure of what is wrong.",
    "",
    "Run it beside the server, as the user who runs it and with the same flags and variables",
    "(snug serve --help). Nothing is changed. Exit status 1 when something has failed.",
    "",
    `  --mail-to ADDRESS\n${INDENT}send a test letter there`,
    `  --json\n${INDENT}one JSON object instead of lines`,
  ].join("\n");
}

/** What `snug version --help` prints. */
export function versionHelp(): string {
  return [
    "snug version [FLAGS]: print the version.",
    "",
    `  --verify URL\n${INDENT}compare the page that server serves with the one in this executable`,
    `  --ca FILE\n${INDENT}with --verify: the certificate (PEM) of a server that signs its own`,
    `  --manifest\n${INDENT}print the page's files and their SHA-256 as JSON`,
  ].join("\n");
}

/** One line a command. */
export function usage(commands: Readonly<Record<string, { readonly words: string }>>): string {
  const rows = Object.entries(commands).map(([name, { words }]) => `  ${name.padEnd(10)}${words}`);
  return [
    "Snug: private chat you run yourself.",
    "",
    "  snug COMMAND [FLAGS]",
    "",
    ...rows,
    "",
    "snug COMMAND --help explains every flag and its environment variable.",
  ].join("\n");
}
