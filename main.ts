/**
 * The command line: `snug serve | chat | backup | restore | doctor | version`.
 *
 * Owns the process: signals, the two guards against stray errors, and the exit status. Commands
 * are loaded when they are called, so that `snug version` does not start half a server.
 */
import { answerBackups, isThread, stepBack } from "./backup_worker.ts";
import { chatHelp } from "./client/terminal/options.ts";
import { ConfigError } from "./config.ts";
import {
  backupHelp,
  doctorHelp,
  installHelp,
  restoreHelp,
  serveHelp,
  usage,
  versionHelp,
} from "./help.ts";
import { adminHelp } from "./admin_help.ts";
import { createLog } from "./log.ts";
import type { CommandIo } from "./serve.ts";

/** 0 done, 1 failed, 2 not understood. */
export type ExitStatus = number;

/** Signals closer together than this are one. */
const SAME_WISH_MS = 1_000;

interface Command {
  readonly words: string;
  readonly help: () => string;
  readonly run: (args: readonly string[], io: CommandIo) => Promise<ExitStatus>;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  serve: {
    words: "run the server",
    help: serveHelp,
    run: async (args, io) => await (await import("./serve.ts")).runServe(args, io),
  },
  chat: {
    words: "talk from a terminal",
    help: chatHelp,
    run: async (args, io) => await (await import("./chat.ts")).runChat(args, io),
  },
  backup: {
    words: "write an encrypted backup while the server runs",
    help: backupHelp,
    run: async (args, io) => await (await import("./backup.ts")).runBackup(args, io),
  },
  restore: {
    words: "put a backup into an empty folder",
    help: restoreHelp,
    run: async (args, io) => await (await import("./backup.ts")).runRestore(args, io),
  },
  install: {
    words: "make a systemd service of this executable",
    help: installHelp,
    run: async (args, io) => await (await import("./install.ts")).runInstall(args, io),
  },
  doctor: {
    words: "look for what is wrong, and say the cure",
    help: doctorHelp,
    run: async (args, io) => await (await import("./doctor.ts")).runDoctor(args, io),
  },
  admin: {
    words: "run the server from its own machine",
    help: adminHelp,
    run: async (args, io) => await (await import("./admin.ts")).runAdmin(args, io),
  },
  version: {
    words: "print the version, or compare a server's page with this one",
    help: versionHelp,
    run: async (args, io) => await (await import("./page_check.ts")).runVersion(args, io),
  },
};

/** Runs one command line and resolves to the exit status. Never throws. */
export async function main(args: readonly string[], io: CommandIo): Promise<ExitStatus> {
  const [word = "", ...rest] = args;
  const name = word === "--version" ? "version" : word;
  if (name === "" || name === "help" || name === "--help" || name === "-h") {
    io.print(usage(COMMANDS));
    return name === "" ? 2 : 0;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    io.writeLog(`snug: ${JSON.stringify(name.slice(0, 40))} is no command. Try snug --help.`);
    return 2;
  }
  if (rest.some((arg) => arg === "--help" || arg === "-h")) {
    io.print(command.help());
    return 0;
  }
  try {
    return await command.run(rest, io);
  } catch (error) {
    io.writeLog(`snug: ${error instanceof Error ? error.message : String(error)}`);
    return error instanceof ConfigError ? 2 : 1;
  }
}

/**
 * A thrown error or rejected promise that nobody caught would end the process, and with it every
 * conversation on it. It is a bug, so it is logged as one, and the server goes on (M1).
 */
export function guardProcess(io: Pick<CommandIo, "now" | "writeLog">): void {
  const log = createLog({ level: "error", now: io.now, write: io.writeLog });
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    log.error("process.error", { error: event.error });
  });
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    log.error("process.rejection", { error: event.reason });
  });
}

/**
 * Aborts on SIGTERM or SIGINT; asked again later, the process ends at once. Ctrl-C under `deno task`
 * arrives twice, from the terminal and from the task runner, and is one wish.
 */
function stopSignal(now: () => number): AbortSignal {
  const stop = new AbortController();
  let asked = 0;
  const onSignal = () => {
    if (!stop.signal.aborted) asked = now();
    else if (now() - asked > SAME_WISH_MS) Deno.exit(130);
    stop.abort();
  };
  Deno.addSignalListener("SIGINT", onSignal);
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", onSignal);
  return stop.signal;
}

if (import.meta.main && isThread()) {
  answerBackups(() => Date.now());
} else if (import.meta.main) {
  const encoder = new TextEncoder();
  const io: CommandIo = {
    env: (name) => Deno.env.get(name),
    print: (line) => void Deno.stdout.writeSync(encoder.encode(line + "\n")),
    writeLog: (line) => void Deno.stderr.writeSync(encoder.encode(line + "\n")),
    now: () => Date.now(),
    onTerminal: Deno.stdout.isTerminal(),
    stop: stopSignal(() => Date.now()),
    program: import.meta.url,
  };
  guardProcess(io);
  if (Deno.args[0] === "backup") stepBack();
  Deno.exit(await main(Deno.args, io));
}
