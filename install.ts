/**
 * `snug install`: makes a systemd service of the executable. Says every step before it does it; with
 * `--dry-run` it only says them.
 *
 * It may not start other programs (no part of Snug may), so what only other programs can do, such as
 * telling systemd to look again, is printed for the person to run.
 */
import { dirname, join, resolve } from "node:path";
import { readConfig } from "./config.ts";
import { BackupError, inWords } from "./db/backup_error.ts";
import { ConfigError, shown } from "./config_values.ts";
import {
  backupService,
  backupTimer,
  service,
  sysusers,
  type UnitParts,
  WRITTEN,
} from "./install_units.ts";
import type { CommandIo } from "./serve.ts";

/** Where things go, below `--root`. */
const PROGRAM = "/usr/local/bin/snug";
const DATA = "/var/lib/snug";
const SETTINGS_FOLDER = "/etc/snug";
const UNITS = "/etc/systemd/system";
const USERS = "/etc/sysusers.d/snug.conf";

/** One thing that is done. */
interface Step {
  readonly words: string;
  readonly run: () => Promise<void>;
}

interface Given {
  readonly root: string;
  readonly dryRun: boolean;
  readonly program: string;
  readonly flags: readonly string[];
}

/** Installs; resolves to the exit status. */
export async function runInstall(args: readonly string[], io: CommandIo): Promise<number> {
  const given = readArguments(args, io);
  const parts = unitParts(given, io);
  await refuseForeign(given.root);
  for (const [at, { words, run }] of stepsOf(given, parts).entries()) {
    io.print(`${String(at + 1).padStart(2)}. ${words}`);
    if (given.dryRun) continue;
    try {
      await run();
    } catch (error) {
      throw inWords(words, error);
    }
  }
  for (const line of whatIsLeft(given, parts)) io.print(line);
  return 0;
}

/** The files that are written anew each time. */
const OURS = [
  USERS,
  `${UNITS}/snug.service`,
  `${UNITS}/snug-backup.service`,
  `${UNITS}/snug-backup.timer`,
] as const;

/** What somebody else wrote under one of our names is theirs. */
async function refuseForeign(root: string): Promise<void> {
  for (const name of OURS) {
    const file = join(root, name);
    const found = await readIfThere(file).catch((error) => {
      throw inWords(file, error);
    });
    if (found === null || found.startsWith(WRITTEN)) continue;
    throw new BackupError(`${file} was not written by snug install: move it away first.`);
  }
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(file);
  } catch (error) {
    const none = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory;
    if (none) return null;
    throw error;
  }
}

/** Takes install's own flags out; the others are the server's, and are checked as the server does. */
function readArguments(args: readonly string[], io: CommandIo): Given {
  const flags: string[] = [];
  let [root, dryRun, program] = ["/", false, Deno.execPath()];
  const rest = [...args];
  while (rest.length > 0) {
    const word = rest.shift()!;
    const [, flag = word, inline] = /^(--[a-z-]+)(?:=(.*))?$/s.exec(word) ?? [];
    if (flag === "--dry-run") dryRun = true;
    else if (flag === "--root") root = folderOf(flag, inline ?? rest.shift());
    else if (flag === "--program") program = folderOf(flag, inline ?? rest.shift());
    else flags.push(word);
  }
  if (Deno.build.os !== "linux") {
    throw new ConfigError("snug install makes systemd units: it is for Linux.");
  }
  if (/(^|\/)deno$/.test(program) && !dryRun) {
    throw new ConfigError("Run it from the executable, or name that with --program FILE.");
  }
  const config = readConfig(flags, io.env, "install");
  if (flags.some((flag) => /^--data\b/.test(flag))) {
    throw new ConfigError(`--data: an installed server keeps everything in ${DATA}.`);
  }
  const risky = flags.find((flag) => !/^[A-Za-z0-9\-_.,:/=@+[\]]+$/.test(flag));
  if (risky !== undefined) {
    throw new ConfigError(
      `${shown(risky)}: has signs that a unit file reads otherwise; put it into ` +
        `${SETTINGS_FOLDER}/snug.env as its variable instead.`,
    );
  }
  if (config.smtpUrl !== undefined && flags.some((flag) => flag.startsWith("--smtp"))) {
    throw new ConfigError(
      `--smtp may hold a password and units are public: put SNUG_SMTP_URL into ${SETTINGS_FOLDER}/snug.env.`,
    );
  }
  return { root, dryRun, program, flags };
}

function folderOf(flag: string, value: string | undefined): string {
  if (value === undefined || value === "") throw new ConfigError(`${flag} needs a value.`);
  return resolve(value);
}

function unitParts({ flags }: Given, io: CommandIo): UnitParts {
  const config = readConfig(flags, io.env);
  const ports = [config.listen.port, ...(config.acme ? [config.acme.httpListen.port] : [])];
  return {
    program: PROGRAM,
    data: DATA,
    environment: `${SETTINGS_FOLDER}/snug.env`,
    key: `${SETTINGS_FOLDER}/backup.recipient`,
    flags,
    lowPorts: ports.some((port) => port < 1024),
  };
}

function stepsOf(given: Given, parts: UnitParts): Step[] {
  const at = (path: string) => join(given.root, path);
  const text = (path: string, content: string, mode = 0o644): Step => ({
    words: `write ${at(path)}`,
    run: () => writeNew(at(path), content, mode),
  });
  return [
    {
      words: `copy ${given.program} to ${at(PROGRAM)}`,
      run: () => copyProgram(given.program, at(PROGRAM)),
    },
    text(USERS, sysusers(parts)),
    {
      words: `make ${at(SETTINGS_FOLDER)}, for settings that hold secrets`,
      run: () => Deno.mkdir(at(SETTINGS_FOLDER), { recursive: true, mode: 0o700 }),
    },
    {
      words: `write ${at(parts.environment)}, if it is not there`,
      run: () => writeIfMissing(at(parts.environment), ENVIRONMENT),
    },
    text(`${UNITS}/snug.service`, service(parts)),
    text(`${UNITS}/snug-backup.service`, backupService(parts)),
    text(`${UNITS}/snug-backup.timer`, backupTimer()),
  ];
}

const ENVIRONMENT = `# Settings of snug serve: snug serve --help names the variables.
# SNUG_SMTP_URL=smtp://user:password@mail.example.org:587
# SNUG_MAIL_FROM=snug@example.org
`;

/** A running program cannot be written to; its name can be given to another file. */
async function copyProgram(from: string, to: string): Promise<void> {
  if (resolve(from) === resolve(to)) return;
  await Deno.mkdir(dirname(to), { recursive: true });
  const draft = `${to}.new`;
  await Deno.copyFile(from, draft);
  await Deno.chmod(draft, 0o755);
  await Deno.rename(draft, to);
}

async function writeNew(file: string, content: string, mode: number): Promise<void> {
  await Deno.mkdir(dirname(file), { recursive: true });
  const draft = `${file}.new`;
  await Deno.writeTextFile(draft, content, { mode });
  await Deno.chmod(draft, mode);
  await Deno.rename(draft, file);
}

async function writeIfMissing(file: string, content: string): Promise<void> {
  try {
    await Deno.writeTextFile(file, content, { createNew: true, mode: 0o600 });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}

function whatIsLeft({ dryRun }: Given, { key }: UnitParts): string[] {
  if (dryRun) return ["Nothing was done. Without --dry-run these steps are taken."];
  return [
    "What is left for you, as root:",
    "  systemd-sysusers snug.conf",
    "  systemctl daemon-reload",
    "  systemctl enable --now snug",
    "  journalctl -u snug          shows its address and the link of the first account",
    "And for a backup every night, the newest seven kept:",
    `  snug backup --new-key snug-backup.key     then move that file away from here`,
    `  put the snug-recipient-… it prints into ${key}`,
    "  systemctl enable --now snug-backup.timer",
  ];
}
