/**
 * The structured log: one JSON object a line, made of allow-listed fields only.
 *
 * What is not on the list cannot be written, whatever the caller passes: no address, name, key,
 * code, cookie, body or error message (messages quote their input). "error" means a bug.
 */

/** How important a line is. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** The levels, least important first. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const satisfies readonly LogLevel[];

/**
 * The fields a line may have besides time, level and event. Strings are short words chosen in the
 * code (a route pattern, an error code), never something a client sent.
 */
export interface LogFields {
  readonly method?: string;
  readonly route?: string;
  readonly status?: number;
  readonly ms?: number;
  readonly code?: string;
  readonly count?: number;
  readonly bytes?: number;
  readonly signal?: string;
  readonly version?: string;
  readonly reason?: string;
  readonly origin?: string;
  /** Only the class and the stack frames of an error are written, never its message. */
  readonly error?: unknown;
}

/** Writes events. Injected everywhere; only the composition root makes one. */
export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

/** What a log needs from outside. */
export interface LogOptions {
  readonly level: LogLevel;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly write: (line: string) => void;
}

const WORDS = ["method", "route", "code", "signal", "version", "reason", "origin"] as const;
const NUMBERS = ["status", "ms", "count", "bytes"] as const;
const MAX_WORD = 200;
const MAX_FRAMES = 8;

/** A log that writes to `options.write`, one line a call, and never throws. */
export function createLog(options: LogOptions): Log {
  const least = LOG_LEVELS.indexOf(options.level);
  const at = (level: LogLevel) => (event: string, fields: LogFields = {}) => {
    if (LOG_LEVELS.indexOf(level) < least) return;
    const time = new Date(options.now()).toISOString();
    const line = JSON.stringify({ time, level, event: word(event), ...allowed(fields) });
    try {
      options.write(line);
    } catch {
      // A full disk or a closed pipe must not take the server down with it.
    }
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** A log that writes nothing. */
export const silentLog: Log = Object.freeze({
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
});

function allowed(fields: LogFields): Record<string, unknown> {
  const line: Record<string, unknown> = {};
  for (const name of WORDS) {
    const value = fields[name];
    if (typeof value === "string") line[name] = word(value);
  }
  for (const name of NUMBERS) {
    const value = fields[name];
    if (typeof value === "number" && Number.isFinite(value)) line[name] = value;
  }
  if (fields.error !== undefined) Object.assign(line, errorFields(fields.error));
  return line;
}

/** Printable ASCII only, so that a log line can never carry terminal escapes or fill the disk. */
function word(value: string): string {
  return value.slice(0, MAX_WORD).replace(/[^\x20-\x7e]/g, "?");
}

function errorFields(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { error: typeof error };
  return { error: word(error.name), stack: frames(error) };
}

/** The stack without its first lines: those repeat the message. */
function frames(error: Error): string[] {
  const lines = (error.stack ?? "").split("\n").map((line) => line.trim());
  return lines.filter((line) => /^at .*:\d+:\d+\)?$/.test(line)).slice(0, MAX_FRAMES).map(word);
}
